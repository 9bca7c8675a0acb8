//! DNS rebinding, other people's web pages, preflights, other methods, other kinds of content.

use mcp_runtime::{ServeError, Server, tools};
use serde_json::json;

use crate::{
    client::{Answer, Call},
    world::{Runs, World, hello, whoami},
};

const PUBLIC: &str = "https://api.example.com/mcp";

fn public() -> World {
    World::at(PUBLIC, tools![hello, whoami], |builder| {
        builder.http(|http| http.allowed_origin("https://inspector.example").allowed_host("internal:9000"))
    })
}

fn asks(host: &str) -> Call {
    Call::tool("hello", json!({})).set("Host", host)
}

/// Neither an era signal nor an authorization answer.
#[track_caller]
fn forbidden(answer: &Answer, world: &World) {
    assert_eq!(answer.status, 403, "{answer:?}");
    answer.has_no("www-authenticate");
    answer.has_no("access-control-allow-origin");
    world.ran(0);
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_not_answered() {
    let world = public();
    for host in [
        "evil.example",
        "api.example.com.evil.example",
        "evil.example:443",
        "api.example.com:8443",
        "api.example.com@evil.example",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:8000",
        "internal",
        "internal:9001",
        "",
        "api.example.com.",
    ] {
        forbidden(&asks(host).send(&world).await, &world);
        forbidden(&Call::legacy_tool("hello", json!({})).set("Host", host).send(&world).await, &world);
    }
    forbidden(&asks("x").without("Host").send(&world).await, &world);
    forbidden(&asks("api.example.com").header("Host", "api.example.com").send(&world).await, &world);
    forbidden(&asks("api.example.com").header("Host", "evil.example").send(&world).await, &world);
    forbidden(&asks("api.example.com").target("https://evil.example/mcp").send(&world).await, &world);
    for host in ["api.example.com", "API.example.com", "api.example.com:443", "internal:9000"] {
        asks(host).send(&world).await.ok();
    }
}

#[tokio::test]
async fn a_server_on_this_machine_answers_to_its_own_names_only() {
    let world = World::open();
    for host in [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example:8000",
        "localhost.evil.example",
        "0.0.0.0:8000",
        "127.1:8000",
        "2130706433",
        "0x7f.1",
        "[::]:8000",
        "192.168.0.1:8000",
        "localhost:80@evil.example",
        "localhost:x",
    ] {
        forbidden(&asks(host).send(&world).await, &world);
    }
    for host in ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LOCALHOST:1234"] {
        asks(host).send(&world).await.ok();
    }
}

#[tokio::test]
async fn a_page_that_is_not_known_is_not_answered() {
    let world = public();
    let from = |origin: &str| asks("api.example.com").header("Origin", origin);
    for origin in [
        "null",
        "",
        "https://evil.example",
        "https://api.example.com.evil.example",
        "http://api.example.com",
        "https://api.example.com:8443",
        "https://api.example.com/",
        "https://api.example.com@evil.example",
        "http://localhost:6274",
        "https://inspector.example.evil.example",
        "api.example.com",
        "https://api.example.com https://evil.example",
    ] {
        forbidden(&from(origin).send(&world).await, &world);
        forbidden(&from(origin).with_method("OPTIONS").send(&world).await, &world);
        forbidden(&from(origin).with_method("GET").send(&world).await, &world);
    }
    forbidden(&from("https://api.example.com").header("Origin", "https://evil.example").send(&world).await, &world);
    for origin in ["https://api.example.com", "https://inspector.example"] {
        let answer = from(origin).send(&world).await;
        answer.ok();
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("vary"), "Origin");
        answer.has_no("access-control-allow-credentials");
    }
    asks("api.example.com").send(&world).await.has_no("access-control-allow-origin");
}

#[tokio::test]
async fn a_server_on_this_machine_answers_pages_of_this_machine_only() {
    let world = World::open();
    let from = |origin: &str| asks("localhost:8000").header("Origin", origin);
    for origin in [
        "null",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example:8000",
        "http://evil.example:8000",
        "file://",
        "ftp://localhost",
    ] {
        forbidden(&from(origin).send(&world).await, &world);
    }
    for origin in ["http://localhost:6274", "https://localhost", "http://127.0.0.1:8000", "http://[::1]:1"] {
        from(origin).send(&world).await.ok();
    }
}

#[tokio::test]
async fn what_only_begins_like_an_origin_of_this_machine_is_none() {
    let world = World::open();
    for origin in ["http://localhost:80@evil.example", "http://localhost:evil", "http://localhost:80/path"] {
        forbidden(&asks("localhost:8000").header("Origin", origin).send(&world).await, &world);
    }
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_runs_nothing() {
    let world = World::at(PUBLIC, tools![whoami], |builder| builder);
    let preflight = Call::bare("")
        .set("Host", "api.example.com")
        .without("Content-Type")
        .with_method("OPTIONS")
        .header("Origin", "https://api.example.com")
        .header("Access-Control-Request-Method", "POST");
    let names = "authorization, content-type, mcp-method, mcp-name, mcp-param-region, mcp-protocol-version";
    let answer = preflight.clone().header("Access-Control-Request-Headers", names).send(&world).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.header("access-control-allow-headers"), names);
    assert_eq!(answer.header("access-control-allow-methods"), "POST, OPTIONS");
    assert_eq!(answer.header("access-control-allow-origin"), "https://api.example.com");
    for exposed in ["WWW-Authenticate", "Retry-After", "RateLimit", "RateLimit-Policy"] {
        assert!(answer.header("access-control-expose-headers").contains(exposed));
    }
    for odd in ["x\u{ff}".to_owned(), "<script>".to_owned(), "x,".repeat(1000)] {
        let answer = preflight.clone().header("Access-Control-Request-Headers", odd).send(&world).await;
        answer.has_no("access-control-allow-headers");
    }
    world.ran(0);
}

