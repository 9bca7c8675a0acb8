//! People who log in elsewhere: which providers there are, and the authorization server around them.

mod clients;
#[cfg(feature = "firebase")]
pub(super) mod firebase;
#[cfg(feature = "github")]
pub(super) mod github;
#[cfg(feature = "oidc")]
pub(super) mod oidc;
mod store;

use std::{collections::BTreeMap, time::Duration};

use self::{clients::Clients, store::Place};
use super::{
    access,
    error::Problems,
    rules::{Admit, Grants, To, in_words},
    values::Values,
    variables::Group,
};
use crate::{
    auth::{PublicUrl, WebUrl, is_scope_token},
    oauth::{AuthorizationServer, AuthorizationServerBuilder},
};

/// How long a grant may be idle at most, unless it ends before: what the authorization server has by default.
const LONGEST_IDLE: Duration = Duration::from_secs(14 * 24 * 3600);

/// The providers, and what is kept of those who log in.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) place: Place,
    /// How long a grant lasts at most.
    pub(super) expiry: Option<Duration>,
    pub(super) default_scopes: Vec<String>,
    pub(super) providers: Vec<Provider>,
}

/// One provider.
#[derive(Debug)]
pub(super) struct Provider {
    /// The word in its callback.
    pub(super) name: String,
    /// Who vouches: no two providers may be one.
    pub(super) issuer: String,
    /// Whether the browser is sent to it, and back to a URL that is registered there.
    redirects: bool,
    /// The variable that is about nothing but this provider.
    variable: &'static str,
    pub(super) rules: Rules,
    pub(super) kind: Kind,
}

/// What only the provider itself understands.
#[derive(Debug)]
pub(super) enum Kind {
    #[cfg(feature = "oidc")]
    Oidc(oidc::Choice),
    #[cfg(feature = "github")]
    GitHub(github::Choice),
    #[cfg(feature = "firebase")]
    Firebase(firebase::Choice),
}

/// Who is admitted, and what they may grant.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) admit: Vec<Admit>,
    pub(super) grants: Grants,
}

/// What the environment says of logging in elsewhere, if it does.
pub(super) fn read(values: &Values, problems: &mut Problems) -> Option<Login> {
    if super::provider(values).is_none() {
        complain_of_unused(values, problems);
        return None;
    }
    let clients = Clients::read(values, problems);
    let groups = [Group::Oidc, Group::Auth0, Group::GitHub, Group::Firebase];
    let several = groups.into_iter().filter(|group| values.first_of(*group).is_some()).count() > 1;
    let mut reader = Reader { values, problems, clients, several, general: BTreeMap::new() };
    let providers: Vec<Option<Provider>> = vec![
        #[cfg(feature = "oidc")]
        oidc::read(&mut reader),
        #[cfg(feature = "oidc")]
        oidc::read_auth0(&mut reader),
        #[cfg(feature = "github")]
        github::read(&mut reader),
        #[cfg(feature = "firebase")]
        firebase::read(&mut reader),
    ];
    reader.complain_of_general();
    let providers: Vec<Provider> = providers.into_iter().flatten().collect();
    complain_of_twins(&providers, problems);
    let (place, expiry) = (store::read(values, problems), expiry(values, problems));
    let default_scopes = scopes(values, problems, "MCP_DEFAULT_SCOPES");
    Some(Login { place: place?, expiry, default_scopes, providers })
}

/// What means nothing without a provider.
fn complain_of_unused(values: &Values, problems: &mut Problems) {
    for name in values.set_in(Group::Login) {
        problems.add(format!(
            "`{name}` is set, and nobody logs in elsewhere: name a provider with `OIDC_ISSUER`, `AUTH0_DOMAIN`, \
             `GITHUB_CLIENT_ID` or `FIREBASE_PROJECT_ID`, or unset it"
        ));
    }
}

/// Two providers that are one, or are called the same.
fn complain_of_twins(providers: &[Provider], problems: &mut Problems) {
    let plain = |issuer: &str| issuer.trim_end_matches('/').to_ascii_lowercase();
    for (at, one) in providers.iter().enumerate() {
        for other in &providers[..at] {
            if plain(&one.issuer) == plain(&other.issuer) {
                problems.add(format!(
                    "`{}` and `{}` name the same provider: keep one of them",
                    other.variable, one.variable
                ));
            } else if one.name == other.name {
                problems.add(format!(
                    "two providers are called `{}`: set `OIDC_NAME` to another word, before anybody logs in",
                    one.name
                ));
            }
        }
    }
}

