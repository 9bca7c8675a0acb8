//! The built-in authorization server beside the endpoint: where it is, who may ask, and whose tokens open what.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use mcp_runtime::{
    Server, ServerBuilder,
    oauth::{
        Account, AuthorizationServer, AuthorizationServerBuilder, LoginError, LoginForm, LoginPage, LoginProvider,
        RegisteredClient, StoreKey,
    },
    store::MemoryStore,
    tools,
};
use serde_json::json;

use crate::{
    client::{Answer, Call},
    world::{Runs, URL, hello, vault, whoami},
};

const ISSUER: &str = "http://127.0.0.1:8000";
const SECRET: &str = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// One account, until the test takes it away.
#[derive(Clone)]
struct OnlyAlice(Arc<Mutex<bool>>);

#[mcp_runtime::async_trait]
impl LoginProvider for OnlyAlice {
    fn name(&self) -> &str {
        "only"
    }

    fn page(&self, _: &LoginPage<'_>) -> String {
        String::new()
    }

    async fn log_in(&self, _: &LoginForm) -> Result<Account, LoginError> {
        Err(LoginError::Denied)
    }

    async fn account(&self, id: &str) -> Result<Option<Account>, LoginError> {
        let there = *self.0.lock().unwrap() && id == "alice";
        Ok(there.then(|| Account::new("alice", "Alice").all_scopes()))
    }
}

fn oauth() -> AuthorizationServerBuilder {
    let key = StoreKey::generate().unwrap();
    AuthorizationServer::builder(MemoryStore::new(), key).login(OnlyAlice(Arc::new(Mutex::new(true))))
}

fn builder(url: &str, oauth: AuthorizationServerBuilder) -> ServerBuilder {
    Server::builder("notes", "1.0")
        .public_url(url)
        .scope("vault:open", "Open the vault")
        .state(Runs::default())
        .tools(tools![hello, whoami, vault])
        .authorization_server(oauth)
}

async fn ask(app: &Router, method: &'static str, path: &str, host: &str) -> Answer {
    Call::bare("").with_method(method).set("Host", host).target(path).send_to(app).await
}

async fn read(app: &Router, path: &str) -> Answer {
    ask(app, "GET", path, "127.0.0.1:8000").await
}

