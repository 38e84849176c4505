//! A connection that ends when its other side takes too little for too long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Fails a write when, in all the time that writes have waited for the other side, `patience` is used up and fewer than
/// `least` bytes went out meanwhile. After that many bytes the time is counted anew. While nothing waits to be written no
/// time is counted.
#[derive(Debug)]
pub(super) struct StallGuard<S> {
    inner: S,
    patience: Duration,
    least: u64,
    /// How long writes have waited since time was last counted anew, without the wait that is under way.
    waited: Duration,
    /// Bytes that went out since then.
    taken: u64,
    /// The wait that is under way, and when it will have used the patience up.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S: Unpin> StallGuard<S> {
    /// Guards `inner`; `slowest` is in bytes a second.
    pub(super) fn new(inner: S, patience: Duration, slowest: u64) -> Self {
        let least = slowest.saturating_mul(patience.as_secs()).max(1);
        Self { inner, patience, least, waited: Duration::ZERO, taken: 0, waiting: None }
    }

    fn guard<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = poll(Pin::new(&mut self.inner), cx) {
            if let Some((began, _)) = self.waiting.take() {
                self.waited += began.elapsed();
            }
            return Poll::Ready(done);
        }
        loop {
            let left = self.patience.saturating_sub(self.waited);
            let (_, end) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
            ready!(end.as_mut().poll(cx));
            if self.taken < self.least {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes too few bytes")));
            }
            (self.waited, self.taken, self.waiting) = (Duration::ZERO, 0, None);
        }
    }

    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.taken = self.taken.saturating_add(*bytes as u64);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallGuard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallGuard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.guard(cx, |inner, cx| inner.poll_write(cx, buf));
        self.count(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(cx, AsyncWrite::poll_shutdown)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.guard(cx, |inner, cx| inner.poll_write_vectored(cx, bufs));
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// Whether a megabyte arrives at a client that takes `bytes` every ten seconds, with a minute of patience and at
    /// least a hundred bytes a second.
    async fn arrives(bytes: usize) -> bool {
        let (mut client, server) = duplex(16);
        let mut server = StallGuard::new(server, Duration::from_mins(1), 100);
        let reading = async move {
            let mut buffer = vec![0; bytes];
            loop {
                tokio::time::sleep(Duration::from_secs(10)).await;
                if client.read_exact(&mut buffer).await.is_err() {
                    return;
                }
            }
        };
        let writing = async {
            let sent = server.write_all(&vec![0; 1 << 20]).await.is_ok();
            drop(server);
            sent
        };
        let ((), sent) = tokio::join!(reading, writing);
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_too_little_is_given_up_however_steadily_it_does() {
        assert!(arrives(1_300).await);
        assert!(!arrives(900).await);
        assert!(!arrives(1).await);
    }
}
