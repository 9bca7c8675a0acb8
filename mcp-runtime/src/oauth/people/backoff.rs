//! How often somebody may try to log in: slow for whoever guesses, without telling which accounts there are, and without
//! locking their owners out.
//!
//! Every try is paid for before any password is looked at, and a try that succeeds is paid back. A browser that has
//! logged into the account before shows that with a cookie and pays from an allowance of its own: strangers who guess at
//! the account, from wherever, cannot spend that.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;

use super::account_of;
use crate::{
    auth::{CallerKey, ClientAddress},
    clock::Clock,
    guard::{BoundLimit, Limit, QuotaTable, RateLimit},
    oauth::{Account, Core, browser::Cookie, hash::digest, seal::random},
};

/// Wrong tries at one account from one address: 5, then one a minute.
const PAIR: Limit = Limit::new(RateLimit::new(1, 60)).burst(5);
/// Wrong tries from one address, at whatever account: 30, then ten a minute.
const ADDRESS: Limit = Limit::new(RateLimit::new(10, 60)).burst(30);
/// Wrong tries at one account by strangers, from wherever: 20, then one in two minutes.
const ACCOUNT: Limit = Limit::new(RateLimit::new(1, 120)).burst(20);
/// Wrong tries by a browser that knew the password once: 10, then one a minute.
const DEVICE: Limit = Limit::new(RateLimit::new(1, 60)).burst(10);

/// How long a browser counts as one that logged in before, in seconds.
const DEVICE_LIFETIME: u64 = 180 * 24 * 3600;

const STRANGERS: usize = 131_072;
const DEVICES: usize = 16_384;

/// What was tried lately, in bounded memory of this process.
pub(crate) struct Backoff {
    clock: Clock,
    strangers: QuotaTable,
    devices: QuotaTable,
    pair: BoundLimit,
    address: BoundLimit,
    account: BoundLimit,
    device: BoundLimit,
}

/// A try that was paid for. It stays so, also if whoever tried has gone meanwhile, until it is [forgiven](Self::forgive).
pub(crate) struct Attempt<'b> {
    paid: Vec<(&'b QuotaTable, CallerKey, BoundLimit)>,
    at: u64,
}

impl Backoff {
    pub(crate) fn new(clock: Clock) -> Self {
        let (strangers, devices) = (QuotaTable::new(STRANGERS), QuotaTable::new(DEVICES));
        let (pair, address, account) = (strangers.bind(PAIR), strangers.bind(ADDRESS), strangers.bind(ACCOUNT));
        let device = devices.bind(DEVICE);
        Self { clock, strangers, devices, pair, address, account, device }
    }

    /// Pays for a try at an account, which need not exist; or says how many seconds to wait.
    pub(crate) fn attempt(
        &self,
        account: (&str, &str),
        address: ClientAddress,
        device: Option<Device>,
    ) -> Result<Attempt<'_>, u64> {
        let mut attempt = Attempt { paid: Vec::new(), at: self.clock.millis() };
        match device {
            Some(device) => attempt.pay(
                &self.devices,
                CallerKey::of_other("device", &URL_SAFE_NO_PAD.encode(device.nonce)),
                self.device,
            )?,
            None => {
                let (name, from) = (name(account), format!("{address:?}"));
                let [address, pair, account] =
                    [("address", &from), ("pair", &format!("{name} {from}")), ("account", &name)]
                        .map(|(kind, name)| CallerKey::of_other(kind, name));
                // The address first: by inventing names it cannot fill the table with more than its own tries.
                attempt.pay(&self.strangers, address, self.address)?;
                attempt.pay(&self.strangers, pair, self.pair)?;
                attempt.pay(&self.strangers, account, self.account)?;
            }
        }
        Ok(attempt)
    }
}

impl<'b> Attempt<'b> {
    /// All or nothing: what was paid already is given back.
    fn pay(&mut self, table: &'b QuotaTable, key: CallerKey, limit: BoundLimit) -> Result<(), u64> {
        match table.charge(key, &[limit], self.at) {
            Ok(_) => {
                self.paid.push((table, key, limit));
                Ok(())
            }
            Err(state) => {
                self.give_back();
                Err(state.wait_secs())
            }
        }
    }

    fn give_back(&mut self) {
        for (table, key, limit) in self.paid.drain(..) {
            table.give_back(key, &[limit], self.at);
        }
    }

    /// It was the right password, or it was not looked at.
    pub(crate) fn forgive(mut self) {
        self.give_back();
    }
}

/// A browser that logged into an account before: what its cookie proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device {
    nonce: [u8; 16],
}

impl Device {
    /// Reads the cookie; it counts for this account only, and until that gets other credentials, or is gone or locked.
    pub(crate) async fn of(core: &Core, headers: &HeaderMap, account: (&str, &str)) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(Cookie::Device.of(core, headers)?).ok()?;
        let (code, head) = bytes.split_at_checked(32)?;
        if !core.secrets.cookies.is_of(code, &[b"device", head, name(account).as_bytes()]) {
            return None;
        }
        // From here on it is what was written below.
        let (nonce, rest) = head.split_at_checked(16)?;
        let (end, rest) = rest.split_at_checked(8)?;
        let (credentials, subject) = rest.split_at_checked(32)?;
        let subject = std::str::from_utf8(subject).ok()?;
        let in_time = core.records.now() < u64::from_be_bytes(end.try_into().ok()?);
        // What cannot be looked up does not count.
        let present = account_of(core, subject).await.ok()??;
        let same = core.secrets.cookies.is_of(credentials, &credentials_of(subject, &present));
        (in_time && same).then_some(Self { nonce: nonce.try_into().ok()? })
    }

    /// The value of a new cookie for somebody who logged in, and its lifetime in seconds. `counted_as` is what wrong tries
    /// are counted by.
    pub(crate) fn cookie(
        core: &Core,
        counted_as: (&str, &str),
        subject: &str,
        account: &Account,
    ) -> Option<(String, u64)> {
        let end = core.records.now().saturating_add(DEVICE_LIFETIME).to_be_bytes();
        let credentials = core.secrets.cookies.of(&credentials_of(subject, account));
        let head = [&random::<16>()?[..], &end, &credentials, subject.as_bytes()].concat();
        let code = core.secrets.cookies.of(&[b"device", &head, name(counted_as).as_bytes()]);
        Some((URL_SAFE_NO_PAD.encode([&code[..], &head].concat()), DEVICE_LIFETIME))
    }
}

/// None is something else than an empty text.
fn credentials_of<'a>(subject: &'a str, account: &'a Account) -> [&'a [u8]; 4] {
    let (is_some, text) = account.credentials.as_ref().map_or((&b"0"[..], ""), |text| (b"1", text));
    [b"device credentials", subject.as_bytes(), is_some, text.as_bytes()]
}

fn name((provider, account): (&str, &str)) -> String {
    digest(&[provider, account])
}
