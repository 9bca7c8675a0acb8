//! Requests that the server itself sends: to addresses of the operator's choice, bounded in time and size.

use std::{fmt, net::IpAddr, net::SocketAddr, time::Duration};

use reqwest::{
    Client, RequestBuilder, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderMap,
};

use super::public_address::is_public;
use super::web_url::WebUrl;

/// How long one exchange may take, from the look-up of the name to the last byte.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long of that a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// Where requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Wherever the operator says, private networks included.
    Anywhere,
    /// To the public Internet only: the address comes from somebody else's document.
    Public,
}

/// An HTTP client without redirects, proxies, cookies, compression and retries.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    client: Client,
    reach: Reach,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The address that sent it.
    pub(super) from: Option<IpAddr>,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Outbound {
    /// `secure` says whether https is needed at all: then there must be roots to trust on this machine.
    pub(crate) fn new(reach: Reach, secure: bool) -> Result<Self, String> {
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(8)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("mcp-runtime/", env!("CARGO_PKG_VERSION")));
        if reach != Reach::Anywhere {
            builder = builder.dns_resolver(PublicNames);
        }
        if !secure {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| {
            format!("https cannot be used: {}; are CA certificates installed on this machine?", causes(&error))
        })?;
        Ok(Self { client, reach })
    }

    /// Asks an address that was not read yet for a JSON document of at most `limit` bytes.
    #[cfg(feature = "oauth")]
    pub(crate) async fn get_at(&self, url: &str, limit: usize) -> Result<Answer, Failure> {
        self.get(Url::parse(url).map_err(|_| Failure::Address)?, limit).await
    }

    /// The same with headers.
    #[cfg(feature = "github")]
    pub(crate) async fn get_with(&self, url: &str, headers: HeaderMap, limit: usize) -> Result<Answer, Failure> {
        let url = Url::parse(url).map_err(|_| Failure::Address)?;
        self.send(self.client.get(url).headers(headers), limit).await
    }

    /// Sends a form to an address that was not read yet.
    #[cfg(feature = "github")]
    pub(crate) async fn post_at(&self, url: &str, form: String, limit: usize) -> Result<Answer, Failure> {
        self.post(Url::parse(url).map_err(|_| Failure::Address)?, HeaderMap::new(), form, limit).await
    }

    /// Asks for a JSON document of at most `limit` bytes.
    pub(crate) async fn get(&self, url: Url, limit: usize) -> Result<Answer, Failure> {
        self.send(self.client.get(url), limit).await
    }

    /// Sends a form, and takes an answer of at most `limit` bytes.
    pub(super) async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        form: String,
        limit: usize,
    ) -> Result<Answer, Failure> {
        let request = self.client.post(url).headers(headers);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form), limit).await
    }

    /// Sends what another crate wrote, and takes an answer of at most `limit` bytes.
    #[cfg(feature = "oidc")]
    pub(crate) async fn carry(&self, request: http::Request<Vec<u8>>, limit: usize) -> Result<Answer, Failure> {
        let request = reqwest::Request::try_from(request).map_err(|_| Failure::Address)?;
        self.send(RequestBuilder::from_parts(self.client.clone(), request), limit).await
    }

    /// Sends a body of the kind that the headers say to an address that was not read yet, and takes an answer of at most
    /// `limit` bytes.
    #[cfg(feature = "firebase")]
    pub(crate) async fn post_body_at(
        &self,
        url: &str,
        headers: HeaderMap,
        body: String,
        limit: usize,
    ) -> Result<Answer, Failure> {
        let url = Url::parse(url).map_err(|_| Failure::Address)?;
        self.send(self.client.post(url).headers(headers).body(body), limit).await
    }

    async fn send(&self, request: RequestBuilder, limit: usize) -> Result<Answer, Failure> {
        let request = request.header("accept", "application/json").build().map_err(|_| Failure::Address)?;
        if self.reach != Reach::Anywhere && literal(request.url()).is_some_and(|address| !is_public(address)) {
            return Err(Failure::Address);
        }
        let exchange = async {
            let mut response = self.client.execute(request).await?;
            let from = response.remote_addr().map(|address| address.ip());
            let mut body = Vec::new();
            // Counted as it comes: what `Content-Length` says is only a promise.
            while let Some(chunk) = response.chunk().await? {
                if body.len() + chunk.len() > limit {
                    return Err(Failure::TooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            let status = response.status().as_u16();
            Ok(Answer { from, status, headers: std::mem::take(response.headers_mut()), body })
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or(Err(Failure::Timeout))
    }
}

impl Answer {
    /// The body of an answer that says 200, and nothing else: a redirect is no answer.
    pub(crate) fn ok(self) -> Result<Self, Failure> {
        if self.status == 200 { Ok(self) } else { Err(Failure::Status(self.status)) }
    }
}

/// Reads an address that the operator configured: https, or http on this machine, or anywhere if that was asked for.
pub(super) fn operator_url(text: &str, plain_http: bool) -> Result<Url, &'static str> {
    let parts = WebUrl::split(text).ok_or("is not an http(s) URL")?;
    if !parts.secure && !parts.is_loopback() && !plain_http {
        return Err(
            "must be https: whoever is on the way could change what it answers (plain http is for loopback only)",
        );
    }
    Url::parse(text).map_err(|_| "is not an http(s) URL")
}

/// The address in a URL that names none but writes one; a resolver never sees it.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Names whose every address is public. What was checked is what is connected to.
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !found.iter().all(|address| is_public(address.ip())) {
                return Err("the name leads to a private address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Why there is no answer. Never shows a URL's query, a header or a body.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The URL may not be asked.
    Address,
    /// No connection, or one that broke.
    Network(String),
    Timeout,
    TooLarge,
    Status(u16),
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Timeout } else { Self::Network(causes(&error.without_url())) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("its address may not be asked"),
            Self::Network(cause) => f.write_str(cause),
            Self::Timeout => write!(f, "no whole answer within {} seconds", PATIENCE.as_secs()),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Status(status) => write!(f, "the answer has status {status} instead of 200"),
        }
    }
}

/// An error with all that led to it: reqwest's own sentence says too little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "jwks")]
    #[tokio::test]
    async fn others_may_not_send_us_into_a_private_network() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ask = async |reach: Reach, host: &str| {
            let outbound = Outbound::new(reach, false).unwrap();
            let url = Url::parse(&format!("http://{host}:{port}/keys")).unwrap();
            tokio::select! {
                asked = outbound.get(url, 1) => Err(asked.unwrap_err()),
                _ = listener.accept() => Ok(()),
            }
        };
        for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "0.0.0.0", "[::]"] {
            let failure = ask(Reach::Public, host).await.expect_err(host);
            assert!(matches!(failure, Failure::Address), "{host}: {failure}");
        }
        let failure = ask(Reach::Public, "localhost").await.expect_err("localhost");
        assert!(failure.to_string().contains("private address"), "{failure}");
        // The operator may.
        ask(Reach::Anywhere, "127.0.0.1").await.unwrap();
        ask(Reach::Anywhere, "localhost").await.unwrap();
    }

    #[test]
    fn what_an_operator_may_write() {
        let may = |text: &str, plain: bool| operator_url(text, plain).is_ok();
        assert!(may("https://10.0.0.1/x?y", false) && may("http://localhost:1/x", false));
        assert!(!may("http://10.0.0.1/x", false) && may("http://10.0.0.1/x", true));
        for bad in ["", "x", "ftp://a.example", "https://a b", "https://u@a.example", "https://a.example#x"] {
            assert!(!may(bad, true), "{bad}");
        }
    }
}
