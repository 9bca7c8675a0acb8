//! The server in parts, for apps that hold more than it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{NestedPath, Request},
    routing::any,
};
use tokio::{sync::watch, time::timeout};

use super::{
    endpoint,
    router::{App, METADATA_ROOT},
};
use crate::server::Server;

/// The parts of a server, each to be put where it belongs in an axum app; made by [`Server::routers`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Routers<S = ()> {
    /// Where clients look for the endpoint: the path of the public URL, `/mcp` without one.
    pub path: String,
    /// The endpoint, at `/`: nest it below [`path`](Self::path), or merge it if that is `/`.
    pub endpoint: Router<S>,
    /// Where clients of this very endpoint learn who hands out tokens (RFC 9728 §3.1). Its path is absolute
    /// (`/.well-known/oauth-protected-resource` and the path of the public URL), so merge it at the root of the host. Empty
    /// if there is no authorization server.
    pub discovery: Router<S>,
    /// The same document at `/.well-known/oauth-protected-resource`, for clients that look only there. A host has one such
    /// place: merge it for one server at most. Empty if that is where [`discovery`](Self::discovery) is anyway.
    pub root_discovery: Router<S>,
    /// The endpoints and documents of the built-in authorization server, at the paths that its issuer gives them: absolute,
    /// so merge it at the root of the issuer's host. Empty if there is none.
    #[cfg(feature = "oauth")]
    pub authorization: Router<S>,
    /// To be told when the app shuts down.
    pub shutdown: Shutdown,
}

/// The end of a mounted server: its app knows when, the server does not. Clones are the same end.
#[derive(Debug, Clone)]
pub struct Shutdown {
    stop: watch::Sender<bool>,
    app: Arc<App>,
}

impl Shutdown {
    /// Ends open streams, which otherwise keep a graceful shutdown waiting for up to an hour. Calls go on.
    pub fn begin(&self) {
        self.stop.send_replace(true);
    }

    /// Ready when no call runs any more that outlives its connection (clients before 2026-07-28 that went away have not
    /// cancelled theirs), or when [`shutdown_timeout`](crate::HttpSettings::shutdown_timeout) is over.
    pub async fn finished(&self) {
        let patience: Duration = self.app.server.settings().http.shutdown_timeout;
        if timeout(patience, self.app.detached.finished()).await.is_err() {
            tracing::warn!("calls were still running when the time for shutting down was over");
        }
    }
}

impl Server {
    /// The endpoint and the discovery documents apart, for an app in which the server lives below a prefix, or beside
    /// other MCP servers.
    ///
    /// Documents and challenges are made from the public URL alone, whatever the app or a proxy does to paths on the way:
    /// it must be the URL that reaches the endpoint from outside. If requests arrive below another path, which is right
    /// only behind a proxy that rewrites paths, the log says so once.
    ///
    /// For the rest see [`router`](Self::router), which is the same with all parts merged.
    ///
    /// ```
    /// # use mcp_runtime::{Server, tools, tool};
    /// # use axum::{Router, routing::get};
    /// # /// Says hello.
    /// # #[tool(public)]
    /// # async fn hello() -> &'static str { "hello" }
    /// let notes = Server::builder("notes", "1.0").public_url("https://a.example/api/notes");
    /// let letters = Server::builder("letters", "1.0").public_url("https://a.example/api/letters");
    /// let notes = notes.tools(tools![hello]).build()?.routers();
    /// let letters = letters.tools(tools![hello]).build()?.routers();
    ///
    /// let api = Router::new()
    ///     .route("/health", get(|| async { "ok" }))
    ///     .nest("/notes", notes.endpoint)
    ///     .nest("/letters", letters.endpoint);
    /// let app: Router = Router::new().nest("/api", api).merge(notes.discovery).merge(letters.discovery);
    /// # Ok::<(), mcp_runtime::BuildError>(())
    /// ```
    #[must_use]
    pub fn routers<S: Clone + Send + Sync + 'static>(&self) -> Routers<S> {
        let (stop, stopped) = watch::channel(false);
        let app = self.app(stopped);
        let mut routers = Routers {
            path: self.endpoint_path().to_owned(),
            endpoint: mounted(Arc::clone(&app)),
            discovery: Router::new(),
            root_discovery: Router::new(),
            #[cfg(feature = "oauth")]
            authorization: self.authorization_routes(Router::new(), &app),
            shutdown: Shutdown { stop, app },
        };
        if let Some(metadata) = self.metadata() {
            if metadata.place.path != METADATA_ROOT {
                routers.root_discovery = routers.root_discovery.route(METADATA_ROOT, metadata.route());
            }
            routers.discovery = routers.discovery.route(&metadata.place.path, metadata.route());
        }
        routers
    }
}

fn mounted<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    let checked = Arc::new(AtomicBool::new(false));
    let answer = move |request: Request| {
        if !checked.load(Ordering::Relaxed) && !checked.swap(true, Ordering::Relaxed) {
            check_path(&app, &request);
        }
        endpoint::handle(Arc::clone(&app), request)
    };
    Router::new().route("/", any(answer))
}

/// Clients that come for discovery compare the URL they started from with the public one.
fn check_path(app: &App, request: &Request) {
    let nested = request.extensions().get::<NestedPath>().map_or("/", NestedPath::as_str);
    let public = app.server.endpoint_path();
    if !is_same_path(nested, public) {
        tracing::warn!(
            path = nested,
            public,
            "the endpoint is mounted below another path than that of its public URL; unless a proxy rewrites one to the \
             other, clients will not find where to log in"
        );
    }
}

fn is_same_path(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for (one, other) in [("/", "/"), ("/api/mcp", "/api/mcp"), ("/api/mcp/", "/api/mcp")] {
            assert!(is_same_path(one, other), "{one} {other}");
        }
        for (one, other) in [("/", "/mcp"), ("/api", "/api/mcp"), ("/mcp", "/api/mcp")] {
            assert!(!is_same_path(one, other), "{one} {other}");
        }
    }
}
