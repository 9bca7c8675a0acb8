//! A server on a socket, and a client that sends any bytes.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use mcp_runtime::{ServeError, Server};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::client::Answer;

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails instead of hanging.
#[track_caller]
pub(crate) fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let at = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("it did not happen: {at}"),
        }
    }
}

/// A server that serves until it is stopped.
pub(crate) struct Live {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    done: JoinHandle<Result<(), ServeError>>,
}

impl Live {
    pub(crate) async fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = server.clone();
        let done = tokio::spawn(async move {
            let stopped = async {
                // A sender that is gone stops the server as well.
                let _ = stopped.await;
            };
            server.serve_on(listener, stopped).await
        });
        Self { address, stop: Some(stop), done }
    }

    /// Tells the server to stop, and does not wait.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has.
    pub(crate) async fn stopped(self) {
        soon(self.done).await.unwrap().unwrap();
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::over(soon(TcpStream::connect(self.address)).await.unwrap())
    }
}

/// One connection.
pub(crate) struct Wire<S = TcpStream> {
    pub(crate) stream: S,
    read: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes; what the server does not take any more is not this client's problem.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        soon(self.stream.write_all(bytes)).await.is_ok()
    }

    /// Reads one answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let end = self.until(b"\r\n\r\n").await;
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let length = headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "the body broke off: {head}");
        }
        Answer { status, headers, body: self.read.drain(..length).collect() }
    }

    /// Reads until these bytes came; returns where they end.
    pub(crate) async fn until(&mut self, mark: &[u8]) -> usize {
        loop {
            if let Some(at) = self.read.windows(mark.len()).position(|window| window == mark) {
                return at + mark.len();
            }
            assert!(self.more().await, "the server closed; it had said {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// What was read and not used.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }

    /// Waits until the server closes, and returns what it said before.
    pub(crate) async fn closed(mut self) -> String {
        while self.more().await {}
        self.seen()
    }

    /// Reads a little more; false if there is no more.
    async fn more(&mut self) -> bool {
        let mut chunk = [0; 4096];
        // A reset is an end as well.
        let length = soon(self.stream.read(&mut chunk)).await.unwrap_or(0);
        self.read.extend(&chunk[..length]);
        length > 0
    }
}
