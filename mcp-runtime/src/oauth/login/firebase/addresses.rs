//! Where Google is asked.

use crate::auth::{Outbound, Reach};

/// All addresses, so that tests can have them on this machine.
pub(super) struct Addresses {
    /// The keys of ID tokens, as a key set and as certificates.
    pub(super) keys: String,
    pub(super) certificates: String,
    /// The project's web configuration, where it has Firebase Hosting.
    pub(super) web_app: String,
    /// Where a service account gets its access tokens.
    pub(super) token: String,
    /// Below which accounts are looked up.
    pub(super) accounts: String,
    /// What the web SDK connects to.
    pub(super) connect: Vec<String>,
}

impl Addresses {
    pub(super) fn of(project: &str) -> Self {
        let google = "https://www.googleapis.com";
        let signer = "securetoken@system.gserviceaccount.com";
        Self {
            keys: format!("{google}/service_accounts/v1/jwk/{signer}"),
            certificates: format!("{google}/robot/v1/metadata/x509/{signer}"),
            web_app: format!("https://{project}.firebaseapp.com/__/firebase/init.json"),
            token: "https://oauth2.googleapis.com/token".into(),
            accounts: format!("https://identitytoolkit.googleapis.com/v1/projects/{project}"),
            connect: ["https://identitytoolkit.googleapis.com", "https://securetoken.googleapis.com"]
                .map(str::to_owned)
                .into(),
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn at(base: &str, project: &str) -> Self {
        Self {
            keys: format!("{base}/jwk"),
            certificates: format!("{base}/x509"),
            web_app: format!("{base}/init.json"),
            token: format!("{base}/token"),
            accounts: format!("{base}/v1/projects/{project}"),
            connect: vec![base.to_owned()],
        }
    }

    pub(super) fn outbound(&self) -> Result<Outbound, String> {
        Outbound::new(Reach::Anywhere, self.keys.starts_with("https:"))
    }
}
