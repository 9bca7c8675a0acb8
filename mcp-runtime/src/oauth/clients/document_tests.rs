//! Documents about clients: which are read, how often, and what they cannot make us do.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use super::{
    Client, Clients, Origin,
    authentication::authenticate,
    document::Document,
    support::{Configure, Host, address, core, document},
};
use crate::{
    auth::ClientAddress,
    clock::ManualClock,
    oauth::{
        AuthorizationServerBuilder, Core,
        error::{ErrorCode, OAuthError},
        visit::Form,
    },
};

fn local(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.allow_loopback_documents()
}

async fn resolve(core: &Core, id: &str) -> Result<Option<Client>, OAuthError> {
    core.clients.resolve(core, id, address("192.0.2.1")).await
}

async fn is_kept(core: &Core) -> bool {
    !core.records.list::<Document>("", None, 10).await.unwrap().is_empty()
}

#[test]
fn what_can_be_the_url_of_a_document() {
    for id in [
        "https://app.example.com/client",
        "https://app.example.com/",
        "https://app.example.com:8443/oauth/client.json",
        "https://app.example.com/client?v=1",
        "https://claude.ai/oauth/claude-code-client-metadata",
    ] {
        assert!(Clients::is_document_id(id), "{id}");
    }
    let long = format!("https://app.example.com/{}", "x".repeat(500));
    for id in [
        "",
        "app",
        "dcr_x",
        "https://app.example.com",
        "https://app.example.com?x",
        "http://app.example.com/client",
        "HTTPS://app.example.com/client",
        "https://App.example.com/client",
        "https://app.example.com./client",
        "https://user@app.example.com/client",
        "https://user:pass@app.example.com/client",
        "https://app.example.com/client#x",
        "https://app.example.com/../client",
        "https://app.example.com/./client",
        "https://app.example.com/%2e%2e/client",
        "https://app.example.com\\client",
        "https://0x7f.1/client",
        "https://2130706433/client",
        "https://127.1/client",
        "https://app.example.com:0/client",
        "https://app.example.com/cli ent",
        "https://äpp.example.com/client",
        "ftp://app.example.com/client",
        "file:///etc/passwd",
        long.as_str(),
    ] {
        assert!(!Clients::is_document_id(id), "{id}");
    }
}

#[tokio::test]
async fn a_document_is_read_once_while_it_is_fresh() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let core = core(&clock, local);
    let id = host.url("/client.json");
    host.answers_json(&document(&id));
    assert!(core.clients.known(&core, &id).await.unwrap().is_none());
    assert_eq!(host.hits(), 0, "`known` never goes anywhere");
    let client = resolve(&core, &id).await.unwrap().unwrap();
    assert_eq!((client.id.as_str(), client.name.as_str(), client.origin), (id.as_str(), "An editor", Origin::Document));
    assert!(core.clients.known(&core, &id).await.unwrap().is_some());
    clock.advance(Duration::from_secs(3_599));
    resolve(&core, &id).await.unwrap().unwrap();
    assert_eq!(host.hits(), 1);
    // An hour later it says something else.
    let mut changed = document(&id);
    changed["redirect_uris"] = json!(["https://elsewhere.example/callback"]);
    host.answers_json(&changed);
    clock.advance(Duration::from_secs(1));
    let newer = resolve(&core, &id).await.unwrap().unwrap();
    assert_eq!((host.hits(), newer.redirect_uris), (2, vec!["https://elsewhere.example/callback".to_owned()]));
    assert_ne!(newer.metadata_hash, client.metadata_hash);
}

#[tokio::test]
async fn freshness_is_what_the_host_says_within_bounds() {
    for (header, seconds) in [
        ("max-age=600", 600),
        ("max-age=1", 300),
        ("no-store", 300),
        ("No-Cache, max-age=9999", 300),
        ("max-age=99999999", 24 * 3_600),
        ("private", 3_600),
    ] {
        let (clock, host) = (ManualClock::new(), Host::start().await);
        let core = core(&clock, local);
        let id = host.url("/client.json");
        let headers = format!("content-type: application/oauth-client+json\r\ncache-control: {header}\r\n");
        host.answers("200 OK", &headers, document(&id).to_string());
        resolve(&core, &id).await.unwrap().unwrap();
        clock.advance(Duration::from_secs(seconds - 1));
        resolve(&core, &id).await.unwrap().unwrap();
        assert_eq!(host.hits(), 1, "{header}");
        clock.advance(Duration::from_secs(1));
        resolve(&core, &id).await.unwrap().unwrap();
        assert_eq!(host.hits(), 2, "{header}");
    }
}

