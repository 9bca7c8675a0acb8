//! The load: as many calls as one core can send, over connections that stay open.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const CONNECTIONS: usize = 32;

/// A server that listens, and what to send it.
pub(crate) struct Ready {
    address: String,
    token: String,
}

impl Ready {
    /// Reads `address token`; `-` for no token.
    pub(crate) fn parse(line: &str) -> Self {
        let (address, token) = line.trim().split_once(' ').expect("address and token");
        Self { address: address.to_owned(), token: token.to_owned() }
    }

    fn request(&self) -> Vec<u8> {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","arguments":{"title":"Groceries","text":"Milk, bread, and a dozen eggs","priority":3},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"}}}}"#;
        format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: add_note\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )
        .into_bytes()
    }
}

/// Calls for `length`, and returns how many calls were answered per second.
pub(crate) fn run(server: &Ready, length: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let request: Arc<[u8]> = server.request().into();
        let answered = Arc::new(AtomicU64::new(0));
        let begin = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            tasks.spawn(call(server.address.clone(), Arc::clone(&request), Arc::clone(&answered), begin + length));
        }
        while tasks.join_next().await.transpose().expect("no connection failed").is_some() {}
        answered.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
    })
}

async fn call(address: String, request: Arc<[u8]>, answered: Arc<AtomicU64>, end: Instant) {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    let mut buffer = vec![0; 16 * 1024];
    while Instant::now() < end {
        stream.write_all(&request).await.expect("the server reads");
        let mut have = 0;
        while !is_whole(&buffer[..have]) {
            let got = stream.read(&mut buffer[have..]).await.expect("the server answers");
            assert!(got > 0, "the server closed the connection: {}", String::from_utf8_lossy(&buffer[..have]));
            have += got;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..have]));
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Both servers send small answers with a length, in one piece.
fn is_whole(response: &[u8]) -> bool {
    let Some(head) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let name = b"content-length: ";
    let at = response[..head].windows(name.len()).position(|bytes| bytes == name).expect("a length") + name.len();
    let digits = response[at..head].iter().take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    response.len() >= head + 4 + length
}
