//! There with a challenge, back with a code, and the tokens that it buys.

use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use super::{GitHub, LoginError, ORGANIZATIONS, TEAMS, denied, misconfigured, unavailable};
use crate::{
    auth::UniqueObject,
    oauth::{
        hash::sha256,
        login::federated::{Trip, UpstreamTokens},
        visit::Form,
    },
};

/// The largest answer, and the longest of what is in it, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
const MAX_SECRET: usize = 1024;

const EMAILS: &str = "user:email";
const MEMBERSHIPS: &str = "read:org";

impl GitHub {
    /// Where the browser goes. GitHub cannot be told to ask for a password again, only which account it is to be.
    pub(super) fn authorization_url(&self, trip: &Trip) -> String {
        let mut query = Serializer::new(String::new());
        query
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &trip.redirect_uri)
            .append_pair("scope", &self.scopes(trip.for_tools).join(" "))
            .append_pair("state", &trip.state)
            .append_pair("code_challenge", trip.pkce.challenge())
            .append_pair("code_challenge_method", "S256");
        if trip.login_again {
            query.append_pair("prompt", "select_account");
        }
        format!("{}/login/oauth/authorize?{}", self.site.web, query.finish())
    }

    fn scopes(&self, for_tools: bool) -> Vec<&str> {
        let mut scopes = vec!["read:user", EMAILS];
        scopes.extend(self.looks_at_memberships().then_some(MEMBERSHIPS));
        if for_tools {
            scopes.extend(self.tools.iter().map(|tool| &*tool.scope));
        }
        scopes
    }

    fn looks_at_memberships(&self) -> bool {
        [ORGANIZATIONS, TEAMS].iter().any(|claim| self.rules.texts_of(claim).next().is_some())
    }

    pub(super) fn looks_at_emails(&self) -> bool {
        self.links_by_email || self.rules.looks_at("email") || self.rules.looks_at("email_verified")
    }

    /// Whether a token can be asked for e-mail addresses.
    pub(super) fn shows_emails(tokens: &UpstreamTokens) -> bool {
        has(tokens, EMAILS)
    }

    /// A scope that the rules need and these tokens lack: people can be granted less than was asked for, and rules change.
    pub(super) fn lacks(&self, tokens: &UpstreamTokens) -> Option<&'static str> {
        let needs = [(self.looks_at_emails(), EMAILS), (self.looks_at_memberships(), MEMBERSHIPS)];
        needs.into_iter().find(|(needed, scope)| *needed && !has(tokens, scope)).map(|(_, scope)| scope)
    }

    /// The code that came back.
    pub(super) fn code<'f>(&self, brought: &'f Form) -> Result<&'f str, LoginError> {
        // GitHub has one issuer, and may or may not say which (RFC 9207).
        let below =
            |iss: &str| iss.strip_prefix(&*self.site.web).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if brought.get("iss").is_some_and(|iss| !below(iss)) {
            return Err(denied("the answer is another issuer's"));
        }
        if let Some(error) = brought.get("error") {
            return Err(denied(&format!("GitHub came back with {}", word(error))));
        }
        brought.get("code").filter(|code| is_secret(code)).ok_or_else(|| denied("there is no code"))
    }

    /// What the code buys, with the verifier that only we can make.
    pub(super) async fn buy(&self, code: &str, trip: &Trip) -> Result<UpstreamTokens, LoginError> {
        let form =
            self.form(&[("code", code), ("redirect_uri", &trip.redirect_uri), ("code_verifier", trip.pkce.verifier())]);
        let (tokens, scopes) = self.tokens(form, trip.now).await?;
        Ok(UpstreamTokens { scopes: scopes.unwrap_or_default(), ..tokens })
    }

    /// New tokens for a refresh token, which is worth nothing afterwards: several who have the same one get the same.
    pub(super) async fn renew(&self, old: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        let Some(token) = &old.refresh_token else {
            return Err(denied("the token has ended, and there is none to refresh it"));
        };
        self.renewed.get_or_insert_async(&sha256(token), self.exchanged(old, token)).await
    }

    async fn exchanged(&self, old: &UpstreamTokens, token: &str) -> Result<UpstreamTokens, LoginError> {
        let form = self.form(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
        let (tokens, scopes) = self.tokens(form, self.clock.unix_seconds()).await?;
        // What is not said is as it was (RFC 6749 §5.1 and §6).
        Ok(UpstreamTokens {
            refresh_token: tokens.refresh_token.or_else(|| Some(token.to_owned())),
            scopes: scopes.unwrap_or_else(|| old.scopes.clone()),
            ..tokens
        })
    }

    fn form(&self, fields: &[(&str, &str)]) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("client_id", &self.client_id).append_pair("client_secret", &self.client_secret);
        form.extend_pairs(fields).finish()
    }

    /// The tokens, still without their scopes, which may not be said.
    async fn tokens(&self, form: String, now: u64) -> Result<(UpstreamTokens, Option<Vec<String>>), LoginError> {
        let failed = |reason: &str| unavailable("tokens", reason);
        let outbound = self.outbound().map_err(|reason| failed(&reason))?;
        let url = format!("{}/login/oauth/access_token", self.site.web);
        let answer = outbound.post_at(&url, form, MAX_ANSWER).await.map_err(|failure| failed(&failure.to_string()))?;
        // GitHub says 200 even for errors; RFC 6749 §5.2 would have the others.
        if !matches!(answer.status, 200 | 400 | 401) {
            return Err(failed(&format!("the answer has status {}", answer.status)));
        }
        let body = UniqueObject::parse(&answer.body).ok_or_else(|| failed("the answer is no plain JSON object"))?;
        if let Some(error) = body.get("error") {
            return Err(refusal(error.as_str().unwrap_or_default()));
        }
        let tokens = (answer.status == 200).then(|| read(&body, now)).flatten();
        tokens.ok_or_else(|| failed("the answer has no tokens as they must be"))
    }
}

