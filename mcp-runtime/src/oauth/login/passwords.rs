//! Passwords: argon2id (RFC 9106), a few at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{auth::ClientAddress, oauth::seal::random};

/// How many wait for their turn; the next one is sent away.
const WAITING: usize = 64;
/// How many of them may be strangers: the rest is kept for browsers that logged in before.
const STRANGERS: usize = WAITING / 2;
/// How many at once, waiting or at work, are from one address; browsers that logged in before count by themselves.
const OF_ONE: usize = 16;

/// What OWASP's Password Storage Cheat Sheet asks for at least: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and compares on the blocking pool, on half of the cores and never more: tools need the rest.
#[derive(Debug, Clone)]
pub(super) struct Passwords {
    params: Params,
    /// Those at work.
    running: Arc<Semaphore>,
    /// Those at work and those who wait.
    admitted: Arc<Semaphore>,
    /// The same, of strangers alone.
    strangers: Arc<Semaphore>,
    /// How many of those are whose. Never more entries than are admitted.
    of_one: Arc<Mutex<HashMap<Waiter, usize>>>,
    /// Looks like the hash of a password, and is none.
    decoy: Arc<str>,
    #[cfg(test)]
    pub(super) runs: Arc<tests::Runs>,
}

/// For whom a password is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Waiter {
    pub(crate) address: ClientAddress,
    /// Whether the browser has logged into this account before.
    pub(crate) is_known: bool,
}

/// A place in the line, which ends with this.
struct Place {
    waiter: Waiter,
    of_one: Arc<Mutex<HashMap<Waiter, usize>>>,
    _stranger: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_one = self.of_one.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of_one.get_mut(&self.waiter) {
            *count -= 1;
            if *count == 0 {
                of_one.remove(&self.waiter);
            }
        }
    }
}

/// There are too many at once, or something that should not fail did.
#[derive(Debug)]
pub(super) struct Busy;

impl Passwords {
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // The cheapest parameters stand in for ones that cannot be refused.
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or(Params::DEFAULT);
        Self::with(params, (cores / 2).max(1))
    }

    fn with(params: Params, at_once: usize) -> Self {
        Self {
            decoy: decoy(&params).into(),
            params,
            running: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once + WAITING)),
            strangers: Arc::new(Semaphore::new(at_once + STRANGERS)),
            of_one: Arc::default(),
            #[cfg(test)]
            runs: Arc::default(),
        }
    }

    /// The hash of a password, as text with its salt and cost (PHC string).
    pub(super) async fn hash(&self, password: &str) -> Result<String, Busy> {
        let password = password.as_bytes().to_vec();
        let params = self.params.clone();
        let work = move || {
            let salt = random::<16>()?;
            let hash = argon2(params).hash_password_with_salt(&password, &salt).ok()?;
            Some(hash.to_string())
        };
        self.run(None, work).await?.ok_or(Busy)
    }

    /// Whether the password has this hash. Without a hash it does the same work, and it has not.
    pub(super) async fn verify(&self, password: &str, hash: Option<&str>, waiter: Waiter) -> Result<bool, Busy> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let (password, params) = (password.as_bytes().to_vec(), self.params.clone());
        let work = move || {
            let hash = PasswordHash::new(&hash);
            // The cost is that of the hash; the comparison takes the same time wherever they differ.
            hash.is_ok_and(|hash| argon2(params).verify_password(&password, &hash).is_ok())
        };
        Ok(self.run(Some(waiter), work).await? && exists)
    }

    /// A place among those of the same kind; the operator needs none.
    fn place(&self, waiter: Waiter) -> Result<Place, Busy> {
        let stranger = match waiter.is_known {
            true => None,
            false => Some(Arc::clone(&self.strangers).try_acquire_owned().map_err(|_| Busy)?),
        };
        let mut counts = self.of_one.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(waiter).or_default();
        if *count >= OF_ONE {
            return Err(Busy);
        }
        *count += 1;
        Ok(Place { waiter, of_one: Arc::clone(&self.of_one), _stranger: stranger })
    }

    /// Whoever stops waiting for it leaves the line; what runs already runs to its end, and keeps its place until then.
    async fn run<T: Send + 'static>(
        &self,
        waiter: Option<Waiter>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        // In this order nobody takes a place of the whole line who gets none of their own.
        let place = waiter.map(|waiter| self.place(waiter)).transpose()?;
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Busy)?;
        #[cfg(test)]
        let runs = Arc::clone(&self.runs);
        let work = move || {
            let _places = (place, admitted, running);
            #[cfg(test)]
            let _run = runs.begin();
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
    }
}

