//! Our own listener: the endpoint with all its bounds, from bind to graceful shutdown.

use std::{fmt, future::Future, io, net::SocketAddr, sync::Arc};

use http::StatusCode;
use tokio::{
    net::{TcpListener, ToSocketAddrs},
    sync::watch,
    time::timeout,
};

use super::accept::{Listener, Surface, accept};
#[cfg(feature = "tls")]
use super::tls::{Hangups, Secure, keep_fresh};
use crate::{auth::PublicUrl, server::Server};

/// Why a server did not start or did not go on.
#[non_exhaustive]
pub enum ServeError {
    /// The address could not be found or bound.
    #[non_exhaustive]
    Listen {
        /// What was asked for, as far as it is known.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// The server may only be bound to loopback, and was not.
    #[non_exhaustive]
    NotLoopback {
        /// What it was to be bound to.
        address: SocketAddr,
        /// What to do about it.
        advice: &'static str,
    },
    /// Clients are told to use https, and nobody speaks it: neither the server nor a declared proxy.
    #[non_exhaustive]
    PlainHttp {
        /// What it was to be bound to.
        address: SocketAddr,
        /// What to do about it.
        advice: &'static str,
    },
    /// The built-in authorization server cannot use its store.
    #[cfg(feature = "oauth")]
    #[non_exhaustive]
    Store {
        /// What the store said.
        error: crate::store::StoreError,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::NotLoopback { address, advice } => write!(f, "refusing to serve on {address}: {advice}"),
            Self::PlainHttp { address, advice } => write!(f, "refusing to serve plain http on {address}: {advice}"),
            #[cfg(feature = "oauth")]
            Self::Store { error } => write!(f, "the authorization server cannot start: {error}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { error, .. } => Some(error),
            Self::NotLoopback { .. } | Self::PlainHttp { .. } => None,
            #[cfg(feature = "oauth")]
            Self::Store { error } => Some(error),
        }
    }
}

impl fmt::Debug for ServeError {
    /// The same as `Display`: this is what a `main` that returns it prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Server {
    /// Serves until Ctrl-C or SIGTERM, then lets running calls finish.
    ///
    /// # Errors
    /// If the address cannot be bound, if it is not loopback although the server has no public URL or no
    /// authentication, or if the public URL is https and not on loopback, but neither [`tls`](crate::ServerBuilder#method.tls)
    /// nor a trusted proxy is there to speak it.
    pub async fn serve(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<(), ServeError> {
        let name = format!("{address:?}").trim_matches('"').to_owned();
        let listener = TcpListener::bind(address).await.map_err(|error| ServeError::Listen { address: name, error })?;
        self.serve_tcp(listener, stop_signal(), true).await
    }

    /// Serves on a listener of yours until `shutdown` is ready, then lets running calls finish. Handles no signals.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn serve_on(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        self.serve_tcp(listener, shutdown, false).await
    }

    async fn serve_tcp(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        hears_signals: bool,
    ) -> Result<(), ServeError> {
        let unknown = |error| ServeError::Listen { address: "an unknown address".to_owned(), error };
        let address = listener.local_addr().map_err(unknown)?;
        self.check_address(address)?;
        self.make_ready().await?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.settings().tls {
            let hangups = if hears_signals { Hangups::heard() } else { Hangups::ignored() };
            tracing::info!(%address, server = self.settings().name, "serving https");
            tokio::select! {
                () = self.serve_with(Secure::new(listener, tls.clone()), shutdown) => return Ok(()),
                never = keep_fresh(tls, hangups) => match never {},
            }
        }
        #[cfg(not(feature = "tls"))]
        let _ = hears_signals;
        tracing::info!(%address, server = self.settings().name, "serving");
        self.serve_with(listener, shutdown).await;
        Ok(())
    }

    /// Says what is protected by what, and lets the authorization server load what it needs, before anybody is kept waiting
    /// for it.
    pub(super) async fn make_ready(&self) -> Result<(), ServeError> {
        tracing::info!("{}", self.summary());
        #[cfg(feature = "oauth")]
        if let Some(server) = self.authorization_server() {
            server.ready().await.map_err(|error| ServeError::Store { error })?;
            server.look_ahead();
        }
        Ok(())
    }

    /// Serves until told to stop, and then as long as running calls take, within bounds.
    pub(super) async fn serve_with(&self, listener: impl Listener, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let app = self.app(stopped);
        let router = self.routes::<()>(Arc::clone(&app)).fallback(self.not_found());
        let settings = &self.settings().http;
        let surface = Surface { app: Arc::clone(&app), router };
        let open = accept(listener, surface, settings, shutdown).await;
        // The receivers are the open streams; with none there is nobody to tell.
        let _ = stop.send(true);
        let finished = async {
            open.shutdown().await;
            app.detached.finished().await;
        };
        if timeout(settings.shutdown_timeout, finished).await.is_err() {
            tracing::warn!("calls were still running when the time for shutting down was over");
        }
    }

    /// What is answered beside the endpoint and the discovery documents.
    fn not_found(
        &self,
    ) -> impl Fn() -> std::future::Ready<(StatusCode, String)> + Clone + Send + Sync + 'static + use<> {
        let text = format!("nothing is here; the MCP endpoint is POST {}\n", self.endpoint_path());
        move || std::future::ready((StatusCode::NOT_FOUND, text.clone()))
    }

    fn check_address(&self, address: SocketAddr) -> Result<(), ServeError> {
        let settings = self.settings();
        let loopback = address.ip().to_canonical().is_loopback();
        let advice = match (settings.no_auth, &settings.public_url) {
            (true, _) => "`insecure_no_auth` is for loopback only",
            (false, None) => "say under which URL clients reach it with `.public_url(\"https://…/mcp\")`",
            (false, Some(url)) => return self.check_transport(address, url),
        };
        if loopback { Ok(()) } else { Err(ServeError::NotLoopback { address, advice }) }
    }

    /// Whoever tells clients to use https speaks it, or says who does: else tokens cross a network that everybody reads,
    /// or all callers are counted as one. The address says nothing about that: a tunnel may end at loopback as well.
    fn check_transport(&self, address: SocketAddr, url: &PublicUrl) -> Result<(), ServeError> {
        if url.is_loopback() || self.speaks_tls() || self.settings().http.proxies.are_declared() {
            return Ok(());
        }
        let advice = if self.settings().configured.is_some() {
            "`MCP_PUBLIC_URL` is https, and nothing is known that speaks it; set `MCP_TLS_CERT` and `MCP_TLS_KEY`, or name \
             the proxy that does in `MCP_TRUSTED_PROXIES` (`loopback`, if it is on this machine)"
        } else {
            "the public URL is https, and nothing is known that speaks it; add `.tls(Tls::files(\"cert.pem\", \
             \"key.pem\"))` (feature `tls`), or declare the proxy that does, on this machine with `.http(|http| \
             http.trusted_proxies([\"loopback\"]))`"
        };
        Err(ServeError::PlainHttp { address, advice })
    }

    fn speaks_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.settings().tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }
}

/// Ready when the process is told to stop: Ctrl-C, or SIGTERM where there is one.
///
/// What [`Server::serve`] waits for; for [`Server::serve_on`] and servers of your own.
pub async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the process by itself.
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
