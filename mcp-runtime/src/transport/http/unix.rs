//! Serving on a Unix socket: its file is ours from its first to its last moment, and nobody else's is touched.

use std::{
    fs::{self, DirBuilder, Permissions},
    future::Future,
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::serve::{ServeError, stop_signal};
use crate::server::Server;

/// How long somebody behind a socket that is already there may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

impl Server {
    /// Serves on a Unix socket until Ctrl-C or SIGTERM, then lets running calls finish.
    ///
    /// The file has the mode [`unix_socket_mode`](crate::HttpSettings::unix_socket_mode), `0o600` by default, from the
    /// moment it is there, and is removed at the end. A socket that a killed server left behind is replaced.
    ///
    /// Such connections have no addresses: callers without credentials are counted as one, unless proxies are declared
    /// ([`trusted_proxy_hops`](crate::HttpSettings::trusted_proxy_hops)); then the peer is one of them. `Host` must be
    /// the one of the public URL, or without one a name of this machine, such as `localhost`.
    ///
    /// ```no_run
    /// # use mcp_runtime::{Server, tools, tool};
    /// # /// Says hello.
    /// # #[tool(public)]
    /// # async fn hello() -> &'static str { "hello" }
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder("greeter", "1.0")
    ///     .public_url("https://greeter.example.com/mcp")
    ///     .http(|http| http.unix_socket_mode(0o660).trusted_proxy_hops(1))
    ///     .tools(tools![hello])
    ///     .build()?;
    /// server.serve_unix("/run/greeter/mcp.sock").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the socket cannot be made, if something else than a socket is in its place, or if somebody answers there.
    pub async fn serve_unix(&self, path: impl AsRef<Path>) -> Result<(), ServeError> {
        let path = path.as_ref();
        let cannot = |error| ServeError::Listen { address: path.display().to_string(), error };
        self.make_ready().await?;
        let (listener, _file) = bind(path, self.settings().http.unix_socket_mode).await.map_err(cannot)?;
        self.serve_socket(listener, path, stop_signal()).await;
        Ok(())
    }

    /// Serves on a Unix socket of yours until `shutdown` is ready, then lets running calls finish. Handles no signals, and
    /// leaves the socket's file alone.
    ///
    /// # Errors
    /// If the built-in authorization server cannot use its store; other reasons not to serve may come.
    pub async fn serve_unix_on(
        &self,
        listener: UnixListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        self.make_ready().await?;
        let address = listener.local_addr().ok();
        let path = address.as_ref().and_then(|address| address.as_pathname()).unwrap_or(Path::new("unnamed"));
        self.serve_socket(listener, path, shutdown).await;
        Ok(())
    }

    async fn serve_socket(&self, listener: UnixListener, path: &Path, shutdown: impl Future<Output = ()>) {
        tracing::info!(socket = %path.display(), server = self.settings().name, "serving");
        self.serve_with(listener, shutdown).await;
    }
}

/// A socket's file, removed at the end unless another has taken its place.
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|there| there == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(%error, "the socket's file could not be removed");
        }
    }
}

/// Which file is at a path, whatever is written in it.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let there = fs::symlink_metadata(path)?;
    Ok((there.dev(), there.ino()))
}

/// A directory that nobody else can look into, next to the socket that is being made in it.
struct Workplace(PathBuf);

impl Workplace {
    fn beside(path: &Path) -> io::Result<Self> {
        // As short as most sockets' own names, because the paths of sockets are: about a hundred bytes.
        let name = format!(".{:06x}", RandomState::new().hash_one(std::process::id()) & 0xff_ffff);
        let place = path.with_file_name(name);
        DirBuilder::new().mode(0o700).create(&place)?;
        Ok(Self(place))
    }

    fn made(&self) -> PathBuf {
        self.0.join("s")
    }

    fn aside(&self) -> PathBuf {
        self.0.join("o")
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What is in it was linked elsewhere, or is of no use; what could not be put back stays.
        let _ = fs::remove_file(self.made());
        if let Err(error) = fs::remove_dir(&self.0) {
            tracing::warn!(%error, directory = %self.0.display(), "a temporary directory could not be removed");
        }
    }
}

/// Binds aside and moves into place: at its path the socket never has another mode, and never exists without a listener.
async fn bind(path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    // What somebody uses is not even moved for a moment; `clear` looks again at what it has moved.
    check_place(path).await?;
    let workplace = Workplace::beside(path)?;
    let made = workplace.made();
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, Permissions::from_mode(mode))?;
    let identity = identity(&made)?;
    clear(path, &workplace.aside()).await?;
    put(&made, path)?;
    Ok((listener, SocketFile { path: path.to_owned(), identity }))
}

/// Refuses a place where there is something else than a socket without a listener.
async fn check_place(path: &Path) -> io::Result<()> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        there => there?,
    };
    if !there.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "something else than a socket is there; it is not touched",
        ));
    }
    if is_stale(path).await { Ok(()) } else { Err(in_use()) }
}

fn in_use() -> io::Error {
    io::Error::new(ErrorKind::AddrInUse, "somebody answers there already")
}

/// Whether certainly nobody listens. A listener that is slow, or that we may not talk to, is one.
async fn is_stale(path: &Path) -> bool {
    match timeout(ANSWER_TIME, UnixStream::connect(path)).await {
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Ok(Ok(_)) | Err(_) => false,
    }
}

/// Removes a stale socket. It is moved aside before it is looked at for the last time: what another server puts in its
/// place between the look and the removal is not what is removed.
async fn clear(path: &Path, aside: &Path) -> io::Result<()> {
    match fs::rename(path, aside) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        moved => moved?,
    }
    if let Err(error) = check_place(aside).await {
        put(aside, path)?;
        return Err(error);
    }
    fs::remove_file(aside)
}

/// Moves a socket to where nothing is.
fn put(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(in_use()),
        // Not every file system can link.
        Err(_) => fs::rename(from, to),
    }
}

#[cfg(test)]
#[path = "unix_tests.rs"]
mod tests;
