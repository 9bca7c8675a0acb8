//! Finding an issuer's key set through its metadata (RFC 8414 §3, OpenID Connect Discovery 1.0 §4).

use reqwest::Url;
use serde::Deserialize;

use super::MAX_DOCUMENT;
use crate::auth::{
    outbound::{Outbound, Reach},
    public_address::is_public,
    web_url::WebUrl,
};

/// Where a key set is, and whether it may be in a private network.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) url: Url,
    pub(super) reach: Reach,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Asks an issuer where its keys are. Its documents must name it byte for byte (RFC 8414 §3.3): else one tenant of a
/// provider could speak for another.
pub(super) async fn find(outbound: &Outbound, issuer: &str) -> Result<Found, String> {
    let mut reasons = Vec::new();
    for place in places(issuer) {
        let outcome = match Url::parse(&place) {
            Ok(url) => ask(outbound, url, issuer).await,
            Err(_) => Err("not a URL".to_owned()),
        };
        match outcome {
            Ok(jwks_uri) => return check(issuer, &jwks_uri).await,
            Err(reason) => reasons.push(format!("{place}: {reason}")),
        }
    }
    Err(reasons.join("; "))
}

async fn ask(outbound: &Outbound, url: Url, issuer: &str) -> Result<String, String> {
    let answer = outbound.get(url, MAX_DOCUMENT).await.and_then(|answer| answer.ok()).map_err(|e| e.to_string())?;
    let metadata: Metadata =
        serde_json::from_slice(&answer.body).map_err(|_| "not metadata with `issuer` and `jwks_uri`".to_owned())?;
    if metadata.issuer == issuer { Ok(metadata.jwks_uri) } else { Err("it is of another issuer".to_owned()) }
}

/// The well-known places, in order: RFC 8414's between host and path, OpenID's at the end.
pub(super) fn places(issuer: &str) -> Vec<String> {
    let Some(url) = WebUrl::split(issuer) else { return Vec::new() };
    let path = url.path.strip_suffix('/').unwrap_or(url.path);
    let origin = url.origin;
    vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}{path}/.well-known/openid-configuration"),
    ]
}

/// What the issuer's document names is not the operator's word. On the issuer's own origin it may be used as the issuer
/// is; elsewhere it must be https, and public, unless the issuer itself is in a private network.
async fn check(issuer: &str, jwks_uri: &str) -> Result<Found, String> {
    let (Some(ours), Some(theirs), Ok(url)) = (WebUrl::split(issuer), WebUrl::split(jwks_uri), Url::parse(jwks_uri))
    else {
        return Err("its `jwks_uri` is not an http(s) URL".to_owned());
    };
    if theirs.origin == ours.origin {
        return Ok(Found { url, reach: Reach::Anywhere });
    }
    let on_this_machine = !ours.secure && ours.is_loopback() && theirs.is_loopback();
    if !theirs.secure && !on_this_machine {
        return Err("its `jwks_uri` is neither https nor at the issuer".to_owned());
    }
    let reach = if is_private(issuer).await { Reach::Anywhere } else { Reach::Public };
    Ok(Found { url, reach })
}

/// Whether a host has private addresses only: then its neighbours are not protected from it by being private.
async fn is_private(issuer: &str) -> bool {
    let Some((host, port)) = Url::parse(issuer).ok().and_then(|url| {
        let port = url.port_or_known_default()?;
        Some((url.host_str()?.trim_matches(['[', ']']).to_owned(), port))
    }) else {
        return false;
    };
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => {
            let found: Vec<_> = found.collect();
            !found.is_empty() && found.iter().all(|address| !is_public(address.ip()))
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_those_of_the_standards() {
        for (issuer, first, second) in [
            ("https://a.example", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"),
            ("https://a.example/", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"),
            (
                "https://a.example/t/1",
                "/.well-known/oauth-authorization-server/t/1",
                "/t/1/.well-known/openid-configuration",
            ),
            (
                "https://a.example/t/",
                "/.well-known/oauth-authorization-server/t",
                "/t/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(places(issuer), [first, second].map(|path| format!("https://a.example{path}")), "{issuer}");
        }
        assert!(places("quickstart").is_empty());
    }

    #[tokio::test]
    async fn the_keys_may_not_be_just_anywhere() {
        let reach = async |issuer: &str, uri: &str| check(issuer, uri).await.ok().map(|found| found.reach);
        for (issuer, uri, expected) in [
            ("https://8.8.8.8", "https://8.8.8.8/keys", Some(Reach::Anywhere)),
            ("https://8.8.8.8", "https://10.0.0.1/keys", Some(Reach::Public)),
            ("https://8.8.8.8", "https://8.8.8.8:444/keys", Some(Reach::Public)),
            ("https://8.8.8.8", "http://8.8.8.8/keys", None),
            ("https://8.8.8.8", "http://127.0.0.1/keys", None),
            ("https://8.8.8.8", "file:///etc/passwd", None),
            ("https://8.8.8.8", "https://user@8.8.8.8/keys", None),
            ("https://10.0.0.1", "https://10.0.0.2/keys", Some(Reach::Anywhere)),
            ("https://10.0.0.1", "http://127.0.0.1/keys", None),
            ("http://127.0.0.1:1", "http://127.0.0.1:2/keys", Some(Reach::Anywhere)),
            ("http://127.0.0.1:1", "http://10.0.0.1/keys", None),
            ("http://10.0.0.1", "http://10.0.0.1/keys", Some(Reach::Anywhere)),
        ] {
            assert_eq!(reach(issuer, uri).await, expected, "{issuer} {uri}");
        }
    }
}
