//! The bounds of the HTTP endpoint.

use std::time::Duration;

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
    pub(crate) shutdown_timeout: Duration,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            body_timeout: Duration::from_secs(20),
            header_timeout: Duration::from_secs(20),
            max_connections: 4096,
            shutdown_timeout: Duration::from_secs(30),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
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

    /// How many connections are open at once, and how many requests outlive theirs; as many as can be counted.
    pub(crate) fn places(&self) -> usize {
        self.max_connections.min(1 << 20)
    }

    /// What is wrong with the settings, in sentences that say what to do.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.max_body_bytes == 0 || self.max_connections == 0 {
            problems.push("`max_body_bytes` and `max_connections` must be above zero".to_owned());
        }
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
