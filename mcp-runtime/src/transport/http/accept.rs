//! From a listener to connections: how many there are, and what they are served with.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    io,
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, response::Response};
use http::header::STRICT_TRANSPORT_SECURITY;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tower::Service;

use super::{
    connection::Connection,
    crowd::{Crowd, Seat},
    endpoint, peer,
    router::App,
};
use crate::http::{HttpSettings, Peer};

/// The most bytes of request line and headers together.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long a TLS handshake may take.
const OPENING_TIME: Duration = Duration::from_secs(10);

/// Where connections come from.
pub(super) trait Listener {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// What is left to do until HTTP can be spoken. It waits for the peer, so nobody else waits for it.
    type Opening: Future<Output = io::Result<Self::Stream>> + Send + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Opening, Peer)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Opening = Ready<io::Result<TcpStream>>;

    async fn accept(&self) -> io::Result<(Self::Opening, Peer)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // Small answers must not wait for a full packet: that costs a delayed acknowledgement, 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        Ok((ready(Ok(stream)), Peer::Tcp(peer)))
    }
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;
    type Opening = Ready<io::Result<Self::Stream>>;

    async fn accept(&self) -> io::Result<(Self::Opening, Peer)> {
        let (stream, _) = tokio::net::UnixListener::accept(self).await?;
        Ok((ready(Ok(stream)), Peer::Unix))
    }
}

/// What a listener serves: the endpoint, and beside it the routes for everything else.
#[derive(Clone)]
pub(super) struct Surface {
    pub(super) app: Arc<App>,
    pub(super) router: Router,
}

impl Surface {
    async fn answer(mut self, request: Request<Incoming>, peer: Peer) -> Result<Response, Infallible> {
        let mut request = request.map(Body::new);
        peer::mark(peer, request.extensions_mut());
        let hsts = self.app.hsts.clone();
        // Nearly every request is for the endpoint, and needs no router to find it.
        let mut response = if request.uri().path() == self.app.server.endpoint_path() {
            endpoint::handle(self.app, request).await
        } else {
            self.router.call(request).await?
        };
        if let Some(hsts) = hsts {
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
        }
        Ok(response)
    }
}

/// Accepts until told to stop; returns the connections still open.
pub(super) async fn accept(
    listener: impl Listener,
    surface: Surface,
    settings: &HttpSettings,
    shutdown: impl Future<Output = ()>,
) -> GracefulShutdown {
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(settings.places()));
    let crowd = Arc::new(Crowd::new(settings));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(MAX_HEAD_BYTES);
    let terms = Terms { http, opening_time: OPENING_TIME.min(settings.header_timeout) };
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
            (Ok(place), Ok((opening, peer))) => {
                if let Some(seat) = crowd.enter(peer, settings, peer::now(&surface.app)) {
                    serve_connection(opening, peer, &terms, surface.clone(), open.watcher(), (place, seat));
                }
            }
            (_, Err(error)) => pause(&error).await,
            (Err(_), _) => return open,
        }
    }
}

async fn pause(error: &io::Error) {
    let how_long = pause_after(error);
    if how_long.is_zero() {
        tracing::debug!(%error, "a connection ended before it was accepted");
    } else {
        tracing::warn!(%error, "a connection could not be accepted");
        sleep(how_long).await;
    }
}

/// A connection that its peer gave up is no reason to keep others waiting. Anything else: out of file descriptors, most
/// likely; accepting at once again would only burn a core.
fn pause_after(error: &io::Error) -> Duration {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    let given_up = matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset);
    if given_up { Duration::ZERO } else { Duration::from_millis(100) }
}

/// What all connections are served with.
struct Terms {
    http: http1::Builder,
    opening_time: Duration,
}

fn serve_connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    opening: impl Future<Output = io::Result<S>> + Send + 'static,
    peer: Peer,
    terms: &Terms,
    surface: Surface,
    watcher: Watcher,
    places: (OwnedSemaphorePermit, Seat),
) {
    let (http, opening_time) = (terms.http.clone(), terms.opening_time);
    tokio::spawn(async move {
        if let Some(stream) = opened(opening, opening_time, &surface.app).await {
            let service = service_fn(move |request: Request<Incoming>| surface.clone().answer(request, peer));
            let connection = http.serve_connection(TokioIo::new(Connection::new(stream)), service);
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        drop(places);
    });
}

/// The connection, if its peer does its part in time, and before the server stops.
async fn opened<S>(opening: impl Future<Output = io::Result<S>>, time: Duration, app: &App) -> Option<S> {
    let mut stopping = app.shutdown.clone();
    let opened = tokio::select! {
        biased;
        opened = timeout(time, opening) => opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        _ = stopping.wait_for(|stopping| *stopping) => return None,
    };
    opened.inspect_err(|error| tracing::debug!(%error, "a connection was not opened")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_a_connection_that_was_given_up() {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Other, OutOfMemory};
        for kind in [ConnectionAborted, ConnectionReset, ConnectionRefused] {
            assert_eq!(pause_after(&kind.into()), Duration::ZERO, "{kind}");
        }
        // 24: too many open files.
        for error in [Other.into(), OutOfMemory.into(), io::Error::from_raw_os_error(24)] {
            assert_eq!(pause_after(&error), Duration::from_millis(100), "{error}");
        }
    }
}
