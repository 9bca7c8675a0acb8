//! The servers that are compared. Same runtime, same allocator, same socket options, same answer.

use std::{fs, io::Read, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{self, KeyPair as _},
};
use axum::{Router, routing::post, serve::ListenerExt};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_runtime::{
    Identity, Json, Server,
    auth::{Algorithm, AuthError, Authenticator, BearerToken, Jwt, Verify, VerifyingKey},
    oauth::{AuthorizationServer, LocalUsers, StoreKey},
    schemars::JsonSchema,
    store::SqliteStore,
    tool, tools,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
struct Note {
    id: u64,
    title: String,
    text: String,
    priority: u8,
}

/// Adds a note.
#[tool(
    scopes = any("admin", "notes:write"),
    rate_limit = "4000000000/d",
    rate_limit("1000000/s", burst = 4000000000, per = client),
    rate_limit("60000000/m", per = address)
)]
async fn add_note(title: String, text: String, priority: u8) -> Json<Note> {
    Json(Note { id: 1, title, text, priority })
}

/// Serves on a free port of loopback until the input ends.
pub(crate) fn serve(which: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        match which {
            "plain" => plain(listener, address).await,
            "guarded" => guarded(listener, address).await,
            "embedded" => embedded(listener, address).await,
            "callers" => callers(listener, address).await,
            other => panic!("there is no server `{other}`"),
        }
    });
}

async fn guarded(listener: TcpListener, address: SocketAddr) {
    let url = format!("http://{address}/mcp");
    let (key, token) = rs256(&url);
    let server = Server::builder("bench", "1.0.0")
        .public_url(&url)
        .tools(tools![add_note])
        .auth(Jwt::issuer("https://login.example.com").key(key).anyone())
        .build()
        .expect("a server");
    println!("{address} {token}");
    server.serve_on(listener, input_ends()).await.expect("it serves");
}

/// A folder that goes with the server.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("mcp-ratio-{}", std::process::id()));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).expect("a new folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The same, but the token is one of the built-in authorization server's, which keeps its state in a file.
async fn embedded(listener: TcpListener, address: SocketAddr) {
    let url = format!("http://{address}/mcp");
    let folder = Folder::new();
    let store = Arc::new(SqliteStore::open(folder.0.join("oauth.db")).await.expect("a store"));
    let key = StoreKey::generate().expect("randomness");
    let users = LocalUsers::in_store(Arc::clone(&store));
    users.add("alice", "correct horse battery", ["notes:read", "notes:write"]).await.expect("a user");
    let server = Server::builder("bench", "1.0.0")
        .public_url(&url)
        .scope("notes:read", "Read notes")
        .scope("notes:write", "Write notes")
        .scope("admin", "Everything")
        .tools(tools![add_note])
        .authorization_server(AuthorizationServer::builder(store, key).login(users.clone()))
        .build()
        .expect("a server");
    let authorization = server.authorization_server().expect("it has one");
    authorization.ready().await.expect("the store works");
    let alice = users.get("alice").await.expect("the store works").expect("a user").id;
    let token = authorization.mint("local", &alice, ["notes:read", "notes:write"], DAY).await.expect("a token");
    println!("{address} {token}");
    server.serve_on(listener, input_ends()).await.expect("it serves");
}

/// Adds a note, once an hour for each subject and address, as far as anybody can see in a benchmark.
#[tool(name = "add_note", rate_limit = "60000/h", rate_limit("60000/h", per = address))]
async fn add_note_of_many(title: String, text: String, priority: u8) -> Json<Note> {
    Json(Note { id: 1, title, text, priority })
}

/// Whoever the token says it is. Nothing is remembered, so that only the counters tell few callers from many.
struct Everybody;

#[mcp_runtime::async_trait]
impl Authenticator for Everybody {
    fn claims(&self, _: &BearerToken<'_>) -> bool {
        true
    }

    async fn authenticate(&self, token: &BearerToken<'_>, _: &Verify<'_>) -> Result<Identity, AuthError> {
        Ok(Identity::new("bench", token.expose()).build())
    }

    fn cache_for(&self, _: &Identity) -> Duration {
        Duration::ZERO
    }
}

/// A server for a million callers, each from a network of its own behind one proxy.
async fn callers(listener: TcpListener, address: SocketAddr) {
    let server = Server::builder("bench", "1.0.0")
        .public_url(format!("http://{address}/mcp"))
        .tools(tools![add_note_of_many])
        .auth(Everybody)
        .quota_capacity(2 * 917_504)
        .http(|http| http.trusted_proxies(["127.0.0.1"]))
        .build()
        .expect("a server");
    println!("{address} u00000000");
    server.serve_on(listener, input_ends()).await.expect("it serves");
}

async fn plain(listener: TcpListener, address: SocketAddr) {
    let app = Router::new().route("/mcp", post(answer));
    println!("{address} -");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket option"));
    axum::serve(listener, app).with_graceful_shutdown(input_ends()).await.expect("it serves");
}

async fn input_ends() {
    let read = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    let _ = read.await;
}

#[derive(Deserialize)]
struct Call {
    id: u64,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    arguments: Arguments,
}

#[derive(Deserialize)]
struct Arguments {
    title: String,
    text: String,
    priority: u8,
}

#[derive(Serialize)]
struct Reply {
    jsonrpc: &'static str,
    id: u64,
    result: CallResult,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallResult {
    content: [Text; 1],
    structured_content: Note,
    result_type: &'static str,
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Serialize)]
struct Text {
    r#type: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/serverInfo")]
    server: ServerInfo,
}

#[derive(Serialize)]
struct ServerInfo {
    name: &'static str,
    version: &'static str,
}

async fn answer(axum::Json(call): axum::Json<Call>) -> axum::Json<Reply> {
    let Arguments { title, text, priority } = call.params.arguments;
    let note = Note { id: 1, title, text, priority };
    let text = serde_json::to_string(&note).expect("a note is JSON");
    axum::Json(Reply {
        jsonrpc: "2.0",
        id: call.id,
        result: CallResult {
            content: [Text { r#type: "text", text }],
            structured_content: note,
            result_type: "complete",
            meta: Meta { server: ServerInfo { name: "bench", version: "1.0.0" } },
        },
    })
}

/// A key, and a token of the usual size signed with it.
fn rs256(audience: &str) -> (VerifyingKey, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key pair");
    let public = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key());
    let pem = pem::encode(&pem::Pem::new("PUBLIC KEY", public.expect("a public key").as_ref()));
    let encode = |json: String| URL_SAFE_NO_PAD.encode(json);
    let claims = format!(
        r#"{{"iss":"https://login.example.com","sub":"4f9b1c1e-6f0c-4a52-9f58-1d5f3f8f2a11","aud":"{audience}","client_id":"bench-client","scope":"openid notes:read notes:write","iat":1767225600,"exp":4102444800,"jti":"5a0c9d2c-b1d5-4a3e-8d49-9c5b7be0c1de"}}"#
    );
    let signed = format!("{}.{}", encode(r#"{"alg":"RS256","typ":"at+jwt","kid":"bench"}"#.into()), encode(claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .expect("a signature");
    let key = VerifyingKey::from_pem(Algorithm::RS256, pem.as_bytes()).expect("a key");
    (key, format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
