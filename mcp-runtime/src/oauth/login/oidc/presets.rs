//! In what providers differ.

/// Whose provider it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Preset {
    Any,
    Auth0,
    Google,
    /// With the tenant.
    Entra(String),
    Okta,
    Keycloak,
}

/// The host in what may have been written as a URL.
pub(super) fn host(text: &str) -> &str {
    text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/')
}

/// Asks Google when the person logged in, which it tells only then, and only applications that may know.
const AUTH_TIME: &str = r#"{"id_token":{"auth_time":{"essential":true}}}"#;

impl Preset {
    /// Whether refresh tokens are asked for although the provider may not say that it knows how.
    pub(super) fn always_offline(&self) -> bool {
        *self != Self::Any
    }

    /// Whether that is asked with the scope of the standard. Google refuses it.
    pub(super) fn says_offline_access(&self) -> bool {
        *self != Self::Google
    }

    /// What else the authorization request says.
    pub(super) fn parameters(&self, offline: bool, login_again: bool) -> Vec<(&'static str, String)> {
        let mut prompt = Vec::new();
        let mut parameters: Vec<(&'static str, String)> = Vec::new();
        if login_again {
            // Google has no `login`; its answer is refused unless it says that the person logged in again.
            prompt.push(if *self == Self::Google { "select_account" } else { "login" });
            parameters.push(("max_age", "0".to_owned()));
        }
        match self {
            // Only with a consent there is a refresh token more than the first time; who asks has lost the last one.
            Self::Google => {
                parameters.push(("access_type", "offline".to_owned()));
                prompt.push("consent");
                if login_again {
                    parameters.push(("claims", AUTH_TIME.to_owned()));
                }
            }
            // As the standard has it (OpenID Connect Core 1.0 §11); the others do without.
            Self::Any if offline => prompt.push("consent"),
            _ => {}
        }
        if !prompt.is_empty() {
            parameters.push(("prompt", prompt.join(" ")));
        }
        parameters
    }

    /// What `tid` must be.
    pub(super) fn tenant(&self) -> Option<&str> {
        if let Self::Entra(tenant) = self { Some(tenant) } else { None }
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let Self::Entra(tenant) = self else { return None };
        if is_guid(tenant) {
            return None;
        }
        let what = if matches!(&**tenant, "common" | "organizations" | "consumers") {
            "lets in the accounts of every organisation there is"
        } else {
            "is not the id of a tenant"
        };
        Some(format!(
            "{tenant:?} {what}: write the directory (tenant) id, as 9188040d-6c67-4c5b-b112-36a304b66dad, from the overview \
             of your tenant"
        ))
    }

    /// What to type into its console.
    pub(super) fn console(&self, callback: &str) -> Vec<String> {
        let lines: &[&str] = match self {
            Self::Any => &[
                "register a web application with the authorization code flow and PKCE (S256)",
                "redirect URI: {callback}",
                "grant types: authorization_code, refresh_token; scopes: openid profile email offline_access",
            ],
            Self::Auth0 => &[
                "Applications > Create Application > Regular Web Application",
                "Allowed Callback URLs: {callback}",
                "Advanced Settings > Grant Types: Authorization Code, Refresh Token",
                "to admit by role or group, add them to the ID token in a Login action, under a claim such as \
                 https://example.com/roles",
            ],
            Self::Google => &[
                "APIs & Services > Credentials > Create OAuth client ID > Web application",
                "Authorized redirect URIs: {callback}",
                "OAuth consent screen: scopes openid, profile, email; user type Internal for one organisation only",
                "clients that ask people to log in again need the claim auth_time (session age claims) to be switched on",
            ],
            Self::Entra(_) => &[
                "App registrations > New registration > Accounts in this organizational directory only",
                "Authentication > Add a platform > Web > Redirect URIs: {callback}",
                "Certificates & secrets > New client secret",
                "API permissions > Microsoft Graph, delegated: openid, profile, email, offline_access",
                "Token configuration > Add groups claim > Groups assigned to the application; optional claim for the ID \
                 token: auth_time",
            ],
            Self::Okta => &[
                "Applications > Create App Integration > OIDC, Web Application",
                "Sign-in redirect URIs: {callback}",
                "Grant type: Authorization Code, Refresh Token; require PKCE",
                "Assignments: who may use it; for groups add a groups claim to the ID token, and .request_scopes([\"groups\"])",
            ],
            Self::Keycloak => &[
                "Clients > Create client > OpenID Connect, Client authentication on, Standard flow only",
                "Valid redirect URIs: {callback}",
                "Advanced > Proof Key for Code Exchange Code Challenge Method: S256",
                "Client scopes: offline_access (optional); for roles or groups, a mapper that adds them to the ID token",
            ],
        };
        lines.iter().map(|line| line.replace("{callback}", callback)).collect()
    }
}

/// `9188040d-6c67-4c5b-b112-36a304b66dad`.
fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_tenant_is_a_tenant() {
        for bad in
            ["common", "organizations", "consumers", "", "example.onmicrosoft.com", "9188040d6c674c5bb11236a304b66dad"]
        {
            assert!(Preset::Entra(bad.to_owned()).problem().is_some(), "{bad}");
        }
        assert_eq!(Preset::Entra("9188040d-6c67-4c5b-b112-36a304b66dad".to_owned()).problem(), None);
        assert_eq!(Preset::Google.problem(), None);
    }

    #[test]
    fn each_is_asked_in_its_own_words() {
        let said = |preset: Preset, offline, again| {
            let all = preset.parameters(offline, again);
            all.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(said(Preset::Any, false, false), "");
        assert_eq!(said(Preset::Any, true, false), "prompt=consent");
        assert_eq!(said(Preset::Any, true, true), "max_age=0&prompt=login consent");
        assert_eq!(said(Preset::Okta, true, true), "max_age=0&prompt=login");
        assert_eq!(said(Preset::Google, true, false), "access_type=offline&prompt=consent");
        assert!(said(Preset::Google, true, true).contains("prompt=select_account consent"));
    }

    #[test]
    fn the_console_is_told_the_callback() {
        let tenant = Preset::Entra(String::new());
        for preset in [Preset::Any, Preset::Auth0, Preset::Google, tenant, Preset::Okta, Preset::Keycloak] {
            let lines = preset.console("https://me.example/callback/x").join("\n");
            assert!(lines.contains("https://me.example/callback/x") && !lines.contains('{'), "{lines}");
        }
    }
}
