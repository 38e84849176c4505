use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use flux_storage::{ServerOptions, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<std::io::Result<()>>,
}

const FILE: &str = "/gitrepository/apps/shop/abc.tar.gz";

async fn start(options: ServerOptions) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    fs::create_dir_all(root.join("gitrepository/apps/shop")).unwrap();
    fs::write(root.join(&FILE[1..]), "0123456789").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let token = stop.clone();
    #[expect(clippy::disallowed_methods, reason = "the test owns the server for its own length")]
    let ended = tokio::spawn(async move { serve(listener, &root, options, token).await });
    Server { folder, address, stop, ended }
}

impl Server {
    fn path(&self, path: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.folder.path()).unwrap().join(path.trim_start_matches('/'))
    }

    /// One request on a connection of its own: status, headers in lower case, body.
    async fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for header in headers {
            request += &[header, "\r\n"].concat();
        }
        stream.write_all((request + "\r\n").as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[]).await
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

#[tokio::test]
async fn a_file_is_served_with_length_type_and_validators() {
    let server = start(ServerOptions::default()).await;
    let answer = server.get(FILE).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "0123456789"));
    assert_eq!(answer.header("content-length"), Some("10"));
    assert_eq!(answer.header("content-type"), Some("application/gzip"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert!(answer.header("last-modified").unwrap().ends_with(" GMT"));
    assert!(answer.header("etag").unwrap().starts_with('"'), "strong");
    let head = server.ask("HEAD", FILE, &[]).await;
    assert_eq!((head.status, head.body.as_str(), head.header("content-length")), (200, "", Some("10")));
    assert_eq!(head.header("etag"), answer.header("etag"));
}

#[tokio::test]
async fn ranges_and_conditions_work_and_a_replaced_file_has_another_etag() {
    let server = start(ServerOptions::default()).await;
    let etag = server.get(FILE).await.header("etag").unwrap().to_owned();
    let part = server.ask("GET", FILE, &["Range: bytes=2-4", &format!("If-Range: {etag}")]).await;
    assert_eq!((part.status, part.body.as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(part.header("content-length"), Some("3"));
    let beyond = server.ask("GET", FILE, &["Range: bytes=10-"]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */10")));
    let same = server.ask("GET", FILE, &[&format!("If-None-Match: {etag}")]).await;
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", Some(etag.as_str())));

    // As the storage publishes: another file takes the name. Same size, so that only identity can tell.
    fs::write(server.path("draft"), "abcdefghij").unwrap();
    fs::rename(server.path("draft"), server.path(FILE)).unwrap();
    let fresh = server.ask("GET", FILE, &[&format!("If-None-Match: {etag}")]).await;
    assert_eq!((fresh.status, fresh.body.as_str()), (200, "abcdefghij"));
    let stale = server.ask("GET", FILE, &["Range: bytes=5-", &format!("If-Range: {etag}")]).await;
    assert_eq!((stale.status, stale.body.as_str()), (200, "abcdefghij"));
    assert_eq!(server.ask("GET", FILE, &[&format!("If-Match: {etag}")]).await.status, 412);
}

#[tokio::test]
async fn the_root_lists_what_is_there_and_drafts_do_not_exist() {
    let server = start(ServerOptions::default()).await;
    fs::write(server.path(".draft-1"), "half").unwrap();
    fs::write(server.path("a<b&c"), "").unwrap();
    let root = server.get("/").await;
    assert_eq!(root.status, 200);
    assert_eq!(
        root.body,
        "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n\
         <a href=\"./a%3Cb%26c\">a&lt;b&amp;c</a>\n<a href=\"./gitrepository/\">gitrepository/</a>\n</pre>\n"
    );
    let bare = server.get("/gitrepository/apps").await;
    assert_eq!((bare.status, bare.header("location")), (301, Some("apps/")));
    for path in ["/.draft-1", "/missing", "/gitrepository/apps/shop/abc.tar.gz/", "/../etc/passwd", "/%2e%2e/x"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.ask("POST", FILE, &["Content-Length: 0"]).await.status, 405);
}

#[tokio::test]
async fn links_are_followed_inside_the_root_only() {
    let server = start(ServerOptions::default()).await;
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(server.path(FILE), server.path("gitrepository/latest.tar.gz")).unwrap();
    std::os::unix::fs::symlink(outside.path(), server.path("escape")).unwrap();
    std::os::unix::fs::symlink("/etc", server.path("etc")).unwrap();
    assert_eq!(server.get("/gitrepository/latest.tar.gz").await.body, "0123456789");
    assert_eq!(server.get("/escape").await.status, 404);
    assert_eq!(server.get("/etc/").await.status, 404);
    assert_eq!(server.get("/etc/hostname").await.status, 404);
}

#[tokio::test]
async fn clients_that_send_or_take_nothing_are_dropped() {
    let impatient = Duration::from_millis(100);
    let options = ServerOptions { header_timeout: impatient, stall_timeout: impatient, ..ServerOptions::default() };
    let server = start(options).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(b"GET / HT").await.unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;

    fs::write(server.path("big"), vec![0; 64 << 20]).unwrap();
    let mut lazy = TcpStream::connect(server.address).await.unwrap();
    lazy.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // The server gives up on its own; the connection's end is what lets a graceful stop pass at once.
    server.stop.cancel();
    server.ended.await.unwrap().unwrap();
    let read = async {
        let (mut total, mut buffer) = (0, vec![0; 1 << 20]);
        while let Ok(count @ 1..) = lazy.read(&mut buffer).await {
            total += count;
        }
        total
    };
    assert!(read.await < 64 << 20, "the answer was cut");
}

#[tokio::test]
async fn stopping_lets_an_open_request_end_and_refuses_new_ones() {
    let server = start(ServerOptions::default()).await;
    fs::write(server.path("big"), vec![b'x'; 16 << 20]).unwrap();
    let mut open = TcpStream::connect(server.address).await.unwrap();
    open.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 1024];
    open.read_exact(&mut first).await.unwrap();
    server.stop.cancel();
    let mut rest = Vec::new();
    open.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() + first.len() > 16 << 20);
    server.ended.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn requests_that_do_not_end_are_cut_after_the_shutdown_timeout() {
    let options = ServerOptions { shutdown_timeout: Duration::from_millis(50), ..ServerOptions::default() };
    let server = start(options).await;
    fs::write(server.path("big"), vec![0; 64 << 20]).unwrap();
    let mut lazy = TcpStream::connect(server.address).await.unwrap();
    lazy.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    lazy.readable().await.unwrap();
    server.stop.cancel();
    server.ended.await.unwrap().unwrap();
}
