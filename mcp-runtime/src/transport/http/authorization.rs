//! The endpoints of the built-in authorization server, as routes beside the MCP endpoint.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::Response,
    routing::{MethodRouter, any},
};
use http::{Method, StatusCode};

use super::{body::Unread, peer, router::App};
use crate::{
    http::{Access, is_forwarded},
    oauth::{self, Endpoint, Visit},
    server::Server,
};

impl Server {
    /// Adds the endpoints, at their absolute paths.
    pub(super) fn authorization_routes<S: Clone + Send + Sync + 'static>(
        &self,
        mut router: Router<S>,
        app: &Arc<App>,
    ) -> Router<S> {
        let Some(server) = self.authorization_server() else { return router };
        for (path, endpoint) in oauth::paths(server.0.prefix()) {
            router = router.route(&path, route(Arc::clone(app), endpoint));
        }
        router
    }

    /// Which hosts the endpoints answer for: that of the issuer, and those of the settings.
    pub(super) fn authorization_access(&self) -> Option<Access> {
        let issuer = &self.authorization_server()?.0.issuer;
        let url = crate::auth::PublicUrl::parse(issuer).ok()?;
        Some(Access::new(Some(&url), &self.settings().http))
    }
}

fn route<S: Clone + Send + Sync + 'static>(app: Arc<App>, endpoint: Endpoint) -> MethodRouter<S> {
    any(move |request| handle(Arc::clone(&app), endpoint, request))
}

/// Answers one request. Which pages may ask is each endpoint's own rule; which hosts are answered is the same for all.
async fn handle(app: Arc<App>, endpoint: Endpoint, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut body = Unread::new(body, &parts.headers);
    let (Some(server), Some(access)) = (app.server.authorization_server(), &app.authorization_access) else {
        return plain(StatusCode::NOT_FOUND, "nothing is here\n");
    };
    let mut response = if access.check_host(parts.version, &parts.uri, &parts.headers).is_err() {
        plain(StatusCode::FORBIDDEN, "this server does not answer for this host\n")
    } else {
        // Forms are small, and read before anything is decided: an early answer would be lost on a client that still sends.
        let whole = match parts.method {
            Method::POST => body.read(&app.server.settings().http, true).await.map(Body::from),
            _ => Ok(Body::empty()),
        };
        match whole {
            Ok(body) => {
                let peer = peer::of(&parts.extensions);
                let address = peer::client_address(&app, peer, &parts.headers);
                let is_forwarded = is_forwarded(&parts.headers);
                let visit = Visit { parts, body, address, peer, is_forwarded };
                oauth::answer(Arc::clone(&server.0), endpoint, visit).await
            }
            Err(error) => plain(error.status(), "the body did not arrive whole, or is too large\n"),
        }
    };
    body.dispose(&app.drains, response.headers_mut());
    response
}

fn plain(status: StatusCode, message: &'static str) -> Response {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = status;
    response
}