/// Changes of a good document, each of which makes it none.
fn spoilt(id: &str) -> Vec<(&'static str, Value)> {
    let with = |member: &str, value: Value| {
        let mut changed = document(id);
        changed[member] = value;
        changed
    };
    let jwks = |key: Value| {
        let mut changed = with("token_endpoint_auth_method", json!("private_key_jwt"));
        changed["jwks"] = json!({"keys": [key]});
        changed
    };
    let (x, d) = ("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    vec![
        ("another client", with("client_id", json!("https://app.example.com/client"))),
        ("a slash more", with("client_id", json!(format!("{id}/")))),
        ("another case", with("client_id", json!(id.to_uppercase()))),
        ("no client", with("client_id", json!(null))),
        ("not text", with("client_id", json!([id]))),
        ("no name", with("client_name", json!(null))),
        ("a name of 7 KB", with("client_name", json!("x".repeat(7_000)))),
        ("a name that cannot be seen", with("client_name", json!("\u{202e}\u{200b}"))),
        ("a secret", with("client_secret", json!("s"))),
        ("a secret's end", with("client_secret_expires_at", json!(0))),
        ("basic", with("token_endpoint_auth_method", json!("client_secret_basic"))),
        ("post", with("token_endpoint_auth_method", json!("client_secret_post"))),
        ("symmetric", with("token_endpoint_auth_method", json!("client_secret_jwt"))),
        ("no keys", with("token_endpoint_auth_method", json!("private_key_jwt"))),
        ("a shared secret", jwks(json!({"kty": "oct", "k": "AAAA"}))),
        ("a private key", jwks(json!({"kty": "OKP", "crv": "Ed25519", "x": x, "d": d}))),
        ("no redirect", with("redirect_uris", json!([]))),
        ("redirects of another kind", with("redirect_uris", json!("https://app.example.com/callback"))),
        ("a plain redirect", with("redirect_uris", json!(["http://app.example.com/callback"]))),
        ("one bad redirect", with("redirect_uris", json!(["http://127.0.0.1/callback", "javascript:alert(1)"]))),
        ("17 redirects", with("redirect_uris", (0..17).map(|n| format!("https://a.example/{n}")).collect())),
        ("no code", with("response_types", json!(["token"]))),
        ("no grant", with("grant_types", json!(["implicit"]))),
        ("a list", json!([document(id)])),
        ("larger than 8 KiB", with("software_version", json!("x".repeat(8 * 1024)))),
    ]
}

#[tokio::test]
async fn what_a_document_must_not_be() {
    let host = Host::start().await;
    let id = host.url("/client.json");
    for (what, changed) in spoilt(&id) {
        host.answers_json(&changed);
        refused(&host, &id, what).await;
    }
    let (json, good) = ("content-type: application/json\r\n", document(&id).to_string());
    for (what, status, headers, body) in [
        ("a page", "200 OK", "content-type: text/html\r\n", good.clone()),
        ("no type", "200 OK", "", good.clone()),
        ("a status", "201 Created", json, good.clone()),
        ("an error", "404 Not Found", json, good.clone()),
        ("a redirect", "302 Found", "content-type: application/json\r\nlocation: /other\r\n", good.clone()),
        ("no JSON", "200 OK", json, good.replace('}', "")),
        ("twice the same", "200 OK", json, good.replacen('{', r#"{"client_name":"Other","#, 1)),
        ("something after it", "200 OK", json, format!("{good} {good}")),
        ("10 MB", "200 OK", json, format!("{good}{}", " ".repeat(10_000_000))),
    ] {
        host.answers(status, headers, body);
        refused(&host, &id, what).await;
    }
}

/// No client comes out, nothing is kept, and nobody can make us ask again at once.
async fn refused(host: &Host, id: &str, what: &str) {
    let clock = ManualClock::new();
    let core = core(&clock, local);
    let before = host.hits();
    assert!(resolve(&core, id).await.unwrap().is_none(), "{what}");
    assert!(resolve(&core, id).await.unwrap().is_none(), "{what}");
    assert_eq!(host.hits() - before, 1, "{what}");
    assert!(!is_kept(&core).await && core.clients.known(&core, id).await.unwrap().is_none(), "{what}");
    clock.advance(Duration::from_secs(30));
    assert!(resolve(&core, id).await.unwrap().is_none(), "{what}");
    assert_eq!(host.hits() - before, 2, "{what}: errors are not kept for long");
}

#[tokio::test]
async fn a_slow_host_is_given_up() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let core = core(&clock, local);
    host.says_nothing();
    let began = std::time::Instant::now();
    assert!(resolve(&core, &host.url("/client.json")).await.unwrap().is_none());
    assert!(host.hits() == 1 && began.elapsed() < Duration::from_secs(9));
}

#[tokio::test]
async fn documents_lead_nowhere_but_to_the_public_internet() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let core = core(&clock, |builder| builder);
    assert!(core.clients.reads_documents(), "this machine has no CA certificates");
    let port = host.port;
    for id in [
        format!("http://127.0.0.1:{port}/client"),
        format!("http://localhost:{port}/client"),
        format!("https://127.0.0.1:{port}/client"),
        format!("https://localhost:{port}/client"),
        format!("https://[::1]:{port}/client"),
        format!("https://[::ffff:7f00:1]:{port}/client"),
        format!("https://0.0.0.0:{port}/client"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.0.0.1/client".to_owned(),
        "https://[fd00:ec2::254]/client".to_owned(),
        "https://[fe80::1]/client".to_owned(),
    ] {
        assert!(resolve(&core, &id).await.unwrap().is_none(), "{id}");
    }
    assert!(host.hits() == 0 && !is_kept(&core).await);
}

#[tokio::test]
async fn the_operator_says_which_hosts() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let id = host.url("/client.json");
    host.answers_json(&document(&id));
    let off: [Configure; 3] = [
        |builder| local(builder).no_client_documents(),
        |builder| local(builder).document_hosts(["claude.ai"]),
        |builder| local(builder).document_hosts(["127.0.0.1"]).document_hosts_where(|_| false),
    ];
    for configure in off {
        let core = core(&clock, configure);
        assert!(resolve(&core, &id).await.unwrap().is_none());
        assert!(host.hits() == 0 && !is_kept(&core).await);
    }
    let core = core(&clock, |builder| local(builder).document_hosts(["127.0.0.1"]));
    assert!(resolve(&core, &id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_make_us_ask_once() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let core = core(&clock, local);
    let id = host.url("/client.json");
    host.answers_json(&document(&id));
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let (core, id) = (core.clone(), id.clone());
            tokio::spawn(async move { resolve(&core, &id).await.unwrap().is_some() })
        })
        .collect();
    for asked in asking {
        assert!(asked.await.unwrap());
    }
    assert_eq!(host.hits(), 1);
}

