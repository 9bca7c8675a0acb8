//! Issuers whose access tokens are known well enough to take them as they are.

use super::{
    Algorithm, Jwt,
    discriminator::{Preset, Provider, is_alphanumeric, is_guid},
};
use crate::auth::{jwks::RemoteKeys, scope_claim::ScopeClaim, web_url::WebUrl};

const NOT_A_HOST: &str =
    "its domain is not a plain host name in lower case: leave out `https://`, the path and the slash at the end";

/// Access tokens of known providers, with the feature `jwks`: clients get them there, for this server, and send them here.
///
/// Each of these sets the issuer, finds its keys by `discover` ([`jwks`](Self::jwks) after it names another place), reads
/// the scopes where the provider writes them, and demands what tells its access tokens from its ID tokens, which it signs
/// with the same keys. None of them admits anybody: an admission rule is mandatory as ever, also where the issuer is one
/// tenant, because guests, customers and programs are in it too.
///
/// The guide [`upstream_access_tokens`](crate::guide::upstream_access_tokens) says what to set up at each provider.
///
/// **Google, GitHub and Firebase** have no preset, because there is nothing right to check: the access tokens of Google
/// and GitHub are for their own APIs and opaque to others, and Firebase hands out nothing but ID tokens. To take either
/// would be to take what any other application got for its own use. Let people log in with them at the built-in
/// authorization server instead (features `oidc`, `github` and `firebase`), which makes tokens for this server.
impl Jwt {
    /// Auth0, and access tokens for one API of it. `domain` is the tenant's or your own (`example.eu.auth0.com`),
    /// `api_audience` the identifier of the API (Applications > APIs), byte for byte; never a client id.
    ///
    /// Scopes are what `scope` and `permissions` grant together. Enable RBAC for the API: without it Auth0 grants any
    /// client whatever scope of the API it asks for. A token must name its client (`azp` or `client_id`), and another than
    /// its audience.
    ///
    /// ```
    /// use mcp_runtime::auth::Jwt;
    ///
    /// let auth = Jwt::auth0("example.eu.auth0.com", "https://api.example.com/mcp").claim("org_id", "org_9ybsU1dN2dKfDkBi");
    /// # use mcp_runtime::auth::Authenticator;
    /// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
    /// ```
    #[must_use]
    pub fn auth0(domain: impl AsRef<str>, api_audience: impl Into<Box<str>>) -> Self {
        let domain = domain.as_ref();
        let preset = Preset::new(Provider::Auth0, [problem(!is_host(domain), NOT_A_HOST)]);
        Self::preset(format!("https://{domain}/"), preset)
            .rs256_only()
            .audience(api_audience)
            .scope_claim(ScopeClaim::Scope)
            .scope_claim(ScopeClaim::Permissions)
    }

    /// Okta, and access tokens of one *custom* authorization server: `domain` is your organisation's
    /// (`example.okta.com`), `authorization_server_id` is `default` or begins with `aus`, and `audience` is that server's
    /// (Security > API). The tokens of the org authorization server are for Okta's own APIs, and nobody else can verify
    /// them.
    ///
    /// Scopes are the list `scp`, and the client is `cid`; a token without either is refused. The subject is the user's
    /// *login name*, which may change and be given to somebody else: `uid`, which does not, is for admission rules and for
    /// what you store.
    ///
    /// ```
    /// use mcp_runtime::auth::Jwt;
    ///
    /// let auth = Jwt::okta("example.okta.com", "ausabc123", "https://api.example.com/mcp").claim("groups", "mcp-users");
    /// # use mcp_runtime::auth::Authenticator;
    /// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
    /// ```
    #[must_use]
    pub fn okta(
        domain: impl AsRef<str>,
        authorization_server_id: impl AsRef<str>,
        audience: impl Into<Box<str>>,
    ) -> Self {
        let (domain, id) = (domain.as_ref(), authorization_server_id.as_ref());
        let is_custom = !id.is_empty() && is_name(id) && !["org", "v1"].contains(&id);
        let preset = Preset::new(
            Provider::Okta,
            [
                problem(!is_host(domain), NOT_A_HOST),
                problem(
                    !is_custom,
                    "it needs the id of a custom authorization server, such as `default` or `aus…`: access tokens of \
                     the org authorization server are for Okta's own APIs, and nobody else can verify them",
                ),
            ],
        );
        Self::preset(format!("https://{domain}/oauth2/{id}"), preset)
            .rs256_only()
            .audience(audience)
            .scope_claim(ScopeClaim::Scp)
    }

    /// Microsoft Entra, and access tokens of version 2.0 for one application that exposes an API: both are GUIDs,
    /// `tenant_id` the directory (tenant) id, `app_audience` the application (client) id of the *API*. Set
    /// `requestedAccessTokenVersion` to 2 in its manifest: else its tokens are of version 1.0, whose issuer is
    /// `https://sts.windows.net/…`, and are refused.
    ///
    /// Scopes are what `scp` (a person's) and `roles` grant together; a token with neither is refused, because any program
    /// in the tenant can get one. `ver` must be `2.0`, and the client is `azp`, which no ID token has. One tenant only:
    /// `common`, `organizations` and `consumers` are no issuers. The subject is another one for each application; the same
    /// for all is the claim `oid`. Of the global cloud.
    ///
    /// ```
    /// use mcp_runtime::auth::Jwt;
    ///
    /// let auth = Jwt::entra("aaaabbbb-0000-cccc-1111-dddd2222eeee", "00001111-aaaa-2222-bbbb-3333cccc4444")
    ///     .claim("groups", "eeeeffff-4444-aaaa-5555-bbbb6666cccc");
    /// # use mcp_runtime::auth::Authenticator;
    /// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
    /// ```
    #[must_use]
    pub fn entra(tenant_id: impl AsRef<str>, app_audience: impl AsRef<str>) -> Self {
        // Entra writes GUIDs in lower case; its portal and its tools do not always.
        let (tenant, audience) = (tenant_id.as_ref().to_ascii_lowercase(), app_audience.as_ref().to_ascii_lowercase());
        let preset = Preset::new(
            Provider::Entra,
            [problem(
                !is_guid(&tenant),
                "its tenant is not a GUID: give the directory (tenant) id. `common`, `organizations` and `consumers` \
                 stand for anybody's tenant, and no token names them as its issuer",
            )],
        );
        Self::preset(format!("https://login.microsoftonline.com/{tenant}/v2.0"), preset)
            .rs256_only()
            .audience(audience)
            .scope_claim(ScopeClaim::Scp)
            .scope_claim(ScopeClaim::Roles)
    }

