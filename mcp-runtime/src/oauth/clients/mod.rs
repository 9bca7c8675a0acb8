//! Who asks on behalf of people: programs, registered by the operator, by a document of theirs, or by themselves.

mod assertion;
#[cfg(test)]
mod attack_tests;
pub(crate) mod authentication;
mod document;
#[cfg(test)]
mod document_tests;
pub(crate) mod dynamic;
mod fetches;
pub(crate) mod metadata;
mod name;
mod operator;
pub(crate) mod redirect;
#[cfg(test)]
mod redirect_tests;
mod settings;
#[cfg(test)]
pub(crate) mod support;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use self::operator::RegisteredClient;
pub(crate) use self::settings::ClientSettings;
use self::{assertion::RemoteKeys, document::Documents, dynamic::DynamicClient, metadata::Rules};
use super::{Core, error::OAuthError, hash::sha256};
use crate::{auth::ClientAddress, store::Row};

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
    /// Nobody said which: the operator, or a client that left it out.
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

impl Client {
    /// Whether it may use this grant.
    pub(crate) fn may(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// What consent depends on. Keys are left out: they are changed as a matter of routine, by whom the client's id belongs
    /// to anyway.
    fn hash_metadata(&mut self) {
        let mut redirect_uris = self.redirect_uris.clone();
        redirect_uris.sort_unstable();
        let method = match &self.authentication {
            Authentication::None => "none",
            Authentication::Secret { .. } => "secret",
            Authentication::PrivateKey { .. } => "private_key",
        };
        let parts = serde_json::json!([self.name, redirect_uris, method]);
        self.metadata_hash = sha256(parts.to_string());
    }
}

impl GrantType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// The longest client id that is looked at, in bytes.
const MAX_ID_BYTES: usize = 512;

/// All clients.
pub(crate) struct Clients {
    operator: HashMap<String, Client>,
    /// Schemes that redirect URIs may have besides https and loopback http.
    schemes: Vec<String>,
    registers: bool,
    documents: Documents,
    keys: RemoteKeys,
}

/// A client, and what is known of how long it is.
enum Found {
    Operator(Client),
    Dynamic(Row<DynamicClient>),
    Document(Row<document::Document>),
}

impl Found {
    fn client(&self) -> &Client {
        match self {
            Self::Operator(client) => client,
            Self::Dynamic(row) => &row.record.client,
            Self::Document(row) => &row.record.client,
        }
    }

    fn into_client(self) -> Client {
        match self {
            Self::Operator(client) => client,
            Self::Dynamic(row) => row.record.client,
            Self::Document(row) => row.record.client,
        }
    }
}

impl Clients {
    /// Clients as they are configured; whatever is wrong with that was told by [`ClientSettings::problems`].
    pub(crate) fn new(settings: ClientSettings) -> Self {
        let operator = settings.clients.into_iter().map(|registered| (registered.client.id.clone(), registered.client));
        let documents = Documents::new(settings.documents);
        Self {
            operator: operator.collect(),
            schemes: settings.schemes,
            registers: settings.registers,
            keys: RemoteKeys::new(documents.outbound()),
            documents,
        }
    }

    /// Whether the operator registered this one.
    pub(crate) fn has_of_operator(&self, id: &str) -> bool {
        self.operator.contains_key(id)
    }

    /// Whether clients may register themselves (`registration_endpoint`).
    pub(crate) fn registers(&self) -> bool {
        self.registers
    }

    /// What clients may say about themselves.
    pub(crate) fn rules(&self, is_document: bool) -> Rules<'_> {
        Rules { schemes: &self.schemes, is_document, loopback: self.documents.is_loopback() }
    }

    /// Whether the id of a client may be the URL of its document (`client_id_metadata_document_supported`).
    pub(crate) fn reads_documents(&self) -> bool {
        self.documents.are_read()
    }

    /// The client of this id, as far as that is known here: this never goes to the network. A document may be older than it
    /// says it may become; who asks people something calls [`resolve`](Self::resolve).
    pub(crate) async fn known(&self, core: &Core, id: &str) -> Result<Option<Client>, OAuthError> {
        Ok(self.find(core, id).await?.map(|found| self.as_allowed(found.into_client())))
    }

    /// The client of this id; fetches its document if that is due. Only for somebody who is logged in, or who brought
    /// something that names this client.
    pub(crate) async fn resolve(
        &self,
        core: &Core,
        id: &str,
        address: ClientAddress,
    ) -> Result<Option<Client>, OAuthError> {
        let client = match self.find(core, id).await? {
            Some(Found::Document(row)) if row.record.is_fresh(core.records.now()) => Some(row.record.client),
            Some(Found::Document(_)) => self.fetch(core, id, address).await?,
            None if self.documents.may_be(id) => self.fetch(core, id, address).await?,
            found => found.map(Found::into_client),
        };
        Ok(client.map(|client| self.as_allowed(client)))
    }

    /// Without redirect URIs of a scheme that the operator has taken back.
    fn as_allowed(&self, mut client: Client) -> Client {
        client.redirect_uris.retain(|uri| redirect::check(uri, &self.schemes).is_ok());
        client
    }

    /// Whether this is meant as the URL of a document about a client.
    pub(crate) fn is_document_id(id: &str) -> bool {
        document::is_document_id(id)
    }

    /// Somebody consented to this client: what is known of it is kept for longer.
    pub(crate) async fn touch(&self, core: &Core, client: &Client) -> Result<(), OAuthError> {
        match client.origin {
            Origin::Operator => Ok(()),
            Origin::Dynamic => dynamic::keep(&core.records, &client.id).await,
            Origin::Document => document::keep(&core.records, &client.id).await,
        }
    }

    async fn find(&self, core: &Core, id: &str) -> Result<Option<Found>, OAuthError> {
        if id.len() > MAX_ID_BYTES {
            return Ok(None);
        }
        if let Some(client) = self.operator.get(id) {
            return Ok(Some(Found::Operator(client.clone())));
        }
        if dynamic::is_dynamic_id(id) {
            return Ok(core.records.get(id).await?.map(Found::Dynamic));
        }
        if self.documents.may_be(id) {
            return Ok(core.records.get(id).await?.map(Found::Document));
        }
        Ok(None)
    }
}
