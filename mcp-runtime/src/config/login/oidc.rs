//! OpenID providers: any by its issuer, and Auth0 by its domain.

use super::{Kind, Provider, Reader, Rules, Teams, clients::Client, scopes, with_rules};
use crate::{
    auth::WebUrl,
    config::{rules::Admit, variables::Group},
    oauth::Oidc,
};

/// What is said of one.
#[derive(Debug)]
pub(in crate::config) struct Choice {
    at: At,
    pub(in crate::config) client: Client,
    pub(in crate::config) label: Option<String>,
    pub(in crate::config) scopes: Vec<String>,
}

#[derive(Debug)]
enum At {
    Issuer(String),
    Auth0(String),
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Provider> {
    reader.values.first_of(Group::Oidc)?;
    let issuer = reader.required("OIDC_ISSUER", "the provider's issuer, such as `https://login.example.com`");
    let issuer = issuer.and_then(|issuer| {
        let is_good =
            WebUrl::split(&issuer).is_some_and(|url| url.query.is_empty() && (url.secure || url.is_loopback()));
        let what = "is not an `https` URL without a query (`http` is for this machine only)";
        reader.problems.keep("OIDC_ISSUER", if is_good { Ok(issuer) } else { Err(what) })
    });
    let name = reader.values.get("OIDC_NAME").unwrap_or("oidc");
    let is_word = name.len() <= 32 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let what = "is not a short word: write lower-case letters, digits and hyphens, 32 at most";
    let name = reader.problems.keep("OIDC_NAME", if is_word { Ok(name.to_owned()) } else { Err(what) });
    let label = reader.values.get("OIDC_LABEL").map(str::to_owned);
    let label = label.and_then(|label| {
        let is_short = label.chars().count() <= 64;
        reader.problems.keep("OIDC_LABEL", if is_short { Ok(label) } else { Err("is longer than 64 characters") })
    });
    let scopes = scopes(reader.values, reader.problems, "OIDC_SCOPES");
    let refuses = |rule: &Admit| {
        matches!(rule, Admit::Organization(_)).then_some("only Auth0 and GitHub have organizations; use `claim:…`")
    };
    let rules = reader.rules(["OIDC_ADMIT", "OIDC_GRANTS"], &refuses, false);
    let client = reader.clients.take(Group::Oidc);
    let issuer = issuer?;
    let choice = Choice { at: At::Issuer(issuer.clone()), client: client?, label, scopes };
    let (name, rules) = (name?, rules?);
    Some(Provider { name, issuer, redirects: true, variable: "OIDC_ISSUER", rules, kind: Kind::Oidc(choice) })
}

pub(super) fn read_auth0(reader: &mut Reader<'_>) -> Option<Provider> {
    reader.values.first_of(Group::Auth0)?;
    let domain = reader.required("AUTH0_DOMAIN", "the tenant's domain, such as `example.eu.auth0.com`");
    let domain = domain.and_then(|domain| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        let is_domain = domain.contains('.') && domain.bytes().all(plain) && !domain.split('.').any(str::is_empty);
        let what = "is not a domain: write `example.eu.auth0.com`, no `https://` and no path";
        reader.problems.keep("AUTH0_DOMAIN", if is_domain { Ok(domain) } else { Err(what) })
    });
    let rules = reader.rules(["AUTH0_ADMIT", "AUTH0_GRANTS"], &|_| None, false);
    let client = reader.clients.take(Group::Auth0);
    let domain = domain?;
    let issuer = format!("https://{domain}/");
    let choice = Choice { at: At::Auth0(domain), client: client?, label: None, scopes: Vec::new() };
    let (name, rules) = ("auth0".to_owned(), rules?);
    Some(Provider { name, issuer, redirects: true, variable: "AUTH0_DOMAIN", rules, kind: Kind::Oidc(choice) })
}

impl Choice {
    pub(super) fn provider(self, name: &str, rules: Rules) -> Oidc {
        let provider = match self.at {
            At::Issuer(issuer) => at(&issuer).name(name),
            At::Auth0(domain) => Oidc::auth0(domain),
        };
        let mut provider = provider.client(self.client.id, self.client.secret.expose());
        if let Some(label) = self.label {
            provider = provider.label(label);
        }
        if !self.scopes.is_empty() {
            provider = provider.request_scopes(self.scopes);
        }
        with_rules!(provider, rules, |provider: Oidc, name| provider.organization(name))
    }
}

/// Providers that need something of their own are known by their issuers; others are called by their host.
fn at(issuer: &str) -> Oidc {
    let (host, path) =
        WebUrl::split(issuer).map_or((issuer, ""), |url| (url.authority, url.path.trim_end_matches('/')));
    if host == "accounts.google.com" && path.is_empty() {
        return Oidc::google();
    }
    if let ("login.microsoftonline.com", Some(tenant)) = (host, path.strip_suffix("/v2.0")) {
        return Oidc::entra(tenant.trim_start_matches('/'));
    }
    match path.strip_prefix("/oauth2/") {
        None if path.is_empty() && host.ends_with(".auth0.com") => Oidc::auth0(host),
        None if path.is_empty() && host.ends_with(".okta.com") => Oidc::okta(host),
        Some(id) if host.ends_with(".okta.com") => Oidc::okta(host).authorization_server(id),
        _ => Oidc::issuer("oidc", issuer).label(host),
    }
}

/// It has none, and what was read has none.
impl Teams for Oidc {
    fn with_team(self, _: String, _: String, _: String) -> Self {
        self
    }
}
