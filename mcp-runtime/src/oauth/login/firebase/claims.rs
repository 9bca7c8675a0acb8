//! What an ID token of Firebase must say, and what of it is kept.

use serde_json::Value;

use crate::oauth::login::{federated::Claims, rules::Rules};

/// `firebase.sign_in_provider` of those who did not say who they are.
pub(super) const ANONYMOUS: &str = "anonymous";

/// How long ago somebody may have signed in, in seconds.
const FRESH: u64 = 5 * 60;

/// How far Google's clock may be ahead of ours, in seconds. Expiry and age have no such grace.
const LEEWAY: u64 = 30;

/// The longest `sub`, in characters.
const LONGEST_ID: usize = 128;

/// What only says something about the token, or is known anyway.
const OF_THE_TOKEN: [&str; 7] = ["iss", "aud", "sub", "user_id", "iat", "exp", "nbf"];

/// What is kept whatever the rules look at: to name somebody, and to look them up again.
const ALWAYS_KEPT: [&str; 4] = ["auth_time", "email", "email_verified", "name"];

/// What the claims are compared with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) project: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) methods: &'a [String],
    /// Seconds since the Unix epoch.
    pub(super) now: u64,
}

/// Who signed in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SignedIn {
    pub(super) id: String,
    /// When, in seconds since the Unix epoch.
    pub(super) at: u64,
    /// When the token is no good any more.
    pub(super) until: u64,
}

impl Expected<'_> {
    /// Checks every claim of a token. The signature is another matter.
    pub(super) fn check(&self, claims: &Claims) -> Result<SignedIn, &'static str> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(self.issuer) {
            return Err("another issuer");
        }
        // Never a list: these tokens are for one project.
        if text("aud") != Some(self.project) {
            return Err("another audience");
        }
        let (at, until) = self.check_times(claims)?;
        let id = text("sub").filter(|id| is_id(id)).ok_or("no subject, or one that is too long")?;
        if claims.get("user_id").is_some_and(|same| same != id) {
            return Err("two subjects");
        }
        if said(claims, "tenant") != self.tenant {
            return Err("another tenant, or none");
        }
        if !signed_in_by(claims, self.methods) {
            return Err("another way to sign in than those that are offered");
        }
        Ok(SignedIn { id: id.to_owned(), at, until })
    }

    fn check_times(&self, claims: &Claims) -> Result<(u64, u64), &'static str> {
        let time = |name: &str| claims.get(name).and_then(Value::as_u64);
        let soon = self.now.saturating_add(LEEWAY);
        let expires = time("exp").ok_or("no expiry")?;
        if expires <= self.now {
            return Err("expired");
        }
        if time("iat").ok_or("it does not say when it was made")? > soon {
            return Err("made in the future");
        }
        let at = time("auth_time").ok_or("it does not say when its user signed in")?;
        let until = at.saturating_add(FRESH);
        match () {
            () if at > soon => Err("signed in in the future"),
            () if until < self.now => Err("signed in more than five minutes ago"),
            // One second more, as the last one counts.
            () => Ok((at, (until + 1).min(expires))),
        }
    }
}

/// Firebase counts characters; blanks and controls are in none that it makes.
fn is_id(id: &str) -> bool {
    let length = id.chars().count();
    (1..=LONGEST_ID).contains(&length) && !id.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A text in the claim `firebase`. One that is there and no text is none of ours, and never the same as absent.
fn said<'c>(claims: &'c Claims, name: &str) -> Option<&'c str> {
    let value = claims.get("firebase")?.as_object()?.get(name)?;
    Some(value.as_str().unwrap_or("\u{0}"))
}

/// Whether somebody signed in by one of these.
pub(super) fn signed_in_by(claims: &Claims, methods: &[String]) -> bool {
    said(claims, "sign_in_provider").is_some_and(|by| methods.iter().any(|method| method == by))
}

/// As little as the rules need, and a name.
pub(super) fn kept(claims: &Claims, rules: &Rules) -> Claims {
    let mut kept = Claims::new();
    for (name, value) in claims {
        match &**name {
            "firebase" => {
                let mut about = value.clone();
                // Every account they have anywhere.
                about.as_object_mut().and_then(|about| about.remove("identities"));
                kept.insert(name.clone(), about);
            }
            name if OF_THE_TOKEN.contains(&name) => {}
            name if ALWAYS_KEPT.contains(&name) || rules.looks_at(name) => {
                kept.insert(name.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    kept
}

/// What people read of themselves.
pub(super) fn display_name(claims: &Claims, id: &str) -> String {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let name = text("email").or_else(|| text("name")).unwrap_or(id);
    name.chars().take(100).collect()
}
