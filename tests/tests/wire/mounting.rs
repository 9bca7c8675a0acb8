//! In somebody else's app: several servers, below prefixes, with documents where clients look for them.

use std::net::SocketAddr;

use axum::{Router, extract::State, routing::get};
use http_body_util::BodyExt;
use mcp_runtime::{Server, auth::Jwt, testing::TokenFactory, tools};
use serde_json::json;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    client::{Answer, Call},
    connections::{Scene, waits},
    lists::hello_only,
    proxies::Log,
    raw::{Wire, soon},
    world::{Runs, World, hello, vault, whoami},
};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const HOST: &str = "api.example.com";

fn at(path: &str) -> World {
    World::at(&format!("https://{HOST}{path}"), tools![hello, whoami], |builder| builder)
}

fn call(name: &str, target: &str) -> Call {
    Call::tool(name, json!({})).set("Host", HOST).target(target)
}

async fn read(app: &Router, path: &str) -> Answer {
    Call::bare("").with_method("GET").target(path).send_to(app).await
}

#[tokio::test]
async fn two_servers_live_in_one_app() {
    let (notes, letters) = (at("/notes"), at("/letters"));
    let (first, second) = (notes.server.routers(), letters.server.routers());
    let app: Router = Router::new()
        .route("/health", get(|| async { "ok" }))
        .nest(&first.path, first.endpoint)
        .nest(&second.path, second.endpoint)
        .merge(first.discovery)
        .merge(second.discovery)
        // The root of the host has one such place.
        .merge(second.root_discovery);
    assert_eq!(read(&app, "/health").await.text(), "ok");
    for (world, other, path) in [(&notes, &letters, "/notes"), (&letters, &notes, "/letters")] {
        let before = (world.runs.count(), other.runs.count());
        call("hello", path).send_to(&app).await.ok();
        call("whoami", path).token(&world.plain("alice")).send_to(&app).await.ok();
        assert_eq!((world.runs.count(), other.runs.count()), (before.0 + 2, before.1));
        // A token is for one of them.
        let stranger = call("whoami", path).token(&other.plain("alice")).send_to(&app).await;
        stranger.error(401, 401);
        let document = format!("resource_metadata=\"https://{HOST}{WELL_KNOWN}{path}\"");
        assert!(stranger.header("www-authenticate").contains(&document), "{stranger:?}");
        let metadata = read(&app, &format!("{WELL_KNOWN}{path}")).await;
        assert_eq!(metadata.json()["resource"], format!("https://{HOST}{path}"));
        assert_eq!((world.runs.count(), other.runs.count()), (before.0 + 2, before.1));
    }
    assert_eq!(read(&app, WELL_KNOWN).await.json()["resource"], format!("https://{HOST}/letters"));
    assert_eq!(call("hello", "/mcp").send_to(&app).await.status, 404);
    notes.ran(2);
    letters.ran(2);
}

