//! When what somebody allowed was ended: consents and codes of an era before count for nothing.

use serde::{Deserialize, Serialize};

use super::links;
use crate::{
    oauth::{Core, hash::digest},
    store::{Kind, Record, Row, Step, StoreError, put},
};

/// How often everything was ended that a subject allowed, that a client was allowed, and that the one allowed the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Eras {
    subject: u64,
    client: u64,
    both: u64,
}

/// How often it was ended for a client, or for a subject and a client. Only the operator makes these, and they stay.
#[derive(Clone, Serialize, Deserialize)]
struct Ended {
    times: u64,
}

impl Record for Ended {
    const KIND: Kind = Kind::new("ended");

    fn expires_at(&self) -> Option<u64> {
        None
    }
}

/// Whose era ends.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'a> {
    Client(&'a str),
    Both(&'a str, &'a str),
}

impl Whose<'_> {
    fn name(self) -> String {
        match self {
            Self::Client(client_id) => format!("client:{}", digest(&[client_id])),
            Self::Both(subject, client_id) => format!("both:{}", digest(&[subject, client_id])),
        }
    }

    async fn times(self, core: &Core) -> Result<u64, StoreError> {
        Ok(core.records.get::<Ended>(&self.name()).await?.map_or(0, |row| row.record.times))
    }

    /// Begins another one.
    pub(crate) async fn end_era(self, core: &Core) -> Result<(), StoreError> {
        let name = self.name();
        let next = |row: Option<&Row<Ended>>| {
            let times = row.map_or(0, |row| row.record.times).saturating_add(1);
            Some(put(&name, row, &Ended { times }))
        };
        core.records.change(&name, next).await.map(drop)
    }
}

impl Eras {
    /// Those of now, and a step that expects that of the subject to last, if somebody knows it.
    pub(crate) async fn now(core: &Core, subject: &str, client_id: &str) -> Result<(Self, Option<Step>), StoreError> {
        let (era, lasts) = links::era_of(core, subject).await?;
        let client = Whose::Client(client_id).times(core).await?;
        let both = Whose::Both(subject, client_id).times(core).await?;
        Ok((Self { subject: era, client, both }, lasts))
    }
}
