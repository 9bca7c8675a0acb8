//! By what a provider's access tokens are told from everything else that it signs with the same keys.

use std::fmt;

use serde_json::{Map, Value};

use crate::auth::{Identity, claims::Dialect};

/// A provider whose access tokens are known, and what is wrong with what was said about it.
pub(super) struct Preset {
    provider: Provider,
    problems: Vec<&'static str>,
}

/// Who writes the tokens.
#[derive(Debug)]
pub(super) enum Provider {
    Auth0,
    Okta,
    Entra,
    Keycloak,
    /// With the clients whose tokens are for us: there may be no audience in them.
    Cognito(Box<[Box<str>]>),
}

impl Preset {
    pub(super) fn new(provider: Provider, problems: impl IntoIterator<Item = Option<&'static str>>) -> Self {
        Self { provider, problems: problems.into_iter().flatten().collect() }
    }

    /// Whether these claims, whose issuer, audience and dates are right, are those of an access token of this provider.
    pub(super) fn wrote(&self, identity: &Identity, audience: &str) -> bool {
        let claims = identity.claims();
        let Some(client) = identity.client() else { return false };
        match &self.provider {
            // Its ID tokens name no client but their audience.
            Provider::Auth0 => client != audience,
            // Both names are Okta's own: nobody can write them into an ID token.
            Provider::Okta => claims.get("scp").is_some_and(Value::is_array),
            // `azp` is in access tokens only. A program gets a token without being granted anything: it is for nobody.
            Provider::Entra => is(claims, "ver", "2.0") && (has_text(claims, "scp") || has_entries(claims, "roles")),
            Provider::Keycloak => is(claims, "typ", "Bearer"),
            Provider::Cognito(clients) => {
                is(claims, "token_use", "access") && clients.iter().any(|ours| **ours == *client)
            }
        }
    }

    /// Where a token says what; `aud` is demanded where an audience was named.
    pub(super) fn dialect(&self, audience_was_named: bool) -> &'static Dialect {
        match &self.provider {
            Provider::Auth0 => &AUTH0,
            Provider::Okta => &OKTA,
            Provider::Entra => &ENTRA,
            Provider::Keycloak => &KEYCLOAK,
            Provider::Cognito(_) if audience_was_named => &COGNITO_WITH_AUDIENCE,
            Provider::Cognito(_) => &COGNITO,
        }
    }

    /// What is wrong with the configuration, in half sentences.
    pub(super) fn problems(&self, issuer: &str, audience: &str) -> Vec<String> {
        let of_audience = self.provider.problem_of_audience(issuer, audience);
        self.problems.iter().copied().chain(of_audience).map(str::to_owned).collect()
    }
}

impl Provider {
    fn problem_of_audience(&self, issuer: &str, audience: &str) -> Option<&'static str> {
        match self {
            Self::Auth0 if is_of_auth0(issuer, audience) => Some(
                "its audience is an API of Auth0 itself, which is in the tokens for every other API too: create an API \
                 for this server, and give its identifier",
            ),
            Self::Auth0 if audience.len() == 32 && is_alphanumeric(audience) => Some(
                "its audience looks like the client id of an application, which is the audience of ID tokens: give the \
                 identifier of an API (Applications > APIs)",
            ),
            Self::Okta if audience.len() == 20 && audience.starts_with("0oa") && is_alphanumeric(audience) => Some(
                "its audience looks like the client id of an application, which is the audience of ID tokens: give the \
                 audience of the authorization server (Security > API)",
            ),
            Self::Entra if !audience.is_empty() && !is_guid(audience) => Some(
                "its audience is not a GUID: tokens of version 2.0 name the application (client) id of the API, never its \
                 URI (`api://…`), which only tokens of version 1.0 do (set `requestedAccessTokenVersion` to 2)",
            ),
            Self::Keycloak if ["account", "broker", "realm-management"].contains(&audience) => Some(
                "its audience is a client that Keycloak brings along, and is in tokens for everybody: make a client for \
                 this server, and add an audience mapper for it",
            ),
            _ => None,
        }
    }
}

/// With a domain of one's own these still name the tenant's.
fn is_of_auth0(issuer: &str, audience: &str) -> bool {
    audience.starts_with(issuer) || audience.ends_with("/userinfo") || audience.ends_with(".auth0.com/api/v2/")
}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.provider.fmt(f)
    }
}

/// A program's subject is its client, with a suffix.
const AUTH0: Dialect = Dialect {
    is_program: |claims| {
        let client = claims.get("azp").or(claims.get("client_id")).and_then(Value::as_str);
        let subject = claims.get("sub").and_then(Value::as_str);
        client.is_some() && subject.and_then(|subject| subject.strip_suffix("@clients")) == client
    },
    ..Dialect::STANDARD
};

const OKTA: Dialect = Dialect { client: &["cid"], ..Dialect::STANDARD };

/// A program has roles, and only a person's token has `scp`.
const ENTRA: Dialect =
    Dialect { client: &["azp"], is_program: |claims| !claims.contains_key("scp"), ..Dialect::STANDARD };

/// A program's subject is a user of its own; only there the client is named twice.
const KEYCLOAK: Dialect = Dialect {
    client: &["azp"],
    is_program: |claims| claims.get("client_id").is_some_and(|client| Some(client) == claims.get("azp")),
    ..Dialect::STANDARD
};

const COGNITO_WITH_AUDIENCE: Dialect = Dialect { client: &["client_id"], ..Dialect::STANDARD };

const COGNITO: Dialect = Dialect { may_lack_audience: true, ..COGNITO_WITH_AUDIENCE };

fn is(claims: &Map<String, Value>, name: &str, value: &str) -> bool {
    claims.get(name).and_then(Value::as_str) == Some(value)
}

fn has_text(claims: &Map<String, Value>, name: &str) -> bool {
    claims.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

fn has_entries(claims: &Map<String, Value>, name: &str) -> bool {
    claims.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

pub(super) fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// 32 hexadecimal digits in five groups.
pub(super) fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}
