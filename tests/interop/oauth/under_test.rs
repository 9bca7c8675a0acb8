//! An MCP server that is its own authorization server, with a clock that tests move and a record of its requests.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use examples::notebook;
use http::header::WWW_AUTHENTICATE;
use mcp_runtime::{
    Routers, Server, Tls,
    clock::ManualClock,
    oauth::{AuthorizationServer, AutoApprove, Firebase, LocalUsers, Oidc, StoreKey},
    store::SqliteStore,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How people get in.
pub(crate) enum Login {
    /// As this one, without being asked.
    AutoApprove(String),
    /// By name and password, with these scopes at most.
    User { name: String, password: String, scopes: String },
    /// At an OpenID provider: its group `staff` may write, its group `admins` everything.
    Oidc(Upstream),
    /// At a Firebase project, with all of Google below `google`.
    Firebase { project: String, google: String },
}

/// For https: PEM files.
pub(crate) struct Certificate {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

/// An OpenID provider, and how we are known there.
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) client: (String, String),
}

/// How long people of providers stay logged in without being looked up. The clock is moved by hours at most, since
/// providers have clocks of their own.
const RECHECK_EVERY: Duration = Duration::from_secs(20 * 60);
const GRACE: Duration = Duration::from_secs(40 * 60);

impl Upstream {
    fn login(self) -> Oidc {
        let (id, secret) = self.client;
        Oidc::issuer(self.name, self.issuer)
            .label("Example Inc.")
            .client(id, secret)
            .claim_any("groups", ["staff", "admins"])
            .grants(["notes:write"])
            .grants_to("groups", "admins", ["admin"])
            .recheck_every(RECHECK_EVERY)
            .grace(GRACE)
    }
}

/// What was answered, in order.
type Seen = Arc<Mutex<Vec<Value>>>;

pub(crate) struct UnderTest {
    pub(crate) url: String,
    pub(crate) clock: ManualClock,
    server: Server,
    is_secure: bool,
    seen: Seen,
}

impl UnderTest {
    /// With a certificate it speaks https, is called `localhost`, and records nothing.
    pub(crate) async fn new(
        address: SocketAddr,
        data: &Path,
        logins: Vec<Login>,
        certificate: Option<Certificate>,
    ) -> Result<Self, Box<dyn Error>> {
        let url = match certificate {
            Some(_) => format!("https://localhost:{}/mcp", address.port()),
            None => format!("http://{address}/mcp"),
        };
        let clock = ManualClock::new();
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        clock.advance(now.saturating_sub(Duration::from_millis(clock.millis())));

        let store = Arc::new(SqliteStore::open(data.join("state.db")).await?);
        let users = LocalUsers::in_store(Arc::clone(&store));
        let mut login = AuthorizationServer::builder(store, StoreKey::load_or_create(data.join("store.key"))?)
            .default_scopes(["notes:write"])
            .allow_loopback_documents();
        let mut has_users = false;
        for way in logins {
            match way {
                Login::AutoApprove(name) => login = login.login(AutoApprove::new(name)),
                Login::User { name, password, scopes } => {
                    has_users = true;
                    users.add(&name, &password, scopes.split_whitespace()).await?;
                }
                Login::Oidc(upstream) => login = login.login(upstream.login()),
                Login::Firebase { project, google } => {
                    let firebase = Firebase::project(project).at(&google).sdk(format!("{google}/sdk"), "1.2.3");
                    let firebase = firebase.email_domains(["example.com"]).grants(["notes:write"]);
                    login = login.login(firebase.clock(clock.clone()));
                }
            }
        }
        if has_users {
            login = login.login(users);
        }
        let mut builder = notebook::add_to(Server::builder("notebook", "1.0"))
            .public_url(&url)
            .authorization_server(login)
            .clock(clock.clone());
        let is_secure = certificate.is_some();
        if let Some(Certificate { chain, key }) = certificate {
            builder = builder.tls(Tls::files(chain, key));
        }
        Ok(Self { url, clock, server: builder.build()?, is_secure, seen: Seen::default() })
    }

    pub(crate) async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        if self.is_secure {
            return self.server.serve_on(listener, std::future::pending()).await.map_err(io::Error::other);
        }
        let Routers { endpoint, discovery, authorization, .. } = self.server.routers();
        let app = Router::new()
            .nest("/mcp", endpoint)
            .merge(discovery)
            .merge(authorization)
            .layer(middleware::from_fn_with_state(Arc::clone(&self.seen), record));
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    }

    /// What was asked since the last time: method, path and query, status and challenge.
    pub(crate) fn take_seen(&self) -> Vec<Value> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn record(State(seen): State<Seen>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let response = next.run(request).await;
    let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let answer = json!({
        "method": method, "target": target, "status": response.status().as_u16(), "challenge": challenge,
    });
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
    response
}
