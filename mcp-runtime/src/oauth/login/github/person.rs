//! Who came: asked of GitHub with the token that it gave.

use std::time::Duration;

use serde_json::Value;

use super::{
    GitHub, LoginError, ORGANIZATIONS, TEAMS,
    answers::{self, Answered, User},
    denied, unavailable,
};
use crate::oauth::login::federated::{Claims, UpstreamTokens};

/// How long all questions about one person may take together: with the exchange of a token before it, less than a login
/// waits.
const PATIENCE: Duration = Duration::from_secs(8);

/// How many organisations and teams rules may name: each is a question at every look.
pub(super) const MAX_NAMES: usize = 30;

/// Somebody, now.
pub(super) struct Person {
    pub(super) id: String,
    pub(super) claims: Claims,
}

/// Why it is not known who somebody is.
pub(super) enum Unknown {
    /// The token is not good. Another one may be.
    Unauthorized,
    Login(LoginError),
}

impl From<LoginError> for Unknown {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

impl GitHub {
    /// Whose tokens these are, and what the rules need to know of them.
    pub(super) async fn whose(&self, tokens: &UpstreamTokens) -> Result<Person, Unknown> {
        if let Some(scope) = self.lacks(tokens) {
            let reason = format!("the scope `{scope}` was not granted, and the rules of this server need it");
            return Err(denied(&reason).into());
        }
        let asking = tokio::time::timeout(PATIENCE, self.person(tokens)).await;
        asking.unwrap_or_else(|_| Err(unavailable("somebody", "all answers together took too long").into()))
    }

    async fn person(&self, tokens: &UpstreamTokens) -> Result<Person, Unknown> {
        let user = self.user(&tokens.access_token).await?;
        let mut claims = Claims::new();
        let id = user.id.to_string();
        claims.insert("sub".to_owned(), id.clone().into());
        claims.insert("login".to_owned(), user.login.clone().into());
        claims.extend(user.name.map(|name| ("name".to_owned(), name.into())));
        if Self::shows_emails(tokens)
            && let Some(email) = self.email(&tokens.access_token).await?
        {
            claims.insert("email".to_owned(), email.into());
            claims.insert("email_verified".to_owned(), true.into());
        }
        let (organizations, strange) = self.organizations(&tokens.access_token, user.id).await?;
        let teams = self.teams(&tokens.access_token, &user.login, &strange).await?;
        claims.insert(ORGANIZATIONS.to_owned(), organizations.into());
        claims.insert(TEAMS.to_owned(), teams.into());
        Ok(Person { id, claims })
    }

    async fn user(&self, token: &str) -> Result<User, Unknown> {
        let body = match self.ask(token, "/user", "user").await? {
            Answered::Found(body) => body,
            Answered::Unauthorized => return Err(Unknown::Unauthorized),
            Answered::Forbidden => return Err(denied("GitHub lets this account ask nothing").into()),
            Answered::Missing => return Err(unavailable("user", "there is no such page").into()),
        };
        let user = User::read(&body).ok_or_else(|| unavailable("user", "the answer is not as it must be"))?;
        if user.is_suspended { Err(denied("the account is suspended").into()) } else { Ok(user) }
    }

    async fn email(&self, token: &str) -> Result<Option<String>, Unknown> {
        match self.ask(token, "/user/emails?per_page=100", "e-mail addresses").await? {
            Answered::Found(body) => answers::primary_address(&body)
                .ok_or_else(|| unavailable("e-mail addresses", "the answer is not as it must be").into()),
            Answered::Unauthorized => Err(Unknown::Unauthorized),
            Answered::Forbidden | Answered::Missing => {
                if self.looks_at_emails() {
                    tracing::warn!(
                        provider = "github",
                        "the app may not see e-mail addresses: a GitHub App needs the permission \"Email addresses: read\""
                    );
                }
                Ok(None)
            }
        }
    }

    /// Of the organisations that rules name, those that somebody is in, and those that they are not in.
    async fn organizations(&self, token: &str, id: u64) -> Result<(Vec<String>, Vec<String>), Unknown> {
        let (mut member, mut strange) = (Vec::new(), Vec::new());
        for organization in self.named(ORGANIZATIONS).into_iter().filter(|name| answers::is_name(name)) {
            let path = format!("/user/memberships/orgs/{organization}");
            // Names of organisations can be taken by others too; and nobody else's membership is this one's.
            let is_theirs = self.membership(token, &path, organization, |membership| {
                let name = membership.get("organization")?.get("login")?.as_str()?;
                let user = membership.get("user").filter(|user| !user.is_null());
                let theirs = user.is_none_or(|user| user.get("id").and_then(Value::as_u64) == Some(id));
                Some(theirs && name.eq_ignore_ascii_case(organization))
            });
            if is_theirs.await? { &mut member } else { &mut strange }.push(organization.to_owned());
        }
        Ok((member, strange))
    }

    /// Of the teams that rules name, those that somebody is in.
    async fn teams(&self, token: &str, login: &str, strange: &[String]) -> Result<Vec<String>, Unknown> {
        let mut member = Vec::new();
        for name in self.named(TEAMS) {
            let Some((organization, team)) = split_team(name) else { continue };
            if strange.iter().any(|other| other == organization) {
                continue;
            }
            let path = format!("/orgs/{organization}/teams/{team}/memberships/{login}");
            if self.membership(token, &path, organization, |_| Some(true)).await? {
                member.push(name.to_owned());
            }
        }
        Ok(member)
    }

    async fn membership(
        &self,
        token: &str,
        path: &str,
        organization: &str,
        of: impl FnOnce(&Claims) -> Option<bool>,
    ) -> Result<bool, Unknown> {
        match self.ask(token, path, "membership").await? {
            Answered::Found(body) => answers::is_active(&body, of)
                .ok_or_else(|| unavailable("membership", "the answer is not as it must be").into()),
            Answered::Missing => Ok(false),
            Answered::Unauthorized => Err(Unknown::Unauthorized),
            Answered::Forbidden => {
                tracing::warn!(
                    provider = "github",
                    organization,
                    "the organisation does not show its members to this app: an owner must approve it (OAuth App), or \
                     install it with the permission \"Members: read\" (GitHub App)"
                );
                Ok(false)
            }
        }
    }

    /// What rules name in a claim, each once.
    pub(super) fn named(&self, claim: &str) -> Vec<&str> {
        let mut names: Vec<&str> = self.rules.texts_of(claim).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Organisation and team of `acme/ops`.
pub(super) fn split_team(name: &str) -> Option<(&str, &str)> {
    name.split_once('/').filter(|(organization, team)| answers::is_name(organization) && answers::is_slug(team))
}
