//! Clients whose id is the URL of a document about them (draft-ietf-oauth-client-id-metadata-document).

use http::{HeaderMap, header::CACHE_CONTROL};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::{
    Authentication, Client, Clients, Origin,
    fetches::{Fetches, Turn, landed},
    metadata::{self, Method, Rules},
    redirect,
    settings::DocumentSettings,
};
use crate::{
    auth::{ClientAddress, Outbound, Reach, UniqueObject, WebUrl, max_age},
    http::media_type,
    oauth::{
        Core,
        error::{ErrorCode, OAuthError},
        limits::Route,
    },
    store::{Kind, Record, Records, Row, insert},
};

/// The largest document, in bytes. The draft thinks of 5 KB.
const MAX_BYTES: usize = 8 * 1024;

/// How long a document is fresh: what its server says (RFC 9111), within these bounds.
const FRESH: (Duration, Duration) = (Duration::from_secs(5 * 60), Duration::from_secs(24 * 3_600));
const FRESH_BY_DEFAULT: Duration = Duration::from_secs(3_600);

/// How long a client that people consented to may go on when its document cannot be read again, in seconds.
const STALE: u64 = 24 * 3_600;

/// How long a document is kept, in seconds: without and with somebody's consent. Refreshing a grant needs it.
const UNUSED: u64 = 2 * 24 * 3_600;
const KEPT: u64 = 90 * 24 * 3_600;

const TRIES: usize = 8;

/// What a document said, as it was last read. It is shared by all nodes; nothing that could not be read is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(super) client: Client,
    /// In seconds since the Unix epoch.
    fetched_at: u64,
    fresh_until: u64,
    /// Somebody consented to it.
    kept: bool,
}

impl Record for Document {
    const KIND: Kind = Kind::new("client-document");

    fn expires_at(&self) -> Option<u64> {
        Some(self.fetched_at.saturating_add(if self.kept { KEPT } else { UNUSED }))
    }
}

impl Document {
    pub(super) fn is_fresh(&self, now: u64) -> bool {
        now < self.fresh_until
    }

    /// Whether it may still be used where it could not be read again.
    pub(super) fn is_usable(&self, now: u64) -> bool {
        now < self.fresh_until.saturating_add(STALE)
    }
}

/// The documents of clients.
pub(super) struct Documents {
    settings: DocumentSettings,
    /// Nothing can be asked by https where no roots are installed.
    outbound: Option<Outbound>,
    fetches: Fetches,
}

/// Whether this is meant as the URL of a document: https, in its plainest form, with a path. In tests also http on loopback.
pub(super) fn is_document_id(id: &str) -> bool {
    may_be_fetched(id, cfg!(any(test, feature = "testing")))
        && WebUrl::split(id).is_some_and(|url| !url.path.is_empty())
}

/// Whether a URL that a client wrote may be asked at all. Where its name leads is judged when it is.
pub(super) fn may_be_fetched(url: &str, loopback: bool) -> bool {
    redirect::check(url, &[]).is_ok() && WebUrl::split(url).is_some_and(|url| url.secure || loopback)
}

impl Documents {
    pub(super) fn new(settings: DocumentSettings) -> Self {
        let reach = if settings.loopback { Reach::Anywhere } else { Reach::Public };
        let outbound = Outbound::new(reach, !settings.loopback).map_err(|why| {
            tracing::warn!(why, "documents and keys of OAuth clients cannot be fetched");
        });
        Self { settings, outbound: outbound.ok(), fetches: Fetches::new() }
    }

    pub(super) fn are_read(&self) -> bool {
        self.settings.read && self.outbound.is_some()
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.settings.loopback
    }

    pub(super) fn outbound(&self) -> Option<Outbound> {
        self.outbound.clone()
    }

    /// Whether a document of this URL would be read.
    pub(super) fn may_be(&self, id: &str) -> bool {
        let is_id = self.are_read() && is_document_id(id) && may_be_fetched(id, self.settings.loopback);
        is_id && redirect::host_of(id).is_some_and(|host| self.settings.rules.iter().all(|rule| rule(host)))
    }
}

