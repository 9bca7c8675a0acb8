//! Servers: in this process, or this binary in another one.

use std::{
    fs, io,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use mcp_runtime::{
    Server,
    clock::{Clock, ManualClock},
    oauth::{AuthorizationServer, LocalUsers, RegisteredClient, StoreKey},
    store::{SqliteStore, Store},
    tool, tools,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::http::{Answer, FORM, form, send};

/// What all servers are called, wherever they listen.
pub(crate) const HOST: &str = "mcp.example";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CLIENT: &str = "app";
pub(crate) const REDIRECT: &str = "https://app.example/cb";

/// Tells this binary to be a server in this folder.
const FOLDER: &str = "MCP_DURABLE_FOLDER";
/// Tells it that its clock is moved by hand.
const BY_HAND: &str = "MCP_DURABLE_CLOCK_BY_HAND";

/// Reads a note.
#[tool(scopes = "notes:read")]
async fn read_note() -> &'static str {
    "a note"
}

/// Says hello to everybody.
#[tool(public)]
async fn hello() -> &'static str {
    "hello"
}

/// The server of all these tests.
pub(crate) fn build(store: Arc<dyn Store>, key: StoreKey, clock: impl Into<Clock>) -> Server {
    let authorization = AuthorizationServer::builder(Arc::clone(&store), key)
        .login(LocalUsers::in_store(store))
        .default_scopes(["notes:read"])
        .client(RegisteredClient::public(CLIENT).redirect_uri(REDIRECT))
        // A few people do here in seconds what many do in a day.
        .without_limits();
    Server::builder("notes", "1.0")
        .public_url(format!("https://{HOST}/mcp"))
        .scope("notes:read", "Read notes")
        .tools(tools![read_note, hello])
        .authorization_server(authorization)
        .clock(clock)
        .no_default_rate_limit()
        .no_address_rate_limit()
        .http(|http| http.trusted_proxies(["127.0.0.1"]))
        .build()
        .unwrap()
}

pub(crate) async fn add_user(store: Arc<dyn Store>, name: &str) {
    LocalUsers::in_store(store).add(name, PASSWORD, ["notes:read"]).await.unwrap();
}

/// A folder for one store, which goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mcp-durable-{}-{number}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("oauth.db")
    }

    pub(crate) fn key(&self) -> StoreKey {
        key_in(&self.0)
    }

    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(self.file()).await.unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn key_in(folder: &Path) -> StoreKey {
    StoreKey::load_or_create(folder.join("store.key")).unwrap()
}

/// A server that listens.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    running: Running,
}

enum Running {
    Here(JoinHandle<()>, Option<ManualClock>),
    There(Process),
}

/// Ends with its handle.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    /// In this process.
    pub(crate) async fn here(server: Server, clock: Option<ManualClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { server.serve_on(listener, std::future::pending()).await.unwrap() });
        Self { address, running: Running::Here(serving, clock) }
    }

    /// In another process, with the store of this folder.
    pub(crate) fn there(folder: &Folder, by_hand: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "node::a_server_process", "--nocapture", "--test-threads=1"]);
        command.env(FOLDER, &folder.0);
        if by_hand {
            command.env(BY_HAND, "1");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut process = Process { child, input, output };
        let address = process.says("serves at ").parse().unwrap();
        Self { address, running: Running::There(process) }
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        match &mut self.running {
            Running::Here(_, clock) => clock.as_ref().unwrap().advance(by),
            Running::There(process) => {
                writeln!(process.input, "{}", by.as_millis()).unwrap();
                process.says("advanced");
            }
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        let Running::There(process) = &mut self.running else { panic!("this very process") };
        process.child.kill().unwrap();
        process.child.wait().unwrap();
    }

    /// A call of a protected tool.
    pub(crate) async fn call(&self, token: &str) -> io::Result<Answer> {
        call(self.address, "read_note", Some(token)).await
    }

    /// As [`call`](Self::call), of which only the status counts.
    pub(crate) async fn status(&self, token: &str) -> u16 {
        self.call(token).await.unwrap().status
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        send(self.address, "POST", path, &[FORM], &form(fields)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> io::Result<Answer> {
        refresh(self.address, token).await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Running::Here(serving, _) = &self.running {
            serving.abort();
        }
    }
}

impl Process {
    /// Waits for a line that begins so, and returns the rest.
    fn says(&mut self, beginning: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server ended before it said {beginning:?}");
            if let Some((_, rest)) = line.split_once(beginning) {
                return rest.trim().to_owned();
            }
        }
    }
}

pub(crate) async fn refresh(at: SocketAddr, token: &str) -> io::Result<Answer> {
    let fields = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", token)];
    send(at, "POST", "/token", &[FORM], &form(&fields)).await
}

pub(crate) async fn call(at: SocketAddr, tool: &str, token: Option<&str>) -> io::Result<Answer> {
    let authorization = format!("Bearer {}", token.unwrap_or_default());
    let mut headers = vec![
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", tool),
    ];
    headers.extend(token.map(|_| ("Authorization", &*authorization)));
    let body = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    send(at, "POST", "/mcp", &headers, &body.to_string()).await
}

/// No test, but a server, if this process was started to be one.
#[test]
fn a_server_process() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let by_hand = std::env::var_os(BY_HAND).map(|_| ManualClock::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(folder.join("oauth.db")).await.unwrap());
        let clock = by_hand.clone().map_or_else(Clock::system, Clock::from);
        let server = build(store, key_in(&folder), clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("serves at {}", listener.local_addr().unwrap());
        std::thread::spawn(move || obey(by_hand));
        server.serve_on(listener, std::future::pending()).await.unwrap();
    });
}

/// Moves the clock as it is told, and ends the process with its input.
fn obey(clock: Option<ManualClock>) {
    for line in io::stdin().lines() {
        let Ok(millis) = line.map(|line| line.parse().unwrap()) else { break };
        clock.as_ref().unwrap().advance(Duration::from_millis(millis));
        println!("advanced");
    }
    std::process::exit(0);
}
