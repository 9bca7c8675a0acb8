//! What the claims say of somebody, where a rule asks for it.

use std::fmt;

use serde_json::{Map, Value};

type Claims = Map<String, Value>;

/// A claim of this very name, or one within others as `realm_access.roles`.
pub(crate) fn find_claim<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    find_claim(claims.get(first)?.as_object()?, rest)
}

/// An e-mail address only counts where the provider says that it is verified: else many providers let people call
/// themselves by anybody's.
pub(crate) fn claim_says(claims: &Claims, name: &str, any_of: &[String]) -> bool {
    if name == "email" {
        return verified_email(claims).is_some_and(|is| any_of.iter().any(|one| one.eq_ignore_ascii_case(&is)));
    }
    let is = |value: &Value| value.as_str().is_some_and(|is| any_of.iter().any(|one| one == is));
    match find_claim(claims, name) {
        Some(Value::Array(list)) => list.iter().any(is),
        Some(value) => is(value),
        None => false,
    }
}

/// A rule about a claim, for logs: of addresses only how many there are.
pub(crate) fn claim_in_words(f: &mut fmt::Formatter<'_>, name: &str, any_of: &[String]) -> fmt::Result {
    if name == "email" {
        return write!(f, "{} verified e-mail addresses", any_of.len());
    }
    write!(f, "claim {name:?} = {}", any_of.join(" or "))
}

/// Why somebody has no address that counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoEmail {
    Absent,
    Unverified,
    /// Nothing that is surely the same everywhere.
    NotPlain,
}

/// The address in lower case, if the provider says that it is verified.
pub(crate) fn verified_email(claims: &Claims) -> Option<String> {
    email(claims).ok()
}

/// The same, or why there is none. Verified says a `true`, and nothing that only looks like it. Only ASCII, so that no two
/// addresses are one in lower case that are two elsewhere.
pub(crate) fn email(claims: &Claims) -> Result<String, NoEmail> {
    let said = claims.get("email").filter(|said| !said.is_null()).ok_or(NoEmail::Absent)?;
    if claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(NoEmail::Unverified);
    }
    let is_plain = |email: &str| email.len() <= 254 && email.bytes().all(|b| b.is_ascii_graphic());
    let has_parts = |email: &str| matches!(email.rsplit_once('@'), Some((a, b)) if !a.is_empty() && !b.is_empty());
    let email = said.as_str().filter(|email| is_plain(email) && has_parts(email));
    email.map(str::to_ascii_lowercase).ok_or(NoEmail::NotPlain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn only_a_verified_address_is_one() {
        let email = |email: Value, verified: Value| {
            verified_email(&claims(json!({ "email": email, "email_verified": verified })))
        };
        assert_eq!(email(json!("Alice@Example.com"), json!(true)).as_deref(), Some("alice@example.com"));
        for verified in [json!(false), json!("true"), json!(1), Value::Null] {
            assert_eq!(email(json!("alice@example.com"), verified.clone()), None, "{verified}");
        }
        for bad in [json!("alice"), json!("@example.com"), json!("alice@"), json!("al ice@a"), json!("é@a"), json!(1)]
        {
            assert_eq!(email(bad.clone(), json!(true)), None, "{bad}");
        }
        assert_eq!(verified_email(&claims(json!({ "email": "alice@example.com" }))), None);
    }
}
