//! The load: as many calls as one core can send, over connections that stay open.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
};

const CONNECTIONS: usize = 32;

/// A server that listens, and who calls it.
pub(crate) struct Load {
    address: String,
    token: String,
    callers: u32,
}

/// What a round came to.
pub(crate) struct Answered {
    pub(crate) rate: f64,
    pub(crate) p99_micros: f64,
}

impl Load {
    /// Reads `address token`; `-` for no token. Of several callers each has a token and a network of its own.
    pub(crate) fn new(line: &str, callers: u32) -> Self {
        let (address, token) = line.trim().split_once(' ').expect("address and token");
        Self { address: address.to_owned(), token: token.to_owned(), callers }
    }

    pub(crate) fn callers(&self) -> u32 {
        self.callers
    }

    fn request(&self) -> Request {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","arguments":{"title":"Groceries","text":"Milk, bread, and a dozen eggs","priority":3},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"}}}}"#;
        let many = self.callers > 1;
        let forwarded = if many { "X-Forwarded-For: 2001:db8:0000:0000::1\r\n" } else { "" };
        let bytes = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: add_note\r\n\
             {forwarded}Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.token,
            body.len()
        )
        .into_bytes();
        let at = |text: &[u8]| {
            bytes.windows(text.len()).position(|window| window == text).expect("it is there") + text.len()
        };
        let places = many.then(|| (at(b"Bearer u"), at(b"2001:db8:")));
        Request { bytes, places }
    }
}

/// A request whose caller can be changed in place.
#[derive(Clone)]
struct Request {
    bytes: Vec<u8>,
    /// Where the eight digits of the subject are, and the two groups of the network.
    places: Option<(usize, usize)>,
}

impl Request {
    fn of(&mut self, caller: u32) -> &[u8] {
        if let Some((subject, network)) = self.places {
            let hex = format!("{caller:08x}");
            self.bytes[subject..subject + 8].copy_from_slice(hex.as_bytes());
            self.bytes[network..network + 4].copy_from_slice(&hex.as_bytes()[..4]);
            self.bytes[network + 5..network + 9].copy_from_slice(&hex.as_bytes()[4..]);
        }
        &self.bytes
    }
}

/// Calls for `length`.
pub(crate) fn run(load: &Load, length: Duration) -> Answered {
    let begin = Instant::now();
    let mut times = calls(load, move |_| Instant::now() < begin + length);
    let rate = times.len() as f64 / begin.elapsed().as_secs_f64();
    let at = times.len() * 99 / 100;
    let (_, p99, _) = times.select_nth_unstable(at);
    Answered { rate, p99_micros: f64::from(*p99) / 1000.0 }
}

/// Calls once as each caller.
pub(crate) fn once_each(load: &Load) {
    let callers = load.callers;
    calls(load, move |number| number < callers);
}

/// Calls for as long as `go_on` says, caller after caller, and returns how long each took, in nanoseconds.
fn calls(load: &Load, go_on: impl Fn(u32) -> bool + Copy + 'static) -> Vec<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let next = Rc::new(Cell::new(0));
    LocalSet::new().block_on(&runtime, async {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (address, request, next) = (load.address.clone(), load.request(), Rc::clone(&next));
                tokio::task::spawn_local(connection(address, request, load.callers, next, go_on))
            })
            .collect();
        let mut times = Vec::new();
        for connection in connections {
            times.extend(connection.await.expect("no connection failed"));
        }
        times
    })
}

async fn connection(
    address: String,
    mut request: Request,
    callers: u32,
    next: Rc<Cell<u32>>,
    go_on: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    let mut buffer = vec![0; 16 * 1024];
    let mut times = Vec::with_capacity(1 << 16);
    loop {
        let number = next.get();
        if !go_on(number) {
            return times;
        }
        next.set(number + 1);
        let begin = Instant::now();
        stream.write_all(request.of(number % callers)).await.expect("the server reads");
        let mut have = 0;
        while !is_whole(&buffer[..have]) {
            let got = stream.read(&mut buffer[have..]).await.expect("the server answers");
            assert!(got > 0, "the server closed the connection: {}", String::from_utf8_lossy(&buffer[..have]));
            have += got;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..have]));
        times.push(u32::try_from(begin.elapsed().as_nanos()).unwrap_or(u32::MAX));
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
