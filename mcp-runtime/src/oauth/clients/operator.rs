//! Clients that the operator writes down.

use std::fmt;

use serde_json::Value;

use super::{
    Authentication, Client, GrantType, Origin, SecretMethod, document, dynamic, metadata::check_keys, name, redirect,
};
use crate::{
    auth::{is_plausibly_random, is_scope_token},
    oauth::hash::sha256,
};

const ADVICE: &str = "generate one with `openssl rand -base64 32`";

/// A program that you register yourself, for [`AuthorizationServerBuilder::client`](super::super::AuthorizationServerBuilder::client).
/// Only such clients may act for themselves ([`client_credentials`](Self::client_credentials)) and ask about tokens
/// ([`may_introspect`](Self::may_introspect)). Its `Debug` shows no secret; only the hash of one is kept.
///
/// ```
/// use mcp_runtime::oauth::RegisteredClient;
///
/// # let secret = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg";
/// // A program on people's machines: it can keep no secret.
/// let desktop = RegisteredClient::public("desktop").name("Notes").redirect_uri("http://127.0.0.1/callback");
/// // A nightly job, which acts for itself.
/// let job = RegisteredClient::confidential("nightly", secret).client_credentials().scopes(["notes:read"]);
/// // A resource server that asks about tokens (RFC 7662).
/// let reports = RegisteredClient::confidential("reports", secret).may_introspect();
/// ```
#[must_use = "a client is registered by the builder of the authorization server"]
pub struct RegisteredClient {
    pub(super) client: Client,
    problems: Vec<String>,
}

impl RegisteredClient {
    /// A client without credentials: whoever knows its id can say that it is this one. What protects people then is where
    /// codes are sent, PKCE, and consent.
    pub fn public(id: impl Into<String>) -> Self {
        Self::new(id.into(), Authentication::None)
    }

    /// A client with a secret of at least 128 random bits, sent by `client_secret_basic` or `client_secret_post`.
    pub fn confidential(id: impl Into<String>, secret: impl AsRef<str>) -> Self {
        let secret = secret.as_ref();
        let sha256 = sha256(secret);
        let mut made = Self::new(id.into(), Authentication::Secret { sha256, method: SecretMethod::Either });
        if !is_plausibly_random(secret) || secret.len() > 1_024 || !secret.bytes().all(|b| b.is_ascii_graphic()) {
            made.problem(&format!("its secret can be guessed: at least 128 random bits are needed; {ADVICE}"));
        }
        made
    }

    /// A client that signs assertions (`private_key_jwt`, RFC 7523) with a key of this key set (RFC 7517, public keys
    /// only): there is nothing to steal from this server.
    ///
    /// ```
    /// # use mcp_runtime::oauth::RegisteredClient;
    /// let jwks = serde_json::json!({"keys": [{
    ///     "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    /// }]});
    /// let client = RegisteredClient::private_key("billing", jwks).client_credentials().scopes(["invoices:read"]);
    /// ```
    pub fn private_key(id: impl Into<String>, jwks: impl Into<Value>) -> Self {
        let jwks = jwks.into();
        let refused = check_keys(&jwks).err();
        let mut made = Self::new(id.into(), Authentication::PrivateKey { jwks: Some(jwks), jwks_uri: None });
        if let Some(why) = refused {
            made.problem(&format!("its key set is not usable: {why}"));
        }
        made
    }

    fn new(id: String, authentication: Authentication) -> Self {
        let client = Client {
            name: id.clone(),
            id,
            origin: Origin::Operator,
            redirect_uris: Vec::new(),
            authentication,
            grant_types: Vec::new(),
            scopes: None,
            may_introspect: false,
            metadata_hash: String::new(),
        };
        let mut made = Self { client, problems: Vec::new() };
        if let Some(why) = id_problem(&made.client.id) {
            made.problem(why);
        }
        made
    }

    /// What people are shown; else its id.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        match name::clean(name.as_ref()) {
            Some(name) => self.client.name = name,
            None => self.problem("its name is empty, or longer than 100 characters"),
        }
        self
    }

    /// Lets people log in to it: codes are sent to exactly this URI. Https, or http on `127.0.0.1`, `[::1]` or `localhost`,
    /// where the port may differ; others if [their scheme](super::super::AuthorizationServerBuilder::redirect_scheme) is
    /// allowed.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.client.redirect_uris.push(uri.into());
        self.allow([GrantType::AuthorizationCode, GrantType::RefreshToken])
    }

    /// The scopes it may have at most, whoever logs in; for itself, those that it has. Without this call: whatever people
    /// grant it, and for itself nothing.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        for scope in scopes.iter().filter(|scope| !is_scope_token(scope)) {
            self.problem(&format!("{scope:?} is not one scope; write each scope as an element of its own"));
        }
        self.client.scopes = Some(scopes);
        self
    }

    /// Lets it act for itself, without any person (RFC 6749 §4.4), with what [`scopes`](Self::scopes) says. Tools see its id
    /// as the subject.
    pub fn client_credentials(self) -> Self {
        self.allow([GrantType::ClientCredentials])
    }

    /// Lets it ask about tokens (RFC 7662), whoever they belong to.
    pub fn may_introspect(mut self) -> Self {
        self.client.may_introspect = true;
        self
    }

    fn allow(mut self, grants: impl IntoIterator<Item = GrantType>) -> Self {
        let new: Vec<GrantType> = grants.into_iter().filter(|grant| !self.client.may(*grant)).collect();
        self.client.grant_types.extend(new);
        self.client.hash_metadata();
        self
    }

    fn problem(&mut self, what: &str) {
        self.problems.push(format!("OAuth client {:?}: {what}", self.client.id));
    }

    /// Finishes it, and says what is wrong with it.
    pub(super) fn finish(&mut self, schemes: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        wrong.extend(self.client.redirect_uris.iter().filter_map(|uri| {
            redirect::check(uri, schemes).err().map(|why| format!("{uri:?} cannot be registered: {why}"))
        }));
        let is_public = self.client.authentication == Authentication::None;
        let acts_alone = self.client.may(GrantType::ClientCredentials);
        if is_public && (acts_alone || self.client.may_introspect) {
            wrong.push(
                "without credentials anybody could be it: make it `confidential` or `private_key`, or call neither \
                 `.client_credentials()` nor `.may_introspect()`"
                    .to_owned(),
            );
        }
        if !is_public && acts_alone && self.client.scopes.as_ref().is_none_or(Vec::is_empty) {
            wrong.push("it acts for itself and has no scope, so it would get no token: add `.scopes(…)`".to_owned());
        }
        if self.client.grant_types.is_empty() && !self.client.may_introspect {
            wrong.push(
                "it may do nothing: call `.redirect_uri(…)`, `.client_credentials()` or `.may_introspect()`".to_owned(),
            );
        }
        self.client.hash_metadata();
        wrong.iter().for_each(|what| self.problem(what));
        std::mem::take(&mut self.problems)
    }
}

