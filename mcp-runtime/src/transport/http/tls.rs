//! https on our own listener: handshakes, and certificates that are replaced while it serves.

use std::{convert::Infallible, io, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

use super::accept::Listener;
use crate::http::{Fingerprint, Tls, TlsError};

/// How long files that have changed must stay as they are: whoever replaces them may not be done.
const SETTLED: Duration = Duration::from_secs(1);

/// A listener whose connections speak TLS.
pub(super) struct Secure {
    listener: TcpListener,
    tls: Tls,
}

impl Secure {
    pub(super) fn new(listener: TcpListener, tls: Tls) -> Self {
        Self { listener, tls }
    }
}

impl Listener for Secure {
    type Stream = TlsStream<TcpStream>;
    type Opening = Accept<TcpStream>;

    async fn accept(&self) -> io::Result<(Self::Opening, crate::http::Peer)> {
        let (stream, peer) = Listener::accept(&self.listener).await?;
        let config = self.tls.config().ok_or_else(|| io::Error::other("there is no certificate"))?;
        Ok((TlsAcceptor::from(config).accept(stream.into_inner()?), peer))
    }
}

/// Signals that say "read your configuration again", if this server is to listen to any.
pub(super) struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    /// From now on the process does not end with SIGHUP.
    pub(super) fn heard() -> Self {
        #[cfg(unix)]
        {
            let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
            Self { signal: signal.inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be heard")).ok() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    pub(super) fn ignored() -> Self {
        Self {
            #[cfg(unix)]
            signal: None,
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Looks at the files again and again, and uses what is new and good.
pub(super) async fn keep_fresh(tls: &Tls, mut hangups: Hangups) -> Infallible {
    let mut complaint = String::new();
    loop {
        let replaced = tokio::select! {
            () = sleep(tls.period()) => when_settled(tls).await,
            // Who asks for it is done with replacing.
            () = hangups.next() => {
                complaint.clear();
                blocking(tls, |tls| tls.reload()).await
            }
        };
        match replaced {
            Ok(true) => tracing::info!("the certificate was replaced"),
            Ok(false) => {}
            Err(error) => {
                // Once, not every half minute.
                let said = error.to_string();
                if said != complaint {
                    tracing::warn!(%error, "the certificate was not replaced; the one before stays in use");
                    complaint = said;
                }
                continue;
            }
        }
        complaint.clear();
    }
}

/// Replaces the pair if the files have changed and do not change any more.
async fn when_settled(tls: &Tls) -> Result<bool, TlsError> {
    let seen = blocking(tls, look).await;
    if matches!(seen, Ok(None)) {
        return Ok(false);
    }
    sleep(SETTLED.min(tls.period())).await;
    match seen {
        Ok(seen) => blocking(tls, move |tls| tls.reload_if(seen)).await,
        // What could not be read a moment ago may be good now, and is looked at next time.
        Err(_) => blocking(tls, look).await.map(|_| false),
    }
}

/// What is in the files, if it is not in use yet.
fn look(tls: &Tls) -> Result<Option<Fingerprint>, TlsError> {
    let pair = tls.look()?;
    Ok((!tls.is_current(&pair)).then(|| pair.fingerprint()))
}

/// Files are read where waiting for a disk keeps nobody else waiting.
async fn blocking<T: Default + Send + 'static>(
    tls: &Tls,
    read: impl FnOnce(&Tls) -> Result<T, TlsError> + Send + 'static,
) -> Result<T, TlsError> {
    let tls = tls.clone();
    // It can only fail where the runtime ends.
    tokio::task::spawn_blocking(move || read(&tls)).await.unwrap_or_else(|_| Ok(T::default()))
}
