//! What is wrong with the configuration, and what to do in the console.

use super::{Firebase, claims::ANONYMOUS, page, web_app};
use crate::auth::{WebUrl, split_port};

impl Firebase {
    pub(super) fn all_problems(&self, for_login: bool) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut problem = |wrong: bool, what: &str| found.extend(wrong.then(|| what.to_owned()));
        problem(
            !is_project(&self.project),
            "that is no project id: write the lower-case word in the project's settings, not its name or number",
        );
        let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        problem(
            !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(lower),
            "its `.name(…)` must be a short lower-case word: it is a part of addresses",
        );
        problem(
            !for_login,
            "it has no tokens that tools could use: give it to `.login(…)` instead of `.connection(…)`",
        );
        problem(
            self.app.api_key.as_deref().is_some_and(|key| !web_app::is_api_key(key)),
            "`.api_key(…)` is no web API key: copy `apiKey` of its web configuration",
        );
        problem(
            self.app.auth_domain.as_deref().is_some_and(|host| !web_app::is_host(host)),
            "`.auth_domain(…)` must be a host name, without `https://` and path",
        );
        problem(
            self.tenant
                .as_deref()
                .is_some_and(|id| id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')),
            "`.tenant(…)` is no tenant id: letters, digits and dashes",
        );
        problem(self.methods.is_empty(), "`.sign_in_with([])` leaves nobody a way to sign in: name some");
        for method in self.methods.iter().filter(|method| !page::is_offered(method)) {
            problem(
                true,
                &format!(
                    "`.sign_in_with(…)` names {method:?}, which the page does not offer: google.com, password, facebook.com, \
                     github.com, twitter.com, apple.com, microsoft.com, yahoo.com, oidc.…, saml.…"
                ),
            );
        }
        for what in self.sdk.problems() {
            problem(true, what);
        }
        if let Some(what) = self.service_account.as_ref().and_then(|account| account.problem()) {
            problem(true, what);
        }
        if let Some(what) = self.rules.problem().filter(|_| for_login) {
            problem(true, what);
        }
        if let Err(what) = self.google() {
            problem(true, what);
        }
        found.into_iter().map(|what| format!("Firebase project {:?}: {what}", self.project)).collect()
    }

    pub(super) fn console_lines(&self, callback: &str) -> Vec<String> {
        let host = WebUrl::split(callback).and_then(|url| split_port(url.authority)).map_or(callback, |(host, _)| host);
        let methods: Vec<&str> = self.methods.iter().map(|method| page::label(method)).collect();
        let mut lines = vec![
            format!("Firebase console, project {}, Authentication:", self.project),
            format!("Sign-in method: enable {}", methods.join(", ")),
            format!("Settings, Authorized domains: add {host}"),
            "Settings, User actions: turn off sign-up if only people you add may log in".into(),
        ];
        if self.app.api_key.is_none() {
            lines.push(format!(
                "the web configuration is read from {}; without Firebase Hosting call `.api_key(…)`",
                self.addresses.web_app
            ));
        }
        lines.push(match &self.service_account {
            Some(_) => {
                "Google Cloud console, IAM: the service account needs the role Firebase Authentication Viewer".into()
            }
            None => "no service account: accounts cannot be looked up, so people log in again every day or as \
                     `.recheck_every(…)` says"
                .into(),
        });
        if self.methods.iter().any(|method| method == ANONYMOUS) {
            lines.push("anonymous people are let in".into());
        }
        lines
    }
}

/// 6 to 30 characters by today's rules; some old ones are shorter.
fn is_project(id: &str) -> bool {
    let plain = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (3..=63).contains(&id.len()) && plain && id.starts_with(|c: char| c.is_ascii_lowercase()) && !id.ends_with('-')
}
