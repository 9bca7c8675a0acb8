//! Just enough of URLs, on the exact string.
//!
//! Issuers and resources are compared byte for byte by every client, and a URL parser changes them (`url::Url` prints
//! `https://a.example` with a slash at its end), so none is used.

/// An `http` or `https` URL cut into parts; together they are the string it was cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WebUrl<'a> {
    pub(crate) secure: bool,
    /// Scheme and authority: `https://a.example:8443`.
    pub(crate) origin: &'a str,
    /// Host and port.
    pub(crate) authority: &'a str,
    /// Empty, or from the first slash up to the query.
    pub(crate) path: &'a str,
    /// Empty, or from the question mark on.
    pub(crate) query: &'a str,
}

impl<'a> WebUrl<'a> {
    /// `None` unless it is an absolute `http` or `https` URL in ASCII with a host, without user name and fragment.
    pub(crate) fn split(url: &'a str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b);
        if !url.bytes().all(plain) {
            return None;
        }
        let scheme_end = url.find("://")?;
        let secure = match &url[..scheme_end] {
            scheme if scheme.eq_ignore_ascii_case("https") => true,
            scheme if scheme.eq_ignore_ascii_case("http") => false,
            _ => return None,
        };
        let start = scheme_end + 3;
        let end = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
        let authority = &url[start..end];
        let (path, query) = url[end..].split_at(url[end..].find('?').unwrap_or(url.len() - end));
        is_authority(authority).then_some(Self { secure, origin: &url[..end], authority, path, query })
    }

    /// Whether the host is this machine, by one of the three names that always mean it.
    pub(crate) fn is_loopback(&self) -> bool {
        split_port(self.authority).is_some_and(|(host, _)| is_loopback_host(host))
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn is_authority(authority: &str) -> bool {
    let Some((host, port)) = split_port(authority) else { return false };
    let named = !host.is_empty() && !host.contains(['@', ':', '[', ']', '%']);
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|v6| {
        v6.parse::<std::net::Ipv6Addr>().is_ok() // A zone (`%eth0`) means something else on every machine.
    });
    let digits = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    (named || literal) && port.is_none_or(digits)
}

/// The three ways to write this machine. Nothing clever: `127.1` and `0x7f.1` are not on the list.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]" | "localhost")
}

/// Splits `host[:port]`; an IPv6 address keeps its brackets.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let host_end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(host_end);
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => rest.is_empty().then_some((host, None)),
    }
}

/// Whether clients can ask this issuer for tokens: an https URL, or an http one on this machine (RFC 8414 §2).
#[cfg(any(test, feature = "jwt", feature = "introspection"))]
pub(crate) fn is_authorization_server(issuer: &str) -> bool {
    WebUrl::split(issuer).is_some_and(|url| url.query.is_empty() && (url.secure || url.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorization_servers_are_https_or_on_this_machine() {
        for yes in [
            "https://login.example.com",
            "https://login.example.com/",
            "https://login.example.com/tenant/a",
            "https://login.example.com:8443",
            "https://[2001:db8::1]:8443/x",
            "http://127.0.0.1:9000",
            "http://[::1]",
            "http://localhost:1/x",
        ] {
            assert!(is_authorization_server(yes), "{yes}");
        }
        for no in [
            "",
            "quickstart",
            "https://",
            "https:///path",
            "https://:443",
            "http://login.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://localhost@example.com",
            "http://127.0.0.1:80@example.com",
            "http://[::1].example.com",
            "http://[::1%25eth0]",
            "https://a.example?tenant=1",
            "https://a.example#x",
            "https://user@a.example",
            "https://a.example:port",
            "https://a.example:99999",
            "https://a.example/a b",
            "https://a.example\\b",
            "https://ä.example",
            "ftp://a.example",
            "javascript://a.example",
        ] {
            assert!(!is_authorization_server(no), "{no}");
        }
    }

    #[test]
    fn the_parts_are_the_string() {
        for url in
            ["https://a.example", "https://a.example/", "HTTP://A:1/b/c?d/e?f", "https://a?b", "http://[::1]:8/x"]
        {
            let WebUrl { origin, path, query, .. } = WebUrl::split(url).unwrap();
            assert_eq!(format!("{origin}{path}{query}"), url);
        }
    }
}
