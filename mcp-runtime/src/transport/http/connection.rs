//! A TCP connection that is closed without losing what was said last, and that does not wait for ever.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How much is still read from a client after our side is closed, and for how long.
///
/// A client in the middle of sending a large body has not read our answer yet. Closing at once would have the
/// kernel answer its next packet with a reset, which throws the answer away unread.
const LINGER_BYTES: usize = 8 * 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(2);

/// How long a client may refuse to take what we send.
const STALL_TIME: Duration = Duration::from_secs(30);

/// A stream with a slow farewell and a bound on stalled writes.
pub(super) struct Connection<S> {
    stream: S,
    stalled: Option<Pin<Box<Sleep>>>,
    farewell: Farewell,
}

enum Farewell {
    NotYet,
    Lingering { until: Pin<Box<Sleep>>, left: usize },
    Done,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, stalled: None, farewell: Farewell::NotYet }
    }

    /// Passes a write's result on; if it cannot go on, gives it until `STALL_TIME`.
    fn watch<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL_TIME)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Farewell::NotYet = this.farewell {
            let closed = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.watch(cx, closed))?;
            this.farewell = Farewell::Lingering { until: Box::pin(sleep(LINGER_TIME)), left: LINGER_BYTES };
        }
        if let Farewell::Lingering { until, left } = &mut this.farewell {
            ready!(linger(&mut this.stream, until, left, cx));
            this.farewell = Farewell::Done;
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads and forgets until the client is done, or has had its time.
fn linger<S: AsyncRead + Unpin>(
    stream: &mut S,
    until: &mut Pin<Box<Sleep>>,
    left: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let mut scratch = [0_u8; 16 * 1024];
    loop {
        if until.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut buffer = ReadBuf::new(&mut scratch);
        match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() && *left > buffer.filled().len() => *left -= buffer.filled().len(),
            _ => return Poll::Ready(()),
        }
    }
}
