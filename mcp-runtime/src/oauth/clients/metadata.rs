//! What a client says about itself (RFC 7591 §2), by registering or in a document: read strictly, capped, and believed in
//! nothing.

use serde_json::{Map, Value};

use super::{GrantType, document, name, redirect};
use crate::{
    auth::ClientKeys,
    oauth::error::{ErrorCode, OAuthError},
};

const MAX_REDIRECT_URIS: usize = 16;

/// The longest list of other things, and the longest of those.
const MAX_WORDS: usize = 16;
const MAX_WORD_BYTES: usize = 256;

/// The largest key set, in bytes as it is kept.
const MAX_KEYS_BYTES: usize = 16 * 1024;

/// What may be said.
pub(crate) struct Rules<'a> {
    /// Schemes that redirect URIs may have besides https and loopback http.
    pub(crate) schemes: &'a [String],
    /// A document that anybody can read: then there are no secrets.
    pub(crate) is_document: bool,
    /// Whether keys may be fetched from this machine, in tests.
    pub(crate) loopback: bool,
}

/// What is taken from it. Everything else is ignored: scopes are granted by people, software statements by nobody we know.
#[derive(Debug, PartialEq)]
pub(crate) struct Metadata {
    pub(crate) name: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) method: Method,
    pub(crate) grant_types: Vec<GrantType>,
}

/// How it says that it will prove who it is.
#[derive(Debug, PartialEq)]
pub(crate) enum Method {
    None,
    Basic,
    Post,
    /// It does not say, which means `client_secret_basic` (RFC 7591 §2) or that it takes what it gets: either is accepted.
    Unsaid,
    PrivateKey {
        jwks: Option<Value>,
        jwks_uri: Option<String>,
    },
}

impl Method {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic | Self::Unsaid => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKey { .. } => "private_key_jwt",
        }
    }
}

pub(crate) fn read(said: &Map<String, Value>, rules: &Rules<'_>) -> Result<Metadata, OAuthError> {
    let method = method(said, rules)?;
    check_response_types(said)?;
    let grant_types = grant_types(said, rules)?;
    let redirect_uris = redirect_uris(said, rules)?;
    Ok(Metadata { name: client_name(said)?, redirect_uris, method, grant_types })
}

const fn wrong(why: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, why)
}

/// A text; `null` is as good as nothing.
fn text<'a>(said: &'a Map<String, Value>, member: &str, why: &'static str) -> Result<Option<&'a str>, OAuthError> {
    match said.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(wrong(why)),
    }
}

/// A list of short words.
fn words<'a>(
    said: &'a Map<String, Value>,
    member: &str,
    why: &'static str,
) -> Result<Option<Vec<&'a str>>, OAuthError> {
    let list = match said.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value.as_array().filter(|list| list.len() <= MAX_WORDS).ok_or(wrong(why))?,
    };
    let word = |value: &'a Value| value.as_str().filter(|word| word.len() <= MAX_WORD_BYTES).ok_or(wrong(why));
    list.iter().map(word).collect::<Result<_, _>>().map(Some)
}

fn redirect_uris(said: &Map<String, Value>, rules: &Rules<'_>) -> Result<Vec<String>, OAuthError> {
    let wrong = |why| OAuthError::new(ErrorCode::InvalidRedirectUri, why);
    let list = said.get("redirect_uris").and_then(Value::as_array);
    let list =
        list.filter(|list| !list.is_empty()).ok_or(wrong("`redirect_uris` must be a list with at least one URI"))?;
    if list.len() > MAX_REDIRECT_URIS {
        return Err(wrong("`redirect_uris` has more than 16 URIs"));
    }
    let mut uris: Vec<String> = Vec::new();
    for value in list {
        let uri = value.as_str().ok_or(wrong("`redirect_uris` has something that is not text"))?;
        redirect::check(uri, rules.schemes).map_err(wrong)?;
        if !uris.iter().any(|known| known == uri) {
            uris.push(uri.to_owned());
        }
    }
    Ok(uris)
}

