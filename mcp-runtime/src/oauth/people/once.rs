//! What is good once, wherever it comes from and on every node: remembered until it is not good anyway.

use serde::{Deserialize, Serialize};

use crate::{
    oauth::{Core, error::OAuthError, login::federated::Once},
    store::{Commit, Kind, Record, insert},
};

/// How much longer something is remembered than it is good, in seconds: clocks of nodes differ, and between the look at it
/// and its use somebody else may be asked.
pub(crate) const MARGIN: u64 = 90;

/// Something that was used, under its hash.
#[derive(Serialize, Deserialize)]
struct Used {
    until: u64,
}

impl Record for Used {
    const KIND: Kind = Kind::new("used-once");

    fn expires_at(&self) -> Option<u64> {
        Some(self.until.saturating_add(MARGIN))
    }
}

/// Uses it up; says whether it was the first time.
pub(crate) async fn use_up(core: &Core, provider: &str, once: &Once) -> Result<bool, OAuthError> {
    let used = Used { until: once.until };
    let name = crate::oauth::hash::digest(&[provider, &once.key]);
    Ok(core.records.commit(&[insert(name, &used)]).await? == Commit::Done)
}