fn expiry(values: &Values, problems: &mut Problems) -> Option<Duration> {
    let text = values.get("TOKEN_EXPIRY_HOURS")?;
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let hours = text.parse::<u64>().ok().filter(|hours| plain && (1..=8760).contains(hours));
    let hours =
        problems.keep("TOKEN_EXPIRY_HOURS", hours.ok_or("is not a whole number from 1 to 8760: write `720`"))?;
    Some(Duration::from_secs(hours * 3600))
}

fn scopes(values: &Values, problems: &mut Problems, name: &'static str) -> Vec<String> {
    let Some(text) = values.get(name) else { return Vec::new() };
    let scopes: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let all = scopes.iter().all(|scope| is_scope_token(scope) && !scope.contains([',', ';']));
    let read = if all { Ok(scopes) } else { Err("is not a list of scopes with single spaces between them") };
    problems.keep(name, read).unwrap_or_default()
}

/// What the readers of single providers share.
struct Reader<'r> {
    values: &'r Values,
    problems: &'r mut Problems,
    clients: Clients,
    several: bool,
    /// Variables that hold for several providers and mean one, and what to set instead.
    general: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Reader<'_> {
    /// An id, an organization or a claim is somebody else's at another provider, and often anybody can take it there.
    fn note_general(&mut self, [own, general]: [&'static str; 2], is_of_one: bool) {
        if self.several && is_of_one && !self.values.has(own) {
            self.general.entry(general).or_default().push(own);
        }
    }

    fn complain_of_general(&mut self) {
        for (general, own) in &self.general {
            self.problems.add(format!(
                "`{general}` holds for several providers, and an account's id, an organization or a claim means somebody \
                 else at each: set `{}` instead",
                own.join("` and `")
            ));
        }
    }

    /// The rules of a provider; `refuses` says which it cannot keep.
    fn rules(
        &mut self,
        [own_admit, own_grants]: [&'static str; 2],
        refuses: &dyn Fn(&Admit) -> Option<&'static str>,
        has_teams: bool,
    ) -> Option<Rules> {
        let admit = access::admit(self.values, self.problems, Some(own_admit), refuses);
        let grants = access::grants(self.values, self.problems, own_grants);
        if let Some(rules) = &admit {
            let of_one = |rule: &Admit| match rule {
                Admit::Subjects(_) | Admit::Organization(_) => true,
                // Verified, it is the same person's everywhere.
                Admit::Claim(name, _) => name != "email",
                Admit::Anyone | Admit::Emails(_) | Admit::EmailDomains(_) => false,
            };
            self.note_general([own_admit, "MCP_ADMIT"], rules.iter().any(of_one));
        }
        let (name, grants) = grants?;
        let of_one = |to: &To| matches!(to, To::Team(..)) || matches!(to, To::Claim(name, _) if name != "email");
        let is_of_one = matches!(&grants, Grants::Some(all) if all.iter().any(|one| of_one(&one.to)));
        self.note_general([own_grants, "MCP_GRANTS"], is_of_one);
        let teams = matches!(&grants, Grants::Some(all) if all.iter().any(|one| matches!(one.to, To::Team(..))));
        if teams && !has_teams {
            self.problems.add(format!("`{name}` grants to a team, and only GitHub has teams: use a claim instead"));
            return None;
        }
        Some(Rules { admit: admit?, grants })
    }

    /// A variable that cannot be left out, or a problem that says what it is.
    fn required(&mut self, name: &'static str, what: &str) -> Option<String> {
        let found = self.values.get(name).map(str::to_owned);
        if !self.values.has(name) {
            self.problems.add(format!("`{name}` is missing: set it to {what}"));
        }
        found
    }
}

impl Login {
    /// Where providers send browsers back to.
    pub(super) fn callback(origin: &str, name: &str) -> String {
        format!("{origin}/callback/{name}")
    }

    /// Compares what is registered at the provider with what the server will say.
    pub(super) fn check_redirect(&self, values: &Values, public_url: Option<&PublicUrl>, problems: &mut Problems) {
        let (Some(said), Some(url)) = (values.get("OAUTH_REDIRECT_URI"), public_url) else { return };
        let shared = clients::whose(values);
        let of_shared = |provider: &&Provider| shared.is_none_or(|group| provider.variable.starts_with(group.1));
        let candidates: Vec<String> = self
            .providers
            .iter()
            .filter(|provider| provider.redirects)
            .filter(of_shared)
            .map(|provider| Self::callback(url.origin(), &provider.name))
            .collect();
        if candidates.is_empty() {
            problems.add("`OAUTH_REDIRECT_URI` is set, and no provider here sends anybody back: unset it");
        } else if !candidates.iter().any(|callback| callback == said) {
            let what = if WebUrl::split(said).is_some() { "is not the server's" } else { "is not a URL" };
            problems.add(format!(
                "`OAUTH_REDIRECT_URI` {what}: register `{}` at the provider and set it to that, or unset it",
                candidates.join("` or `")
            ));
        }
    }

    /// Every scope that somebody may be granted by name, for a look at the declared ones.
    pub(super) fn named_scopes(&self) -> Vec<String> {
        let of = |provider: &Provider| match &provider.rules.grants {
            Grants::All => Vec::new(),
            Grants::Some(grants) => grants.iter().map(|grant| grant.scope.clone()).collect(),
        };
        self.providers.iter().flat_map(of).collect()
    }

    /// What the start says of it.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Store", self.place.to_string())];
        let hours = self.expiry.unwrap_or(Duration::from_secs(30 * 24 * 3600)).as_secs() / 3600;
        facts.push(("Expiry", format!("a client asks again after {hours} hours at the latest")));
        for provider in &self.providers {
            let admitted = in_words(&provider.rules.admit, "ANYONE who has an account there");
            facts.push(("Admitted", format!("{}: {admitted}", provider.name)));
            facts.push(("Granted", format!("{}: {}", provider.name, provider.rules.grants)));
        }
        facts
    }

    /// Opens the store, and makes the authorization server.
    pub(super) fn open(self) -> Result<AuthorizationServerBuilder, String> {
        let (store, key) = self.place.open()?;
        let mut server = AuthorizationServer::builder(store, key).default_scopes(self.default_scopes);
        if let Some(expiry) = self.expiry {
            server = server.grant_lifetime(expiry.min(LONGEST_IDLE), expiry);
        }
        Ok(self.providers.into_iter().fold(server, |server, provider| match provider.kind {
            #[cfg(feature = "oidc")]
            Kind::Oidc(choice) => server.login(choice.provider(&provider.name, provider.rules)),
            #[cfg(feature = "github")]
            Kind::GitHub(choice) => server.login(choice.provider(provider.rules)),
            #[cfg(feature = "firebase")]
            Kind::Firebase(choice) => server.login(choice.provider(provider.rules)),
        }))
    }
}

