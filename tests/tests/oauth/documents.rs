//! Clients that are named by a document about them: where we are not sent, and what we do not believe.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    browser::{Browser, CALLBACK, link, redeem, refresh},
    world::World,
};

/// A host on this machine that serves what it is told to, and counts who comes by.
struct Fixture {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    answers: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Fixture {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, answers) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(HashMap::new())));
        let (counted, served) = (Arc::clone(&connections), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { address, connections, answers }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What is answered there, byte for byte. What does not end is kept open.
    fn serve(&self, path: &str, answer: impl Into<Vec<u8>>) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer.into());
    }

    fn json(&self, path: &str, document: &Value) {
        self.serve(path, whole("200 OK", "application/json", document.to_string().as_bytes()));
    }

    fn came(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn serve(mut stream: TcpStream, answers: Arc<Mutex<HashMap<String, Vec<u8>>>>) {
    let mut head = Vec::new();
    let mut chunk = [0; 1_024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(length @ 1..) => head.extend(&chunk[..length]),
            _ => return,
        }
    }
    let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = answers.lock().unwrap().get(&path).cloned();
    let answer = answer.unwrap_or_else(|| whole("404 Not Found", "text/plain", b"nothing"));
    let _ = stream.write_all(&answer).await;
    if answer[..answer.len().min(300)].windows(17).any(|words| words == b"connection: close") {
        return;
    }
    // Until the other side has had enough.
    while matches!(stream.read(&mut chunk).await, Ok(1..)) {}
}

