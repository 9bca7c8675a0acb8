//! What is kept of what a provider says: as little as the rules need, and what people are called.

use serde_json::Value;

use crate::oauth::login::{federated::Claims, rules::Rules};

/// The most that is kept of one account, in bytes.
const MAX_KEPT: usize = 16 * 1024;

/// How long a name may be on our pages, in characters.
const MAX_NAME: usize = 100;

const DISPLAY: [&str; 4] = ["name", "preferred_username", "email", "email_verified"];

/// Of one token, and nothing about a person.
const OF_THE_TOKEN: [&str; 8] = ["at_hash", "c_hash", "s_hash", "exp", "iat", "jti", "nbf", "nonce"];

/// What is kept; `None` if that is too much.
pub(super) fn kept(all: Claims, rules: &Rules) -> Option<Claims> {
    let keeps = |name: &str| DISPLAY.contains(&name) || (!OF_THE_TOKEN.contains(&name) && rules.looks_at(name));
    let kept: Claims = all.into_iter().filter(|(name, _)| keeps(name)).collect();
    let size = serde_json::to_vec(&kept).map_or(usize::MAX, |json| json.len());
    (size <= MAX_KEPT).then_some(kept)
}

/// Whether there is something to ask for elsewhere.
pub(super) fn are_missing(claims: &Claims, rules: &Rules) -> bool {
    rules.lacks(claims) || display_name(claims).is_none()
}

/// What the ID token does not say. What it says counts: it is signed.
pub(super) fn add(claims: &mut Claims, others: Claims) {
    for (name, value) in others {
        claims.entry(name).or_insert(value);
    }
}

/// What the person is called.
pub(super) fn display_name(claims: &Claims) -> Option<String> {
    let text = |name: &&str| claims.get(*name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let name = DISPLAY[..3].iter().find_map(text)?;
    let plain: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    (!plain.is_empty()).then_some(plain)
}

/// Whether the groups are too many for the token, which only says where to ask for them: nobody does that here.
pub(super) fn groups_are_elsewhere(claims: &Claims) -> bool {
    claims.get("_claim_names").and_then(Value::as_object).is_some_and(|names| names.contains_key("groups"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn only_what_is_looked_at_is_kept() {
        let all = claims(json!({
            "iss": "i", "sub": "1", "nonce": "n", "exp": 1, "name": "Alice", "email": "a@b.c", "email_verified": true,
            "groups": ["x"], "realm_access": { "roles": ["r"] }, "address": "secret", "https://e.example/r": "w",
        }));
        let mut rules = Rules::default();
        rules.anyone();
        let names = |rules: &Rules| kept(all.clone(), rules).unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&rules), "email email_verified name");
        rules.claim("groups".into(), vec!["x".into()]);
        rules.grant(Some(("realm_access.roles".into(), "r".into())), vec!["s".into()]);
        assert_eq!(names(&rules), "email email_verified groups name realm_access");
        rules.predicate(Box::new(|_| true));
        let everything = names(&rules);
        assert!(everything.contains("address") && !everything.contains("nonce") && !everything.contains("exp"));
    }

    #[test]
    fn too_much_is_nothing() {
        let mut rules = Rules::default();
        rules.claim("groups".into(), vec!["x".into()]);
        let groups = |count: usize| claims(json!({ "groups": vec!["0123456789"; count] }));
        assert!(kept(groups(1_000), &rules).is_some() && kept(groups(2_000), &rules).is_none());
        assert!(kept(claims(json!({ "address": "x".repeat(99_999) })), &rules).is_some());
    }

    #[test]
    fn a_name_is_short_and_plain() {
        let name = |value: Value| display_name(&claims(value));
        assert_eq!(name(json!({ "name": "  ", "email": "a@b.c" })).as_deref(), Some("a@b.c"));
        assert_eq!(name(json!({ "name": "A\u{0}\nlice" })).as_deref(), Some("Alice"));
        assert_eq!(name(json!({ "name": "x".repeat(999) })).map(|name| name.len()), Some(MAX_NAME));
        assert_eq!(name(json!({ "name": 7 })), None);
    }

    #[test]
    fn the_token_says_it_first() {
        let mut signed = claims(json!({ "email": "a@b.c" }));
        add(&mut signed, claims(json!({ "email": "root@b.c", "groups": ["x"] })));
        assert_eq!(signed, claims(json!({ "email": "a@b.c", "groups": ["x"] })));
    }
}
