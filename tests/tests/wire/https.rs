//! https on our own listener: what it speaks, who may not keep it busy, and what happens when certificates change.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mcp_runtime::{HttpSettings, Tls, tools};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    client::TlsStream,
    rustls::{
        HandshakeKind, ProtocolVersion,
        version::{TLS12, TLS13},
    },
};

use crate::{
    certificates::{Authority, Client, shown},
    client::Call,
    connections::Scene,
    raw::{Live, Wire, soon},
    world::{World, hello, vault, whoami},
};

pub(crate) const LOOPBACK: &str = "https://127.0.0.1:8000/mcp";

fn world(tls: Tls, change: impl FnOnce(HttpSettings) -> HttpSettings) -> World {
    World::at(LOOPBACK, tools![hello, whoami, vault], |builder| builder.tls(tls).http(change))
}

pub(crate) async fn secure(client: &Client, address: SocketAddr) -> Wire<TlsStream<TcpStream>> {
    Wire::over(soon(client.connect(address)).await.unwrap())
}

async fn says_hello(wire: &mut Wire<TlsStream<TcpStream>>) {
    wire.send(&Call::tool("hello", json!({})).bytes()).await;
    wire.answer().await.ok();
}

#[tokio::test]
async fn calls_go_through_tls_1_2_and_1_3() {
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    let world = world(tls, |http| http);
    let live = Live::start(&world.server).await;
    for (version, is) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        for alpn in [&[][..], &[b"http/1.1".as_slice()], &[b"h2", b"http/1.1"]] {
            let mut wire = secure(&authority.client_of(&[version], alpn), live.address).await;
            let spoken = wire.stream.get_ref().1;
            assert_eq!(spoken.protocol_version(), Some(is));
            assert_eq!(spoken.alpn_protocol(), alpn.last().copied());
            says_hello(&mut wire).await;
            wire.send(&Call::tool("whoami", json!({})).token(&world.plain("alice")).bytes()).await;
            assert_eq!(wire.answer().await.ok(), "alice");
            wire.send(&Call::tool("whoami", json!({})).bytes()).await;
            assert_eq!(wire.answer().await.status, 401);
        }
        // Who insists on something else than HTTP/1.1 is told so, not answered with what it does not understand.
        assert!(soon(authority.client_of(&[version], &[b"h2"]).connect(live.address)).await.is_err());
    }
    world.ran(12);
}

#[tokio::test]
async fn a_client_that_trusts_others_does_not_connect() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (_, tls) = authority.installed();
    let world = world(tls, |http| http);
    let live = Live::start(&world.server).await;
    assert!(soon(other.client().connect(live.address)).await.is_err());
    says_hello(&mut secure(&authority.client(), live.address).await).await;
}

#[tokio::test]
async fn who_speaks_plainly_or_nonsense_is_hung_up_on() {
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    let world = world(tls, |http| http);
    let live = Live::start(&world.server).await;
    let hello = Call::tool("hello", json!({})).bytes();
    for bytes in [&hello[..], b"\r\n\r\n\r\n", &[0; 70_000], &[0x16, 3, 1, 0x40, 0, 1, 0, 0, 0, 0, 0, 0], &[0xff; 100]]
    {
        let mut wire = live.connect().await;
        wire.send(bytes).await;
        // Who sends half a message may wait for an answer; who says that there is no more need not.
        let _ = wire.stream.shutdown().await;
        let said = wire.closed().await;
        assert!(!said.contains("HTTP/") && !said.contains("hello"), "{said}");
    }
    world.ran(0);
    says_hello(&mut secure(&authority.client(), live.address).await).await;
    world.ran(1);
}

