//! Finding an issuer's key set through its metadata (RFC 8414 §3, OpenID Connect Discovery 1.0 §4).

use std::net::IpAddr;

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
            Ok((jwks_uri, from)) => return check(issuer, from, &jwks_uri),
            Err(reason) => reasons.push(format!("{place}: {reason}")),
        }
    }
    Err(reasons.join("; "))
}

/// What a document says, and which address it came from.
async fn ask(outbound: &Outbound, url: Url, issuer: &str) -> Result<(String, Option<IpAddr>), String> {
    let answer = outbound.get(url, MAX_DOCUMENT).await.and_then(|answer| answer.ok()).map_err(|e| e.to_string())?;
    let metadata: Metadata =
        serde_json::from_slice(&answer.body).map_err(|_| "not metadata with `issuer` and `jwks_uri`".to_owned())?;
    let ours = metadata.issuer == issuer;
    if ours { Ok((metadata.jwks_uri, answer.from)) } else { Err("it is of another issuer".to_owned()) }
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
/// is; elsewhere it must be https, and public, unless the issuer itself is in a private network: then its neighbours are
/// not protected from it by being private. That goes by where the document came from, because a name that is looked up
/// twice can lead to two places.
fn check(issuer: &str, from: Option<IpAddr>, jwks_uri: &str) -> Result<Found, String> {
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
    let is_private = from.is_some_and(|address| !is_public(address.to_canonical()));
    let reach = if is_private { Reach::Anywhere } else { Reach::Public };
    Ok(Found { url, reach })
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

    #[test]
    fn the_keys_may_not_be_just_anywhere() {
        let reach =
            |issuer: &str, from: &str, uri: &str| check(issuer, from.parse().ok(), uri).ok().map(|found| found.reach);
        for (issuer, from, uri, expected) in [
            ("https://a.example", "8.8.8.8", "https://a.example/keys", Some(Reach::Anywhere)),
            ("https://a.example", "8.8.8.8", "https://10.0.0.1/keys", Some(Reach::Public)),
            ("https://a.example", "::ffff:8.8.8.8", "https://10.0.0.1/keys", Some(Reach::Public)),
            ("https://a.example", "8.8.8.8", "https://a.example:444/keys", Some(Reach::Public)),
            ("https://a.example", "nobody knows", "https://10.0.0.1/keys", Some(Reach::Public)),
            // What the name says by itself, or when it is asked again, does not matter.
            ("https://10.0.0.1", "8.8.8.8", "https://10.0.0.2/keys", Some(Reach::Public)),
            ("https://localhost", "8.8.8.8", "https://10.0.0.2/keys", Some(Reach::Public)),
            ("https://a.example", "8.8.8.8", "http://a.example/keys", None),
            ("https://a.example", "8.8.8.8", "http://127.0.0.1/keys", None),
            ("https://a.example", "10.0.0.1", "http://127.0.0.1/keys", None),
            ("https://a.example", "8.8.8.8", "file:///etc/passwd", None),
            ("https://a.example", "8.8.8.8", "https://user@a.example/keys", None),
            ("https://a.example", "10.0.0.1", "https://10.0.0.2/keys", Some(Reach::Anywhere)),
            ("https://a.example", "::ffff:10.0.0.1", "https://10.0.0.2/keys", Some(Reach::Anywhere)),
            ("https://10.0.0.1", "10.0.0.1", "http://127.0.0.1/keys", None),
            ("http://127.0.0.1:1", "127.0.0.1", "http://127.0.0.1:2/keys", Some(Reach::Anywhere)),
            ("http://127.0.0.1:1", "127.0.0.1", "http://10.0.0.1/keys", None),
            ("http://10.0.0.1", "10.0.0.1", "http://10.0.0.1/keys", Some(Reach::Anywhere)),
        ] {
            assert_eq!(reach(issuer, from, uri), expected, "{issuer} {from} {uri}");
        }
    }

    #[tokio::test]
    async fn where_a_document_came_from_is_known() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"https://10.0.0.1/keys"}}"#);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{document}", document.len());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        };
        let outbound = Outbound::new(Reach::Anywhere, false).unwrap();
        let (found, from) = tokio::select! {
            found = ask(&outbound, Url::parse(&issuer).unwrap(), &issuer) => found.unwrap(),
            () = serve => unreachable!(),
        };
        assert_eq!((&*found, from), ("https://10.0.0.1/keys", Some(IpAddr::from([127, 0, 0, 1]))));
    }
}
