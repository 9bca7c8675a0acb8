//! Logging in with an OpenID provider (OpenID Connect Core 1.0), by the authorization code flow.

mod claims;
mod discovery;
mod id_token;
mod journey;
mod metadata;
mod presets;
mod problems;
mod recheck;
#[cfg(test)]
mod tests;
mod token_http;
mod tokens;
mod unsaved;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use self::{
    discovery::{Discovery, Owned},
    presets::Preset,
    unsaved::Unsaved,
};
use super::{
    Account, LoginError,
    federated::{
        Arrived, Claims, FederatedLogin, NotAdmitted, Patience, Rechecked, Trip, UpstreamScope, UpstreamTokens,
        federated_login,
    },
    rules::{Rules, account_rules},
};
use crate::{auth::verified_email, clock::Clock, oauth::visit::Form};

/// People log in with an OpenID provider: Auth0, Google, Microsoft Entra, Okta, Keycloak, or any other. With the feature
/// `oidc`.
///
/// ```
/// use mcp_runtime::oauth::Oidc;
///
/// let company = Oidc::google()
///     .client("1234.apps.googleusercontent.com", "GOCSPX-4f1a…")
///     .hosted_domain("example.com")
///     .grants(["notes:read"]);
///
/// let partners = Oidc::issuer("partners", "https://login.partner.example")
///     .label("Partner GmbH")
///     .client("notes", "u7Jt…")
///     .request_scopes(["groups"])
///     .claim("groups", "notes-users")
///     .grants(["notes:read"])
///     .grants_to("groups", "notes-editors", ["notes:write"]);
/// ```
///
/// The provider must be told the callback: the authorization server's issuer, `/callback/`, and the
/// [name](Self::name); what else to type into its console is shown when the server starts.
///
/// **Who is admitted** must be said, because a provider vouches for many people and often for strangers: by one or more of
/// [`claim`](Self::claim), [`emails`](Self::emails), [`email_domains`](Self::email_domains), [`subjects`](Self::subjects),
/// [`admit`](Self::admit), [`hosted_domain`](Self::hosted_domain), [`organization`](Self::organization), or
/// [`anyone`](Self::anyone). Several must *all* hold. Accounts are told by issuer and `sub`, never by an e-mail address.
///
/// **What is checked:** the provider's own description, which must name the issuer byte for byte; `iss` in the callback
/// (RFC 9207), which is required if the provider says that it sends it; of the ID token the signature, with a public key
/// that the provider publishes and an algorithm that it names (never a shared secret), `iss`, `aud`, `azp`, `exp`, `iat`,
/// `nonce`, `at_hash` if it is there, `tid` of Entra, and `auth_time` if the person was to log in again. Requests use PKCE
/// (S256), always. Claims that the rules look at and that the ID token does not have are asked from the UserInfo endpoint;
/// only these, and what people are called, are kept.
///
/// **Everybody is looked up again** once a day ([`recheck_every`](Self::recheck_every)), with the refresh token that the
/// provider gave, so that people who are gone there, or in other groups, are so here. Who cannot be looked up, because the
/// provider gave no refresh token and its access token has expired, logs in again. While the provider is down, everybody
/// stays for a [`grace`](Self::grace) of one more day.
///
/// What the provider says of itself, and its keys, are fetched when [`Server::serve`](crate::Server::serve) begins, or when
/// they are first needed, and again when they are older than it says (5 minutes to 24 hours; an hour if it says nothing); an
/// unknown key makes the server look for new ones, once in 30 seconds at most. When it cannot be reached, what is known is
/// good for one hour more. No request follows redirects,
/// uses a proxy, or takes longer than 5 seconds; a whole login, no longer than 10 on this side.
pub struct Oidc {
    name: String,
    label: String,
    preset: Preset,
    issuer: String,
    client_id: String,
    secret: Option<String>,
    more_scopes: Vec<String>,
    /// Parameters of the authorization request.
    hints: Vec<(&'static str, String)>,
    authorization_server: Option<String>,
    access: Vec<UpstreamScope>,
    rules: Rules,
    patience: Patience,
    links_by_email: bool,
    plain_http: bool,
    clock: Clock,
    discovery: OnceLock<Owned>,
    unsaved: Unsaved,
}

impl Oidc {
    /// Any provider: a name of your choice, a short lower-case word that never changes, and the issuer exactly as its
    /// metadata writes it, with or without a slash at its end.
    ///
    /// A refresh token is asked for (`offline_access`, with a consent there) if the provider says that it knows that scope.
    #[must_use]
    pub fn issuer(name: impl Into<String>, issuer: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(&name, &name, Preset::Any, issuer.into())
    }

