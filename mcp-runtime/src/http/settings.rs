//! The bounds of the HTTP endpoint.

use std::time::Duration;

use http::HeaderValue;

use super::{forwarded::ForwardedHeader, proxies::Proxies};
use crate::auth::PublicUrl;

/// How much the HTTP endpoint takes, how long it waits, and whom it answers. The defaults suit a server on the
/// open internet.
///
/// ```
/// # use mcp_runtime::Server;
/// let builder = Server::builder("notes", "1.0")
///     .http(|http| http.max_body_bytes(256 * 1024).allowed_origin("https://inspector.example.com"));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpSettings {
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: usize,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) proxies: Proxies,
    pub(crate) unix_socket_mode: u32,
    hsts: Option<Duration>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            body_timeout: Duration::from_secs(20),
            header_timeout: Duration::from_secs(20),
            max_connections: 4096,
            max_connections_per_address: 256,
            shutdown_timeout: Duration::from_secs(30),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            proxies: Proxies::default(),
            unix_socket_mode: 0o600,
            hsts: Some(Duration::from_secs(365 * 24 * 60 * 60)),
        }
    }
}

impl HttpSettings {
    /// The largest request body, in bytes; 1 MiB by default. Larger ones are answered with 413.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// How long a client may take to send a whole body; 20 seconds by default. Then it is answered with 408.
    #[must_use]
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// How long our own listener waits for a request's headers, also on an idle connection; 20 seconds by default.
    #[must_use]
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// How many connections our own listener holds open; 4096 by default. Further ones wait to be accepted.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How many connections our own listener holds open for one address (of IPv6: one /64); 256 by default. Further ones
    /// are closed at once. Does not count declared proxies, nor Unix sockets.
    #[must_use]
    pub fn max_connections_per_address(mut self, connections: usize) -> Self {
        self.max_connections_per_address = connections;
        self
    }

    /// How long a shutdown waits for running calls; 30 seconds by default.
    #[must_use]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Also answers requests for this host (`host` or `host:port`), beside the one of the public URL.
    #[must_use]
    pub fn allowed_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }

    /// Also answers web pages of this origin (`https://host[:port]`), beside that of the public URL.
    #[must_use]
    pub fn allowed_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Declares the proxies in front of the server by their addresses: networks (`10.0.0.0/8`, `fd00::/8`), single
    /// addresses, or the words `loopback` and `private` (RFC 1918, RFC 4193).
    ///
    /// Callers without credentials are then counted by the address that these proxies forward, the last one in
    /// [`forwarded_header`](Self::forwarded_header) that is not a proxy itself. What others forward is not believed.
    /// Name nothing but proxies: whoever has one of these addresses chooses the one it is counted by.
    ///
    /// ```
    /// # use mcp_runtime::Server;
    /// let builder = Server::builder("notes", "1.0").http(|http| http.trusted_proxies(["loopback", "10.0.3.0/24"]));
    /// ```
    #[must_use]
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for network in networks {
            self.proxies.add_network(network.as_ref());
        }
        self
    }

    /// Declares the proxies in front of the server by their number, where their addresses change: with 1, the last
    /// address in [`forwarded_header`](Self::forwarded_header) is the caller's, with 2 the one before it.
    ///
    /// Only for servers that nobody can reach without passing exactly that many proxies, each of which adds an address:
    /// whoever comes another way chooses the one it is counted by.
    #[must_use]
    pub fn trusted_proxy_hops(mut self, proxies: usize) -> Self {
        self.proxies.set_hops(proxies);
        self
    }

    /// The header that the declared proxies write addresses into; `X-Forwarded-For` by default. It must be the one that
    /// they *do* write: another would reach the server as its caller sent it.
    #[must_use]
    pub fn forwarded_header(mut self, header: ForwardedHeader) -> Self {
        self.proxies.set_header(header);
        self
    }

    /// Who may open the socket of [`serve_unix`](crate::Server::serve_unix), as the mode of its file; `0o600` by default,
    /// the server's own user. `0o660` adds its group, which a proxy under another user can join.
    #[cfg(unix)]
    #[must_use]
    pub fn unix_socket_mode(mut self, mode: u32) -> Self {
        self.unix_socket_mode = mode;
        self
    }

    /// How long browsers are told to use nothing but https for the host (`Strict-Transport-Security`, RFC 6797); a year by
    /// default.
    ///
    /// Our own listener says so with every answer if the public URL is https and not on loopback, whether it speaks https
    /// itself or a proxy does. It counts for the whole host, whatever else is there, but not for hosts below it.
    #[must_use]
    pub fn hsts(mut self, max_age: Duration) -> Self {
        self.hsts = Some(max_age);
        self
    }

    /// Leaves `Strict-Transport-Security` out: where the proxy writes it, or something else on the host needs plain http.
    #[must_use]
    pub fn no_hsts(mut self) -> Self {
        self.hsts = None;
        self
    }

    /// `Strict-Transport-Security` for a server with this public URL. On loopback it would shut out whatever else is tried
    /// out there.
    pub(crate) fn hsts_header(&self, public_url: Option<&PublicUrl>) -> Option<HeaderValue> {
        let max_age = self.hsts.filter(|_| public_url.is_some_and(|url| !url.is_loopback()))?;
        HeaderValue::try_from(format!("max-age={}", max_age.as_secs())).ok()
    }

    /// How many connections are open at once, and how many requests outlive theirs; as many as can be counted.
    pub(crate) fn places(&self) -> usize {
        self.max_connections.min(1 << 20)
    }

    /// Whom the server believes and answers besides, for people; nothing where nothing was said.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn policy_lines(&self) -> Vec<String> {
        let list = |what: &str, names: &[String]| format!("* {what}: {}.", names.join(", "));
        let mut lines = Vec::new();
        if !self.allowed_hosts.is_empty() {
            lines.push(list("Further hosts", &self.allowed_hosts));
        }
        if !self.allowed_origins.is_empty() {
            lines.push(list("Further origins", &self.allowed_origins));
        }
        lines.extend(self.proxies.line());
        lines
    }

    /// The proxies that are believed, for people.
    pub(crate) fn proxy_line(&self) -> Option<String> {
        self.proxies.line().map(|line| line.trim_start_matches("* ").to_owned())
    }

    /// What is wrong with the settings, in sentences that say what to do.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.max_body_bytes == 0 || self.max_connections == 0 || self.max_connections_per_address == 0 {
            let bounds = "`max_body_bytes`, `max_connections` and `max_connections_per_address`";
            problems.push(format!("{bounds} must be above zero"));
        }
        if self.unix_socket_mode & !0o777 != 0 {
            problems.push("`unix_socket_mode` is a file mode from 0o000 to 0o777, such as 0o660".to_owned());
        }
        problems.extend(self.proxies.problems());
        let bad_origin = |origin: &&String| {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '@', ' ']))
        };
        for origin in self.allowed_origins.iter().filter(bad_origin) {
            problems.push(format!(
                "`{origin}` is not an origin; write `https://host` or `https://host:port`, no path, no `*`"
            ));
        }
        for host in self.allowed_hosts.iter().filter(|host| host.is_empty() || host.contains(['/', '*', '@', ' '])) {
            problems.push(format!("`{host}` is not a host; write `host` or `host:port`, no scheme, no path, no `*`"));
        }
        problems
    }
}
