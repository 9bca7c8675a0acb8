//! Where people are sent back to.
// stub: clients

use super::Client;
use crate::auth::WebUrl;

pub(crate) fn is_registered(client: &Client, uri: &str) -> bool {
    client.redirect_uris.iter().any(|registered| registered == uri)
}

pub(crate) fn origin_of(uri: &str) -> Option<&str> {
    WebUrl::split(uri).map(|url| url.origin)
}

pub(crate) fn host_of(uri: &str) -> Option<&str> {
    WebUrl::split(uri).map(|url| url.authority)
}

pub(crate) fn is_loopback(uri: &str) -> bool {
    WebUrl::split(uri).is_some_and(|url| url.is_loopback())
}
