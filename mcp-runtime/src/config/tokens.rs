//! Access tokens that somebody else signs with a secret of both.

use super::{access, error::Problems, rules::Admit, values::Values, variables::Group};
use crate::auth::{Algorithm, Jwt, VerifyingKey};

/// Whose tokens are accepted.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) issuer: String,
    pub(super) audience: Option<String>,
    key: VerifyingKey,
    pub(super) admit: Vec<Admit>,
}

/// What is said of such tokens, if anything is.
pub(super) fn read(values: &Values, problems: &mut Problems) -> Option<Tokens> {
    values.first_of(Group::Tokens)?;
    for (name, what) in [
        ("JWT_SECRET_KEY", "the secret that the tokens of `JWT_ISSUER` are signed with"),
        ("JWT_ISSUER", "the `iss` of the tokens that `JWT_SECRET_KEY` verifies"),
    ] {
        if !values.has(name) {
            problems.add(format!("`{name}` is missing: set it to {what}"));
        }
    }
    let key = values.get("JWT_SECRET_KEY").and_then(|secret| {
        // The text of this error shows nothing but a length.
        problems.keep(
            "JWT_SECRET_KEY",
            VerifyingKey::hmac(Algorithm::HS256, secret).map_err(|error| format!("cannot be used: {error}")),
        )
    });
    for name in ["JWT_ISSUER", "JWT_AUDIENCE"] {
        let is_whole = values.get(name).is_none_or(|text| !text.contains(char::is_whitespace));
        problems.keep(name, if is_whole { Ok(()) } else { Err("has spaces in it: write it as the tokens do") });
    }
    let admit = access::admit(values, problems, None, &refuses);
    let audience = values.get("JWT_AUDIENCE").map(str::to_owned);
    Some(Tokens { issuer: values.get("JWT_ISSUER")?.to_owned(), audience, key: key?, admit: admit? })
}

/// Tokens say nothing of e-mail that somebody vouches for.
fn refuses(rule: &Admit) -> Option<&'static str> {
    match rule {
        Admit::Anyone | Admit::Subjects(_) | Admit::Claim(..) => None,
        Admit::Emails(_) | Admit::EmailDomains(_) | Admit::Organization(_) => {
            Some("the tokens of `JWT_ISSUER` are admitted by `anyone`, `subject:…` or `claim:…` only")
        }
    }
}

impl Tokens {
    /// Most issuers that sign with a shared secret write `JWT` as the type.
    pub(super) fn into_jwt(self) -> Jwt {
        let mut jwt = Jwt::issuer(self.issuer).key(self.key).accept_plain_jwt();
        if let Some(audience) = self.audience {
            jwt = jwt.audience(audience);
        }
        self.admit.into_iter().fold(jwt, |jwt, rule| match rule {
            Admit::Anyone => jwt.anyone(),
            Admit::Subjects(subjects) => jwt.subjects(subjects),
            Admit::Claim(name, values) => jwt.claim_any(name, values),
            // Refused above; nobody rather than anybody.
            Admit::Emails(_) | Admit::EmailDomains(_) | Admit::Organization(_) => jwt.admit(|_| false),
        })
    }
}
