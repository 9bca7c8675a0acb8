//! GitHub as a way to log in.

use serde_json::Value;

use super::{
    GitHub, ORGANIZATIONS, TEAMS, answers, denied,
    person::{MAX_NAMES, Person, Unknown, split_team},
};
use crate::{
    auth::{is_scope_token, verified_email},
    oauth::{
        Account, LoginError,
        login::federated::{
            Arrived, Claims, FederatedLogin, NotAdmitted, Patience, Rechecked, Trip, UpstreamScope, UpstreamTokens,
        },
        visit::Form,
    },
};

#[async_trait::async_trait]
impl FederatedLogin for GitHub {
    fn issuer(&self) -> &str {
        &self.site.web
    }

    fn problems(&self, _: &str, for_login: bool) -> Vec<String> {
        let mut problems = Vec::new();
        if self.client_id.trim().is_empty() || self.client_secret.trim().is_empty() {
            problems
                .push("it needs the client id and a client secret of the app: `GitHub::app(id, secret)`".to_owned());
        }
        problems.extend(self.site.problem());
        if for_login && self.rules.problem().is_some() {
            problems.push(
                "it does not say whom to admit: call `.organization(\"acme\")`, `.email_domains([…])`, `.emails([…])`, \
                 `.subjects([…])` with GitHub's numbers, `.admit(|claims| …)`, or `.anyone()` for everyone on GitHub; a \
                 team alone admits nobody"
                    .to_owned(),
            );
        }
        problems.extend(self.name_problems());
        for tool in self.tools.iter().filter(|tool| !is_scope_token(&tool.scope)) {
            problems.push(format!("`{}` is no scope that tools could use", tool.scope.escape_debug()));
        }
        problems.extend(self.outbound().err());
        problems
    }

    fn console(&self, callback: &str) -> Vec<String> {
        let web = &self.site.web;
        let mut lines = vec![
            format!("OAuth App: {web}/settings/applications/new, or GitHub App: {web}/settings/apps/new"),
            format!("Authorization callback URL: {callback}"),
            "GitHub App only: Account permissions, Email addresses: Read-only".to_owned(),
        ];
        let mut organizations = self.named(ORGANIZATIONS);
        organizations
            .extend(self.named(TEAMS).into_iter().filter_map(split_team).map(|(organization, _)| organization));
        organizations.sort_unstable();
        organizations.dedup();
        if !organizations.is_empty() {
            lines.push("GitHub App only: Organization permissions, Members: Read-only".to_owned());
        }
        for organization in organizations {
            lines.push(format!(
                "An owner of {organization} installs the GitHub App there, or approves the OAuth App: \
                 {web}/organizations/{organization}/settings/oauth_application_policy"
            ));
        }
        lines
    }

    async fn depart(&self, trip: &Trip) -> Result<String, LoginError> {
        Ok(self.authorization_url(trip))
    }

    async fn arrive(&self, trip: &Trip, brought: &Form) -> Result<Arrived, LoginError> {
        let tokens = self.buy(self.code(brought)?, trip).await?;
        let Person { id, claims } = self.whose(&tokens).await.map_err(known_bad)?;
        Ok(Arrived { id, claims, tokens: Some(tokens), once: None })
    }

    fn judge(&self, id: &str, claims: &Claims) -> Result<Account, NotAdmitted> {
        let name = claims.get("login").and_then(Value::as_str).unwrap_or(id);
        self.rules.judge(self.issuer(), id, name, claims)
    }

    fn granted(&self) -> Vec<&str> {
        self.rules.granted()
    }

    async fn recheck(&self, id: &str, _: &Claims, tokens: Option<&UpstreamTokens>) -> Result<Rechecked, LoginError> {
        let Some(kept) = tokens else { return Err(denied("no token is kept to ask with")) };
        let has_ended = kept.expires_at.is_some_and(|end| end <= self.clock.unix_seconds());
        let first = if has_ended { Err(Unknown::Unauthorized) } else { self.whose(kept).await };
        let (found, newer) = match first {
            Err(Unknown::Unauthorized) => {
                let newer = self.renew(kept).await?;
                (self.whose(&newer).await, Some(newer))
            }
            found => (found, None),
        };
        let person = found.map_err(known_bad)?;
        if person.id != id {
            return Err(denied("the token is another account's"));
        }
        Ok(Rechecked { claims: person.claims, tokens: newer })
    }

    async fn refresh(&self, _: &str, tokens: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        self.renew(tokens).await
    }

    fn access(&self) -> &[UpstreamScope] {
        &self.tools
    }

    fn patience(&self) -> Patience {
        self.patience
    }

    fn linked_email(&self, claims: &Claims) -> Option<String> {
        verified_email(claims).filter(|_| self.links_by_email)
    }
}

impl GitHub {
    /// What is wrong with the names of organisations and teams: they become parts of paths, and are compared in lower case.
    fn name_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (organizations, teams) = (self.named(ORGANIZATIONS), self.named(TEAMS));
        let is_lower = |name: &str| !name.bytes().any(|b| b.is_ascii_uppercase());
        for name in organizations.iter().filter(|name| !answers::is_name(name) || !is_lower(name)) {
            let name = name.escape_debug();
            problems.push(format!("`{name}` is no organisation as its URL has it, in lower case: `acme`"));
        }
        for name in teams.iter().filter(|name| split_team(name).is_none() || !is_lower(name)) {
            let name = name.escape_debug();
            problems.push(format!("`{name}` is no team as its URL has it, in lower case: `acme/ops`"));
        }
        if organizations.len() + teams.len() > MAX_NAMES {
            problems.push(format!(
                "it names more than {MAX_NAMES} organisations and teams; each is asked for at every look"
            ));
        }
        problems
    }
}

/// A token that was just given and is not good.
fn known_bad(unknown: Unknown) -> LoginError {
    match unknown {
        Unknown::Unauthorized => denied("the token is not good"),
        Unknown::Login(error) => error,
    }
}