fn client_name(said: &Map<String, Value>) -> Result<Option<String>, OAuthError> {
    const WHY: &str = "`client_name` must be text of at most 100 characters that can be seen";
    match text(said, "client_name", WHY)? {
        None | Some("") => Ok(None),
        Some(name) => name::clean(name).map(Some).ok_or(wrong(WHY)),
    }
}

fn method(said: &Map<String, Value>, rules: &Rules<'_>) -> Result<Method, OAuthError> {
    if rules.is_document && (said.contains_key("client_secret") || said.contains_key("client_secret_expires_at")) {
        return Err(wrong("a document that anybody can read has no secret"));
    }
    let why = "`token_endpoint_auth_method` is none of `none`, `client_secret_basic`, `client_secret_post`, `private_key_jwt`";
    match (text(said, "token_endpoint_auth_method", why)?, rules.is_document) {
        (Some("none"), _) | (None, true) => Ok(Method::None),
        (Some("private_key_jwt"), _) => keys(said, rules),
        (Some(_), true) => Err(wrong("without a secret, a document can name `none` and `private_key_jwt` only")),
        (Some("client_secret_basic"), _) => Ok(Method::Basic),
        (Some("client_secret_post"), _) => Ok(Method::Post),
        (None, false) => Ok(Method::Unsaid),
        (Some(_), false) => Err(wrong(why)),
    }
}

fn keys(said: &Map<String, Value>, rules: &Rules<'_>) -> Result<Method, OAuthError> {
    let uri = text(said, "jwks_uri", "`jwks_uri` must be text")?;
    match (said.get("jwks").filter(|set| !set.is_null()), uri) {
        (Some(set), None) => {
            check_keys(set).map_err(wrong)?;
            Ok(Method::PrivateKey { jwks: Some(set.clone()), jwks_uri: None })
        }
        (None, Some(uri)) if document::may_be_fetched(uri, rules.loopback) => {
            Ok(Method::PrivateKey { jwks: None, jwks_uri: Some(uri.to_owned()) })
        }
        (None, Some(_)) => Err(wrong("`jwks_uri` must be an https URL in its plainest form, of at most 512 bytes")),
        (Some(_), Some(_)) => Err(wrong("`jwks` and `jwks_uri` exclude each other")),
        (None, None) => Err(wrong("`private_key_jwt` needs `jwks` or `jwks_uri`")),
    }
}

/// Public keys, at least one of which can be used.
pub(super) fn check_keys(set: &Value) -> Result<(), &'static str> {
    if set.to_string().len() > MAX_KEYS_BYTES {
        return Err("`jwks` is larger than 16 KiB");
    }
    let entries = set.get("keys").and_then(Value::as_array).ok_or("`jwks` is not a key set")?;
    let is_private = |entry: &Value| {
        ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"].iter().any(|part| entry.get(part).is_some())
    };
    if entries.iter().any(is_private) {
        return Err("`jwks` holds a private key or a shared secret, which is public from now on: replace it");
    }
    ClientKeys::parse(set, "a client").map(|_| ()).map_err(|_| "`jwks` has no key for signatures that can be used here")
}

/// Only codes are given out here.
fn check_response_types(said: &Map<String, Value>) -> Result<(), OAuthError> {
    const WHY: &str = "`response_types` must contain `code`";
    match words(said, "response_types", WHY)? {
        Some(types) if !types.contains(&"code") => Err(wrong(WHY)),
        _ => Ok(()),
    }
}

/// What of it there is here. Clients name what they would use with others too; only acting for itself is refused aloud,
/// because nothing else such a client does could work.
fn grant_types(said: &Map<String, Value>, rules: &Rules<'_>) -> Result<Vec<GrantType>, OAuthError> {
    const WHY: &str = "`grant_types` must contain `authorization_code`";
    let Some(types) = words(said, "grant_types", WHY)? else {
        return Ok(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]);
    };
    if types.contains(&"client_credentials") && !rules.is_document {
        return Err(wrong("`client_credentials` is for clients that the operator registered"));
    }
    let known = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let granted: Vec<GrantType> = known.into_iter().filter(|grant| types.contains(&grant.as_str())).collect();
    if granted.contains(&GrantType::AuthorizationCode) { Ok(granted) } else { Err(wrong(WHY)) }
}
