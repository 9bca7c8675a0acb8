//! Firebase Authentication.

use super::{Kind, Provider, Reader, Rules, Teams, clients::Secret, with_rules};
use crate::{
    config::{rules::Admit, variables::Group},
    oauth::Firebase,
};

/// What is said of it.
#[derive(Debug)]
pub(in crate::config) struct Choice {
    pub(in crate::config) project: String,
    pub(in crate::config) api_key: Option<String>,
    /// Address and key of a service account.
    pub(in crate::config) account: Option<(String, Secret)>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Provider> {
    reader.values.first_of(Group::Firebase)?;
    let project = reader.required("FIREBASE_PROJECT_ID", "the id of the project, as its console shows it");
    let project = project.and_then(|project| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_id = (4..=63).contains(&project.len()) && project.bytes().all(plain);
        let what = "is not the id of a project: lower-case letters, digits and hyphens, as its console shows it";
        reader.problems.keep("FIREBASE_PROJECT_ID", if is_id { Ok(project) } else { Err(what) })
    });
    let api_key = reader.values.get("FIREBASE_API_KEY").map(str::to_owned);
    let api_key = api_key.and_then(|key| {
        let is_key = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let what = "is not a web API key: letters, digits, `-` and `_`";
        reader.problems.keep("FIREBASE_API_KEY", if is_key { Ok(key) } else { Err(what) })
    });
    let account = account(reader);
    let refuses =
        |rule: &Admit| matches!(rule, Admit::Organization(_)).then_some("Firebase has no organizations; use `claim:…`");
    let rules = reader.rules(["FIREBASE_ADMIT", "FIREBASE_GRANTS"], &refuses, false);
    let project = project?;
    let issuer = format!("https://securetoken.google.com/{project}");
    let kind = Kind::Firebase(Choice { project, api_key, account });
    let (name, rules) = ("firebase".to_owned(), rules?);
    Some(Provider { name, issuer, redirects: false, variable: "FIREBASE_PROJECT_ID", rules, kind })
}

fn account(reader: &mut Reader<'_>) -> Option<(String, Secret)> {
    if !reader.values.has("FIREBASE_CLIENT_EMAIL") && !reader.values.has("FIREBASE_PRIVATE_KEY") {
        return None;
    }
    let email = reader.required("FIREBASE_CLIENT_EMAIL", "the address of the service account, or unset its key");
    let key = reader.required("FIREBASE_PRIVATE_KEY", "the private key of the service account, or unset its address");
    let email = email.and_then(|email| {
        let is_email = email.is_ascii() && !email.contains(' ') && email.split('@').count() == 2;
        let what = "is not the e-mail address of a service account";
        reader.problems.keep("FIREBASE_CLIENT_EMAIL", if is_email { Ok(email) } else { Err(what) })
    });
    // As it stands in the JSON file of the account.
    let key = key.map(|key| key.replace("\\n", "\n")).and_then(|key| {
        let is_key = key.starts_with("-----BEGIN ")
            && key.trim_end().ends_with(" PRIVATE KEY-----")
            && Firebase::can_sign_with(&key);
        let what =
            "is not an RSA private key in PEM: take `private_key` from the JSON file of the service account, whole";
        reader.problems.keep("FIREBASE_PRIVATE_KEY", if is_key { Ok(Secret::new(key)) } else { Err(what) })
    });
    Some((email?, key?))
}

impl Choice {
    pub(super) fn provider(self, rules: Rules) -> Firebase {
        let mut provider = Firebase::project(self.project);
        if let Some(key) = self.api_key {
            provider = provider.api_key(key);
        }
        if let Some((email, key)) = self.account {
            provider = provider.service_account(email, key.expose());
        }
        // It has no organizations, and what was read names none: nobody rather than anybody.
        with_rules!(provider, rules, |provider: Firebase, _| provider.admit(|_| false))
    }
}

/// It has none, and what was read has none.
impl Teams for Firebase {
    fn with_team(self, _: String, _: String, _: String) -> Self {
        self
    }
}
