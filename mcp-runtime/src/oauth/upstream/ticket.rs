//! What a link to `/connect` carries: that a tool sent this very person there, a moment ago. Nothing of it is secret, and
//! whoever else opens it gets nowhere.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::oauth::{Core, people::vault::Place};

/// How long a link is good for, in seconds.
const LIFETIME: u64 = 600;
const TIME: usize = 8;
const CODE: usize = 32;

/// What a ticket is to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    Over,
    /// Another person's, for another provider, or not one of ours.
    Foreign,
}

/// Where somebody connects an account at a provider.
pub(crate) fn link(core: &Core, place: Place<'_>) -> String {
    format!("{}/connect?at={}&ticket={}", core.issuer, place.1, issue(core, place))
}

fn issue(core: &Core, (subject, provider): Place<'_>) -> String {
    let until = core.records.now().saturating_add(LIFETIME).to_be_bytes();
    let code = core.secrets.tickets.of(&[subject.as_bytes(), provider.as_bytes(), &until]);
    URL_SAFE_NO_PAD.encode([&until[..], &code].concat())
}

/// Whether this could be somebody's, and is not over: what can be said before it is known who is there.
pub(crate) fn is_plausible(core: &Core, ticket: &str) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(ticket).unwrap_or_default();
    let until = bytes.first_chunk::<TIME>().map(|until| u64::from_be_bytes(*until));
    bytes.len() == TIME + CODE && until.is_some_and(|until| core.records.now() < until)
}

pub(crate) fn judge(core: &Core, ticket: &str, (subject, provider): Place<'_>) -> Standing {
    let bytes = URL_SAFE_NO_PAD.decode(ticket).unwrap_or_default();
    let Some((until, code)) = bytes.split_first_chunk::<TIME>() else { return Standing::Foreign };
    if !core.secrets.tickets.is_of(code, &[subject.as_bytes(), provider.as_bytes(), until]) {
        return Standing::Foreign;
    }
    if core.records.now() < u64::from_be_bytes(*until) { Standing::Good } else { Standing::Over }
}