    /// Auth0, by the domain of the tenant: `example.eu.auth0.com`.
    #[must_use]
    pub fn auth0(domain: impl AsRef<str>) -> Self {
        let issuer = format!("https://{}/", presets::host(domain.as_ref()));
        Self::new("auth0", "Auth0", Preset::Auth0, issuer)
    }

    /// Google: everybody who has an account there, unless you say more, as with [`hosted_domain`](Self::hosted_domain).
    ///
    /// Google asks people for their consent at each login, because it gives no refresh token without. It tells only some
    /// applications when a person logged in; others cannot make people log in again.
    #[must_use]
    pub fn google() -> Self {
        Self::new("google", "Google", Preset::Google, "https://accounts.google.com".to_owned())
    }

    /// Microsoft Entra, by the id of one tenant. `common` and the like, which let in the accounts of every organisation,
    /// are refused.
    ///
    /// Entra verifies no e-mail addresses: [`emails`](Self::emails) and [`email_domains`](Self::email_domains) admit nobody.
    /// Groups that are too many for the token do not count; let Entra send only those assigned to the application.
    #[must_use]
    pub fn entra(tenant: impl AsRef<str>) -> Self {
        let tenant = tenant.as_ref().to_ascii_lowercase();
        let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
        Self::new("entra", "Microsoft", Preset::Entra(tenant), issuer)
    }

    /// Okta, by the domain: `example.okta.com`. Its own issuer, unless another
    /// [authorization server](Self::authorization_server) is named.
    #[must_use]
    pub fn okta(domain: impl AsRef<str>) -> Self {
        let issuer = format!("https://{}", presets::host(domain.as_ref()));
        Self::new("okta", "Okta", Preset::Okta, issuer)
    }

    /// Keycloak, by its URL and the realm. Roles are in the claim `realm_access.roles`, if a mapper adds them to the ID
    /// token.
    #[must_use]
    pub fn keycloak(url: impl AsRef<str>, realm: impl AsRef<str>) -> Self {
        let issuer = format!("{}/realms/{}", url.as_ref().trim_end_matches('/'), realm.as_ref());
        Self::new("keycloak", "Keycloak", Preset::Keycloak, issuer)
    }