fn argon2(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn decoy(params: &Params) -> String {
    let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    let (salt, hash) = (random::<16>().unwrap_or([7; 16]), random::<32>().unwrap_or([7; 32]));
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    format!("$argon2id$v=19$m={m},t={t},p={p}${}${}", text(&salt), text(&hash))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    /// How much was done.
    #[derive(Debug, Default)]
    pub(in crate::oauth::login) struct Runs {
        now: AtomicUsize,
        most: AtomicUsize,
        all: AtomicUsize,
    }

    pub(in crate::oauth::login) struct Run(Arc<Runs>);

    impl Runs {
        pub(super) fn begin(self: Arc<Self>) -> Run {
            self.all.fetch_add(1, SeqCst);
            self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
            Run(self)
        }

        pub(in crate::oauth::login) fn all(&self) -> usize {
            self.all.load(SeqCst)
        }
    }

    impl Drop for Run {
        fn drop(&mut self) {
            self.0.now.fetch_sub(1, SeqCst);
        }
    }

    /// As little work as there can be.
    pub(in crate::oauth::login) fn cheap(at_once: usize) -> Passwords {
        Passwords::with(Params::new(8, 1, 1, None).unwrap(), at_once)
    }

    fn waiter(at: u32, is_known: bool) -> Waiter {
        Waiter { address: ClientAddress::new(std::net::Ipv4Addr::from(at).into()), is_known }
    }

    fn stranger() -> Waiter {
        waiter(0, false)
    }

    #[tokio::test]
    async fn a_password_has_its_hash_and_no_other() {
        let passwords = cheap(1);
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct horse").await.unwrap(), "salted");
        assert!(passwords.verify("correct horse", Some(&hash), stranger()).await.unwrap());
        for wrong in ["correct hors", "Correct horse", ""] {
            assert!(!passwords.verify(wrong, Some(&hash), stranger()).await.unwrap(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse").await.unwrap();
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(&hash), "$argon2id$v=19$m=19456,t=2,p=1");
        assert_eq!(cost(&hash), cost(&passwords.decoy));
        assert_eq!(hash.len(), passwords.decoy.len());
        assert!(PasswordHash::new(&passwords.decoy).is_ok(), "else nothing would be computed");
        let before = passwords.runs.all();
        assert!(!passwords.verify("x", None, stranger()).await.unwrap());
        assert_eq!(passwords.runs.all(), before + 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_thousand_at_once_are_a_few_at_a_time() {
        let passwords = cheap(2);
        let tries: Vec<_> = (0..1_000)
            .map(|at| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.verify("x", None, waiter(at, false)).await })
            })
            .collect();
        let mut sent_away = 0;
        for one in tries {
            sent_away += usize::from(one.await.unwrap().is_err());
        }
        assert_eq!(passwords.runs.all() + sent_away, 1_000);
        assert!(passwords.runs.most.load(SeqCst) <= 2, "{:?}", passwords.runs);
    }

    /// What happens to these, one after the other, while nothing moves: how many wait, and how many are sent away.
    async fn line(passwords: &Passwords, waiters: impl Iterator<Item = Waiter>) -> (usize, Vec<Waiter>) {
        let (mut waiting, mut sent_away) = (0, Vec::new());
        for waiter in waiters {
            let (passwords, before) = (passwords.clone(), passwords.admitted.available_permits());
            let admitted = Arc::clone(&passwords.admitted);
            let one = tokio::spawn(async move { passwords.verify("x", None, waiter).await });
            while !one.is_finished() && admitted.available_permits() == before {
                tokio::task::yield_now().await;
            }
            if one.is_finished() { sent_away.push(waiter) } else { waiting += 1 }
        }
        (waiting, sent_away)
    }

    #[tokio::test]
    async fn the_line_has_an_end_and_strangers_have_half_of_it() {
        let passwords = cheap(1);
        let held = passwords.running.acquire().await.unwrap();
        let (waiting, sent_away) = line(&passwords, (0..1_000).map(|at| waiter(at, false))).await;
        assert_eq!((waiting, sent_away.len()), (33, 967));
        let (waiting, sent_away) = line(&passwords, (0..50).map(|at| waiter(at, true))).await;
        assert_eq!((waiting, sent_away.len()), (32, 18));
        assert_eq!(passwords.runs.all(), 0);
        drop(held);
        while passwords.admitted.available_permits() < 1 + WAITING {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.runs.all(), 1 + WAITING);
        assert_eq!(passwords.strangers.available_permits(), 1 + STRANGERS);
        assert!(passwords.of_one.lock().unwrap().is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_of_the_line() {
        let passwords = cheap(1);
        let held = passwords.running.acquire().await.unwrap();
        for is_known in [false, true] {
            let (waiting, sent_away) = line(&passwords, (0..40).map(|_| waiter(7, is_known))).await;
            assert_eq!((waiting, sent_away.len()), (OF_ONE, 40 - OF_ONE));
            let (waiting, _) = line(&passwords, std::iter::once(waiter(8, is_known))).await;
            assert_eq!(waiting, 1, "somebody else is not in the way");
        }
        drop(held);
        while passwords.admitted.available_permits() < 1 + WAITING {
            tokio::task::yield_now().await;
        }
        assert!(!passwords.verify("x", None, waiter(7, false)).await.unwrap());
    }

    /// Whoever goes leaves their place.
    #[tokio::test]
    async fn who_does_not_wait_any_more_is_not_counted() {
        let passwords = cheap(1);
        let _held = passwords.running.acquire().await.unwrap();
        for _ in 0..3 * OF_ONE {
            let gone = tokio::time::timeout(std::time::Duration::ZERO, passwords.verify("x", None, stranger()));
            assert!(gone.await.is_err(), "it waited");
        }
        assert!(passwords.of_one.lock().unwrap().is_empty());
    }
}