#[tokio::test]
async fn a_denied_page_can_read_why() {
    let world = World::at(PUBLIC, tools![whoami], |builder| builder);
    let call = Call::tool("whoami", json!({})).set("Host", "api.example.com");
    let answer = call.header("Origin", "https://api.example.com").send(&world).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), "https://api.example.com");
    assert!(answer.header("access-control-expose-headers").contains("WWW-Authenticate"));
}

#[tokio::test]
async fn only_post_and_options_are_methods() {
    let world = World::open();
    for method in ["GET", "HEAD", "DELETE", "PUT", "PATCH", "TRACE", "BREW"] {
        for token in [None, Some(world.full("alice"))] {
            let call = Call::tool("hello", json!({})).with_method(method).header("Accept", "text/event-stream");
            let call = token.iter().fold(call, |call, token| call.token(token));
            let answer = call.send(&world).await;
            assert_eq!((answer.status, answer.header("allow")), (405, "POST, OPTIONS"), "{method}");
        }
    }
    world.ran(0);
}

#[tokio::test]
async fn a_body_is_json_or_not_read() {
    let world = World::open();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonx",
        "application/json-seq",
        "text/json",
        "application/vnd.api+json",
        "json",
    ] {
        for call in [Call::tool("hello", json!({})), Call::legacy_tool("hello", json!({}))] {
            let answer = call.set("Content-Type", kind).send(&world).await;
            assert_eq!(answer.status, 415, "{kind}");
        }
    }
    assert_eq!(Call::tool("hello", json!({})).without("Content-Type").send(&world).await.status, 415);
    world.ran(0);
    for kind in
        ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8"]
    {
        Call::tool("hello", json!({})).set("Content-Type", kind).send(&world).await.ok();
    }
}

#[tokio::test]
async fn what_the_client_accepts_is_no_reason_to_refuse() {
    let world = World::open();
    for accept in ["application/json, text/event-stream", "*/*", "application/json", "text/html"] {
        Call::tool("hello", json!({})).header("Accept", accept).send(&world).await.ok();
    }
}

#[tokio::test]
async fn the_endpoint_is_at_one_path() {
    let world = World::open();
    for path in ["/", "/mcp/", "/MCP", "/mcp/x", "//mcp", "/%6dcp", "/mcp%2f", "/x/../mcp"] {
        let answer = Call::tool("hello", json!({})).target(path).send(&world).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    world.ran(0);
}

fn no_auth(runs: &Runs) -> Server {
    let builder = Server::builder("loopback", "1.0").insecure_no_auth().state(runs.clone());
    builder.tools(tools![crate::world::vault]).build().unwrap()
}

#[tokio::test]
async fn a_server_without_authentication_answers_its_own_machine_only() {
    let runs = Runs::default();
    let router = no_auth(&runs).router();
    let call = Call::tool("vault", json!({"text": "x"}));
    for address in ["203.0.113.9", "10.0.0.1", "192.168.0.1", "2001:db8::1", "::ffff:10.0.0.1", "0.0.0.0"] {
        assert_eq!(call.clone().from(address).send_to(&router).await.status, 403, "{address}");
        let legacy = Call::legacy_tool("vault", json!({"text": "x"})).from(address);
        assert_eq!(legacy.send_to(&router).await.status, 403, "{address}");
    }
    assert_eq!(runs.count(), 0);
    // A proxy on this machine brings somebody else's request.
    for header in [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "X-Forwarded-Server",
        "X-Real-IP",
        "CF-Connecting-IP",
        "True-Client-IP",
    ] {
        let proxied = call.clone().from("127.0.0.1").header(header, "203.0.113.9");
        assert_eq!(proxied.send_to(&router).await.status, 403, "{header}");
    }
    // So does one that marks nothing, if it speaks as nginx does by default.
    let bare = call.clone().from("127.0.0.1").version(http::Version::HTTP_10).set("Connection", "close");
    assert_eq!(bare.send_to(&router).await.status, 403);
    assert_eq!(runs.count(), 0);
    for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        call.clone().from(address).send_to(&router).await.ok();
    }
}

#[tokio::test]
async fn a_server_without_authentication_answers_nobody_whose_address_it_does_not_know() {
    let runs = Runs::default();
    let answer = Call::tool("vault", json!({"text": "x"})).send_to(&no_auth(&runs).router()).await;
    assert_eq!((answer.status, runs.count()), (403, 0));
}

#[tokio::test]
async fn a_server_without_authentication_or_public_url_binds_to_loopback_only() {
    let public_tools = Server::builder("x", "1").state(Runs::default()).tools(tools![hello]).build().unwrap();
    for server in [no_auth(&Runs::default()), public_tools] {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let refused = server.serve_on(listener, std::future::ready(())).await;
        assert!(matches!(refused, Err(ServeError::NotLoopback { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn anybody_may_read_where_tokens_come_from() {
    let world = World::fenced();
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        let answer = Call::bare("").with_method("GET").target(path).send(&world).await;
        assert_eq!(answer.status, 200);
        let json = answer.json();
        assert_eq!(json["resource"], crate::world::URL);
        assert_eq!(json["authorization_servers"], json!([crate::world::ISSUER]));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}
