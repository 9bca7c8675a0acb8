//! The certificate of our own listener, and how it is replaced while connections go on.

mod pair;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio_rustls::rustls::ServerConfig;

pub use pair::TlsError;
pub(crate) use pair::{Fingerprint, Pair};

/// How often files are looked at, unless it is said otherwise, and at most.
const CHECK_EVERY: Duration = Duration::from_secs(30);
const CHECK_AT_MOST_EVERY: Duration = Duration::from_millis(10);

/// A certificate and its key, for a server that speaks https itself: [`ServerBuilder::tls`](crate::ServerBuilder::tls).
///
/// ```no_run
/// # use mcp_runtime::{Server, Tls, tool, tools};
/// # /// Says hello.
/// # #[tool(public)]
/// # async fn hello() -> &'static str { "hello" }
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder("greeter", "1.0")
///     .public_url("https://greeter.example.com/mcp")
///     .tls(Tls::files("/etc/greeter/cert.pem", "/etc/greeter/key.pem"))
///     .tools(tools![hello])
///     .build()?;
/// server.serve("0.0.0.0:443").await?;
/// # Ok(()) }
/// ```
///
/// Clones are handles to the same pair. The guide [`https`](crate::guide::https) says how certificates are replaced.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
    check_every: Duration,
}

struct Shared {
    certificate: PathBuf,
    key: PathBuf,
    /// What handshakes use. Where both locks are taken, it is the second.
    current: RwLock<Option<Pair>>,
    /// Held from reading to replacing, so that what was read first does not replace what was read later.
    reading: Mutex<()>,
}

impl Tls {
    /// PEM files: the server's certificate followed by those between it and the root, and its private key (PKCS #8,
    /// PKCS #1 or SEC 1, not encrypted). They may be one file.
    ///
    /// They are read when the server is built, and whenever they have changed. Others must not be able to read the key,
    /// nor the group to write it, else it is refused.
    #[must_use]
    pub fn files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let shared = Shared {
            certificate: certificate.into(),
            key: key.into(),
            current: RwLock::default(),
            reading: Mutex::default(),
        };
        Self { shared: Arc::new(shared), check_every: CHECK_EVERY }
    }

    /// How often a server looks whether the files have changed; every 30 seconds by default.
    #[must_use]
    pub fn check_every(mut self, period: Duration) -> Self {
        self.check_every = period;
        self
    }

    /// Reads the files now, and lets handshakes that begin from now on use them; true if they are not what they were.
    ///
    /// It blocks for as long as it takes to read two small files. Servers do it by themselves; this is for a deploy hook
    /// that wants to know the outcome.
    ///
    /// # Errors
    /// [`TlsError`] if the files are not a certificate and its key. What was used before stays in use.
    pub fn reload(&self) -> Result<bool, TlsError> {
        self.reload_if(None)
    }

    /// As `reload`, unless the files are not what is expected any more.
    pub(crate) fn reload_if(&self, expected: Option<Fingerprint>) -> Result<bool, TlsError> {
        let _reading = self.shared.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = self.look()?;
        if expected.is_some_and(|expected| expected != pair.fingerprint()) || self.is_current(&pair) {
            return Ok(false);
        }
        *self.shared.current.write().unwrap_or_else(PoisonError::into_inner) = Some(pair);
        Ok(true)
    }

    /// Reads and checks the files, and changes nothing.
    pub(crate) fn look(&self) -> Result<Pair, TlsError> {
        Pair::read(&self.shared.certificate, &self.shared.key)
    }

    pub(crate) fn is_current(&self, pair: &Pair) -> bool {
        let current = self.shared.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().is_some_and(|current| current.fingerprint() == pair.fingerprint())
    }

    /// What a handshake needs; `None` if there never was a pair that could be used.
    pub(crate) fn config(&self) -> Option<Arc<ServerConfig>> {
        let current = self.shared.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().map(Pair::config)
    }

    pub(crate) fn period(&self) -> Duration {
        self.check_every.max(CHECK_AT_MOST_EVERY)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { certificate, key, .. } = &*self.shared;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish_non_exhaustive()
    }
}
