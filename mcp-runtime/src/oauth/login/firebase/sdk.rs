//! Where the vendor's script comes from.

use crate::auth::WebUrl;

/// The newest when this was written. Google's copies of a version never change.
const BASE: &str = "https://www.gstatic.com/firebasejs";
const VERSION: &str = "13.2.0";

#[derive(Debug)]
pub(super) struct Sdk {
    base: String,
    version: String,
    /// Of `firebase-app.js` and `firebase-auth.js`.
    pub(super) integrity: Option<[String; 2]>,
}

impl Default for Sdk {
    fn default() -> Self {
        Self::new(BASE, VERSION.to_owned())
    }
}

impl Sdk {
    pub(super) fn new(base: &str, version: String) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), version, integrity: None }
    }

    /// The addresses of `firebase-app.js` and `firebase-auth.js`.
    pub(super) fn files(&self) -> [String; 2] {
        ["app", "auth"].map(|part| format!("{}/{}/firebase-{part}.js", self.base, self.version))
    }

    /// What browsers are told about the files, as an import map (HTML, "integrity metadata map").
    pub(super) fn import_map(&self) -> Option<String> {
        let [app, auth] = self.integrity.as_ref()?;
        let [app_file, auth_file] = self.files();
        let map = serde_json::json!({ "integrity": { app_file: app, auth_file: auth } });
        // It stands in a script element, where nothing else could end it early.
        Some(map.to_string().replace('<', "\\u003c"))
    }

    pub(super) fn problems(&self) -> Vec<&'static str> {
        let url = WebUrl::split(&self.base).filter(|url| url.query.is_empty() && (url.secure || url.is_loopback()));
        // What could end a source in a content policy, or mean something else there.
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b));
        let part = |text: &str| !text.is_empty() && plain(text) && !text.contains(['/', ':', '[', ']']);
        let hashes = self.integrity.iter().flatten();
        let base = (url.is_none() || !plain(&self.base))
            .then_some("the first argument of `.sdk(base, version)` must be an https URL without a query");
        let version = (!part(&self.version) || self.version.starts_with('.'))
            .then_some("the second argument of `.sdk(base, version)` is no version: write one as `12.4.0`");
        let integrity = hashes
            .map(String::as_str)
            .any(|hash| !is_hash(hash))
            .then_some("`.sdk_integrity(app, auth)` takes hashes as browsers do: `sha384-…`");
        [base, version, integrity].into_iter().flatten().collect()
    }
}

fn is_hash(text: &str) -> bool {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    text.split_once('-').is_some_and(|(kind, hash)| {
        matches!(kind, "sha256" | "sha384" | "sha512") && !hash.is_empty() && hash.bytes().all(base64)
    })
}