fn refusal(error: &str) -> LoginError {
    match error {
        "incorrect_client_credentials" => misconfigured("client id or client secret are wrong"),
        "redirect_uri_mismatch" => misconfigured("the callback URL is not the one that is registered"),
        "application_suspended" => misconfigured("the app is suspended"),
        error => denied(&format!("GitHub gives no token: {}", word(error))),
    }
}

fn read(body: &Map<String, Value>, now: u64) -> Option<(UpstreamTokens, Option<Vec<String>>)> {
    if !body.get("token_type")?.as_str()?.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let said = |name| body.get(name).filter(|value| !value.is_null());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let secret = |value: &Value| text(value).filter(|text| is_secret(text));
    // Of tokens that end, and of those only.
    let expires_at = said("expires_in").map(|seconds| Some(now.saturating_add(seconds.as_u64()?)));
    let scopes = said("scope").map(|scopes| text(scopes).map(|scopes| list(&scopes)));
    let tokens = UpstreamTokens {
        access_token: said("access_token").and_then(secret)?,
        refresh_token: all_or_none(said("refresh_token").map(secret))?,
        expires_at: all_or_none(expires_at)?,
        scopes: Vec::new(),
    };
    Some((tokens, all_or_none(scopes)?))
}

/// `None` for what was said and is not as it must be.
fn all_or_none<T>(said: Option<Option<T>>) -> Option<Option<T>> {
    said.map(|value| value.ok_or(())).transpose().ok()
}

fn list(scopes: &str) -> Vec<String> {
    scopes.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// Whether a token may be used like this. Those of GitHub Apps (`ghu_`) have permissions, of which they do not say which.
/// Scopes that contain others are granted in their place.
fn has(tokens: &UpstreamTokens, scope: &str) -> bool {
    let containing: &[&str] = match scope {
        EMAILS => &[EMAILS, "user"],
        _ => &[MEMBERSHIPS, "write:org", "admin:org"],
    };
    tokens.access_token.starts_with("ghu_") || tokens.scopes.iter().any(|granted| containing.contains(&&**granted))
}

fn is_secret(text: &str) -> bool {
    (1..=MAX_SECRET).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// An error code, if it looks like one: the rest is not for logs.
fn word(error: &str) -> &str {
    let plain = (1..=64).contains(&error.len()) && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { error } else { "an error without a name" }
}
