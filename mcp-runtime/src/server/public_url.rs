//! The server's own address, as clients and tokens write it.

/// An absolute URL kept as the exact text it was given: tokens name it as their audience and are compared byte for
/// byte, so it must never be "normalised" on the way (a URL parser would turn `https://a` into `https://a/`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    text: String,
    scheme_end: usize,
    path_start: usize,
}

impl PublicUrl {
    /// Accepts `https://host[:port][/path]`, and plain `http` on loopback hosts only.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("public_url `{}` {why}", text.escape_debug()));
        let Some(scheme_end) = text.find("://") else {
            return fail("has no scheme; write `https://host/mcp`");
        };
        let authority_start = scheme_end + 3;
        let path_start = text[authority_start..].find('/').map_or(text.len(), |i| authority_start + i);
        let url = Self { text: text.to_owned(), scheme_end, path_start };
        let special = ['?', '#', '@', '\\', '"', '<', '>', '{', '}', '%', '*'];
        if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(special) {
            return fail("may have no query, fragment, user, space or other special character");
        }
        if url.host().is_empty() || url.authority() != url.authority().to_ascii_lowercase() {
            return fail("needs a host in lower case");
        }
        if url.port().is_some_and(|port| port.parse::<u16>().is_err()) {
            return fail("has a port that is not a number from 0 to 65535");
        }
        if url.text[path_start..].contains("//") || url.path().split('/').any(|part| part == "." || part == "..") {
            return fail("has a path with empty or dot segments");
        }
        match &text[..scheme_end] {
            "https" => Ok(url),
            "http" if url.is_loopback() => Ok(url),
            "http" => fail("must be https: tokens would cross the network readable (plain http is for loopback only)"),
            _ => fail("must be https, or http on loopback"),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// `host[:port]`.
    pub(crate) fn authority(&self) -> &str {
        &self.text[self.scheme_end + 3..self.path_start]
    }

    /// `scheme://host[:port]`.
    pub(crate) fn origin(&self) -> &str {
        &self.text[..self.path_start]
    }

    /// At least `/`.
    pub(crate) fn path(&self) -> &str {
        match &self.text[self.path_start..] {
            "" => "/",
            path => path,
        }
    }

    pub(crate) fn host(&self) -> &str {
        split_port(self.authority()).0
    }

    fn port(&self) -> Option<&str> {
        split_port(self.authority()).1
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback_host(self.host())
    }
}

/// Splits `host[:port]`; an IPv6 address keeps its brackets.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => (&authority[..at], Some(&authority[at + 1..])),
        _ => (authority, None),
    }
}

/// The three ways to write this machine. Nothing clever: `127.1` and `0x7f.1` are not on the list.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    ["127.0.0.1", "[::1]", "localhost"].iter().any(|name| host.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text_and_finds_its_parts() {
        let url = PublicUrl::parse("https://accounts.example.com:8443/v1/mcp").unwrap();
        assert_eq!(url.as_str(), "https://accounts.example.com:8443/v1/mcp");
        assert_eq!(url.authority(), "accounts.example.com:8443");
        assert_eq!(url.origin(), "https://accounts.example.com:8443");
        assert_eq!((url.host(), url.path()), ("accounts.example.com", "/v1/mcp"));
        assert_eq!(PublicUrl::parse("https://a.example").unwrap().path(), "/");
        assert!(PublicUrl::parse("http://[::1]:8000/mcp").unwrap().is_loopback());
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        for bad in [
            "accounts.example.com/mcp",
            "ftp://a.example/mcp",
            "http://a.example/mcp",
            "http://127.1/mcp",
            "https://A.example/mcp",
            "https:///mcp",
            "https://user@a.example/mcp",
            "https://a.example/mcp?x=1",
            "https://a.example/mcp#x",
            "https://a.example//mcp",
            "https://a.example/../mcp",
            "https://a.example/%2e%2e/mcp",
            "https://a.example:99999/mcp",
            "https://a.example/m cp",
            "https://a.example/{any}",
        ] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