/// Tells a provider its rules. One for all types that have the methods of `account_rules!`.
macro_rules! with_rules {
    ($provider:expr, $rules:expr, $organization:expr) => {{
        use $crate::config::rules::{Admit, Grant, Grants, To};
        let (rules, organization) = ($rules, $organization);
        let provider = rules.admit.into_iter().fold($provider, |provider, rule| match rule {
            Admit::Anyone => provider.anyone(),
            Admit::Subjects(subjects) => provider.subjects(subjects),
            Admit::Emails(emails) => provider.emails(emails),
            Admit::EmailDomains(domains) => provider.email_domains(domains),
            Admit::Claim(name, values) => provider.claim_any(name, values),
            Admit::Organization(name) => organization(provider, name),
        });
        match rules.grants {
            Grants::All => provider.grants_all_scopes(),
            Grants::Some(grants) => grants.into_iter().fold(provider, |provider, Grant { scope, to }| match to {
                To::Everybody => provider.grants([scope]),
                To::Claim(name, value) => provider.grants_to(name, value, [scope]),
                To::Team(name, team) => $crate::config::login::team(provider, name, team, scope),
            }),
        }
    }};
}

use with_rules;

/// What grants to the teams of a provider, if it has any.
trait Teams: Sized {
    fn with_team(self, organization: String, team: String, scope: String) -> Self;
}

fn team<P: Teams>(provider: P, organization: String, team: String, scope: String) -> P {
    provider.with_team(organization, team, scope)
}
