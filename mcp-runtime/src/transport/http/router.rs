//! The server as axum routes.

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{MethodRouter, any, get},
};
use http::{
    HeaderValue,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE},
};
use tokio::sync::watch;

use super::{body::Drains, endpoint, legacy::Detached, listen::Listeners, peer::Seldom};
use crate::{
    auth::{PublicUrl, ResourceMetadata, WellKnown, well_known_path},
    http::Access,
    server::Server,
};

/// Where the endpoint is if no public URL says so.
const DEFAULT_PATH: &str = "/mcp";
/// The root form of the metadata's place, for clients that look there (RFC 9728 §3.1).
pub(super) const METADATA_ROOT: &str = "/.well-known/oauth-protected-resource";

/// What the endpoint needs for every request, made once.
pub(super) struct App {
    pub(super) server: Server,
    pub(super) access: Access,
    /// What our own listener adds to every answer.
    pub(super) hsts: Option<HeaderValue>,
    #[cfg(feature = "oauth")]
    pub(super) authorization_access: Option<Access>,
    pub(super) drains: Drains,
    pub(super) listeners: Arc<Listeners>,
    /// The places for requests that outlive their connections.
    pub(super) detached: Detached,
    /// Turns true when the server shuts down, so that open streams end.
    pub(super) shutdown: watch::Receiver<bool>,
    /// For the word about a proxy that nobody declared.
    pub(super) undeclared: Seldom,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Server {
    /// The endpoint and, if there is an authorization server, its metadata, as routes for an axum app. It is axum 0.8's
    /// `Router`; an app on another version cannot merge it.
    ///
    /// Merge it at the root of the app: the discovery documents have fixed places. For several servers in one app, and
    /// below a prefix, see [`routers`](Self::routers). Client addresses come from
    /// [`ConnectInfo`](axum::extract::ConnectInfo), so serve the app with
    /// `into_make_service_with_connect_info::<SocketAddr>()`. axum's own server has no limits on time and
    /// connections, and closes connections under clients that are still sending a large body when they are denied;
    /// [`serve`](Self::serve) has neither problem.
    ///
    /// ```
    /// # use mcp_runtime::{Server, tools, tool};
    /// # /// Says hello.
    /// # #[tool(public)]
    /// # async fn hello() -> &'static str { "hello" }
    /// let server = Server::builder("greeter", "1.0").tools(tools![hello]).build()?;
    /// let app: axum::Router = axum::Router::new()
    ///     .route("/health", axum::routing::get(|| async { "ok" }))
    ///     .merge(server.router());
    /// # Ok::<(), mcp_runtime::BuildError>(())
    /// ```
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.routes(self.app(watch::channel(false).1))
    }

    pub(super) fn app(&self, shutdown: watch::Receiver<bool>) -> Arc<App> {
        let settings = self.settings();
        if settings.no_auth {
            tracing::warn!("`insecure_no_auth` is on: everybody on this machine may call every tool");
        }
        Arc::new(App {
            server: self.clone(),
            access: Access::new(settings.public_url.as_ref(), &settings.http),
            hsts: settings.http.hsts_header(settings.public_url.as_ref()),
            #[cfg(feature = "oauth")]
            authorization_access: self.authorization_access(),
            drains: Drains::new(),
            listeners: Arc::new(Listeners::default()),
            detached: Detached::new(settings.http.places()),
            shutdown,
            undeclared: Seldom::default(),
        })
    }

    pub(super) fn routes<S: Clone + Send + Sync + 'static>(&self, app: Arc<App>) -> Router<S> {
        let mut router = Router::new().route(self.endpoint_path(), endpoint_route(Arc::clone(&app)));
        #[cfg(feature = "oauth")]
        {
            router = self.authorization_routes(router, &app);
        }
        if let Some(metadata) = self.metadata() {
            let is_root = metadata.place.path == METADATA_ROOT;
            router = router.route(&metadata.place.path, metadata.route());
            if !is_root {
                router = router.route(METADATA_ROOT, metadata.route());
            }
        }
        router
    }

    /// Where the endpoint is.
    pub(super) fn endpoint_path(&self) -> &str {
        self.settings().public_url.as_ref().map_or(DEFAULT_PATH, PublicUrl::path)
    }

    /// Where clients learn who hands out tokens, and what they read there; `None` if nobody does.
    pub(super) fn metadata(&self) -> Option<Metadata> {
        let servers = self.core().verifier.authorization_servers();
        let url = self.settings().public_url.as_ref().filter(|_| !servers.is_empty())?;
        let document = ResourceMetadata::new(url.as_str(), &self.settings().name, &servers).render();
        Some(Metadata { place: well_known_path(url.as_str())?, document: document.into() })
    }
}

pub(super) fn endpoint_route<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> MethodRouter<S> {
    any(move |request| endpoint::handle(Arc::clone(&app), request))
}

/// The protected resource metadata of one server.
pub(super) struct Metadata {
    pub(super) place: WellKnown,
    document: Arc<str>,
}

impl Metadata {
    pub(super) fn route<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        let document = Arc::clone(&self.document);
        get(move || std::future::ready(metadata_response(&document)))
    }
}

/// Public by nature, so any page may read it.
fn metadata_response(document: &str) -> Response {
    let mut response = Response::new(document.to_owned().into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
