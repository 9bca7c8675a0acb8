//! What is wrong with the configuration, and what to do.

use super::{Oidc, presets::Preset};
use crate::{
    auth::{WebUrl, is_scope_token},
    oauth::login::rules::Rules,
};

/// What stands in examples.
const PLACEHOLDERS: [&str; 11] = [
    "changeme",
    "change-me",
    "client-secret",
    "client_secret",
    "example",
    "placeholder",
    "replace",
    "secret",
    "todo",
    "xxx",
    "your",
];

impl Oidc {
    /// All of it, in half sentences.
    pub(super) fn wrong(&self, for_login: bool) -> Vec<String> {
        let mut problems = Vec::new();
        let mut problem = |wrong: bool, what: &str| problems.extend(wrong.then(|| what.to_owned()));
        problem(!is_name(&self.name), "its name is not a short word of a-z, 0-9 and `-`: call `.name(…)`");
        problem(
            self.client_id.is_empty(),
            "nobody knows us there: call `.client(id, secret)` with what its console shows, or `.public_client(id)`",
        );
        problem(
            self.secret.as_deref().is_some_and(|secret| looks_made_up(secret, &self.client_id)),
            "its client secret is empty or that of an example: write the one that its console shows",
        );
        problem(
            self.secret.is_none() && !self.client_id.is_empty() && self.preset == Preset::Google,
            "Google has no public clients for web applications: call `.client(id, secret)`",
        );
        let scopes = self.more_scopes.iter().chain(self.access.iter().map(|access| &access.scope));
        for scope in scopes.filter(|scope| !is_scope_token(scope)) {
            problem(true, &format!("{scope:?} is not one scope: write each scope as an element of its own"));
        }
        for (hint, preset, method) in
            [("hd", Preset::Google, "`.hosted_domain(…)`"), ("organization", Preset::Auth0, "`.organization(…)`")]
        {
            let times = self.hints.iter().filter(|(name, _)| *name == hint).count();
            problem(times > 0 && self.preset != preset, &format!("{method} means nothing to it: use `.claim(…)`"));
            problem(times > 1, &format!("{method} was called twice, and nobody is in both: use `.claim_any(…)`"));
        }
        problem(
            self.authorization_server.is_some() && self.preset != Preset::Okta,
            "`.authorization_server(…)` is for Okta only",
        );
        problems.extend(self.preset.problem());
        problems.extend(self.issuer_problem());
        problems.extend(Rules::problem(&self.rules).filter(|_| for_login).map(str::to_owned));
        if problems.is_empty() {
            problems.extend(self.discovery().outbound().err().map(str::to_owned));
        }
        problems
    }

    fn issuer_problem(&self) -> Option<String> {
        if matches!(&self.preset, Preset::Entra(_)) && self.preset.problem().is_some() {
            return None;
        }
        let Some(url) = WebUrl::split(&self.issuer).filter(|url| url.query.is_empty()) else {
            return Some(format!("{:?} is not an https URL, as an issuer is", self.issuer));
        };
        if let Some((before, _)) = format!("{}/", self.issuer).split_once("/.well-known/") {
            return Some(format!(
                "{:?} is where its metadata is: the issuer is the part before `/.well-known/`, {before:?}, or what that \
                 metadata says it is",
                self.issuer
            ));
        }
        let fine = url.secure || url.is_loopback() || self.plain_http;
        (!fine).then(|| {
            "its issuer must be https: whoever is on the way could log in as anybody (plain http is for loopback, and \
             with `.insecure_plain_http()` for a private network)"
                .to_owned()
        })
    }
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(plain)
}

/// Not what is guessable, as some providers' secrets are short; what was never one.
fn looks_made_up(secret: &str, client_id: &str) -> bool {
    let plain = secret.trim().to_ascii_lowercase();
    let example = |word: &&str| {
        plain == **word || plain.starts_with(&format!("{word}-")) || plain.starts_with(&format!("{word}_"))
    };
    plain.is_empty()
        || secret == client_id
        || plain.starts_with(['<', '{', '$'])
        || plain.bytes().all(|b| matches!(b, b'x' | b'*' | b'.' | b'-'))
        || PLACEHOLDERS.iter().any(example)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Oidc {
        Oidc::issuer("example", "https://login.example.com").client("me", "kq3-Zr_81Hs").anyone()
    }

    #[test]
    fn what_can_be_wrong() {
        let tenant = "9188040d-6c67-4c5b-b112-36a304b66dad";
        assert_eq!(example().wrong(true), Vec::<String>::new());
        for (oidc, word) in [
            (Oidc::issuer("x", "https://a.example").anyone(), ".client(id, secret)"),
            (Oidc::issuer("X y", "https://a.example").public_client("me").anyone(), ".name("),
            (Oidc::issuer("x", "https://a.example").public_client("me"), "whom to admit"),
            (Oidc::issuer("x", "http://a.example").public_client("me").anyone(), "must be https"),
            (Oidc::issuer("x", "a.example").public_client("me").anyone(), "not an https URL"),
            (Oidc::issuer("x", "https://a.example?b=c").public_client("me").anyone(), "not an https URL"),
            (
                Oidc::issuer("x", "https://a.example/t/.well-known/openid-configuration").public_client("me").anyone(),
                "the issuer is the part before `/.well-known/`, \"https://a.example/t\"",
            ),
            (Oidc::issuer("x", "https://a.example/.well-known").public_client("me").anyone(), "the part before"),
            (example().client("me", ""), "client secret"),
            (example().client("me", "your-client-secret"), "client secret"),
            (example().client("me", "<secret>"), "client secret"),
            (example().client("me", "me"), "client secret"),
            (example().client("me", "changeme"), "client secret"),
            (example().request_scopes(["a b"]), "not one scope"),
            (example().tools_may("", "x"), "not one scope"),
            (example().hosted_domain("example.com"), "`.hosted_domain(…)`"),
            (example().organization("org_1"), "`.organization(…)`"),
            (example().authorization_server("default"), "Okta only"),
            (Oidc::entra("common").client("me", "kq3").anyone(), "every organisation"),
            (Oidc::entra("example.com").client("me", "kq3").anyone(), "not the id of a tenant"),
            (Oidc::google().public_client("me").anyone(), "Google has no public clients"),
            (Oidc::google().client("me", "kq3").hosted_domain("a.b").hosted_domain("c.d"), "twice"),
        ] {
            let problems = oidc.wrong(true);
            assert_eq!(problems.len(), 1, "{oidc:?}: {problems:?}");
            assert!(problems[0].contains(word), "{problems:?}");
        }
        for fine in [
            Oidc::auth0("example.eu.auth0.com").client("me", "kq3").organization("org_1"),
            Oidc::google().client("me", "kq3").hosted_domain("example.com"),
            Oidc::entra(tenant).client("me", "kq3").anyone(),
            Oidc::okta("example.okta.com").authorization_server("default").client("me", "kq3").anyone(),
            Oidc::keycloak("http://sso.internal", "r").insecure_plain_http().public_client("me").anyone(),
            Oidc::issuer("x", "http://127.0.0.1:9").public_client("me").anyone(),
            Oidc::issuer("x", "https://a.example/well-known/x").public_client("me").anyone(),
        ] {
            assert_eq!(fine.wrong(true), Vec::<String>::new(), "{fine:?}");
        }
        assert!(Oidc::google().client("me", "kq3").wrong(false).is_empty(), "only for tools: nobody is admitted by it");
    }
}
