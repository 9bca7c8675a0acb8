//! Which hosts and origins are answered: the defence against DNS rebinding and against other people's web pages
//! (MCP, "Streamable HTTP", security warning).

use http::{
    HeaderMap, HeaderValue, Uri, Version,
    header::{HOST, ORIGIN},
};

use super::HttpSettings;
use crate::auth::{PublicUrl, WebUrl, is_loopback_host, split_port};

/// Who may be asked for, and by which pages.
#[derive(Debug)]
pub(crate) struct Access {
    authority: Option<String>,
    default_port: &'static str,
    origin: Option<String>,
    /// The server is for this machine: then all names of this machine are its own.
    loopback: bool,
    hosts: Vec<String>,
    origins: Vec<String>,
}

/// Why a request is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forbidden {
    Host,
    Origin,
}

impl Access {
    pub(crate) fn new(public_url: Option<&PublicUrl>, settings: &HttpSettings) -> Self {
        Self {
            authority: public_url.map(|url| url.authority().to_owned()),
            default_port: if public_url.is_some_and(|url| url.as_str().starts_with("http:")) { "80" } else { "443" },
            origin: public_url.map(|url| url.origin().to_owned()),
            loopback: public_url.is_none_or(PublicUrl::is_loopback),
            hosts: settings.allowed_hosts.clone(),
            origins: settings.allowed_origins.clone(),
        }
    }

    /// Checks `Host` and `Origin`; returns the origin if a web page asks.
    pub(crate) fn check<'h>(
        &self,
        version: Version,
        uri: &Uri,
        headers: &'h HeaderMap,
    ) -> Result<Option<&'h HeaderValue>, Forbidden> {
        self.check_host(version, uri, headers)?;
        let Some(origin) = single(headers, &ORIGIN) else { return Ok(None) };
        let value = origin.ok_or(Forbidden::Origin)?;
        let text = value.to_str().map_err(|_| Forbidden::Origin)?;
        if self.is_origin(text) { Ok(Some(value)) } else { Err(Forbidden::Origin) }
    }

    /// Checks `Host` alone.
    pub(crate) fn check_host(&self, version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Forbidden> {
        let host = match single(headers, &HOST) {
            Some(value) => value.and_then(|value| value.to_str().ok()).ok_or(Forbidden::Host)?,
            // HTTP/2 names the host in the request target.
            None if version >= Version::HTTP_2 => {
                uri.authority().map(http::uri::Authority::as_str).ok_or(Forbidden::Host)?
            }
            None => return Err(Forbidden::Host),
        };
        if uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
            return Err(Forbidden::Host);
        }
        if self.is_host(host) { Ok(()) } else { Err(Forbidden::Host) }
    }

    fn is_host(&self, asked: &str) -> bool {
        let asked = asked.to_ascii_lowercase();
        let Some((asked_host, asked_port)) = split_port(&asked) else { return false };
        let same = |own: &str| {
            split_port(own).is_some_and(|(host, port)| {
                let port = port.unwrap_or(self.default_port);
                host.eq_ignore_ascii_case(asked_host) && port == asked_port.unwrap_or(self.default_port)
            })
        };
        let local =
            self.loopback && is_loopback_host(asked_host) && asked_port.is_none_or(|port| port.parse::<u16>().is_ok());
        local || self.authority.as_deref().is_some_and(same) || self.hosts.iter().any(|own| same(own))
    }

    fn is_origin(&self, asked: &str) -> bool {
        let same = |own: &str| own.eq_ignore_ascii_case(asked);
        let local = || {
            let page = WebUrl::split(asked);
            self.loopback && page.is_some_and(|page| page.is_loopback() && page.origin == asked)
        };
        self.origin.as_deref().is_some_and(same) || self.origins.iter().any(|own| same(own)) || local()
    }
}

/// The value of a header that may stand once: `None` if absent, `Some(None)` if there are several.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<Option<&'h HeaderValue>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(values.next().is_none().then_some(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(public: Option<&str>, host: Option<&str>, origin: Option<&str>) -> Result<(), Forbidden> {
        let url = public.map(|url| PublicUrl::parse(url).unwrap());
        let settings =
            HttpSettings::default().allowed_origin("https://inspector.example").allowed_host("internal:9000");
        let mut headers = HeaderMap::new();
        for (name, value) in [(HOST, host), (ORIGIN, origin)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let access = Access::new(url.as_ref(), &settings);
        access.check(Version::HTTP_11, &Uri::from_static("/mcp"), &headers).map(drop)
    }

    #[test]
    fn only_its_own_names() {
        let public = Some("https://a.example/mcp");
        for host in ["a.example", "A.EXAMPLE", "a.example:443", "internal:9000"] {
            assert_eq!(check(public, Some(host), None), Ok(()), "{host}");
        }
        for host in
            ["b.example", "a.example:8443", "a.example.evil.test", "localhost", "127.0.0.1:8000", "", "internal"]
        {
            assert_eq!(check(public, Some(host), None), Err(Forbidden::Host), "{host}");
        }
        assert_eq!(check(public, None, None), Err(Forbidden::Host));
    }

    #[test]
    fn this_machine_under_all_its_names() {
        for host in ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost"] {
            assert_eq!(check(None, Some(host), None), Ok(()), "{host}");
        }
        for host in ["evil.test", "127.0.0.1.evil.test", "127.1:8000", "0.0.0.0:8000", "localhost:x"] {
            assert_eq!(check(None, Some(host), None), Err(Forbidden::Host), "{host}");
        }
    }

    #[test]
    fn only_pages_it_knows() {
        let public = Some("https://a.example/mcp");
        for origin in ["https://a.example", "https://inspector.example"] {
            assert_eq!(check(public, Some("a.example"), Some(origin)), Ok(()), "{origin}");
        }
        for origin in ["null", "http://a.example", "https://a.example.evil.test", "http://localhost:6274", ""] {
            assert_eq!(check(public, Some("a.example"), Some(origin)), Err(Forbidden::Origin), "{origin}");
        }
        assert_eq!(check(None, Some("localhost"), Some("http://localhost:6274")), Ok(()));
        assert_eq!(check(None, Some("localhost"), Some("http://localhost.evil.test")), Err(Forbidden::Origin));
    }
}
