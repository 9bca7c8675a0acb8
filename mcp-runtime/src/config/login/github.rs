//! GitHub.

use super::{Kind, Provider, Reader, Rules, Teams, clients::Client, with_rules};
use crate::{config::variables::Group, oauth::GitHub};

/// What is said of it.
#[derive(Debug)]
pub(in crate::config) struct Choice {
    pub(in crate::config) client: Client,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Provider> {
    reader.values.first_of(Group::GitHub)?;
    let rules = reader.rules(["GITHUB_ADMIT", "GITHUB_GRANTS"], &|_| None, true);
    let choice = Choice { client: reader.clients.take(Group::GitHub)? };
    let (name, issuer) = ("github".to_owned(), "https://github.com".to_owned());
    let (rules, kind) = (rules?, Kind::GitHub(choice));
    Some(Provider { name, issuer, redirects: true, variable: "GITHUB_CLIENT_ID", rules, kind })
}

impl Choice {
    pub(super) fn provider(self, rules: Rules) -> GitHub {
        let provider = GitHub::app(self.client.id, self.client.secret.expose());
        with_rules!(provider, rules, |provider: GitHub, name| provider.organization(name))
    }
}

impl Teams for GitHub {
    fn with_team(self, organization: String, team: String, scope: String) -> Self {
        self.team(&organization, &team, [scope])
    }
}
