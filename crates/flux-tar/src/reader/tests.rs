use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::{Algorithm, ArchiveWriter, Mode};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A raw entry, so that tests can say what no honest writer would.
fn entry(kind: EntryType, name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend_from_slice(&[0; 1024]);
    gzip(&bytes)
}

fn read(archive: &[u8], limits: &Limits, links: Links) -> Result<Vec<String>, String> {
    let mut seen = Vec::new();
    read_archive(archive, limits, links, |entry| {
        seen.push(match entry.content {
            Content::Directory => format!("{}/", entry.path),
            Content::File { size, bytes } => {
                let mut text = String::new();
                bytes.read_to_string(&mut text)?;
                assert_eq!(size, text.len() as u64);
                format!("{} {:o} {text}", entry.path, entry.mode)
            }
        });
        Ok(())
    })
    .map(|_| seen)
    .map_err(|err| err.to_string())
}

fn read_one(entries: &[Vec<u8>]) -> Result<Vec<String>, String> {
    read(&archive(entries), &Limits::default(), Links::Skip)
}

#[test]
fn what_the_writer_wrote_comes_back() {
    let long = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    let mut writer = ArchiveWriter::new(Vec::new(), Algorithm::Sha1).unwrap();
    writer.directory("a".into()).unwrap();
    writer.file("a/x".into(), Mode::Executable, 2, &b"hi"[..]).unwrap();
    writer.file(long.as_str().into(), Mode::Regular, 1, &b"1"[..]).unwrap();
    writer.file("ö".into(), Mode::Regular, 0, &b""[..]).unwrap();
    let bytes = writer.finish().unwrap().out;
    assert_eq!(
        read(&bytes, &Limits::default(), Links::Refuse).unwrap(),
        ["a/".to_owned(), "a/x 700 hi".to_owned(), format!("{long} 600 1"), "ö 600 ".to_owned()]
    );
}

#[test]
fn paths_are_relative_and_stay_below_the_root() {
    for name in ["/etc/passwd", "../a", "a/../../b", "a/..", "a\\b", "..\\a"] {
        let refused = read_one(&[entry(EntryType::Regular, name, b"")]).unwrap_err();
        assert_eq!(refused, format!("archive entry \"{name}\" is not a relative path below the root"));
    }
    assert_eq!(read_one(&[entry(EntryType::Regular, "./a/./b", b"1")]).unwrap(), ["a/b 644 1"]);
    assert_eq!(read_one(&[entry(EntryType::Directory, "./", b"")]).unwrap(), [""; 0]);
    assert!(read_one(&[entry(EntryType::Regular, ".", b"1")]).is_err());
}

#[test]
fn a_long_name_is_checked_like_a_short_one() {
    let hidden = |kind, content: &[u8]| {
        read_one(&[entry(kind, "x", content), entry(EntryType::Regular, "harmless", b"1")]).unwrap_err()
    };
    let refused = "archive entry \"../out\" is not a relative path below the root";
    assert_eq!(hidden(EntryType::GNULongName, b"../out\0"), refused);
    assert_eq!(hidden(EntryType::XHeader, &crate::pax::record("path", "../out")), refused);
}

#[test]
fn an_extended_size_must_agree_with_the_header() {
    let sized = |size: &str| {
        read_one(&[
            entry(EntryType::XHeader, "x", &crate::pax::record("size", size)),
            entry(EntryType::Regular, "a", b"12"),
        ])
    };
    assert_eq!(sized("2").unwrap(), ["a 644 12"]);
    assert_eq!(sized("600").unwrap_err(), "archive has an invalid extended header");
}

#[test]
fn symbolic_links_are_skipped_or_refused_and_other_types_are_refused() {
    let link = archive(&[entry(EntryType::Symlink, "link", b""), entry(EntryType::Regular, "a", b"1")]);
    assert_eq!(read(&link, &Limits::default(), Links::Skip).unwrap(), ["a 644 1"]);
    assert_eq!(
        read(&link, &Limits::default(), Links::Refuse).unwrap_err(),
        "archive entry \"link\" is a symbolic link"
    );
    for kind in [EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse] {
        let refused = read_one(&[entry(kind, "a", b"")]).unwrap_err();
        assert_eq!(refused, "archive entry \"a\" is neither a regular file nor a directory");
    }
}