#[tokio::test]
async fn a_server_lives_below_a_prefix_and_its_documents_at_the_root() {
    let world = at("/api/v1/mcp");
    let parts = world.server.routers::<&'static str>();
    assert_eq!(parts.path, "/api/v1/mcp");
    let inner = Router::new().route("/name", get(|State(name): State<&'static str>| async move { name }));
    let inner = inner.nest("/mcp", parts.endpoint);
    let app = Router::new().nest("/api/v1", inner).merge(parts.discovery).merge(parts.root_discovery);
    let app = app.with_state("mine");
    assert_eq!(read(&app, "/api/v1/name").await.text(), "mine");
    call("hello", "/api/v1/mcp").send_to(&app).await.ok();
    let stranger = call("whoami", "/api/v1/mcp").send_to(&app).await;
    stranger.error(401, 401);
    // A TLS proxy in front says http and another host; nobody asks it.
    let challenge = format!("resource_metadata=\"https://{HOST}{WELL_KNOWN}/api/v1/mcp\"");
    assert!(stranger.header("www-authenticate").contains(&challenge), "{stranger:?}");
    for path in [WELL_KNOWN.to_owned(), format!("{WELL_KNOWN}/api/v1/mcp")] {
        let get = Call::bare("").with_method("GET").target(&path).set("Host", "internal:8080");
        let get = get.header("X-Forwarded-Host", "evil.example").header("X-Forwarded-Proto", "http");
        let metadata = get.header("X-Forwarded-Prefix", "/evil").send_to(&app).await.json();
        assert_eq!(metadata["resource"], format!("https://{HOST}/api/v1/mcp"), "{path}");
    }
    for path in ["/mcp", "/api/v1", "/api/v1/mcp/", "/api/v1/mcp/x", "/api/mcp"] {
        assert_eq!(call("hello", path).send_to(&app).await.status, 404, "{path}");
    }
    world.ran(1);
}

#[tokio::test]
async fn a_server_at_the_root_of_its_host_is_merged() {
    for url in ["", "/"] {
        let world = at(url);
        let parts = world.server.routers();
        assert_eq!(parts.path, "/");
        let app: Router = Router::new().merge(parts.endpoint).merge(parts.discovery).merge(parts.root_discovery);
        call("hello", "/").send_to(&app).await.ok();
        assert_eq!(read(&app, WELL_KNOWN).await.json()["resource"], format!("https://{HOST}{url}"));
        assert_eq!(call("hello", "/mcp").send_to(&app).await.status, 404);
        world.ran(1);
    }
}

#[tokio::test]
async fn where_nobody_issues_tokens_there_is_nothing_to_discover() {
    let server = Server::builder("open", "1.0").state(Runs::default()).tools(hello_only()).build().unwrap();
    let parts = server.routers();
    let app: Router =
        Router::new().nest(&parts.path, parts.endpoint).merge(parts.discovery).merge(parts.root_discovery);
    Call::tool("hello", json!({})).send_to(&app).await.ok();
    for path in [WELL_KNOWN, "/.well-known/oauth-protected-resource/mcp"] {
        assert_eq!(read(&app, path).await.status, 404);
    }
}

#[tokio::test]
async fn an_endpoint_in_the_wrong_place_is_said_so_once() {
    let log = Log::default();
    let _reading = log.start();
    for (mount, mentions) in [("/api/mcp", 0), ("/mcp", 1)] {
        let world = at("/api/mcp");
        let app: Router = Router::new().nest(mount, world.server.routers().endpoint);
        for _ in 0..3 {
            call("hello", mount).send_to(&app).await.ok();
        }
        assert_eq!(log.text().matches("mounted below another path").count(), mentions, "{}", log.text());
    }
}

#[tokio::test]
async fn without_addresses_strangers_are_one_and_nobody_is_let_in_for_it() {
    let world = World::new(tools![hello, whoami], |builder| builder.address_rate_limit("3/m"));
    let app: Router = Router::new().nest("/mcp", world.server.routers().endpoint);
    for number in 0..4 {
        let call = Call::tool("hello", json!({})).header("X-Forwarded-For", format!("198.51.100.{number}"));
        assert_eq!(call.send_to(&app).await.status, if number < 3 { 200 } else { 429 });
    }
    let runs = Runs::default();
    let server = Server::builder("local", "1.0").insecure_no_auth().state(runs.clone()).tools(tools![vault]);
    let app: Router = Router::new().nest("/mcp", server.build().unwrap().routers().endpoint);
    assert_eq!(Call::tool("vault", json!({"text": "x"})).send_to(&app).await.status, 403);
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn the_apps_shutdown_ends_streams_and_waits_for_calls() {
    let scene = Scene::default();
    let world = World::new(tools![waits, hello], |builder| builder.state(scene.clone()));
    let parts = world.server.routers();
    let app: Router = Router::new().nest("/mcp", parts.endpoint);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = parts.shutdown.clone();
    let serving = tokio::spawn(async move {
        let stopped = async move {
            stopped.await.unwrap();
            shutdown.begin();
        };
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(stopped).await.unwrap();
        parts.shutdown.finished().await;
    });
    let connect = || async { Wire::over(soon(tokio::net::TcpStream::connect(address)).await.unwrap()) };
    let mut stream = connect().await;
    stream.send(&Call::modern("subscriptions/listen", json!({"notifications": {}})).bytes()).await;
    stream.until(b"notifications/subscriptions/acknowledged").await;
    let mut running = connect().await;
    running.send(&Call::tool("waits", json!({})).bytes()).await;
    soon(scene.entered.notified()).await;
    stop.send(()).unwrap();
    assert!(soon(stream.closed()).await.contains(r#""resultType":"complete""#));
    scene.go_on.notify_one();
    assert_eq!(running.answer().await.ok(), "done");
    soon(serving).await.unwrap();
}

#[tokio::test]
async fn a_call_that_outlives_its_connection_is_waited_for() {
    let scene = Scene::default();
    let world = World::new(tools![waits], |builder| builder.state(scene.clone()));
    let parts = world.server.routers();
    let app: Router = Router::new().nest("/mcp", parts.endpoint);
    let end = scene.end();
    let calling = tokio::spawn({
        let app = app.clone();
        async move { Call::legacy_tool("waits", json!({})).open(&app).await.into_body().collect().await.map(drop) }
    });
    soon(scene.entered.notified()).await;
    calling.abort();
    let mut finished = std::pin::pin!(parts.shutdown.finished());
    assert!(is_pending(finished.as_mut()).await, "the call was not waited for");
    scene.go_on.notify_one();
    soon(finished).await;
    assert!(soon(end).await.unwrap());
}

/// Whether a future is not ready when everything else has had its turn.
async fn is_pending(mut future: std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
    for _ in 0..100 {
        let ready = std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if ready {
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

#[tokio::test]
async fn documents_name_every_issuer_of_their_own_server() {
    // The same app, two servers with other issuers: each document names its own.
    let (a, b) = ("https://a.example.com", "https://b.example.com");
    let server = |name: &str, issuer: &str| {
        let url = format!("https://{HOST}/{name}");
        let key = TokenFactory::new(issuer, url.as_str()).verifying_key();
        let builder = Server::builder(name, "1.0").public_url(&url).state(Runs::default()).tools(tools![whoami]);
        builder.auth(Jwt::issuer(issuer).key(key).anyone()).build().unwrap()
    };
    let (one, two) = (server("one", a).routers::<()>(), server("two", b).routers::<()>());
    let app: Router = Router::new().merge(one.discovery).merge(two.discovery);
    for (name, issuer) in [("one", a), ("two", b)] {
        let metadata = read(&app, &format!("{WELL_KNOWN}/{name}")).await.json();
        assert_eq!(metadata["authorization_servers"], json!([issuer]), "{metadata}");
        assert_eq!(metadata["resource_name"], name);
    }
}
