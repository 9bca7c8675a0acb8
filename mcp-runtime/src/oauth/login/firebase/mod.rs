//! Logging in with Firebase Authentication: on a page of ours, with the vendor's script.

mod addresses;
mod claims;
mod kept;
mod login;
mod page;
mod problems;
mod sdk;
mod service_account;
#[cfg(test)]
mod tests;
mod users;
mod web_app;

use std::{fmt, sync::OnceLock};

use self::{
    addresses::Addresses, sdk::Sdk, service_account::ServiceAccount, web_app::ConfiguredWebApp, web_app::WebApp,
};
use super::{
    federated::{Patience, federated_login},
    rules::{Rules, account_rules},
};
use crate::{
    auth::{Outbound, PublishedKeys},
    clock::Clock,
};

/// Logs people in with their accounts at a Firebase project (Firebase Authentication, Google's Identity Platform).
///
/// People sign in on a page of this server, `/callback/firebase`, with the Firebase web SDK: the one page with somebody
/// else's script, under a content policy of its own. The page posts the ID token that they get; it is verified here, has
/// to be from a sign-in of the last five minutes, and is good once. No token stays in the browser or is kept here.
///
/// The project's id is enough where the project has Firebase Hosting, which publishes its web configuration; otherwise
/// write its [`api_key`](Self::api_key), which is no secret. As with all providers a rule must say whom to admit.
///
/// ```
/// use mcp_runtime::oauth::Firebase;
///
/// let login = Firebase::project("example-project")
///     .api_key("AIzaSyExample")
///     .email_domains(["example.com"])
///     .grants(["notes:read"])
///     .grants_to("role", "editor", ["notes:write"]); // a custom claim
/// ```
///
/// # Accounts that end
///
/// With a [`service_account`](Self::service_account) accounts are looked up again every 24 hours
/// ([`recheck_every`](Self::recheck_every)): whoever is disabled or deleted, or had the sign-ins revoked, is refused from
/// then on. Without one Firebase says nothing about an account, so people log in again after that time.
///
/// # What it cannot do
///
/// The page offers no second factor, no new accounts and no forgotten passwords, and neither reCAPTCHA for passwords nor App
/// Check: a project that enforces one of them refuses. There are no tokens for tools.
pub struct Firebase {
    name: String,
    label: String,
    project: String,
    tenant: Option<String>,
    /// Who vouches, for accounts: told by project and tenant.
    issuer: String,
    app: ConfiguredWebApp,
    fetched_app: kept::Kept<WebApp>,
    sdk: Sdk,
    /// What may be in `firebase.sign_in_provider`.
    methods: Vec<String>,
    service_account: Option<ServiceAccount>,
    rules: Rules,
    patience: Patience,
    links_by_email: bool,
    addresses: Addresses,
    clock: Clock,
    google: OnceLock<Result<Google, String>>,
}

/// How Google is reached.
struct Google {
    outbound: Outbound,
    keys: PublishedKeys,
}

impl Firebase {
    /// For the accounts of the project with this id: the lower-case word in its address, not its number.
    #[must_use]
    pub fn project(id: impl Into<String>) -> Self {
        let project = id.into();
        let mut login = Self {
            name: "firebase".into(),
            label: "Firebase".into(),
            tenant: None,
            issuer: String::new(),
            app: ConfiguredWebApp::default(),
            fetched_app: kept::Kept::default(),
            sdk: Sdk::default(),
            methods: ["google.com", "password"].map(str::to_owned).into(),
            service_account: None,
            rules: Rules::default(),
            patience: Patience::default(),
            links_by_email: false,
            addresses: Addresses::of(&project),
            clock: Clock::system(),
            google: OnceLock::new(),
            project,
        };
        login.issuer = login.token_issuer();
        login
    }

