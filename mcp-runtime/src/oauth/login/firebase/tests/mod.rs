//! A login against a Google on this machine.

mod accounts;
mod configuration;
mod google;
mod page;
mod tokens;

use serde_json::{Value, json};

use self::google::{Google, Key};
use super::Firebase;
use crate::{
    clock::ManualClock,
    oauth::{
        LoginError,
        login::federated::{Arrived, FederatedLogin, Trip},
        pkce::Pkce,
        visit::Form,
    },
};

const PROJECT: &str = "example-project";
const UID: &str = "kX3vYtq1WcP0aBz7Lm2eRdHs9Qj2";

/// Where trips have their time from: 2026-01-01.
const NOW: u64 = 1_767_225_600;

fn login(google: &Google) -> Firebase {
    Firebase::project(PROJECT).api_key("AIzaSyExample").at(&google.base).clock(ManualClock::new()).anyone()
}

fn trip() -> Trip {
    Trip {
        state: "the-state".into(),
        nonce: "n".into(),
        pkce: Pkce::generate().unwrap(),
        redirect_uri: "https://mcp.example.com/callback/firebase".into(),
        login_again: false,
        for_tools: false,
        began: NOW,
        now: NOW,
    }
}

/// What Firebase says of somebody who just signed in with Google.
fn claims() -> Value {
    json!({
        "name": "Alice Example", "picture": "https://lh3.example.com/a", "role": "editor",
        "iss": format!("https://securetoken.google.com/{PROJECT}"), "aud": PROJECT,
        "auth_time": NOW - 5, "user_id": UID, "sub": UID, "iat": NOW - 3, "exp": NOW + 3_597,
        "email": "alice@example.com", "email_verified": true,
        "firebase": {
            "identities": { "google.com": ["1234567890"], "email": ["alice@example.com"] },
            "sign_in_provider": "google.com",
        },
    })
}

/// The same, but for one claim; `null` takes it away.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.into(), value);
    }
    claims
}

async fn arrive(login: &Firebase, token: &str) -> Result<Arrived, LoginError> {
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("id_token", token).finish();
    login.arrive(&trip(), &Form::parse(&form).unwrap()).await
}
