//! What every store must do, as a test that any of them can be put through.

use super::Store;

/// Puts a store through everything that the authorization server relies on.
///
/// # Panics
/// With the sentence that does not hold.
pub async fn assert_contract(store: &dyn Store) {
    let _ = store;
}
