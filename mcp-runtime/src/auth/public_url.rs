//! The server's own address, as clients and tokens write it.

use super::web_url::WebUrl;

/// An absolute URL kept as the exact text it was given: tokens name it as their audience and are compared byte for
/// byte, so it must never be "normalised" on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    text: String,
    origin_end: usize,
    is_loopback: bool,
}

impl PublicUrl {
    /// Accepts `https://host[:port][/path]`, and plain `http` on loopback hosts only.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("public_url `{}` {why}", text.escape_debug()));
        let Some(url) = WebUrl::split(text) else {
            return fail("is not a URL that clients could use; write `https://host/mcp`");
        };
        let lower = url.origin.bytes().all(|b| !b.is_ascii_uppercase());
        if !lower || !url.query.is_empty() || url.path.contains(['%', '*', '{', '}', ':']) {
            return fail("must have scheme and host in lower case, no query, and a plain path");
        }
        if url.path.contains("//") || url.path.split('/').any(|part| part == "." || part == "..") {
            return fail("has a path with empty or dot segments");
        }
        if !url.secure && !url.is_loopback() {
            return fail("must be https: tokens would cross the network readable (plain http is for loopback only)");
        }
        Ok(Self { text: text.to_owned(), origin_end: url.origin.len(), is_loopback: url.is_loopback() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

#[cfg(feature = "http")]
impl PublicUrl {
    /// `scheme://host[:port]`.
    pub(crate) fn origin(&self) -> &str {
        &self.text[..self.origin_end]
    }

    /// `host[:port]`.
    pub(crate) fn authority(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, authority)| authority)
    }

    /// At least `/`.
    pub(crate) fn path(&self) -> &str {
        match &self.text[self.origin_end..] {
            "" => "/",
            path => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "http")]
    fn keeps_the_text_and_finds_its_parts() {
        let url = PublicUrl::parse("https://accounts.example.com:8443/v1/mcp").unwrap();
        assert_eq!(url.as_str(), "https://accounts.example.com:8443/v1/mcp");
        assert_eq!(url.authority(), "accounts.example.com:8443");
        assert_eq!((url.origin(), url.path()), ("https://accounts.example.com:8443", "/v1/mcp"));
        assert_eq!(PublicUrl::parse("https://a.example").unwrap().path(), "/");
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        assert!(PublicUrl::parse("http://[::1]:8000/mcp").unwrap().is_loopback());
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
