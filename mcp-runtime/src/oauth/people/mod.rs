//! Who somebody is, here: subjects, sessions, what they allowed, and how often they may try to log in.

pub(crate) mod accounts;
pub(crate) mod attempts;
mod backoff;
mod consents;
mod eras;
mod links;
pub(crate) mod once;
mod sessions;
mod undeclared;
pub(crate) mod vault;

pub(crate) use backoff::{Backoff, Device};
pub(crate) use consents::Consent;
pub(crate) use eras::{Eras, Whose};
pub(crate) use links::{account_of, end_era, federated_subject_of, known_subject, linked_account, present, subject_of};
pub(crate) use sessions::{Session, SignedIn};
pub(crate) use undeclared::Undeclared;

use super::error::{ErrorCode, OAuthError};

/// How often a change is tried again that others got in the way of.
const TRIES: usize = 8;

fn contended() -> OAuthError {
    let description = "others are changing the same";
    OAuthError { code: ErrorCode::TemporarilyUnavailable, description, retry_after: Some(1) }
}

#[cfg(test)]
mod tests;
