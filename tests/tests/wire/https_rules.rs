//! What a server asks before it starts on https, or without it, and what it tells browsers.

use std::time::Duration;

use mcp_runtime::{HttpSettings, ServeError, Server, Tls, tools};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    certificates::{Authority, NAME, set_mode},
    client::Call,
    https::{LOOPBACK, secure},
    raw::{Live, soon},
    world::{Runs, World, hello, whoami},
};

const OUTSIDE: &str = "https://mcp.example.com/mcp";

/// What is wrong with a server with these files.
fn problems(url: &str, tls: Tls) -> String {
    let builder = Server::builder("x", "1").public_url(url).state(Runs::default()).tools(tools![hello]);
    builder.tls(tls).build().unwrap_err().to_string()
}

#[tokio::test]
async fn files_that_do_not_fit_are_refused_at_the_start() {
    let authority = Authority::new();
    let (certificate, key) = (authority.certificate_file(), authority.key_file());
    let refused = |says: &str| {
        let problems = problems(OUTSIDE, authority.tls());
        assert!(problems.contains(says), "{problems}");
        assert!(!problems.contains("MIG") && !problems.contains("KEY-----\n"), "{problems}");
    };
    refused("cert.pem` cannot be read");
    let (first, second) = (authority.issue(), authority.issue());
    authority.install_certificate(&first.certificate);
    refused("key.pem` cannot be read");
    authority.install_key(&second.key);
    refused("is not that of the first certificate");
    // Swapped.
    let swapped = problems(OUTSIDE, Tls::files(&key, &certificate));
    assert!(swapped.contains("there is no certificate in"), "{swapped}");
    authority.install_key(&first.key.replace("PRIVATE", "ENCRYPTED PRIVATE"));
    refused("there is no private key in");
    authority.install_key("MIGsecret");
    refused("there is no private key in");
    authority.install_key("-----BEGIN PRIVATE KEY\nMIGsecret\n");
    refused("is not whole, or not PEM");
    authority.install_certificate("-----BEGIN CERTIFICATE-----\nMIGsecret==\n-----END CERTIFICATE-----\n");
    authority.install_key(&first.key);
    refused("cert.pem` ");
    authority.install_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refused("cannot be read");
    authority.install_certificate(&" ".repeat(1024 * 1024 + 1));
    refused("larger than 1 MiB");
    authority.install_certificate(&first.certificate);
    // One file for both.
    authority.install_key(&format!("{}{}", first.certificate, first.key));
    let builder = || Server::builder("x", "1").state(Runs::default()).tools(tools![hello]);
    builder().tls(Tls::files(&key, &key)).build().unwrap();
    builder().public_url(OUTSIDE).tls(authority.tls()).build().unwrap();
    let plain = problems("http://127.0.0.1:8000/mcp", authority.tls());
    assert!(plain.contains("the public URL is plain http"), "{plain}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    for mode in [0o604, 0o602, 0o620, 0o644] {
        set_mode(&authority.key_file(), mode);
        let problems = problems(OUTSIDE, authority.tls());
        assert!(problems.contains("others can read or write it"), "{mode:o}: {problems}");
        assert!(tls.reload().is_err());
    }
    for mode in [0o600, 0o640, 0o400] {
        set_mode(&authority.key_file(), mode);
        assert!(authority.tls().reload().is_ok(), "{mode:o}");
    }
    // The certificate is for everybody.
    set_mode(&authority.certificate_file(), 0o644);
    tls.reload().unwrap();
}

/// What a server that is there for this URL adds to an answer to this target, over a plain connection from a proxy.
async fn hsts(url: &str, target: &str, change: impl FnOnce(HttpSettings) -> HttpSettings) -> Option<String> {
    let proxied = |http: HttpSettings| change(http.trusted_proxies(["loopback"]));
    let world = World::at(url, tools![hello], |builder| builder.http(proxied));
    let live = Live::start(&world.server).await;
    let host = url.split('/').nth(2).unwrap();
    let mut wire = live.connect().await;
    wire.send(&Call::tool("hello", json!({})).set("Host", host).target(target).bytes()).await;
    let value = wire.answer().await.headers.get("strict-transport-security").cloned();
    value.map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn browsers_are_told_to_come_back_by_https_only() {
    let year = Some("max-age=31536000".to_owned());
    for target in ["/mcp", "/nothing", "/.well-known/oauth-protected-resource"] {
        assert_eq!(hsts(OUTSIDE, target, |http| http).await, year, "{target}");
        assert_eq!(hsts(OUTSIDE, target, HttpSettings::no_hsts).await, None);
        assert_eq!(hsts(LOOPBACK, target, |http| http).await, None);
        assert_eq!(hsts("https://localhost:8000/mcp", target, |http| http).await, None);
        assert_eq!(hsts("http://127.0.0.1:8000/mcp", target, |http| http).await, None);
    }
    let hour = hsts(OUTSIDE, "/mcp", |http| http.hsts(Duration::from_secs(3600))).await;
    assert_eq!(hour.as_deref(), Some("max-age=3600"));
    // By https itself, and with refusals as well.
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    let world = World::at(OUTSIDE, tools![hello, whoami], |builder| builder.tls(tls));
    let live = Live::start(&world.server).await;
    let mut wire = secure(&authority.client(), live.address).await;
    for (call, status) in [("hello", 200), ("whoami", 401)] {
        wire.send(&Call::tool(call, json!({})).set("Host", NAME).bytes()).await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.header("strict-transport-security")), (status, "max-age=31536000"));
    }
    wire.send(&Call::tool("hello", json!({})).set("Host", "evil.example").bytes()).await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.header("strict-transport-security")), (403, "max-age=31536000"));
    world.ran(1);
}

#[tokio::test]
async fn plain_http_needs_a_proxy_that_speaks_https() {
    let authority = Authority::new();
    let (_, tls) = authority.installed();
    let world = |url: &str, change: fn(HttpSettings) -> HttpSettings| {
        World::at(url, tools![hello], |builder| builder.http(change)).server
    };
    let serve = async |server: &Server, address: &str| {
        let listener = TcpListener::bind(address).await.unwrap();
        soon(server.serve_on(listener, std::future::ready(()))).await
    };
    for address in ["127.0.0.1:0", "0.0.0.0:0"] {
        let refused = serve(&world(OUTSIDE, |http| http), address).await;
        let said = format!("{refused:?}");
        assert!(matches!(refused, Err(ServeError::PlainHttp { .. })), "{said}");
        assert!(said.contains("tls(") && said.contains("trusted_proxies("), "{said}");
        serve(&world(OUTSIDE, |http| http.trusted_proxies(["10.0.0.0/8"])), address).await.unwrap();
        serve(&world(OUTSIDE, |http| http.trusted_proxy_hops(1)), address).await.unwrap();
        serve(&world(LOOPBACK, |http| http), address).await.unwrap();
        let speaks = World::at(OUTSIDE, tools![hello], |builder| builder.tls(tls.clone())).server;
        serve(&speaks, address).await.unwrap();
    }
    let refused = world(OUTSIDE, |http| http).serve("127.0.0.1:0").await;
    assert!(matches!(refused, Err(ServeError::PlainHttp { .. })), "{refused:?}");
}