impl Clients {
    /// Reads a document again, once for everybody who waits for it. What is wrong with it is for our log only: told to whoever
    /// sent us there, it would say what is reachable from here.
    pub(super) async fn fetch(
        &self,
        core: &Core,
        id: &str,
        address: ClientAddress,
    ) -> Result<Option<Client>, OAuthError> {
        let fetches = &self.documents.fetches;
        for _ in 0..TRIES {
            if fetches.failed_lately(id, core.clock.millis()) {
                return Ok(None);
            }
            let flight = match fetches.join(id) {
                Turn::Lead(flight) => Some(flight),
                Turn::Follow(other) => {
                    landed(other).await;
                    None
                }
                Turn::Full => return Err(OAuthError::slow_down(1)),
            };
            let row = core.records.get::<Document>(id).await?;
            match (row, flight) {
                (Some(row), _) if row.record.is_fresh(core.records.now()) => return Ok(Some(row.record.client)),
                (row, Some(_flight)) => return self.lead(core, id, address, row).await,
                (_, None) => {}
            }
        }
        Err(OAuthError {
            retry_after: Some(1),
            ..OAuthError::new(ErrorCode::TemporarilyUnavailable, "try again in a moment")
        })
    }

    async fn lead(
        &self,
        core: &Core,
        id: &str,
        address: ClientAddress,
        row: Option<Row<Document>>,
    ) -> Result<Option<Client>, OAuthError> {
        core.limits.charge(Route::Document, address)?;
        core.limits.charge_key(Route::Document, redirect::host_of(id).unwrap_or_default())?;
        let (client, fresh_for) = match self.read(id).await {
            Ok(read) => read,
            Err(why) => {
                tracing::warn!(id, why, "the document of a client cannot be used");
                self.documents.fetches.failed(id, core.clock.millis());
                return Ok(None);
            }
        };
        let now = core.records.now();
        let kept = row.as_ref().is_some_and(|row| row.record.kept);
        let document = Document { client, fetched_at: now, fresh_until: now.saturating_add(fresh_for.as_secs()), kept };
        let step = row.map_or_else(|| insert(id, &document), |row| row.replace(&document));
        let _another_node_has_just_read_the_same = core.records.commit(&[step]).await?;
        Ok(Some(document.client))
    }

    async fn read(&self, id: &str) -> Result<(Client, Duration), String> {
        let outbound = self.documents.outbound.as_ref().ok_or("nothing can be fetched")?;
        let answer = outbound.get_at(id, MAX_BYTES).await.and_then(|answer| answer.ok()).map_err(|e| e.to_string())?;
        if !is_json(&answer.headers) {
            return Err("its content type is not JSON".to_owned());
        }
        let client = parse(id, &answer.body, &self.rules(true))?;
        Ok((client, fresh_for(&answer.headers)))
    }
}

/// Somebody consented to it.
pub(super) async fn keep(records: &Records, id: &str) -> Result<(), OAuthError> {
    let keep = |row: &Row<Document>| row.replace(&Document { kept: true, ..row.record.clone() });
    records.change(id, |row| row.filter(|row: &&Row<Document>| !row.record.kept).map(keep)).await?;
    Ok(())
}

/// Reads the document of a client, which must name itself by its own URL, byte for byte.
fn parse(id: &str, json: &[u8], rules: &Rules<'_>) -> Result<Client, &'static str> {
    let said = UniqueObject::parse(json).ok_or("it is not a JSON object without duplicate members")?;
    if said.get("client_id").and_then(|named| named.as_str()) != Some(id) {
        return Err("its `client_id` is not its URL");
    }
    let said = metadata::read(&said, rules).map_err(|error| error.description)?;
    let authentication = match said.method {
        Method::None => Authentication::None,
        Method::PrivateKey { jwks, jwks_uri } => Authentication::PrivateKey { jwks, jwks_uri },
        Method::Basic | Method::Post | Method::Unsaid => return Err("it wants a secret, which nobody could tell it"),
    };
    let mut client = Client {
        id: id.to_owned(),
        origin: Origin::Document,
        name: said.name.ok_or("it has no `client_name`")?,
        redirect_uris: said.redirect_uris,
        authentication,
        grant_types: said.grant_types,
        scopes: None,
        may_introspect: false,
        metadata_hash: String::new(),
    };
    client.hash_metadata();
    Ok(client)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = media_type(headers).to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// What may not be kept at all is kept for the shortest time: one login reads a document several times.
fn fresh_for(headers: &HeaderMap) -> Duration {
    let texts = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = texts.flat_map(|text| text.split(',')).map(|directive| directive.trim().to_ascii_lowercase());
    if directives.any(|directive| matches!(directive.as_str(), "no-store" | "no-cache")) {
        return FRESH.0;
    }
    max_age(headers).map_or(FRESH_BY_DEFAULT, |said| said.clamp(FRESH.0, FRESH.1))
}
