//! What clients learn about the authorization server (RFC 8414).

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::document;
use crate::{
    auth::ClientKeys,
    oauth::{Core, Visit, clients::Clients, limits::Route},
};

const MAX_AGE: &str = "public, max-age=300";

/// Rendered once: nothing in them changes while the server runs.
pub(crate) struct Documents {
    oauth: Arc<str>,
    openid: Arc<str>,
}

impl Documents {
    pub(crate) fn new(issuer: &str, scopes: &[String], clients: &Clients, has_logins: bool) -> Self {
        let mut oauth = metadata(issuer, scopes, clients);
        if !has_logins {
            leave_out_people(&mut oauth);
        }
        let mut openid = oauth.clone();
        // Demanded by OpenID Connect Discovery §3. No ID token is ever issued.
        openid["subject_types_supported"] = json!(["public"]);
        openid["id_token_signing_alg_values_supported"] = json!(["ES256"]);
        Self { oauth: oauth.to_string().into(), openid: openid.to_string().into() }
    }
}

/// Where nobody can log in, no client may begin what ends with a person. Endpoint and response types stay: RFC 8414 §2 and
/// clients demand them, whatever they are here for.
fn leave_out_people(document: &mut Value) {
    if let Some(members) = document.as_object_mut() {
        members.remove("registration_endpoint");
    }
    document["grant_types_supported"] = json!(["client_credentials"]);
    document["client_id_metadata_document_supported"] = json!(false);
}

fn metadata(issuer: &str, scopes: &[String], clients: &Clients) -> Value {
    let at = |path: &str| format!("{issuer}{path}");
    let signatures = ClientKeys::algorithms();
    let confidential = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let anyone = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/jwks"),
        "revocation_endpoint": at("/revoke"),
        "introspection_endpoint": at("/introspect"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": clients.reads_documents(),
        "token_endpoint_auth_methods_supported": anyone,
        "token_endpoint_auth_signing_alg_values_supported": signatures,
        "revocation_endpoint_auth_methods_supported": anyone,
        "revocation_endpoint_auth_signing_alg_values_supported": signatures,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": signatures,
    });
    if !scopes.is_empty() {
        document["scopes_supported"] = json!(scopes);
    }
    if clients.registers() {
        document["registration_endpoint"] = json!(at("/register"));
    }
    document
}

pub(crate) async fn handle(core: Arc<Core>, visit: Visit) -> Response {
    respond(&core, &visit, &core.documents.oauth)
}

pub(crate) async fn handle_openid(core: Arc<Core>, visit: Visit) -> Response {
    respond(&core, &visit, &core.documents.openid)
}

fn respond(core: &Core, visit: &Visit, json: &Arc<str>) -> Response {
    match core.limits.charge(Route::Metadata, visit.address) {
        Ok(()) => document(Arc::clone(json), MAX_AGE),
        Err(error) => error.into_response(),
    }
}
