//! The same server on a socket: bytes that no client would send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};

use crate::world::{HOST, World};

/// A server that serves until this goes.
struct Live {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Live {
    async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = world.server.clone();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            server.serve_on(listener, stopped).await
        });
        Self { address, _stop: stop }
    }

    /// Sends these bytes and reads until the server has had enough.
    async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (mut read, mut write) = stream.split();
        // The server may stop listening before all is said.
        let sending = async {
            let _ = write.write_all(bytes).await;
            let _ = write.shutdown().await;
        };
        let mut heard = Vec::new();
        let hearing = async {
            let _ = read.read_to_end(&mut heard).await;
        };
        timeout(Duration::from_secs(20), async { tokio::join!(sending, hearing) }).await.expect("it does not end");
        String::from_utf8_lossy(&heard).into_owned()
    }
}

fn status(heard: &str) -> u16 {
    heard.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    let head = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{headers}");
    format!("{head}\r\n{body}").into_bytes()
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn bytes_that_no_client_sends() {
    let world = World::new().await;
    let live = Live::start(&world).await;
    let before = world.census().await;
    let (long, body) = ("x".repeat(200 * 1_024), "x".repeat(10 << 20));
    let length = |bytes: usize| format!("{FORM}Content-Length: {bytes}\r\n");
    for (what, bytes) in [
        ("a long header", request("GET /authorize", &format!("X-Long: {long}\r\n"), "")),
        ("many headers", request("GET /authorize", &"X-One: x\r\n".repeat(2_000), "")),
        ("a long cookie", request("GET /authorize", &format!("Cookie: __Host-mcp-session={long}\r\n"), "")),
        ("a long address", request(&format!("GET /authorize?client_id={long}"), "", "")),
        ("a large form", request("POST /token", &length(body.len()), &body)),
        (
            "a large registration",
            request("POST /register", &length(body.len()).replace("x-www-form-urlencoded", "json"), &body),
        ),
        ("less than announced", request("POST /token", &length(100), "grant_type=x")),
        ("two lengths", request("POST /token", &format!("{}Content-Length: 4\r\n", length(12)), "grant_type=x")),
        (
            "length and chunks",
            request(
                "POST /token",
                &format!("{}Transfer-Encoding: chunked\r\n", length(4)),
                "0\r\n\r\nGET /jwks HTTP/1.1\r\n\r\n",
            ),
        ),
        (
            "bad chunks",
            request("POST /token", &format!("{FORM}Transfer-Encoding: chunked\r\n"), "zz\r\nx\r\n0\r\n\r\n"),
        ),
        ("a space in a name", request("POST /token", &format!("{FORM}Content-Length : 4\r\n"), "a=b&")),
        ("a folded header", request("POST /token", &format!("{FORM}X: a\r\n b\r\nContent-Length: 3\r\n"), "a=b")),
        ("a bare CR", request("GET /authorize", "X: a\rSet-Cookie: x\r\n", "")),
        ("a null", request("GET /authorize?x=\0", "", "")),
        ("no host", b"GET /jwks HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec()),
        ("two hosts", request("GET /jwks", "Host: evil.example\r\n", "")),
        ("another host in the line", request("GET http://evil.example/jwks", "", "")),
        ("nonsense", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
    ] {
        let heard = live.say(&bytes).await;
        assert!(heard.is_empty() || (400..500).contains(&status(&heard)), "{what}: {heard:.300}");
        assert!(
            !heard.contains("evil") && !heard.contains("access_token") && heard.len() < 6_000,
            "{what}: {heard:.300}"
        );
        assert!(heard.matches("HTTP/1.1 ").count() <= 1, "{what}: {heard:.300}");
    }
    assert_eq!(world.census().await, before);
    let heard = live.say(&request("HEAD /jwks", "", "")).await;
    assert!(status(&heard) == 200 && heard.ends_with("\r\n\r\n"), "{heard}");
    let heard = live.say(&request("GET /.well-known/oauth-authorization-server", "", "")).await;
    assert!(status(&heard) == 200 && heard.contains("\"issuer\":\"https://mcp.example.com\""), "{heard}");
}

/// Half a form keeps nobody's place for long.
#[tokio::test(start_paused = true)]
async fn a_form_that_does_not_arrive() {
    let world = World::new().await;
    let live = Live::start(&world).await;
    let mut stream = TcpStream::connect(live.address).await.unwrap();
    stream.write_all(&request("POST /token", &format!("{FORM}Content-Length: 100\r\n"), "grant_type=")).await.unwrap();
    let mut heard = Vec::new();
    let started = tokio::time::Instant::now();
    // Whoever waits is the only one that does anything, so the clock moves by itself.
    let _ = stream.read_to_end(&mut heard).await;
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    let heard = String::from_utf8_lossy(&heard).into_owned();
    assert!(heard.is_empty() || (400..500).contains(&status(&heard)), "{heard}");
}
