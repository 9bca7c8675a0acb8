//! The project's web configuration: what the web SDK must know. None of it is secret.

use std::time::Duration;

use serde::Deserialize;

use super::Firebase;

/// How long a fetched configuration is good. It hardly ever changes.
const GOOD_FOR: Duration = Duration::from_secs(3_600);

const MAX_DOCUMENT: usize = 16 * 1024;

/// What the operator wrote of it.
#[derive(Default)]
pub(super) struct ConfiguredWebApp {
    pub(super) api_key: Option<String>,
    pub(super) auth_domain: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebApp {
    pub(super) api_key: String,
    pub(super) auth_domain: String,
}

/// As Firebase Hosting publishes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    project_id: String,
    api_key: String,
    auth_domain: Option<String>,
}

impl Firebase {
    pub(super) async fn web_app(&self) -> Option<WebApp> {
        if let Some(api_key) = &self.app.api_key {
            let auth_domain = self.app.auth_domain.clone().unwrap_or_else(|| self.own_domain());
            return Some(WebApp { api_key: api_key.clone(), auth_domain });
        }
        let mut app = self.fetched_app.get(&self.clock, self.fetch_web_app()).await?;
        app.auth_domain = self.app.auth_domain.clone().unwrap_or(app.auth_domain);
        Some(app)
    }

    async fn fetch_web_app(&self) -> Result<(WebApp, Duration), String> {
        let outbound = &self.google()?.outbound;
        let answer = outbound.get_at(&self.addresses.web_app, MAX_DOCUMENT).await.and_then(|answer| answer.ok());
        let answer = answer.map_err(|failure| {
            format!("no web configuration (has the project Firebase Hosting? else call `.api_key(…)`): {failure}")
        })?;
        let published: Published =
            serde_json::from_slice(&answer.body).map_err(|_| "the web configuration cannot be read")?;
        if published.project_id != self.project {
            return Err("the web configuration is another project's".into());
        }
        let auth_domain = published.auth_domain.unwrap_or_else(|| self.own_domain());
        // It goes into the page and its policy.
        if !is_api_key(&published.api_key) || !is_host(&auth_domain) {
            return Err("the web configuration has no usable `apiKey` or `authDomain`".into());
        }
        Ok((WebApp { api_key: published.api_key, auth_domain }, GOOD_FOR))
    }

    fn own_domain(&self) -> String {
        format!("{}.firebaseapp.com", self.project)
    }
}

pub(super) fn is_api_key(key: &str) -> bool {
    (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// A host name. Nothing in it means something in a content policy.
pub(super) fn is_host(host: &str) -> bool {
    let labels = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !label.starts_with('-')
    };
    (1..=253).contains(&host.len()) && host.contains('.') && host.split('.').all(labels)
}