fn whole(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn document(id: &str) -> Value {
    json!({"client_id": id, "client_name": "A published client", "redirect_uris": [CALLBACK]})
}

#[tokio::test]
async fn what_cannot_be_believed_is_no_client() {
    let world = World::with(|builder| builder.allow_loopback_documents()).await;
    let fixture = Fixture::start().await;
    let mut alice = Browser::of(&world, "alice").await;
    let with = |path: &str, name: &str, value: Value| {
        let mut document = document(&fixture.url(path));
        document[name] = value;
        document
    };
    let good = document(&fixture.url("/good")).to_string();
    fixture.json("/good", &document(&fixture.url("/good")));
    for (path, name, value) in [
        ("/id-other", "client_id", json!(fixture.url("/good"))),
        ("/id-slash", "client_id", json!(fixture.url("/id-slash/"))),
        ("/id-case", "client_id", json!(fixture.url("/ID-case"))),
        ("/id-none", "client_id", json!(null)),
        ("/id-list", "client_id", json!([fixture.url("/id-list")])),
        ("/id-plain", "client_id", json!("web")),
        ("/secret", "client_secret", json!("in public")),
        ("/basic", "token_endpoint_auth_method", json!("client_secret_basic")),
        ("/unknown", "token_endpoint_auth_method", json!("tls_client_auth")),
        ("/keyless", "token_endpoint_auth_method", json!("private_key_jwt")),
        ("/nameless", "client_name", json!(null)),
        ("/long", "client_name", json!("x".repeat(101))),
        ("/script", "redirect_uris", json!(["javascript:alert(1)"])),
        ("/none", "redirect_uris", json!([])),
        ("/wild", "redirect_uris", json!(["https://*.example.com/cb"])),
        ("/implicit", "grant_types", json!(["implicit"])),
        ("/large", "padding", json!("x".repeat(9 * 1_024))),
    ] {
        fixture.json(path, &with(path, name, value));
    }
    let twice =
        |path: &str| good.replace("/good", path).replacen('{', "{\"redirect_uris\":[\"https://evil.example/cb\"],", 1);
    fixture.serve("/twice", whole("200 OK", "application/json", twice("/twice").as_bytes()));
    fixture.serve("/html", whole("200 OK", "text/html", good.replace("/good", "/html").as_bytes()));
    fixture.serve("/text", whole("200 OK", "text/plain", good.replace("/good", "/text").as_bytes()));
    fixture.serve("/gone", whole("404 Not Found", "application/json", good.replace("/good", "/gone").as_bytes()));
    fixture.serve("/created", whole("201 Created", "application/json", good.replace("/good", "/created").as_bytes()));
    fixture.serve("/empty", whole("200 OK", "application/json", b""));
    fixture.serve("/broken", whole("200 OK", "application/json", &good.as_bytes()[..good.len() - 1]));
    fixture.serve("/binary", whole("200 OK", "application/json", b"\xff\xfe{}"));
    for (path, status) in [("/301", "301 Moved"), ("/302", "302 Found"), ("/307", "307 Temporary Redirect")] {
        fixture.serve(
            path,
            format!("HTTP/1.1 {status}\r\nlocation: /good\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
        );
    }
    // Ten megabytes, announced, not announced, and packed.
    let mut endless = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
    endless.extend(vec![b' '; 10 << 20]);
    fixture.serve("/endless", endless);
    fixture.serve("/announced", whole("200 OK", "application/json", &vec![b' '; 10 << 20]));
    let zipped = good.replace("/good", "/zipped").replace('{', "\u{1f}");
    fixture.serve("/zipped", format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{zipped}", zipped.len()));
    let before = world.census().await;
    let paths: Vec<String> = fixture.answers.lock().unwrap().keys().filter(|path| *path != "/good").cloned().collect();
    assert!(paths.len() >= 30, "{paths:?}");
    for path in paths {
        alice.address = world.address();
        // One host is asked thirty times a minute.
        world.clock.advance(Duration::from_secs(10));
        let (came, id) = (fixture.came(), fixture.url(&path));
        let reply = alice.get(&link(&[("client_id", &id)])).await;
        assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{path}");
        // What is reachable from here is nobody's business: one answer for everything.
        assert!(reply.text.contains("does not know the app") && !reply.text.contains(&id), "{path}: {}", reply.text);
        assert_eq!(fixture.came(), came + 1, "{path}: it was asked, and no redirect was followed");
        // Nor is it asked again at once.
        alice.get(&link(&[("client_id", &id)])).await;
        assert_eq!(fixture.came(), came + 1, "{path}");
    }
    assert_eq!(world.census().await, before);
    let page = alice.get(&link(&[("client_id", &fixture.url("/good"))])).await;
    assert!(page.text.contains("A published client") && page.text.contains("<bdi>127.0.0.1:"), "{}", page.text);
    assert_ne!(world.census().await, before, "or nothing would be counted");
}

/// It takes as long as one exchange may, and others are not kept waiting.
#[tokio::test]
async fn a_slow_host_holds_nobody_up() {
    let world = World::with(|builder| builder.allow_loopback_documents()).await;
    let fixture = Fixture::start().await;
    fixture.serve("/silent", b"".to_vec());
    fixture.serve(
        "/dripping",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{".to_vec(),
    );
    fixture.json("/good", &document(&fixture.url("/good")));
    let mut browsers: Vec<Browser<'_>> = Vec::new();
    for _ in 0..3 {
        browsers.push(Browser::of(&world, "alice").await);
    }
    let [mut one, mut two, mut three] = <[Browser<'_>; 3]>::try_from(browsers).ok().unwrap();
    let (silent, dripping) = (fixture.url("/silent"), fixture.url("/dripping"));
    let (silent, dripping) = (link(&[("client_id", &silent)]), link(&[("client_id", &dripping)]));
    let good = link(&[("client_id", &fixture.url("/good"))]);
    let slow = async { tokio::join!(one.get(&silent), two.get(&dripping)) };
    let quick = async { (three.get(&good).await, Instant::now()) };
    let ((silent, dripping), (good, done)) = tokio::join!(slow, quick);
    assert!(good.text.contains("A published client"), "{good:?}");
    assert!(done.elapsed() > Duration::from_secs(2), "it did not wait for the others");
    for reply in [silent, dripping] {
        assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{reply:?}");
    }
    assert_eq!(world.count("client-document").await, 1);
}

/// Nobody who is not logged in sends us anywhere, by whatever door.
#[tokio::test]
async fn strangers_send_us_nowhere() {
    let world = World::with(|builder| builder.allow_loopback_documents()).await;
    let fixture = Fixture::start().await;
    let id = fixture.url("/good");
    fixture.json("/good", &document(&id));
    let mut stranger = Browser::new(&world);
    let onward = stranger.get(&link(&[("client_id", &id)])).await;
    assert!(onward.location().contains("/login?"), "{onward:?}");
    stranger.get(onward.location()).await;
    stranger.get(&link(&[("client_id", &id), ("prompt", "none")])).await;
    for reply in [
        redeem(&world, "x", &[("client_id", &id)]).await,
        refresh(&world, "x", &[("client_id", &id)]).await,
        world.form("/revoke", &[("client_id", &id), ("token", "x")]).await,
        world.form("/introspect", &[("client_id", &id), ("token", "x")]).await,
        world.form("/token", &[("client_id", &id), ("grant_type", "client_credentials")]).await,
    ] {
        assert_eq!(reply.status_and_error(), (401, "invalid_client".into()));
    }
    assert_eq!(fixture.came(), 0);
    assert_eq!(world.count("client-document").await, 0);
}

/// As it is set up everywhere but in these tests: no address of ours or of a private network is asked, by whatever name.
#[tokio::test]
async fn we_are_not_sent_into_our_own_network() {
    let world = World::new().await;
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], true, "else nothing is tested here");
    let fixture = Fixture::start().await;
    let port = fixture.address.port();
    let mut alice = Browser::of(&world, "alice").await;
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "127.0.0.2",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "255.255.255.255",
        "user@127.0.0.1",
        "127.0.0.1%2f",
    ] {
        for id in
            [format!("https://{host}:{port}/good"), format!("http://{host}:{port}/good"), format!("https://{host}/x")]
        {
            alice.address = world.address();
            let started = Instant::now();
            let reply = alice.get(&link(&[("client_id", &id)])).await;
            assert_eq!((reply.status, reply.location()), (StatusCode::BAD_REQUEST, ""), "{id}");
            assert!(reply.text.contains("does not know the app"), "{id}: {}", reply.text);
            assert!(started.elapsed() < Duration::from_secs(2), "{id} was asked");
        }
    }
    assert_eq!(fixture.came(), 0);
    assert_eq!(world.count("client-document").await, 0);
}

/// What was shown is what is allowed: a document that changes between page and answer is another client.
#[tokio::test]
async fn a_document_that_changes_is_asked_about_again() {
    let world = World::with(|builder| builder.allow_loopback_documents()).await;
    let fixture = Fixture::start().await;
    let id = fixture.url("/client");
    fixture.json("/client", &document(&id));
    let mut alice = Browser::of(&world, "alice").await;
    let page = alice.get(&link(&[("client_id", &id)])).await;
    let mut other = document(&id);
    other["client_name"] = json!("Somebody you trust");
    fixture.json("/client", &other);
    world.clock.advance(Duration::from_secs(3_601));
    let before = world.count("code").await;
    let reply = alice.decide(&page, "allow", &["notes:read"]).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN, "{reply:?}");
    assert_eq!(world.count("code").await, before);
    let page = alice.get(&link(&[("client_id", &id)])).await;
    assert!(page.text.contains("Somebody you trust"), "{}", page.text);
    assert!(alice.decide(&page, "allow", &["notes:read"]).await.told().contains_key("code"));
}