#[tokio::test]
async fn clients_find_everything_from_a_challenge_on() {
    let server = builder(URL, oauth().default_scopes(["vault:open"])).build().unwrap();
    let app = server.router();
    let stranger = Call::tool("vault", json!({"text": "x"})).send_to(&app).await;
    stranger.error(401, 401);
    assert!(stranger.header("www-authenticate").contains("resource_metadata="), "{stranger:?}");
    let resource = read(&app, "/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(resource["authorization_servers"], json!([ISSUER]));
    let metadata = read(&app, SERVER).await;
    assert_eq!((metadata.status, metadata.header("content-type")), (200, "application/json"));
    assert!(metadata.header("cache-control").contains("max-age="));
    let metadata = metadata.json();
    for (name, value) in [
        ("issuer", json!(ISSUER)),
        ("authorization_endpoint", json!(format!("{ISSUER}/authorize"))),
        ("token_endpoint", json!(format!("{ISSUER}/token"))),
        ("jwks_uri", json!(format!("{ISSUER}/jwks"))),
        ("revocation_endpoint", json!(format!("{ISSUER}/revoke"))),
        ("introspection_endpoint", json!(format!("{ISSUER}/introspect"))),
        ("registration_endpoint", json!(format!("{ISSUER}/register"))),
        ("response_types_supported", json!(["code"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("grant_types_supported", json!(["authorization_code", "refresh_token", "client_credentials"])),
        ("scopes_supported", json!(["vault:open"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("client_id_metadata_document_supported", json!(true)),
        (
            "token_endpoint_auth_methods_supported",
            json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]),
        ),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    let mut openid = read(&app, OPENID).await.json();
    assert!(openid["subject_types_supported"].is_array() && openid["id_token_signing_alg_values_supported"].is_array());
    for name in ["subject_types_supported", "id_token_signing_alg_values_supported"] {
        openid.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(openid, metadata);
}

#[tokio::test]
async fn keys_are_published_and_nothing_of_them_is_private() {
    let app: Router = builder(URL, oauth()).build().unwrap().router();
    let answer = read(&app, "/jwks").await;
    assert!(answer.header("cache-control").contains("max-age=300"));
    let keys = answer.json();
    let key = keys["keys"][0].as_object().unwrap();
    let mut members: Vec<_> = key.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(read(&app, "/jwks").await.json(), keys);
}

#[tokio::test]
async fn an_issuer_may_have_a_prefix_and_a_host_of_its_own() {
    let oauth = oauth().issuer("https://login.example.com/auth/v1");
    let server = builder("https://api.example.com/mcp", oauth).build().unwrap();
    let parts = server.routers();
    let app: Router = Router::new().nest(&parts.path, parts.endpoint).merge(parts.discovery).merge(parts.authorization);
    for (path, host, status) in [
        ("/.well-known/oauth-authorization-server/auth/v1", "login.example.com", 200),
        ("/.well-known/openid-configuration/auth/v1", "login.example.com", 200),
        ("/auth/v1/.well-known/openid-configuration", "login.example.com", 200),
        ("/auth/v1/jwks", "login.example.com", 200),
        ("/auth/v1/.well-known/oauth-authorization-server", "login.example.com", 404),
        (SERVER, "login.example.com", 404),
        ("/jwks", "login.example.com", 404),
        ("/auth/v1/jwks", "api.example.com", 403),
        ("/auth/v1/jwks", "evil.example", 403),
        ("/auth/v1/jwks", "login.example.com.evil.example", 403),
    ] {
        assert_eq!(ask(&app, "GET", path, host).await.status, status, "{path} {host}");
    }
    let path = "/.well-known/oauth-authorization-server/auth/v1";
    let poisoned = Call::bare("").with_method("GET").target(path).set("Host", "login.example.com");
    let poisoned = poisoned.header("X-Forwarded-Host", "evil.example").header("X-Forwarded-Prefix", "/evil");
    let metadata = poisoned.send_to(&app).await.json();
    assert_eq!(metadata["issuer"], "https://login.example.com/auth/v1");
    assert_eq!(metadata["token_endpoint"], "https://login.example.com/auth/v1/token");
}

#[tokio::test]
async fn any_page_may_ask_where_cookies_do_not_count() {
    let app: Router = builder(URL, oauth()).build().unwrap().router();
    let from_page = |method: &'static str, path: &str| {
        let call = Call::bare("").with_method(method).target(path).set("Host", "127.0.0.1:8000");
        call.header("Origin", "https://stranger.example")
    };
    for path in [SERVER, OPENID, "/jwks", "/token", "/register", "/revoke"] {
        let preflight = from_page("OPTIONS", path).header("Access-Control-Request-Method", "POST").send_to(&app).await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, "*"), "{path}");
        assert!(preflight.header("access-control-allow-headers").contains("Authorization"));
        let method = if path == "/jwks" || path.contains("well-known") { "GET" } else { "POST" };
        let answer = from_page(method, path).send_to(&app).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert!(answer.headers.get("access-control-allow-credentials").is_none(), "{path}");
    }
    for path in ["/authorize", "/login", "/consent", "/logout", "/introspect"] {
        for method in ["OPTIONS", "GET", "POST"] {
            let answer = from_page(method, path).send_to(&app).await;
            assert!(answer.headers.get("access-control-allow-origin").is_none(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn other_methods_are_told_which_ones_there_are() {
    let app: Router = builder(URL, oauth()).build().unwrap().router();
    for (method, path, allowed) in [
        ("GET", "/token", "POST, OPTIONS"),
        ("GET", "/revoke", "POST, OPTIONS"),
        ("GET", "/introspect", "POST"),
        ("GET", "/register", "POST, OPTIONS"),
        ("POST", "/jwks", "GET, HEAD, OPTIONS"),
        ("DELETE", SERVER, "GET, HEAD, OPTIONS"),
    ] {
        let answer = ask(&app, method, path, "127.0.0.1:8000").await;
        assert_eq!((answer.status, answer.header("allow")), (405, allowed), "{method} {path}");
    }
    assert_eq!(ask(&app, "HEAD", SERVER, "127.0.0.1:8000").await.status, 200);
}

#[tokio::test]
async fn large_forms_are_refused() {
    let app: Router = builder(URL, oauth()).build().unwrap().router();
    let form = |size: usize| {
        let call = Call::bare("a".repeat(size)).target("/token").set("Host", "127.0.0.1:8000");
        call.set("Content-Type", "application/x-www-form-urlencoded")
    };
    assert_eq!(form(64 * 1024 + 1).send_to(&app).await.status, 413);
    assert_ne!(form(64 * 1024).send_to(&app).await.status, 413);
    let json = Call::bare("{}").target("/token").set("Host", "127.0.0.1:8000").set("Content-Type", "application/json");
    let refused = json.send_to(&app).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn its_tokens_open_what_they_say_until_they_are_revoked() {
    let server = builder(URL, oauth()).build().unwrap();
    let app: Router = server.router();
    let oauth = server.authorization_server().unwrap();
    let minute = Duration::from_secs(60);
    let plain = oauth.mint("only", "alice", [] as [&str; 0], minute).await.unwrap();
    let full = oauth.mint("only", "alice", ["vault:open"], minute).await.unwrap();
    let call = |token: &str| Call::tool("vault", json!({"text": "x"})).token(token);
    call(&full).send_to(&app).await.ok();
    call(&plain).send_to(&app).await.error(403, 403);
    let mut stream = Call::modern("subscriptions/listen", json!({"notifications": {}})).token(&full).open(&app).await;
    assert_eq!(stream.status(), 200);
    let who = Call::tool("whoami", json!({})).token(&full).send_to(&app).await.json();
    let subject = who["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(oauth.revoke_all_of(subject).await.ok(), Some(2));
    for token in [&full, &plain] {
        let refused = call(token).send_to(&app).await;
        refused.error(401, 401);
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
    }
    // The stream ends by itself.
    let ends = async {
        while let Some(frame) = http_body_util::BodyExt::frame(stream.body_mut()).await {
            frame.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ends).await.expect("a stream outlives its grant");
}

#[test]
fn what_is_wrong_is_told_when_the_server_is_built() {
    let problems = |builder: ServerBuilder| builder.build().unwrap_err().problems().join("\n");
    let nobody = || AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate().unwrap());
    let no_url = Server::builder("notes", "1.0").state(Runs::default()).tools(tools![whoami]);
    for (what, builder, sentence) in [
        ("no URL", no_url.authorization_server(oauth()), "there is none; add `.public_url("),
        ("nobody logs in", builder(URL, nobody()), "add `.login(…)`"),
        ("twice", builder(URL, oauth()).authorization_server(oauth()), "a server has one"),
        ("undeclared", builder(URL, oauth().default_scopes(["vault:shut"])), "declare `vault:shut` with `.scope("),
        ("http", builder(URL, oauth().issuer("http://login.example.com")), "must be `https://host`"),
        ("a query", builder(URL, oauth().issuer("https://a.example?x=1")), "must be `https://host`"),
        ("a slash", builder(URL, oauth().issuer("https://a.example/")), "ends with a slash"),
        ("a collision", builder("https://a.example/token", oauth()), "the very path of the public URL"),
        ("an hour", builder(URL, oauth().access_token_lifetime(Duration::from_secs(3601))), "1 minute to 1 hour"),
        ("open to all", builder(URL, oauth()).insecure_no_auth(), "exclude each other"),
    ] {
        let told = problems(builder);
        assert!(told.contains(sentence), "{what}: {told}");
        assert!(!told.contains("no way to know callers"), "{what}: {told}");
    }
    let scopes = Server::builder("notes", "1.0").public_url(URL).state(Runs::default()).tools(tools![vault]);
    let told = problems(scopes.authorization_server(oauth().default_scopes(["vault:open", "vault:shut"])));
    assert!(told.contains("declared scopes only; declare `vault:open`, `vault:shut` with"), "{told}");
    assert_eq!(told.lines().count(), 1, "no echo: {told}");
    // One mistake, one sentence.
    let told = problems(builder("http://notes.example.com/mcp", oauth()));
    assert!(told.lines().count() == 1 && !told.contains("there is none"), "{told}");
    let job = RegisteredClient::confidential("job", SECRET).client_credentials();
    assert!(problems(builder(URL, oauth().client(job))).contains("add `.scopes(…)`"));
}

#[tokio::test]
async fn without_a_login_nothing_that_begins_with_a_person_is_offered() {
    let job = RegisteredClient::confidential("job", SECRET).client_credentials().scopes(["vault:open"]);
    let app = RegisteredClient::public("app").redirect_uri("http://127.0.0.1/cb");
    let oauth = AuthorizationServer::builder(MemoryStore::new(), StoreKey::generate().unwrap()).client(job).client(app);
    let router = builder(URL, oauth).build().unwrap().router();
    for path in [SERVER, OPENID] {
        let metadata = read(&router, path).await.json();
        assert!(metadata.get("registration_endpoint").is_none(), "{path}: {metadata}");
        assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
        assert_eq!(metadata["client_id_metadata_document_supported"], json!(false));
        assert_eq!(metadata["token_endpoint"], json!(format!("{ISSUER}/token")));
    }
    let register = Call::bare(json!({"redirect_uris": ["http://127.0.0.1/cb"]}).to_string()).target("/register");
    let refused = register.set("Host", "127.0.0.1:8000").set("Content-Type", "application/json").send_to(&router).await;
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("access_denied")));
    let link = "/authorize?response_type=code&client_id=app&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb\
                &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let refused = read(&router, link).await;
    assert!(refused.status == 403 && refused.headers.get("location").is_none(), "{refused:?}");
    let form = format!("grant_type=client_credentials&client_id=job&client_secret={SECRET}");
    let token = Call::bare(form).target("/token").set("Host", "127.0.0.1:8000");
    let token = token.set("Content-Type", "application/x-www-form-urlencoded").send_to(&router).await.json();
    let token = token["access_token"].as_str().unwrap();
    Call::tool("vault", json!({"text": "x"})).token(token).send_to(&router).await.ok();
}
