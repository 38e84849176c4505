//! Objects on disk: reading them, and taking a pack in.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes};
use camino::{Utf8Path, Utf8PathBuf};
use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::{Exists, Find, FindHeader, Kind};
use gix_pack::Bundle;
use gix_pack::cache::lru::MemoryCappedHashmap;
use gix_utils::progress::Discard;
use tokio::sync::mpsc;

use crate::error::Failure;
use crate::protocol::PackStream;
use crate::remote::Limits;

/// Bytes of unpacked objects that a reader keeps for deltas.
const DELTA_CACHE: usize = 8 << 20;
/// Pieces of a pack on their way to disk.
const PIECES: usize = 16;

/// The objects of one repository, as they were on disk when opened.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<gix_odb::Store>,
}

impl Objects {
    /// Opens the object folder.
    pub(crate) fn open(directory: &Utf8Path, limits: &Limits) -> Result<Self, Failure> {
        let options = gix_odb::store::init::Options {
            use_multi_pack_index: false,
            alloc_limit_bytes: Some(limits.object_bytes),
            current_dir: Some(directory.into()),
            ..gix_odb::store::init::Options::default()
        };
        let handle = gix_odb::at_opts(directory, HashKind::Sha1, [], options)
            .and_then(gix_odb::Handle::into_arc)
            .map_err(Failure::store("failed to open"))?;
        Ok(Self { store: handle.into_inner().store() })
    }

    /// A reader with a buffer of its own.
    pub(crate) fn reader(&self) -> Reader {
        let mut handle = self.store.to_cache_arc();
        handle.refresh_never();
        handle.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(DELTA_CACHE)));
        Reader { handle, buffer: Vec::new() }
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Objects")
    }
}

/// Reads objects one after the other.
pub(crate) struct Reader {
    handle: gix_odb::HandleArc,
    buffer: Vec<u8>,
}

impl Reader {
    /// Whether the object is there.
    pub(crate) fn has(&self, id: &ObjectId) -> bool {
        self.handle.exists(id)
    }

    /// The object of that kind; damaged when it is not there or of another kind.
    pub(crate) fn read(&mut self, id: &ObjectId, kind: Kind) -> Result<&[u8], Failure> {
        match self.any(id)? {
            (found, bytes) if found == kind => Ok(bytes),
            _ => Err(damaged(id)),
        }
    }

    /// The object, whatever it is.
    pub(crate) fn any(&mut self, id: &ObjectId) -> Result<(Kind, &[u8]), Failure> {
        match self.handle.try_find(id, &mut self.buffer) {
            Ok(Some(data)) => Ok((data.kind, data.data)),
            Ok(None) | Err(_) => Err(damaged(id)),
        }
    }

    /// The blob, into a buffer of the caller.
    pub(crate) fn read_into(&mut self, id: &ObjectId, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        match self.handle.try_find(id, buffer) {
            Ok(Some(data)) if data.kind == Kind::Blob => Ok(()),
            Ok(_) | Err(_) => Err(damaged(id)),
        }
    }

    /// The size of the object in bytes.
    pub(crate) fn size(&self, id: &ObjectId) -> Result<u64, Failure> {
        match self.handle.try_header(id) {
            Ok(Some(header)) => Ok(header.size),
            Ok(None) | Err(_) => Err(damaged(id)),
        }
    }
}

fn damaged(id: &ObjectId) -> Failure {
    Failure::StoreDamaged(id.to_string())
}

/// Writes the pack that arrives on `stream` below `directory`, with its index.
///
/// With `thin`, deltas may build on objects that are there. `keep_alive` lives until the last byte is written, also
/// when this future is dropped before.
pub(crate) async fn receive(
    mut stream: PackStream<'_>,
    directory: Utf8PathBuf,
    thin: Option<Objects>,
    limits: Limits,
    keep_alive: impl Send + 'static,
) -> Result<(), Failure> {
    stream.limit(limits.pack_bytes);
    let (sender, receiver) = mpsc::channel(PIECES);
    let interrupt = Interrupt::default();
    let flag = Arc::clone(&interrupt.0);
    let indexing = tokio::task::spawn_blocking(move || {
        let _keep_alive = keep_alive;
        index(Pieces { receiver, piece: Bytes::new() }, &directory, thin, &limits, &flag)
    });
    let feeding = feed(&mut stream, &sender, &limits).await;
    drop(sender);
    if feeding.is_err() {
        interrupt.raise();
    }
    // A panic of the parser on hostile input ends up here as well.
    let indexed = indexing.await.map_err(|_| Failure::CorruptPack("it cannot be indexed".to_owned()));
    feeding?;
    indexed?
}

/// Passes the pack on after a look at its header.
async fn feed(stream: &mut PackStream<'_>, sender: &mpsc::Sender<Bytes>, limits: &Limits) -> Result<(), Failure> {
    let mut header = Vec::new();
    let mut checked = false;
    while let Some(piece) = stream.next().await? {
        if !checked {
            header.extend_from_slice(&piece[..piece.len().min(12 - header.len())]);
            if let [b'P', b'A', b'C', b'K', _, _, _, _, a, b, c, d] = header[..] {
                checked = true;
                if u32::from_be_bytes([a, b, c, d]) > limits.pack_objects {
                    let what = "the number of objects in the pack".to_owned();
                    return Err(Failure::LimitExceeded { what, limit: limits.pack_objects.into() });
                }
            } else if header.len() == 12 {
                return Err(Failure::CorruptPack("it does not start like a pack".to_owned()));
            }
        }
        if sender.send(piece).await.is_err() {
            // The index has failed and says why.
            break;
        }
    }
    Ok(())
}

/// Writes pack and index, blocking.
fn index(
    mut pieces: Pieces,
    directory: &Utf8Path,
    thin: Option<Objects>,
    limits: &Limits,
    interrupt: &AtomicBool,
) -> Result<(), Failure> {
    let options = gix_pack::bundle::write::Options {
        thread_limit: Some(1),
        alloc_limit_bytes: Some(limits.object_bytes),
        ..gix_pack::bundle::write::Options::default()
    };
    let outcome = Bundle::write_to_directory(
        &mut pieces,
        Some(directory.as_std_path()),
        &mut Discard,
        interrupt,
        thin.map(|objects| objects.reader().handle),
        HashKind::Sha1,
        options,
    )
    .map_err(|err| Failure::corrupt(&err))?;
    if let Some(keep) = outcome.keep_path {
        std::fs::remove_file(keep).map_err(Failure::store("failed to finish a pack"))?;
    }
    Ok(())
}

/// Stops the index when dropped.
#[derive(Default)]
struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.raise();
    }
}

/// The pieces of a pack as one file.
struct Pieces {
    receiver: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.fill_buf()?;
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => break,
            }
        }
        Ok(&self.piece)
    }

    fn consume(&mut self, amount: usize) {
        self.piece.advance(amount);
    }
}