#[tokio::test]
async fn handshakes_that_do_not_come_are_not_waited_for() {
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    let world = world(tls, |http| http.header_timeout(Duration::from_secs(1)).max_connections_per_address(3));
    let live = Live::start(&world.server).await;
    // Two say nothing, or little; they count, and keep nobody else waiting.
    let (silent, mut slow) = (live.connect().await, live.connect().await);
    slow.send(&[0x16, 3, 1, 0x40]).await;
    let client = authority.client();
    let mut wire = secure(&client, live.address).await;
    says_hello(&mut wire).await;
    let fourth = live.connect().await;
    assert_eq!(fourth.closed().await, "");
    let still = silent.stream.try_read(&mut [0]);
    assert!(still.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "closed early");
    assert_eq!((silent.closed().await, slow.closed().await), (String::new(), String::new()));
    // Nor is the first request waited for.
    assert_eq!(wire.closed().await, "");
    assert_eq!(secure(&client, live.address).await.closed().await, "");
    // And there is room again.
    for _ in 0..3 {
        says_hello(&mut secure(&client, live.address).await).await;
    }
    world.ran(4);
}

#[tokio::test]
async fn a_shutdown_lets_calls_finish_and_waits_for_no_handshake() {
    let (authority, scene) = (Authority::new(), Scene::default());
    let (_, tls) = authority.installed();
    let world = World::at(LOOPBACK, tools![crate::connections::waits], |builder| builder.state(scene.clone()).tls(tls));
    let mut live = Live::start(&world.server).await;
    let mut handshake = live.connect().await;
    handshake.send(&[0x16]).await;
    let mut wire = secure(&authority.client(), live.address).await;
    wire.send(&Call::tool("waits", json!({})).bytes()).await;
    soon(scene.entered.notified()).await;
    let began = Instant::now();
    live.stop();
    assert_eq!(handshake.closed().await, "");
    scene.go_on.notify_one();
    wire.answer().await.ok();
    live.stopped().await;
    // A handshake may take ten seconds while the server runs.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_its_denial() {
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    let world = world(tls, |http| http);
    let live = Live::start(&world.server).await;
    for length in [1_000, 64 * 1024 + 1, 4 * 1024 * 1024] {
        let mut wire = secure(&authority.client(), live.address).await;
        let call = Call::tool("vault", json!({"text": "x"})).with_body(vec![b' '; length]);
        assert!(wire.send(&call.bytes()).await, "{length}: the server hung up");
        assert_eq!(wire.answer().await.status, 401);
    }
    world.ran(0);
}

