//! What a client reads to learn who hands out tokens for this server (RFC 9728).

use serde::Serialize;

use super::web_url::WebUrl;

/// The protected resource metadata of one endpoint. Rendered once, served as it is.
#[derive(Debug, Serialize)]
pub(crate) struct ResourceMetadata<'a> {
    resource: &'a str,
    authorization_servers: &'a [&'a str],
    bearer_methods_supported: [&'static str; 1],
    resource_name: &'a str,
}

impl<'a> ResourceMetadata<'a> {
    /// `resource` is published exactly as it is: clients compare it byte for byte with the URL they started from.
    pub(crate) fn new(resource: &'a str, resource_name: &'a str, authorization_servers: &'a [&'a str]) -> Self {
        let bearer_methods_supported = ["header"];
        Self { resource, authorization_servers, bearer_methods_supported, resource_name }
    }

    /// The document. Strings alone cannot fail to serialise; should they, nothing is published.
    pub(crate) fn render(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Where the metadata of a resource is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WellKnown {
    /// The path to serve it at.
    pub(crate) path: String,
    /// The absolute URL for `WWW-Authenticate`.
    pub(crate) url: String,
}

/// Inserts the well-known name between host and path (RFC 9728 §3.1) of the exact resource string; `None` if that is
/// not an http(s) URL without fragment.
pub(crate) fn well_known_path(resource_url: &str) -> Option<WellKnown> {
    let url = WebUrl::split(resource_url)?;
    // A slash directly after the host says nothing, and is removed; one at the end of a longer path belongs to it.
    let rest = if url.path == "/" { "" } else { url.path };
    let path = format!("/.well-known/oauth-protected-resource{rest}");
    let url = format!("{}{path}{}", url.origin, url.query);
    Some(WellKnown { path, url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_location_is_inserted_between_host_and_path() {
        for (resource, path, url) in [
            ("https://a.example", "", "https://a.example/.well-known/oauth-protected-resource"),
            ("https://a.example/", "", "https://a.example/.well-known/oauth-protected-resource"),
            ("https://a.example/mcp", "/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp"),
            ("https://a.example/mcp/", "/mcp/", "https://a.example/.well-known/oauth-protected-resource/mcp/"),
            ("https://a.example/x/mcp", "/x/mcp", "https://a.example/.well-known/oauth-protected-resource/x/mcp"),
            ("https://a.example/mcp?t=1", "/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp?t=1"),
            ("https://a.example?t=/1", "", "https://a.example/.well-known/oauth-protected-resource?t=/1"),
            ("http://[::1]:8000/mcp", "/mcp", "http://[::1]:8000/.well-known/oauth-protected-resource/mcp"),
            ("HTTPS://A.example:443/M", "/M", "HTTPS://A.example:443/.well-known/oauth-protected-resource/M"),
        ] {
            let path = format!("/.well-known/oauth-protected-resource{path}");
            assert_eq!(well_known_path(resource), Some(WellKnown { path, url: url.into() }), "{resource}");
        }
        for no in ["", "/mcp", "a.example/mcp", "https://a.example/mcp#x", "https:///mcp", "ws://a.example/mcp"] {
            assert_eq!(well_known_path(no), None, "{no}");
        }
    }

    #[test]
    fn the_document_keeps_strings_as_they_are() {
        let servers = ["https://login.example.com"];
        let metadata = ResourceMetadata::new("https://a.example", "notes", &servers);
        assert_eq!(
            metadata.render(),
            r#"{"resource":"https://a.example","authorization_servers":["https://login.example.com"],"bearer_methods_supported":["header"],"resource_name":"notes"}"#
        );
    }
}
