//! Looking accounts up (Identity Toolkit, `accounts:lookup`).

use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Firebase, Google, service_account::ServiceAccount};
use crate::{
    auth::UniqueObject,
    oauth::{LoginError, login::federated::Claims},
};

const MAX_ANSWER: usize = 64 * 1024;

/// What an account of a login keeps although a look at it says nothing of them.
const OF_THE_LOGIN: [&str; 2] = ["auth_time", "firebase"];

/// An account as it is now.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    local_id: String,
    #[serde(default)]
    disabled: bool,
    /// Sign-ins before this moment were revoked: seconds since the Unix epoch, as text.
    valid_since: Option<String>,
    tenant_id: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    display_name: Option<String>,
    photo_url: Option<String>,
    phone_number: Option<String>,
    /// JSON in a text.
    custom_attributes: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    users: Vec<User>,
}

impl Firebase {
    /// The account, if it is there and who signed in at that time may still use it.
    pub(super) async fn look_up(
        &self,
        account: &ServiceAccount,
        id: &str,
        signed_in_at: u64,
    ) -> Result<User, LoginError> {
        let google = self.google().map_err(|_| LoginError::Unavailable)?;
        let found = self.ask_for(account, google, id).await.map_err(|reason| {
            tracing::warn!(reason, "Firebase: an account could not be looked up");
            LoginError::Unavailable
        })?;
        let user = found.users.into_iter().find(|user| user.local_id == id);
        let Some(user) = user else { return Err(self.refused("the account is gone")) };
        if user.tenant_id.as_deref().filter(|tenant| !tenant.is_empty()) != self.tenant.as_deref() {
            return Err(self.refused("the account is of another tenant"));
        }
        if user.disabled {
            return Err(self.refused("the account is disabled"));
        }
        let valid_since = match &user.valid_since {
            None => 0,
            Some(text) => text.parse().map_err(|_| {
                tracing::warn!("Firebase: the answer about an account cannot be read");
                LoginError::Unavailable
            })?,
        };
        if valid_since > signed_in_at {
            return Err(self.refused("its sign-ins were revoked"));
        }
        Ok(user)
    }

    async fn ask_for(&self, account: &ServiceAccount, google: &Google, id: &str) -> Result<Found, String> {
        let Google { outbound, .. } = google;
        let authorization = account.authorization(&self.addresses.token, outbound, &self.clock).await;
        let authorization = authorization.ok_or("there is no access token for it")?;
        let kind = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind), (AUTHORIZATION, authorization)]);
        let tenant = self.tenant.as_ref().map_or_else(String::new, |tenant| format!("/tenants/{tenant}"));
        let url = format!("{}{tenant}/accounts:lookup", self.addresses.accounts);
        let body = json!({ "localId": [id] }).to_string();
        let answer =
            outbound.post_body_at(&url, headers, body, MAX_ANSWER).await.map_err(|failure| failure.to_string())?;
        if answer.status == 401 {
            account.forget().await;
        }
        let answer = answer.ok().map_err(|failure| failure.to_string())?;
        serde_json::from_slice(&answer.body).map_err(|_| "the answer cannot be read".to_owned())
    }
}

impl User {
    /// The claims that a token would have now, for a login of which these were kept.
    pub(super) fn claims(self, known: &Claims) -> Claims {
        // First, so that nothing in it stands for what Firebase itself says.
        let custom = self.custom_attributes.as_deref().and_then(|json| UniqueObject::parse(json.as_bytes()));
        let mut claims = custom.unwrap_or_default();
        for name in OF_THE_LOGIN {
            claims.remove(name);
            claims.extend(known.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        let own = [
            ("email_verified", self.email.is_some().then_some(Value::Bool(self.email_verified))),
            ("email", self.email.map(Value::String)),
            ("name", self.display_name.map(Value::String)),
            ("picture", self.photo_url.map(Value::String)),
            ("phone_number", self.phone_number.map(Value::String)),
        ];
        for (name, value) in own {
            claims.remove(name);
            claims.extend(value.map(|value| (name.to_owned(), value)));
        }
        claims
    }
}
