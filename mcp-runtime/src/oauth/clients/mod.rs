//! Who asks on behalf of people: programs, registered by the operator, by a document of theirs, or by themselves.

pub(crate) mod redirect;

use serde::{Deserialize, Serialize};

use super::{Core, error::OAuthError};
use crate::auth::ClientAddress;

/// A program that may ask for tokens (RFC 6749 §2, RFC 7591 §2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) origin: Origin,
    /// What it calls itself, cleaned for being shown; nothing vouches for it unless the operator registered it.
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) authentication: Authentication,
    pub(crate) grant_types: Vec<GrantType>,
    /// The scopes it may have at most; `None`: whatever people grant it.
    pub(crate) scopes: Option<Vec<String>>,
    /// Whether it may ask about tokens (RFC 7662): a registered resource server.
    pub(crate) may_introspect: bool,
    /// SHA-256, base64url, of what consent depends on: when it changes, people are asked again.
    pub(crate) metadata_hash: String,
}

/// Who registered a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// The operator, in the configuration.
    Operator,
    /// Nobody: its id is the URL of a document about it (CIMD).
    Document,
    /// It did that itself (RFC 7591).
    Dynamic,
}

/// How a client proves that it is itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Authentication {
    /// Not at all: a public client.
    None,
    /// With a secret, of which this is the SHA-256 in base64url; by `client_secret_basic` or `client_secret_post`.
    Secret { sha256: String, method: SecretMethod },
    /// With a signature (`private_key_jwt`, RFC 7523): its key set, or where it is.
    PrivateKey { jwks: Option<serde_json::Value>, jwks_uri: Option<String> },
}

/// How a secret is sent. Nothing else is accepted from the client then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecretMethod {
    Basic,
    Post,
    /// Registered by the operator, who did not say.
    Either,
}

/// What a client may bring to the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

/// All clients.
pub(crate) struct Clients {
    // stub: clients
    pub(crate) all: Vec<Client>,
    pub(crate) documents: Vec<Client>,
}

// stub: clients
impl Clients {
    pub(crate) async fn known(&self, _: &Core, id: &str) -> Result<Option<Client>, OAuthError> {
        Ok(self.all.iter().find(|client| client.id == id).cloned())
    }

    pub(crate) async fn resolve(&self, core: &Core, id: &str, _: ClientAddress) -> Result<Option<Client>, OAuthError> {
        let document = self.documents.iter().find(|client| client.id == id).cloned();
        Ok(document.or(self.known(core, id).await?))
    }

    pub(crate) fn is_document_id(id: &str) -> bool {
        id.starts_with("https://")
    }

    pub(crate) async fn touch(&self, _: &Core, _: &Client) -> Result<(), OAuthError> {
        Ok(())
    }
}
