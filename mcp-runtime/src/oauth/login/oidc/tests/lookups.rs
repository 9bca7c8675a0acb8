//! What is known of the provider, and when it is asked again.

use super::*;
use crate::oauth::login::tests::log::Log;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

async fn good() -> (Stub, Oidc) {
    let stub = Stub::start().await;
    stub.gives(Some(stub.sign(&stub.claims())), |_| {});
    let oidc = stub.oidc();
    (stub, oidc)
}

/// Waits until the stub was asked so often, and the answer has been read.
async fn asked(stub: &Stub, oidc: &Oidc, path: &str, times: usize) {
    tokio::time::timeout(Duration::from_secs(10), async {
        while stub.hits(path).len() < times {
            tokio::task::yield_now().await;
        }
        oidc.discovery().landed().await;
    })
    .await
    .unwrap_or_else(|_| panic!("{path} was asked {} times", stub.hits(path).len()));
}

fn advance(stub: &Stub, seconds: u64) {
    stub.clock.advance(Duration::from_secs(seconds));
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let (stub, oidc) = good().await;
    let oidc = Arc::new(oidc);
    let all: Vec<_> = (0..50)
        .map(|_| {
            let (oidc, trip) = (Arc::clone(&oidc), stub.trip());
            tokio::spawn(async move { oidc.depart(&trip).await })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap().is_ok());
    }
    assert_eq!((stub.hits(WELL_KNOWN).len(), stub.hits("/keys").len()), (1, 1));
}

#[tokio::test]
async fn a_document_that_lies_about_its_issuer_is_none() {
    let (stub, oidc) = good().await;
    for issuer in ["https://login.example.com".to_owned(), format!("{}/", stub.issuer)] {
        stub.describes_itself(|metadata| metadata["issuer"] = issuer.into());
        assert_eq!(oidc.depart(&stub.trip()).await.err(), Some(LoginError::Unavailable));
        advance(&stub, 60);
    }
    stub.describes_itself(|metadata| metadata["token_endpoint"] = json!("http://10.0.0.1/token"));
    assert_eq!(oidc.depart(&stub.trip()).await.err(), Some(LoginError::Unavailable));
    assert_eq!(stub.hits("/keys").len(), 0, "nothing in it was believed");
    advance(&stub, 60);
    stub.describes_itself(|_| {});
    assert!(oidc.depart(&stub.trip()).await.is_ok());
}

#[tokio::test]
async fn documents_are_bounded_and_redirects_are_not_followed() {
    let (stub, oidc) = good().await;
    let document = stub.script.lock().unwrap().replies[WELL_KNOWN].clone();
    stub.replies("/moved", document.clone());
    let headers = vec![("location", "/moved".to_owned())];
    let large = format!("{}{}", document.body, " ".repeat(300_000));
    for bad in [
        Reply { status: 302, headers, body: String::new() },
        Reply { body: large, ..document.clone() },
        Reply { body: "<html>".into(), ..document.clone() },
        Reply { status: 500, ..document.clone() },
    ] {
        stub.replies(WELL_KNOWN, bad);
        assert_eq!(oidc.depart(&stub.trip()).await.err(), Some(LoginError::Unavailable));
        advance(&stub, 60);
    }
    assert_eq!(stub.hits("/moved").len(), 0);
    stub.replies(WELL_KNOWN, document);
    let [x, y] = stub.key.coordinates().unwrap();
    for bad in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }),
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": y, "d": "c2VjcmV0" }] }),
        json!({ "keys": [{ "kty": "RSA", "n": "x".repeat(341), "e": "AQAB" }] }),
    ] {
        stub.replies("/keys", Reply::json(200, &bad));
        assert_eq!(oidc.depart(&stub.trip()).await.err(), Some(LoginError::Unavailable), "{bad}");
        advance(&stub, 60);
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_ever_more_seldom() {
    let (stub, oidc) = good().await;
    let document = stub.script.lock().unwrap().replies[WELL_KNOWN].clone();
    stub.replies(WELL_KNOWN, Reply { status: 503, ..document.clone() });
    let mut expected = 0;
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        expected += 1;
        for _ in 0..3 {
            assert_eq!(oidc.depart(&stub.trip()).await.err(), Some(LoginError::Unavailable));
        }
        assert_eq!(stub.hits(WELL_KNOWN).len(), expected, "before {wait}");
        advance(&stub, wait - 1);
        assert!(oidc.depart(&stub.trip()).await.is_err());
        assert_eq!(stub.hits(WELL_KNOWN).len(), expected, "within {wait}");
        advance(&stub, 1);
    }
    stub.replies(WELL_KNOWN, document);
    assert!(oidc.depart(&stub.trip()).await.is_ok());
}

#[tokio::test]
async fn what_is_known_is_good_for_an_hour_while_the_provider_is_down() {
    let (stub, oidc) = good().await;
    let mut document = stub.script.lock().unwrap().replies[WELL_KNOWN].clone();
    document.headers.push(("cache-control", "max-age=60".into()));
    stub.replies(WELL_KNOWN, document.clone());
    assert!(oidc.depart(&stub.trip()).await.is_ok());
    advance(&stub, 299);
    assert!(oidc.depart(&stub.trip()).await.is_ok());
    assert_eq!(stub.hits(WELL_KNOWN).len(), 1, "five minutes at least");
    stub.replies(WELL_KNOWN, Reply { status: 500, ..document.clone() });
    advance(&stub, 1);
    assert!(oidc.depart(&stub.trip()).await.is_ok(), "old, and good while somebody asks");
    asked(&stub, &oidc, WELL_KNOWN, 2).await;
    advance(&stub, 3_599);
    assert!(oidc.depart(&stub.trip()).await.is_ok());
    asked(&stub, &oidc, WELL_KNOWN, 3).await;
    advance(&stub, 61);
    assert_eq!(oidc.depart(&stub.trip()).await.err(), Some(LoginError::Unavailable), "too old");
    stub.replies(WELL_KNOWN, document);
    advance(&stub, 60);
    assert!(oidc.depart(&stub.trip()).await.is_ok());
}