#[tokio::test]
async fn nobody_can_send_us_against_a_host() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let core = core(&clock, local);
    host.answers("404 Not Found", "", "");
    let mut refused = 0;
    for n in 0..100 {
        let from = address(&format!("192.0.2.{n}"));
        match core.clients.resolve(&core, &host.url(&format!("/{n}")), from).await {
            Ok(found) => assert!(found.is_none()),
            Err(error) => {
                assert!(error.code == ErrorCode::SlowDown && error.retry_after.is_some(), "{error:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((host.hits(), refused), (30, 70));
}

async fn comes(core: &Core, id: &str, from: ClientAddress) -> Result<String, ErrorCode> {
    let form = Form::parse(&format!("client_id={id}")).unwrap();
    authenticate(core, &HeaderMap::new(), &form, from).await.map(|client| client.name).map_err(|error| error.code)
}

#[tokio::test]
async fn a_client_outlives_a_bad_day_of_its_host() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let (core, from) = (core(&clock, local), address("192.0.2.1"));
    let id = host.url("/client.json");
    host.answers_json(&document(&id));
    assert_eq!(comes(&core, &id, from).await, Err(ErrorCode::InvalidClient));
    assert_eq!(host.hits(), 0, "a stranger at the token endpoint sends us nowhere");
    let client = resolve(&core, &id).await.unwrap().unwrap();
    core.clients.touch(&core, &client).await.unwrap();
    assert_eq!(comes(&core, &id, from).await.as_deref(), Ok("An editor"));
    host.answers("500 Oh", "", "");
    clock.advance(Duration::from_secs(3_600));
    // Who asks people something does not rely on what is old; who refreshes may, for a day.
    assert!(resolve(&core, &id).await.unwrap().is_none());
    assert_eq!(comes(&core, &id, from).await.as_deref(), Ok("An editor"));
    clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(comes(&core, &id, from).await, Err(ErrorCode::TemporarilyUnavailable));
    let mut changed = document(&id);
    changed["client_name"] = json!("Another");
    host.answers_json(&changed);
    clock.advance(Duration::from_secs(30 * 24 * 3_600));
    assert_eq!(comes(&core, &id, from).await.as_deref(), Ok("Another"));
}

#[tokio::test]
async fn what_nobody_consents_to_is_forgotten() {
    let (clock, host) = (ManualClock::new(), Host::start().await);
    let core = core(&clock, local);
    let (id, other) = (host.url("/client.json"), host.url("/other.json"));
    host.answers_json(&document(&id));
    let client = resolve(&core, &id).await.unwrap().unwrap();
    core.clients.touch(&core, &client).await.unwrap();
    host.answers_json(&document(&other));
    resolve(&core, &other).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(2 * 24 * 3_600));
    assert!(core.clients.known(&core, &other).await.unwrap().is_none());
    assert!(core.clients.known(&core, &id).await.unwrap().is_some());
    clock.advance(Duration::from_secs(88 * 24 * 3_600));
    assert!(core.clients.known(&core, &id).await.unwrap().is_none());
}
