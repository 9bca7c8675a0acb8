//! Tokens that the store has not learned of yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::oauth::{hash::sha256, login::federated::UpstreamTokens};

/// For how many people.
const MAX: usize = 1_000;

/// What refresh tokens were exchanged for, under hashes of them, until whoever asked has it: what comes after an exchange
/// may fail or take too long, and then a provider that takes each refresh token once would not know us any more. In this
/// process only.
#[derive(Default)]
pub(super) struct Unsaved(Mutex<VecDeque<(String, UpstreamTokens)>>);

impl Unsaved {
    pub(super) fn keep(&self, old: &UpstreamTokens, new: &UpstreamTokens) {
        let Some(token) = &old.refresh_token else { return };
        let name = sha256(token);
        let mut all = self.all();
        all.retain(|(other, _)| *other != name);
        if all.len() == MAX {
            all.pop_front();
        }
        all.push_back((name, new.clone()));
    }

    /// The tokens that came after these, if those were lost.
    pub(super) fn after(&self, old: &UpstreamTokens) -> Option<UpstreamTokens> {
        let name = sha256(old.refresh_token.as_ref()?);
        self.all().iter().find(|(other, _)| *other == name).map(|(_, new)| new.clone())
    }

    pub(super) fn forget(&self, old: &UpstreamTokens) {
        let Some(token) = &old.refresh_token else { return };
        let name = sha256(token);
        self.all().retain(|(other, _)| *other != name);
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<(String, UpstreamTokens)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