#[tokio::test]
async fn new_keys_are_looked_for_once_in_thirty_seconds() {
    let (stub, oidc) = good().await;
    assert!(stub.arrive(&oidc).await.is_ok());
    let second = SigningKey::generate().unwrap();
    let sign = |key: &SigningKey, kid: &str| {
        let header = json!({ "alg": "ES256", "kid": kid }).to_string();
        key.sign_parts(header.as_bytes(), stub.claims().to_string().as_bytes()).unwrap()
    };
    // Rotated: the new one is published, and signs at once.
    stub.publishes(&[(&stub.key, "1"), (&second, "2")]);
    stub.gives(Some(sign(&second, "2")), |_| {});
    assert!(stub.arrive(&oidc).await.is_ok());
    assert_eq!((stub.hits("/keys").len(), stub.hits(WELL_KNOWN).len()), (2, 1));
    let third = SigningKey::generate().unwrap();
    stub.gives(Some(sign(&third, "3")), |_| {});
    stub.publishes(&[(&third, "3")]);
    advance(&stub, 29);
    assert_eq!(stub.arrive(&oidc).await.err(), Some(LoginError::Denied));
    assert_eq!(stub.hits("/keys").len(), 2);
    advance(&stub, 1);
    assert!(stub.arrive(&oidc).await.is_ok());
    assert_eq!(stub.hits("/keys").len(), 3);
    // Withdrawn.
    stub.gives(Some(sign(&second, "2")), |_| {});
    assert_eq!(stub.arrive(&oidc).await.err(), Some(LoginError::Denied));
}

#[tokio::test]
async fn nobody_there_is_known_quickly() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stub = Stub::start().await;
    let oidc = Oidc::issuer("stub", issuer).client("me", SECRET).anyone();
    let began = std::time::Instant::now();
    assert_eq!(oidc.depart(&stub.trip()).await.err(), Some(LoginError::Unavailable));
    assert!(began.elapsed() < Duration::from_secs(3));
}

/// What was warned of, and how often.
fn warnings(log: &Log) -> Vec<String> {
    log.text().lines().filter(|line| line.starts_with("WARN")).map(str::to_owned).collect()
}

#[tokio::test]
async fn at_the_start_it_is_tried_once_and_nobody_waits() {
    let (stub, oidc) = good().await;
    let (log, _guard) = Log::collect();
    oidc.look_ahead();
    oidc.look_ahead();
    asked(&stub, &oidc, "/keys", 1).await;
    assert!(oidc.depart(&stub.trip()).await.is_ok());
    oidc.look_ahead();
    oidc.discovery().landed().await;
    assert_eq!((stub.hits(WELL_KNOWN).len(), stub.hits("/keys").len()), (1, 1));
    assert_eq!(warnings(&log), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_in_the_log() {
    let (stub, oidc) = good().await;
    let slashed = format!("{}/", stub.issuer);
    stub.describes_itself(|metadata| metadata["issuer"] = json!(slashed));
    let (log, _guard) = Log::collect();
    oidc.look_ahead();
    asked(&stub, &oidc, WELL_KNOWN, 1).await;
    let told = warnings(&log);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        format!("of another issuer: of `{slashed}`, and `{}` is configured", stub.issuer),
        "nobody can log in with it: check that the issuer is written".to_owned(),
    ] {
        assert!(told[0].contains(&part), "{part}: {told:?}");
    }
    // Once it is known, nothing is said of the issuer.
    stub.describes_itself(|_| {});
    advance(&stub, 60);
    assert!(oidc.depart(&stub.trip()).await.is_ok());
    stub.replies(WELL_KNOWN, Reply { status: 500, headers: Vec::new(), body: String::new() });
    advance(&stub, 3_600);
    assert!(oidc.depart(&stub.trip()).await.is_ok());
    asked(&stub, &oidc, WELL_KNOWN, 3).await;
    let told = warnings(&log);
    assert!(told.len() == 2 && !told[1].contains("nobody can log in"), "{told:?}");
}

#[tokio::test]
async fn what_was_begun_ends_with_the_server() {
    let (stub, oidc) = good().await;
    stub.is_silent_at(WELL_KNOWN);
    let discovery = Arc::downgrade(oidc.discovery());
    oidc.look_ahead();
    asked_at_least_once(&stub).await;
    assert!(discovery.upgrade().is_some());
    drop(oidc);
    tokio::time::timeout(Duration::from_secs(3), async {
        while discovery.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("nothing goes on, long before there would be no patience left");
}

async fn asked_at_least_once(stub: &Stub) {
    let hit = async {
        while stub.hits(WELL_KNOWN).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), hit).await.expect("it is asked");
}

#[test]
fn without_a_runtime_nothing_is_begun() {
    Oidc::issuer("stub", "http://127.0.0.1:9").look_ahead();
}