#[test]
fn entries_bytes_and_path_lengths_are_bounded() {
    let three: Vec<_> = ["a", "b", "c"].iter().map(|name| entry(EntryType::Regular, name, b"1")).collect();
    let limits = Limits { entries: 2, ..Limits::default() };
    assert_eq!(read(&archive(&three), &limits, Links::Skip).unwrap_err(), "archive has more than 2 entries");
    let limits = Limits { path: 3, ..Limits::default() };
    let long = archive(&[entry(EntryType::Regular, "abcd", b"")]);
    assert_eq!(read(&long, &limits, Links::Skip).unwrap_err(), "archive has a path of more than 3 bytes");
}

#[test]
fn a_decompression_bomb_is_cut_at_the_limit() {
    let limits = Limits { bytes: 64 * 1024, ..Limits::default() };
    let bomb = archive(&[entry(EntryType::Regular, "zeros", &vec![0; 16 << 20])]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(read(&bomb, &limits, Links::Skip).unwrap_err(), "archive holds more than 65536 bytes");
    let hidden = archive(&[entry(EntryType::Fifo, "zeros", &vec![0; 16 << 20])]);
    assert!(read(&hidden, &limits, Links::Skip).is_err());
    let name = archive(&[entry(EntryType::GNULongName, "x", &vec![b'a'; 16 << 20])]);
    assert_eq!(read(&name, &Limits::default(), Links::Skip).unwrap_err(), "archive has an invalid extended header");
}

#[test]
fn an_archive_cut_short_is_never_taken_for_whole() {
    // Content that does not compress, so that each cut falls into it.
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] % 96 + 32
    };
    let noise: Vec<u8> = (0..200_000).map(|_| next()).collect();
    let whole = archive(&[entry(EntryType::Regular, "a", &noise)]);
    assert!(read(&whole, &Limits::default(), Links::Skip).is_ok());
    for cut in [0, 5, 300, whole.len() / 2, whole.len() * 9 / 10] {
        assert!(read(&whole[..cut], &Limits::default(), Links::Skip).is_err(), "{cut}");
    }
    let tar = entry(EntryType::Regular, "a", &noise);
    assert!(read(&gzip(&tar[..tar.len() / 2]), &Limits::default(), Links::Skip).is_err());
}

#[test]
fn a_sink_that_refuses_ends_the_reading() {
    let bytes = archive(&[entry(EntryType::Regular, "a", b"1"), entry(EntryType::Regular, "b", b"1")]);
    let mut calls = 0;
    let refused = read_archive(&bytes[..], &Limits::default(), Links::Skip, |_| {
        calls += 1;
        Err(io::Error::other("full"))
    });
    assert_eq!(refused.unwrap_err().to_string(), "failed to take archive entry \"a\"");
    assert_eq!(calls, 1);
}

/// Any bytes end in an answer, whatever they are: seeded damage to a real archive, some of it below the compression.
#[test]
fn damaged_archives_end_in_an_answer() {
    let tar = [
        entry(EntryType::XHeader, "x", &crate::pax::record("path", "some/long/name")),
        entry(EntryType::Regular, "a", b"content"),
        entry(EntryType::Directory, "dir/", b""),
        vec![0; 1024],
    ]
    .concat();
    let limits = Limits { entries: 100, bytes: 1 << 20, path: 256 };
    let mut state = 7_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    for _ in 0..2000 {
        let mut plain = tar.clone();
        for _ in 0..=next(4) {
            let (at, byte) = (next(plain.len()), next(256));
            plain[at] = u8::try_from(byte).unwrap();
        }
        // The checksum would refuse most damage before it gets interesting.
        for at in (0..plain.len() - 512).step_by(512) {
            let mut block = tar::Header::new_old();
            block.as_mut_bytes().copy_from_slice(&plain[at..at + 512]);
            block.set_cksum();
            plain[at..at + 512].copy_from_slice(block.as_bytes());
        }
        let mut packed = gzip(&plain);
        if next(2) == 0 {
            let (at, byte) = (next(packed.len()), next(256));
            packed[at] = u8::try_from(byte).unwrap();
        }
        let _ = read_archive(&packed[..], &limits, Links::Skip, |entry| {
            assert!(!entry.path.is_absolute() && !entry.path.as_str().contains(".."));
            if let Content::File { bytes, .. } = entry.content {
                io::copy(bytes, &mut io::sink())?;
            }
            Ok(())
        });
    }
}