    /// Keycloak (24 or later), and the access tokens of one realm for one audience. `base` is where Keycloak is, with its
    /// path if it has one (`https://sso.example.com`); `audience` is what an audience mapper writes into the tokens.
    ///
    /// Scopes are what `scope` and the realm's roles (`realm_access.roles`) grant together. The claim `typ` must be
    /// `Bearer`, which is `ID` in ID tokens and `Refresh` in refresh tokens, and the client is `azp`.
    ///
    /// ```
    /// use mcp_runtime::auth::Jwt;
    ///
    /// let auth = Jwt::keycloak("https://sso.example.com", "staff", "https://api.example.com/mcp").anyone();
    /// # use mcp_runtime::auth::Authenticator;
    /// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
    /// ```
    #[must_use]
    pub fn keycloak(base: impl AsRef<str>, realm: impl AsRef<str>, audience: impl Into<Box<str>>) -> Self {
        let (base, realm) = (base.as_ref(), realm.as_ref());
        let base = base.strip_suffix('/').unwrap_or(base);
        let is_base = WebUrl::split(base).is_some_and(|url| url.query.is_empty() && !url.path.ends_with('/'));
        let preset = Preset::new(
            Provider::Keycloak,
            [
                problem(
                    !is_base || base.contains("/realms/"),
                    "its base is not the URL of a Keycloak server: write `https://sso.example.com`, without `/realms/…`",
                ),
                problem(
                    realm.is_empty() || !is_name(realm),
                    "its realm is not a plain name: write it as it is in the issuer, behind `/realms/`",
                ),
            ],
        );
        Self::preset(format!("{base}/realms/{realm}"), preset)
            .audience(audience)
            .scope_claim(ScopeClaim::Scope)
            .scope_claim(ScopeClaim::RealmRoles)
    }

    /// Amazon Cognito, and the access tokens that these app clients of one user pool get. Cognito writes an audience only
    /// for clients that ask for a resource: a token that has one must name this server (or [`audience`](Self::audience)),
    /// and one that has none is taken if its `client_id` is one of these. Call [`audience`](Self::audience) to refuse those
    /// without. What is in the hands of these clients opens every API that trusts them: give this server clients of its
    /// own.
    ///
    /// Scopes are `scope`; those of a resource server are written `identifier/scope`. `token_use` must be `access`, which
    /// is `id` in ID tokens. The clients count as [registered](Self::registered_clients), and admit nobody.
    ///
    /// ```
    /// use mcp_runtime::auth::Jwt;
    ///
    /// let auth = Jwt::cognito("eu-central-1", "eu-central-1_Ab12Cd34E", ["1example23456789"])
    ///     .claim("cognito:groups", "mcp-users");
    /// # use mcp_runtime::auth::Authenticator;
    /// # assert_eq!(auth.problems(Some("https://api.example.com/mcp")), Vec::<String>::new());
    /// ```
    #[must_use]
    pub fn cognito(
        region: impl AsRef<str>,
        user_pool_id: impl AsRef<str>,
        client_ids: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Self {
        let (region, pool) = (region.as_ref(), user_pool_id.as_ref());
        let clients: Box<[Box<str>]> = client_ids.into_iter().map(Into::into).collect();
        let name = pool.strip_prefix(region).and_then(|rest| rest.strip_prefix('_')).unwrap_or_default();
        let preset = Preset::new(
            Provider::Cognito(clients.clone()),
            [
                problem(
                    !is_region(region) || name.is_empty() || !is_alphanumeric(name),
                    "its user pool is not one of its region: write both as the console shows them, such as \
                     `eu-central-1` and `eu-central-1_Ab12Cd34E`",
                ),
                problem(
                    clients.is_empty() || clients.iter().any(|client| client.is_empty()),
                    "it has no client ids, or an empty one: its tokens may name no audience, so name the app clients \
                     that are for this server",
                ),
            ],
        );
        Self::preset(format!("https://cognito-idp.{region}.amazonaws.com/{pool}"), preset)
            .rs256_only()
            .registered_clients(clients)
            .scope_claim(ScopeClaim::Scope)
    }

    fn preset(issuer: String, preset: Preset) -> Self {
        let mut jwt = Self::issuer(issuer).accept_plain_jwt();
        jwt.remote = Some(RemoteKeys::found_by_default());
        jwt.preset = Some(preset);
        jwt
    }

    fn rs256_only(self) -> Self {
        self.algorithms([Algorithm::RS256])
    }
}

fn problem(wrong: bool, what: &'static str) -> Option<&'static str> {
    wrong.then_some(what)
}

/// A host, with a port or without, as issuers write it.
fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b);
    text.bytes().all(plain) && WebUrl::split(&format!("https://{text}")).is_some()
}

/// A segment of a path that is written in one way only.
fn is_name(text: &str) -> bool {
    ![".", ".."].contains(&text) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

fn is_region(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
