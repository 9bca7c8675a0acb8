//! Whom rules admit, what they grant, and what is told of those whom they do not admit.

use serde_json::{Value, json};

use crate::oauth::login::{federated::Claims, rules::Rules};

fn claims(value: Value) -> Claims {
    value.as_object().cloned().unwrap()
}

#[test]
fn nobody_is_admitted_unless_all_rules_hold() {
    let who = claims(json!({ "hd": "example.com", "groups": ["staff", "ops"] }));
    let mut rules = Rules::default();
    assert!(rules.problem().is_some() && rules.judge("iss", "1", "a", &who).is_err());
    rules.claim("hd".into(), vec!["example.com".into()]);
    assert!(rules.problem().is_none());
    assert_eq!(rules.judge("iss", "1", "a", &who).unwrap().id, "iss 1");
    rules.claim("groups".into(), vec!["none".into(), "ops".into()]);
    assert!(rules.judge("iss", "1", "a", &who).is_ok());
    rules.subjects(vec!["2".into()]);
    assert!(rules.judge("iss", "1", "a", &who).is_err() && rules.judge("iss", "2", "a", &who).is_ok());
}

#[test]
fn claims_grant_what_was_declared_and_nothing_else() {
    let mut rules = Rules::default();
    rules.anyone();
    rules.grant(None, vec!["notes:read".into()]);
    rules.grant(Some(("realm_access.roles".into(), "admin".into())), vec!["admin".into(), "notes:read".into()]);
    rules.grant(Some(("https://example.com/roles".into(), "w".into())), vec!["notes:write".into()]);
    let scopes = |value: Value| rules.judge("iss", "1", "a", &claims(value)).unwrap().scopes.unwrap();
    assert_eq!(scopes(json!({})), ["notes:read"]);
    assert_eq!(scopes(json!({ "realm_access": { "roles": ["admin"] } })), ["notes:read", "admin"]);
    assert_eq!(scopes(json!({ "realm_access": ["admin"], "roles": "admin" })), ["notes:read"]);
    assert_eq!(scopes(json!({ "https://example.com/roles": "w" })), ["notes:read", "notes:write"]);
    assert_eq!(scopes(json!({ "https://example.com/roles": ["x", 1, null] })), ["notes:read"]);
    rules.grant_everything();
    assert_eq!(rules.judge("iss", "1", "a", &Claims::new()).unwrap().scopes, None);
}

#[test]
fn an_address_that_nobody_verified_is_none_in_any_rule() {
    let mut admits = Rules::default();
    admits.claim("email".into(), vec!["boss@example.com".into()]);
    let mut grants = Rules::default();
    grants.anyone();
    grants.grant(Some(("email".into(), "Boss@example.com".into())), vec!["admin".into()]);
    for (verified, counts) in [(json!(true), true), (json!(false), false), (json!("true"), false), (Value::Null, false)]
    {
        let who = claims(json!({ "email": "boss@Example.com", "email_verified": verified }));
        assert_eq!(admits.judge("iss", "1", "a", &who).is_ok(), counts, "{verified}");
        let scopes = grants.judge("iss", "1", "a", &who).unwrap().scopes.unwrap();
        assert_eq!(scopes == ["admin"], counts, "{verified}");
    }
    let list = claims(json!({ "email": ["boss@example.com"], "email_verified": true }));
    assert!(admits.judge("iss", "1", "a", &list).is_err());
    // What is not kept or not asked for cannot be told.
    for rules in [&admits, &grants] {
        assert!(rules.looks_at("email") && rules.looks_at("email_verified"));
        #[cfg(feature = "oidc")]
        assert!(rules.lacks(&claims(json!({ "email": "boss@example.com" }))));
    }
}

#[test]
fn an_address_is_of_its_domain_and_not_of_one_above() {
    let mut rules = Rules::default();
    rules.email_domains(vec!["example.com".into()]);
    for (email, admitted) in [("a@example.com", true), ("a@x.example.com", false), ("a@example.com@evil.org", false)] {
        let who = claims(json!({ "email": email, "email_verified": true }));
        assert_eq!(rules.judge("iss", "1", "a", &who).is_ok(), admitted, "{email}");
    }
}