    fn new(name: &str, label: &str, preset: Preset, issuer: String) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            preset,
            issuer,
            client_id: String::new(),
            secret: None,
            more_scopes: Vec::new(),
            hints: Vec::new(),
            authorization_server: None,
            access: Vec::new(),
            rules: Rules::default(),
            patience: Patience::default(),
            links_by_email: false,
            plain_http: false,
            clock: Clock::system(),
            discovery: OnceLock::new(),
            unsaved: Unsaved::default(),
        }
    }

    /// What the provider calls us, and our secret there.
    #[must_use]
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        (self.client_id, self.secret) = (id.into(), Some(secret.into()));
        self
    }

    /// What the provider calls us, for a client without a secret: PKCE alone ties the code to us.
    #[must_use]
    pub fn public_client(mut self, id: impl Into<String>) -> Self {
        (self.client_id, self.secret) = (id.into(), None);
        self
    }

    /// Asks for more than `openid profile email` and a refresh token: for claims that come with other scopes.
    #[must_use]
    pub fn request_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.more_scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Of Auth0: admits the members of one organization, by its id (`org_…`) or its name, and leads people to it.
    #[must_use]
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        let organization = organization.into();
        let claim = if organization.starts_with("org_") { "org_id" } else { "org_name" };
        self.rules.claim(claim.to_owned(), vec![organization.clone()]);
        self.hints.push(("organization", organization));
        self
    }

    /// Of Google: admits the accounts of one Google Workspace domain (`hd`), and leads people to them.
    #[must_use]
    pub fn hosted_domain(mut self, domain: impl Into<String>) -> Self {
        let domain = domain.into();
        self.rules.claim("hd".to_owned(), vec![domain.clone()]);
        self.hints.push(("hd", domain));
        self
    }

    /// Of Okta: another authorization server than the organisation's own, as `default`.
    #[must_use]
    pub fn authorization_server(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        if self.preset == Preset::Okta {
            let origin = self.issuer.split("/oauth2/").next().unwrap_or_default();
            self.issuer = format!("{origin}/oauth2/{id}");
        }
        self.authorization_server = Some(id);
        self
    }

    /// A scope of the provider that tools use in the name of whoever calls, and what to tell people about it.
    #[must_use]
    pub fn tools_may(mut self, scope: impl Into<String>, description: impl Into<String>) -> Self {
        self.access.push(UpstreamScope { scope: scope.into(), description: description.into() });
        self
    }

    /// Lets the provider be reached over plain http on other machines too. Whoever can change packets on the way can
    /// then log in as anybody: for networks that nobody else is in.
    #[must_use]
    pub fn insecure_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    account_rules!();

    /// Made when everything is configured.
    fn discovery(&self) -> &Arc<Discovery> {
        self.discovery.get_or_init(|| Owned::new(&self.issuer, self.plain_http)).get()
    }

    fn kept(&self, all: Claims) -> Result<Claims, LoginError> {
        claims::kept(all, &self.rules).ok_or_else(|| self.deny("its claims are larger than 16 KiB"))
    }
}

#[async_trait::async_trait]
impl FederatedLogin for Oidc {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn problems(&self, _: &str, for_login: bool) -> Vec<String> {
        self.wrong(for_login)
    }

    fn console(&self, callback: &str) -> Vec<String> {
        self.preset.console(callback)
    }

    async fn depart(&self, trip: &Trip) -> Result<String, LoginError> {
        journey::bounded(self.authorization_url(trip)).await
    }

    async fn arrive(&self, trip: &Trip, brought: &Form) -> Result<Arrived, LoginError> {
        journey::bounded(self.arrival(trip, brought)).await
    }

    fn judge(&self, id: &str, claims: &Claims) -> Result<Account, NotAdmitted> {
        let name = claims::display_name(claims);
        self.rules.judge(&self.issuer, id, name.as_deref().unwrap_or(id), claims)
    }

    fn granted(&self) -> Vec<&str> {
        self.rules.granted()
    }

    fn look_ahead(&self) {
        self.discovery().begin(&self.clock);
    }

    async fn recheck(&self, id: &str, _: &Claims, tokens: Option<&UpstreamTokens>) -> Result<Rechecked, LoginError> {
        journey::bounded(self.look(id, tokens)).await
    }

    async fn refresh(&self, id: &str, tokens: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        journey::bounded(self.exchanged(id, tokens)).await
    }

    fn access(&self) -> &[UpstreamScope] {
        &self.access
    }

    fn patience(&self) -> Patience {
        self.patience
    }

    fn linked_email(&self, claims: &Claims) -> Option<String> {
        verified_email(claims).filter(|_| self.links_by_email)
    }
}

federated_login!(Oidc);

impl fmt::Debug for Oidc {
    /// Nothing of the client but its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc")
            .field("name", &self.name)
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
