//! Scopes of accounts that nobody declared: mostly typing errors, which allow nothing and would never be noticed.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::oauth::{Account, Core, hash::digest};

/// How many accounts the operator is told about; who has more of them has seen what is wrong.
const MOST_ACCOUNTS: usize = 1_024;
/// How many scopes of one account are named.
const MOST_SCOPES: usize = 16;

/// The accounts whose scopes the operator was told about.
#[derive(Default)]
pub(crate) struct Undeclared(Mutex<HashSet<String>>);

impl Undeclared {
    /// Warns of what an account may grant and nobody declared, once for each account while this process runs.
    pub(crate) fn tell(&self, core: &Core, provider: &str, account: &Account) {
        let is_known = |scope: &str| core.catalogue.knows(scope) || core.catalogue.declares(scope);
        let unknown = account.scopes.iter().flatten().filter(|scope| !is_known(scope));
        let scopes: Vec<&String> = unknown.take(MOST_SCOPES).collect();
        if !scopes.is_empty() && self.is_news(provider, &account.id) {
            tracing::warn!(provider, account = account.id, ?scopes, "these scopes of an account are not declared");
        }
    }

    fn is_news(&self, provider: &str, account_id: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST_ACCOUNTS && told.insert(digest(&[provider, account_id]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_is_told_of_once_and_not_for_ever() {
        let told = Undeclared::default();
        assert!(told.is_news("local", "alice") && !told.is_news("local", "alice") && told.is_news("other", "alice"));
        let more = (0..2 * MOST_ACCOUNTS).filter(|at| told.is_news("local", &at.to_string())).count();
        assert_eq!(more, MOST_ACCOUNTS - 2);
        assert_eq!(told.0.lock().unwrap().len(), MOST_ACCOUNTS);
    }
}