#[tokio::test]
async fn a_connection_ends_with_a_word_so_that_nobody_can_cut_it_short() {
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    let world = world(tls, |http| http);
    let live = Live::start(&world.server).await;
    let mut stream = soon(authority.client().connect(live.address)).await.unwrap();
    stream.write_all(&Call::tool("hello", json!({})).header("Connection", "close").bytes()).await.unwrap();
    let mut said = String::new();
    // Without `close_notify` this is an error.
    soon(stream.read_to_string(&mut said)).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

/// Calls on one connection after another until told to stop, three calls each; returns how many calls were answered.
async fn load(client: Client, address: SocketAddr, stop: Arc<AtomicBool>, answered: Arc<AtomicUsize>) {
    while !stop.load(Ordering::SeqCst) {
        let mut wire = secure(&client, address).await;
        for _ in 0..3 {
            says_hello(&mut wire).await;
            answered.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn until(what: impl Fn() -> bool) {
    soon(async {
        while !what() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_replaced_under_load_and_nobody_notices() {
    let authority = Authority::new();
    let (first, tls) = authority.installed();
    let world = World::at(LOOPBACK, tools![hello], |builder| {
        builder.tls(tls.clone()).no_default_rate_limit().no_address_rate_limit()
    });
    let live = Live::start(&world.server).await;
    let client = authority.client();
    let mut old = secure(&client, live.address).await;
    says_hello(&mut old).await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let busy = |_| tokio::spawn(load(authority.client(), live.address, Arc::clone(&stop), Arc::clone(&answered)));
    let busy: Vec<_> = (0..4).map(busy).collect();
    let mut current = first;
    for _ in 0..5 {
        let seen = answered.load(Ordering::SeqCst);
        until(|| answered.load(Ordering::SeqCst) >= seen + 8).await;
        assert_eq!(client.shown(live.address).await, current.der);
        current = authority.issue();
        authority.install(&current);
        assert!(tls.reload().unwrap() && !tls.reload().unwrap());
        assert_eq!(client.shown(live.address).await, current.der);
        // Connections from before go on.
        says_hello(&mut old).await;
    }
    stop.store(true, Ordering::SeqCst);
    for busy in busy {
        soon(busy).await.unwrap();
    }
    world.ran(answered.load(Ordering::SeqCst) + 6);
}

#[tokio::test]
async fn who_comes_back_after_a_replacement_sees_the_new_certificate() {
    let authority = Authority::new();
    let (first, tls) = authority.installed();
    let world = world(tls.clone(), |http| http);
    let live = Live::start(&world.server).await;
    for version in [&TLS12, &TLS13] {
        let client = authority.client_of(&[version], &[]);
        let kind = async || {
            let mut wire = secure(&client, live.address).await;
            // With the first answer come the tickets.
            says_hello(&mut wire).await;
            (wire.stream.get_ref().1.handshake_kind().unwrap(), shown(&wire.stream))
        };
        let (_, before) = kind().await;
        // Sessions are remembered …
        assert_eq!(kind().await, (HandshakeKind::Resumed, before));
        // … and forgotten with the certificate, which may have been replaced because its key was stolen.
        let second = authority.issue();
        assert_ne!(second.der, first.der);
        authority.install(&second);
        assert!(tls.reload().unwrap());
        assert_eq!(kind().await, (HandshakeKind::Full, second.der));
    }
}

#[tokio::test]
async fn a_broken_replacement_changes_nothing() {
    let authority = Authority::new();
    let (first, tls) = authority.installed();
    let world = world(tls.clone(), |http| http);
    let live = Live::start(&world.server).await;
    let (client, second) = (authority.client(), authority.issue());
    let half = &second.certificate[..second.certificate.len() / 2];
    for (certificate, key, says) in [
        (second.certificate.as_str(), first.key.as_str(), "is not that of the first certificate"),
        (first.certificate.as_str(), second.key.as_str(), "is not that of the first certificate"),
        ("", second.key.as_str(), "there is no certificate in"),
        (half, second.key.as_str(), "is not whole"),
        (second.certificate.as_str(), "", "there is no private key in"),
        (
            second.certificate.as_str(),
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "cannot be used",
        ),
    ] {
        authority.install_certificate(certificate);
        authority.install_key(key);
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(client.shown(live.address).await, first.der);
    }
    fs::remove_file(authority.key_file()).unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("key.pem` cannot be read"));
    assert_eq!(client.shown(live.address).await, first.der);
    authority.install(&second);
    assert!(tls.reload().unwrap());
    assert_eq!(client.shown(live.address).await, second.der);
}

#[tokio::test]
async fn a_server_finds_new_files_by_itself_and_never_half_of_them() {
    let authority = Authority::new();
    let (first, tls) = authority.installed();
    let world = world(tls.check_every(Duration::from_millis(10)), |http| http);
    let live = Live::start(&world.server).await;
    let client = authority.client();
    let mut old = secure(&client, live.address).await;
    let mut current = first;
    for _ in 0..3 {
        let next = authority.issue();
        // A deploy that is slower than the server's look at it.
        authority.install_certificate(&next.certificate);
        for _ in 0..20 {
            assert_eq!(client.shown(live.address).await, current.der);
            says_hello(&mut old).await;
        }
        authority.install_key(&next.key);
        soon(async {
            // Each handshake ends well, with one certificate or the other.
            while client.shown(live.address).await != next.der {}
        })
        .await;
        current = next;
    }
    says_hello(&mut old).await;
}

#[tokio::test]
async fn files_that_are_still_being_written_are_not_used() {
    let authority = Authority::new();
    let (first, tls) = authority.installed();
    let world = world(tls.check_every(Duration::from_millis(500)), |http| http);
    let live = Live::start(&world.server).await;
    let (client, next) = (authority.client(), authority.issue());
    authority.install(&next);
    let began = Instant::now();
    let mut chain = next.certificate.clone();
    // Whole certificates all along, and never the same for as long as the server waits.
    while began.elapsed() < Duration::from_secs(2) {
        chain += "more\n";
        authority.install_certificate(&chain);
        assert_eq!(client.shown(live.address).await, first.der);
    }
    soon(async { while client.shown(live.address).await != next.der {} }).await;
}