    /// The project's web API key, `apiKey` in the web configuration that the Firebase console shows. It is no secret: every
    /// page of the project has it. Without it, this server fetches it from `https://{project}.firebaseapp.com`.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.app.api_key = Some(key.into());
        self
    }

    /// The host that the sign-in window is opened on, `authDomain` in the web configuration; by default what the project
    /// publishes, or with an [`api_key`](Self::api_key) `{project}.firebaseapp.com`.
    #[must_use]
    pub fn auth_domain(mut self, host: impl Into<String>) -> Self {
        self.app.auth_domain = Some(host.into());
        self
    }

    /// For the accounts of this tenant of the project (Identity Platform), and no others. Without it, tokens of tenants are
    /// refused.
    #[must_use]
    pub fn tenant(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        self.issuer = format!("{}/{id}", self.token_issuer());
        self.tenant = Some(id);
        self
    }

    /// The ways to sign in, instead of `google.com` and `password`: `facebook.com`, `github.com`, `twitter.com`,
    /// `apple.com`, `microsoft.com`, `yahoo.com`, and those of your own that begin with `oidc.` or `saml.`. Each must be
    /// enabled in the project. Tokens from other ways are refused, wherever they come from.
    #[must_use]
    pub fn sign_in_with(mut self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let anonymous = self.methods.iter().any(|method| method == claims::ANONYMOUS);
        self.methods = methods.into_iter().map(Into::into).collect();
        if anonymous { self.allow_anonymous() } else { self }
    }

    /// Lets people in who do not say who they are, each with a new account of its own. They count for what admits
    /// [`anyone`](Self::anyone).
    #[must_use]
    pub fn allow_anonymous(mut self) -> Self {
        if !self.methods.iter().any(|method| method == claims::ANONYMOUS) {
            self.methods.push(claims::ANONYMOUS.into());
        }
        self
    }

    /// Looks accounts up with this service account, whose role needs the permission `firebaseauth.users.get` and no other
    /// ("Firebase Authentication Viewer"). The key is PKCS#8 in PEM, as in the JSON file that the console makes; line ends
    /// may be written as `\n`.
    #[must_use]
    pub fn service_account(mut self, client_email: impl Into<String>, private_key: impl AsRef<str>) -> Self {
        self.service_account = Some(ServiceAccount::new(client_email.into(), private_key.as_ref()));
        self
    }

    /// Takes the Firebase web SDK from `{base}/{version}/firebase-app.js` and `…/firebase-auth.js`: another version than the
    /// built-in one, or a copy on a host of your own. A copy must import `firebase-app.js` from there too.
    #[must_use]
    pub fn sdk(mut self, base: impl Into<String>, version: impl Into<String>) -> Self {
        self.sdk = Sdk::new(&base.into(), version.into());
        self
    }

    /// The hashes that `firebase-app.js` and `firebase-auth.js` must have, as `sha384-…`: browsers run no others. Call it
    /// after [`sdk`](Self::sdk). Browsers that do not know integrity in import maps pass over it.
    #[must_use]
    pub fn sdk_integrity(mut self, app: impl Into<String>, auth: impl Into<String>) -> Self {
        self.sdk.integrity = Some([app.into(), auth.into()]);
        self
    }

    account_rules!();

    /// Asks this address in the place of all of Google's, and lets the page do so.
    #[doc(hidden)]
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn at(mut self, base: &str) -> Self {
        self.addresses = Addresses::at(base, &self.project);
        self
    }

    /// Reads time there.
    #[doc(hidden)]
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// `iss` of its tokens.
    fn token_issuer(&self) -> String {
        format!("https://securetoken.google.com/{}", self.project)
    }

    fn google(&self) -> Result<&Google, &str> {
        let make = || {
            let outbound = self.addresses.outbound()?;
            let Addresses { keys, certificates, .. } = &self.addresses;
            let keys = PublishedKeys::new(&self.token_issuer(), keys, certificates, outbound.clone())?;
            Ok(Google { outbound, keys })
        };
        self.google.get_or_init(make).as_ref().map_err(String::as_str)
    }
}

federated_login!(Firebase);

impl fmt::Debug for Firebase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Firebase")
            .field("name", &self.name)
            .field("project", &self.project)
            .field("tenant", &self.tenant)
            .field("sdk", &self.sdk)
            .field("methods", &self.methods)
            .field("service_account", &self.service_account)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
