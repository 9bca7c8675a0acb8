//! Ways to a provider that are under way: begun by a click, bound to the browser that clicked, good for one return.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{TRIES, contended};
use crate::{
    oauth::{Core, browser::secret, error::OAuthError, hash::digest, login::federated::Trip, pkce::Pkce},
    store::{Commit, Kind, Record, Row, insert},
};

/// How long somebody may take at the provider, in seconds.
const LIFETIME: u64 = 600;

/// What for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// To log in, for this authorization request.
    LogIn {
        /// As the client sent it.
        query: String,
    },
    /// To let tools use an account there, by somebody who is logged in here.
    Connect {
        /// Who.
        subject: String,
    },
}

/// A way that is under way, under the hash of its `state`. Nothing of it is secret: `nonce` and verifier are computed from
/// the state, which is not kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attempt {
    provider: String,
    pub(crate) purpose: Purpose,
    /// The hash of the cookie of the browser that clicked.
    holder: String,
    login_again: bool,
    for_tools: bool,
    until: u64,
}

impl Record for Attempt {
    const KIND: Kind = Kind::new("attempt");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until)
    }
}

/// Why somebody who comes back is not let in. All of it looks the same to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stray {
    /// No such way was begun here, or it took too long, or somebody has come back from it already.
    Unknown,
    /// Another browser began it.
    OtherBrowser,
    /// It led to another provider (RFC 9700 §4.4).
    OtherProvider,
}

/// How somebody goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Going<'a> {
    pub(crate) provider: &'a str,
    /// The cookie of the browser.
    pub(crate) holder: &'a str,
    pub(crate) login_again: bool,
    pub(crate) for_tools: bool,
}

/// Begins one. To be called for a click on a page of ours, and for nothing else.
pub(crate) async fn begin(core: &Core, going: Going<'_>, purpose: Purpose) -> Result<Trip, OAuthError> {
    let attempt = Attempt {
        provider: going.provider.to_owned(),
        purpose,
        holder: digest(&[going.holder]),
        login_again: going.login_again,
        for_tools: going.for_tools,
        until: core.records.now().saturating_add(LIFETIME),
    };
    for _ in 0..TRIES {
        let state = secret()?;
        if core.records.commit(&[insert(digest(&[&state]), &attempt)]).await? == Commit::Done {
            return Ok(attempt.trip(core, state));
        }
    }
    Err(contended())
}

/// The one that a browser comes back from; it stays what it is.
pub(crate) async fn look(
    core: &Core,
    state: &str,
    provider: &str,
    holder: Option<&str>,
) -> Result<Result<Row<Attempt>, Stray>, OAuthError> {
    let Some(row) = core.records.get::<Attempt>(&digest(&[state])).await? else { return Ok(Err(Stray::Unknown)) };
    let attempt = &row.record;
    if holder.is_none_or(|holder| digest(&[holder]) != attempt.holder) {
        return Ok(Err(Stray::OtherBrowser));
    }
    if attempt.provider != provider {
        return Ok(Err(Stray::OtherProvider));
    }
    Ok(Ok(row))
}

/// Ends it: of two who come back at the same time, one does.
pub(crate) async fn take(core: &Core, row: &Row<Attempt>) -> Result<bool, OAuthError> {
    Ok(core.records.commit(&[row.delete()]).await? == Commit::Done)
}

impl Attempt {
    /// What the provider is told, and has to answer to.
    pub(crate) fn trip(&self, core: &Core, state: String) -> Trip {
        let derive = |what: &[u8]| URL_SAFE_NO_PAD.encode(core.secrets.attempts.of(&[what, state.as_bytes()]));
        Trip {
            nonce: derive(b"nonce"),
            pkce: Pkce::with_verifier(derive(b"verifier")),
            redirect_uri: callback_of(core, &self.provider),
            login_again: self.login_again,
            for_tools: self.for_tools,
            began: self.until.saturating_sub(LIFETIME),
            now: core.records.now(),
            state,
        }
    }
}

/// Where a provider sends people back to.
pub(crate) fn callback_of(core: &Core, provider: &str) -> String {
    format!("{}/callback/{provider}", core.issuer)
}