/// The operator finds in the guide what the log says.
fn is_explained(why: &str) {
    let guide = include_str!("../../../../../docs/troubleshooting.md");
    assert!(guide.contains(&format!("`{why}`")), "{why} is not in docs/troubleshooting.md");
}

#[test]
fn the_rule_that_failed_is_named_and_nothing_of_the_person() {
    type Set = fn(&mut Rules);
    let emails: Set = |rules| rules.emails(vec!["boss@example.com".into(), "b@example.com".into()]);
    let domains: Set = |rules| rules.email_domains(vec!["example.com".into(), "example.org".into()]);
    let email: Set = |rules| rules.claim("email".into(), vec!["boss@example.com".into()]);
    let group: Set = |rules| rules.claim("realm.groups".into(), vec!["staff".into(), "ops".into()]);
    let ids: Set = |rules| rules.subjects(vec!["2".into(), "3".into()]);
    let own: Set = |rules| rules.predicate(Box::new(|_| false));
    let (no_email, unverified) =
        ("the provider gave no e-mail address", "the provider does not say that the e-mail address is verified");
    let (other, no_claim) = ("the e-mail address is another one", "the provider did not give this claim");
    let of_domains = "verified e-mail addresses of example.com, example.org";
    let of_groups = "claim \"realm.groups\" = staff or ops";
    for (rule, said, text, why) in [
        (domains, json!({}), of_domains, no_email),
        (domains, json!({ "email": null, "email_verified": true }), of_domains, no_email),
        (domains, json!({ "email": "eve@example.com" }), of_domains, unverified),
        (domains, json!({ "email": "eve@example.com", "email_verified": false }), of_domains, unverified),
        (domains, json!({ "email": "eve@example.com", "email_verified": "true" }), of_domains, unverified),
        (domains, json!({ "email": "eve@evil.example", "email_verified": true }), of_domains, other),
        (
            domains,
            json!({ "email": "\u{e9}ve@example.com", "email_verified": true }),
            of_domains,
            "the e-mail address is not plain ASCII with an @",
        ),
        (emails, json!({}), "2 verified e-mail addresses", no_email),
        (emails, json!({ "email": "boss@example.com" }), "2 verified e-mail addresses", unverified),
        (emails, json!({ "email": "eve@e.org", "email_verified": true }), "2 verified e-mail addresses", other),
        (email, json!({}), "1 verified e-mail addresses", no_email),
        (email, json!({ "email": "boss@example.com" }), "1 verified e-mail addresses", unverified),
        (email, json!({ "email": "eve@e.org", "email_verified": true }), "1 verified e-mail addresses", other),
        (group, json!({ "realm": {} }), of_groups, no_claim),
        (group, json!({ "realm": { "groups": null } }), of_groups, no_claim),
        (group, json!({ "realm": { "groups": ["eves"] } }), of_groups, "the claim says something else"),
        (ids, json!({}), "2 subjects", "the account has another id"),
        (own, json!({ "email": "eve@e.org" }), "a rule of your own", "it said no"),
    ] {
        let mut rules = Rules::default();
        rules.anyone();
        rule(&mut rules);
        let refused = rules.judge("iss", "eve-1", "Eve", &claims(said.clone())).unwrap_err();
        assert_eq!((&*refused.rule, refused.why), (text, why), "{said}");
        assert!(!format!("{refused:?}").to_lowercase().contains("eve"), "{refused:?}");
        is_explained(why);
    }
    let nobody = Rules::default().judge("iss", "1", "a", &Claims::new()).unwrap_err();
    assert_eq!(nobody.why, "nobody is admitted without a rule");
    is_explained("they signed in in another way");
}

#[test]
fn the_first_rule_that_fails_is_the_one_that_is_named() {
    let mut rules = Rules::default();
    rules.claim("hd".into(), vec!["example.com".into()]);
    rules.subjects(vec!["2".into()]);
    let rule = |said: Value| rules.judge("iss", "1", "a", &claims(said)).unwrap_err().rule;
    assert_eq!(rule(json!({})), "claim \"hd\" = example.com");
    assert_eq!(rule(json!({ "hd": "example.com" })), "1 subjects");
}
