//! How providers know this server: an id and a secret for each, or one pair for the only provider without its own.

use std::fmt;

use crate::config::{error::Problems, values::Values, variables::Group};

/// A group, what its variables begin with, and whether it is there at all.
type Known = (Group, &'static str);

const KNOWN: [Known; 3] = [(Group::Oidc, "OIDC_"), (Group::Auth0, "AUTH0_"), (Group::GitHub, "GITHUB_")];

/// Text that nobody is shown.
#[derive(PartialEq, Eq)]
pub(in crate::config) struct Secret(String);

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn expose(self) -> String {
        self.0
    }

    #[cfg(test)]
    pub(in crate::config) fn is(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a provider knows this server by.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct Client {
    pub(in crate::config) id: String,
    pub(in crate::config) secret: Secret,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Clients(Vec<(Group, Client)>);

impl Clients {
    pub(super) fn read(values: &Values, problems: &mut Problems) -> Self {
        complain_of_shared(values, problems);
        let shared = whose(values);
        let mut clients = Vec::new();
        for known in KNOWN.into_iter().filter(|(group, _)| values.first_of(*group).is_some()) {
            let prefix = if shared == Some(known) { "OAUTH_" } else { known.1 };
            let [id, secret] = names(prefix);
            let (id, secret) = (required(values, problems, id, "id"), required(values, problems, secret, "secret"));
            if let (Some(id), Some(secret)) = (id, secret) {
                clients.push((known.0, Client { id, secret: Secret::new(secret) }));
            }
        }
        Self(clients)
    }

    /// That of one provider; what is missing was complained of.
    pub(super) fn take(&mut self, group: Group) -> Option<Client> {
        let at = self.0.iter().position(|(of, _)| *of == group)?;
        Some(self.0.swap_remove(at).1)
    }
}

fn names(prefix: &str) -> [&'static str; 2] {
    match prefix {
        "OIDC_" => ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"],
        "AUTH0_" => ["AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET"],
        "GITHUB_" => ["GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"],
        _ => ["OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET"],
    }
}

/// RFC 6749 appendix A.1 and A.2: printable ASCII.
fn required(values: &Values, problems: &mut Problems, name: &'static str, what: &str) -> Option<String> {
    let Some(text) = values.get(name) else {
        if !values.has(name) {
            problems
                .add(format!("`{name}` is missing: set it to the client {what} that the provider gave this server"));
        }
        return None;
    };
    let printable = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
    let read = if printable { Ok(text.to_owned()) } else { Err("has spaces in it, or characters other than ASCII") };
    problems.keep(name, read)
}

fn is_shared_said(values: &Values) -> bool {
    names("OAUTH_").into_iter().any(|name| values.has(name))
}

/// The providers that are there and have no id and no secret of their own.
fn without_own(values: &Values) -> Vec<Known> {
    let lacks =
        |known: &Known| values.first_of(known.0).is_some() && !names(known.1).into_iter().any(|name| values.has(name));
    KNOWN.into_iter().filter(lacks).collect()
}

/// Whom `OAUTH_CLIENT_ID` is for, if it is there and that can be told.
pub(super) fn whose(values: &Values) -> Option<Known> {
    match without_own(values)[..] {
        [only] if is_shared_said(values) => Some(only),
        _ => None,
    }
}

fn complain_of_shared(values: &Values, problems: &mut Problems) {
    if !is_shared_said(values) {
        return;
    }
    match &without_own(values)[..] {
        [_] => {}
        [] => problems.add(
            "`OAUTH_CLIENT_ID` and `OAUTH_CLIENT_SECRET` are for a provider without an id of its own, and there is none: \
             unset them",
        ),
        several => {
            let ids: Vec<_> = several.iter().map(|(_, prefix)| format!("`{}`", names(prefix)[0])).collect();
            problems.add(format!(
                "`OAUTH_CLIENT_ID` could be for several providers: set {} and their secrets instead",
                ids.join(" and ")
            ));
        }
    }
}
