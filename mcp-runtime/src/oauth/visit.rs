//! stub: tokens

use std::borrow::Cow;

use axum::body::Body;
use http::request::Parts;

use super::error::{ErrorCode, OAuthError};
use crate::{auth::ClientAddress, http::Peer};

/// One request, and who sent it.
pub(crate) struct Visit {
    pub(crate) parts: Parts,
    pub(crate) body: Body,
    pub(crate) address: ClientAddress,
    pub(crate) peer: Peer,
    pub(crate) is_forwarded: bool,
}

/// Parameters.
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    pub(crate) fn parse(raw: &str) -> Result<Self, OAuthError> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(raw.as_bytes())
            .map(|(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "a parameter is there twice"));
        }
        Ok(Self { pairs })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}
