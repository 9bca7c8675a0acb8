//! Our own listener: the endpoint with all its bounds, from bind to graceful shutdown.

use std::{convert::Infallible, fmt, future::Future, io, net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, extract::ConnectInfo, response::Response};
use http::StatusCode;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tower::Service;

use super::{connection::Connection, endpoint, router::App};
use crate::{http::HttpSettings, server::Server};

/// The most bytes of request line and headers together.
const MAX_HEAD_BYTES: usize = 64 * 1024;

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
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::NotLoopback { address, advice } => write!(f, "refusing to serve on {address}: {advice}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { error, .. } => Some(error),
            Self::NotLoopback { .. } => None,
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
    /// If the address cannot be bound, or if it is not loopback although the server has no public URL or no
    /// authentication.
    pub async fn serve(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<(), ServeError> {
        let name = format!("{address:?}").trim_matches('"').to_owned();
        let listener = TcpListener::bind(address).await.map_err(|error| ServeError::Listen { address: name, error })?;
        self.serve_on(listener, stop_signal()).await
    }

    /// Serves on a listener of yours until `shutdown` is ready, then lets running calls finish. Handles no signals.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn serve_on(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let unknown = |error| ServeError::Listen { address: "an unknown address".to_owned(), error };
        let address = listener.local_addr().map_err(unknown)?;
        self.check_address(address)?;
        let (stop, stopped) = watch::channel(false);
        let app = self.app(stopped);
        let router = self.routes::<()>(Arc::clone(&app)).fallback(self.not_found());
        let settings = &self.settings().http;
        tracing::info!(%address, server = self.settings().name, "serving");
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
        Ok(())
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
            (false, Some(_)) => return Ok(()),
        };
        if loopback { Ok(()) } else { Err(ServeError::NotLoopback { address, advice }) }
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

/// What a listener serves: the endpoint, and beside it the routes for everything else.
#[derive(Clone)]
struct Surface {
    app: Arc<App>,
    router: Router,
}

impl Surface {
    async fn answer(mut self, request: Request<Incoming>, peer: SocketAddr) -> Result<Response, Infallible> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        // Nearly every request is for the endpoint, and needs no router to find it.
        if request.uri().path() == self.app.server.endpoint_path() {
            Ok(endpoint::handle(self.app, request).await)
        } else {
            self.router.call(request).await
        }
    }
}

/// Accepts until told to stop; returns the connections still open.
async fn accept(
    listener: TcpListener,
    surface: Surface,
    settings: &HttpSettings,
    shutdown: impl Future<Output = ()>,
) -> GracefulShutdown {
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(settings.places()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(MAX_HEAD_BYTES);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let next = async {
            // A full house lets further connections wait in the kernel's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => return open,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, peer))) => {
                serve_connection(stream, peer, &http, surface.clone(), open.watcher(), place)
            }
            (_, Err(error)) => pause(&error).await,
            (Err(_), _) => return open,
        }
    }
}

/// Out of file descriptors, most likely; accepting at once again would only burn a core.
async fn pause(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    sleep(std::time::Duration::from_millis(100)).await;
}

fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    http: &http1::Builder,
    surface: Surface,
    watcher: Watcher,
    place: OwnedSemaphorePermit,
) {
    // Small answers must not wait for a full packet: that costs a delayed acknowledgement, 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(move |request: Request<Incoming>| surface.clone().answer(request, peer));
    let connection = http.serve_connection(TokioIo::new(Connection::new(stream)), service);
    let connection = watcher.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}