fn id_problem(id: &str) -> Option<&'static str> {
    if id.is_empty() || id.len() > 128 || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Some("an id is 1 to 128 visible ASCII characters");
    }
    if id.contains("://") || document::is_document_id(id) {
        return Some("its id looks like the URL of a client's document: choose a plain name");
    }
    dynamic::is_dynamic_id(id)
        .then_some("ids that begin with `dcr_` are given to clients that register themselves: choose another")
}

impl fmt::Debug for RegisteredClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredClient")
            .field("id", &self.client.id)
            .field("name", &self.client.name)
            .field("redirect_uris", &self.client.redirect_uris)
            .field("scopes", &self.client.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg==";

    fn problems(mut client: RegisteredClient) -> Vec<String> {
        client.finish(&["cursor".to_owned()])
    }

    fn ed25519() -> Value {
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})
    }

    #[test]
    fn what_an_operator_may_register() {
        for fine in [
            RegisteredClient::public("desktop").redirect_uri("http://127.0.0.1/callback"),
            RegisteredClient::public("editor").redirect_uri("cursor://app/callback").name("An editor"),
            RegisteredClient::confidential("job", SECRET).client_credentials().scopes(["a", "project:p1:write"]),
            RegisteredClient::confidential("reports", SECRET).may_introspect(),
            RegisteredClient::private_key("billing", ed25519()).client_credentials().scopes(["a"]),
        ] {
            let shown = format!("{fine:?}");
            assert_eq!(problems(fine), Vec::<String>::new(), "{shown}");
        }
    }

    #[test]
    fn every_mistake_is_a_sentence() {
        let public = || RegisteredClient::public("app").redirect_uri("https://a.example/callback");
        let mut private = ed25519();
        private["keys"][0]["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        for (bad, word) in [
            (RegisteredClient::public("").redirect_uri("https://a.example/callback"), "1 to 128"),
            (RegisteredClient::public("a b").redirect_uri("https://a.example/callback"), "1 to 128"),
            (RegisteredClient::public("https://a.example/x").redirect_uri("https://a.example/callback"), "looks like"),
            (RegisteredClient::public("dcr_x").redirect_uri("https://a.example/callback"), "register themselves"),
            (RegisteredClient::public("app").redirect_uri("http://a.example/callback"), "must be https"),
            (RegisteredClient::public("app").redirect_uri("vscode://a/callback"), "scheme"),
            (RegisteredClient::public("app"), "may do nothing"),
            (public().client_credentials(), "anybody could be it"),
            (public().may_introspect(), "anybody could be it"),
            (public().scopes(["a b"]), "not one scope"),
            (public().name("x".repeat(101)), "its name"),
            (RegisteredClient::confidential("job", "secret").may_introspect(), "128 random bits"),
            (RegisteredClient::confidential("job", "").may_introspect(), "128 random bits"),
            (RegisteredClient::private_key("job", json!({"keys": []})).may_introspect(), "key set"),
            (RegisteredClient::private_key("job", private).may_introspect(), "key set"),
            (RegisteredClient::confidential("job", SECRET).client_credentials(), "add `.scopes("),
            (RegisteredClient::confidential("job", SECRET).client_credentials().scopes([""; 0]), "add `.scopes("),
        ] {
            let shown = format!("{bad:?}");
            let problems = problems(bad);
            assert_eq!(problems.len(), 1, "{shown}: {problems:?}");
            assert!(problems[0].contains(word) && problems[0].starts_with("OAuth client"), "{problems:?}");
        }
    }

    #[test]
    fn nothing_shows_a_secret() {
        let mut client = RegisteredClient::confidential("job", SECRET).client_credentials();
        assert!(!format!("{client:?}").contains(SECRET));
        client.finish(&[]);
        let kept = serde_json::to_string(&client.client).unwrap();
        assert!(!kept.contains(SECRET) && kept.contains(&sha256(SECRET.as_bytes())), "{kept}");
    }
}
