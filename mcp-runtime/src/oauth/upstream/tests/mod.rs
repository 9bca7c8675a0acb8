//! Tokens of a provider that only exists in tests.

mod flights;
mod handles;
mod keys;
mod sealed;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Semaphore;

use crate::{
    auth::PublicUrl,
    clock::{Clock, ManualClock},
    guard::Catalogue,
    oauth::{
        Account, AuthorizationServer, LoginError, StoreKey, Surroundings,
        login::federated::{
            Arrived, Claims, FederatedLogin, NotAdmitted, Patience, Rechecked, Trip, UpstreamScope, UpstreamTokens,
            federated_login,
        },
        people::vault,
        visit::Form,
    },
    store::{MemoryStore, Store},
};

const RESOURCE: &str = "https://a.example/mcp";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const SUBJECT: &str = "c3ViamVjdC1vZi1hbGljZS0wMTIzNDU2Nzg5YWJjZGU";
const PLACE: (&str, &str) = (SUBJECT, "fake");
/// How long its access tokens are good, in seconds.
const LIFETIME: u64 = 3_600;

/// What it answers to who wants to refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Kind,
    /// It knows none of its tokens any more.
    Denies,
    IsDown,
    Panics,
    /// It gives new tokens, and says as little of them as it may.
    Laconic,
}

/// A provider whose refresh tokens are good once: who brings one twice is a thief, and gets nothing. Clones are the same.
#[derive(Clone)]
struct FakeProvider {
    name: String,
    label: String,
    state: Arc<State>,
}

struct State {
    mood: Mutex<Mood>,
    /// The number of the refresh token that is good.
    current: AtomicUsize,
    refreshes: AtomicUsize,
    /// Refreshes go on as far as there are permits.
    gate: Semaphore,
    access: Vec<UpstreamScope>,
    clock: ManualClock,
}

federated_login!(FakeProvider);

impl FakeProvider {
    fn new(clock: &ManualClock) -> Self {
        let scope = UpstreamScope { scope: "calendar".to_owned(), description: "Read your <calendar>".to_owned() };
        let state = State {
            mood: Mutex::new(Mood::Kind),
            current: AtomicUsize::new(0),
            refreshes: AtomicUsize::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            access: vec![scope],
            clock: clock.clone(),
        };
        Self { name: "fake".to_owned(), label: "Fake Inc.".to_owned(), state: Arc::new(state) }
    }

    fn is(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
    }

    fn refreshes(&self) -> usize {
        self.state.refreshes.load(Ordering::SeqCst)
    }

    /// Nobody gets an answer any more.
    fn closes(&self) {
        self.state.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn opens(&self) {
        self.state.gate.add_permits(1_000);
    }

    /// Its `number`th tokens, given now.
    fn tokens(&self, number: usize) -> UpstreamTokens {
        UpstreamTokens {
            access_token: format!("upstream-access-{number}"),
            refresh_token: Some(format!("upstream-refresh-{number}")),
            expires_at: Some(self.state.clock.millis() / 1_000 + LIFETIME),
            scopes: vec!["calendar".to_owned()],
        }
    }
}

#[async_trait::async_trait]
impl FederatedLogin for FakeProvider {
    fn issuer(&self) -> &str {
        "https://fake.example"
    }

    fn problems(&self, _: &str, _: bool) -> Vec<String> {
        Vec::new()
    }

    fn console(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    async fn depart(&self, trip: &Trip) -> Result<String, LoginError> {
        Ok(format!("https://fake.example/auth?state={}", trip.state))
    }

    async fn arrive(&self, _: &Trip, _: &Form) -> Result<Arrived, LoginError> {
        Err(LoginError::Denied)
    }

    fn judge(&self, _: &str, _: &Claims) -> Result<Account, NotAdmitted> {
        Err(NotAdmitted { rule: String::new(), why: "" })
    }

    fn granted(&self) -> Vec<&str> {
        Vec::new()
    }

    async fn recheck(&self, _: &str, _: &Claims, _: Option<&UpstreamTokens>) -> Result<Rechecked, LoginError> {
        Err(LoginError::Denied)
    }

    async fn refresh(&self, _: &str, tokens: &UpstreamTokens) -> Result<UpstreamTokens, LoginError> {
        self.state.refreshes.fetch_add(1, Ordering::SeqCst);
        self.state.gate.acquire().await.unwrap().forget();
        let mood = *self.state.mood.lock().unwrap();
        let current = self.state.current.load(Ordering::SeqCst);
        let is_current = tokens.refresh_token == Some(format!("upstream-refresh-{current}"));
        match mood {
            Mood::IsDown => Err(LoginError::Unavailable),
            Mood::Panics => panic!("as the test wants it"),
            Mood::Laconic => {
                let access_token = "upstream-access-short".to_owned();
                let expires_at = self.tokens(0).expires_at;
                Ok(UpstreamTokens { access_token, refresh_token: None, expires_at, scopes: Vec::new() })
            }
            Mood::Kind if is_current => {
                self.state.current.store(current + 1, Ordering::SeqCst);
                Ok(self.tokens(current + 1))
            }
            Mood::Kind | Mood::Denies => Err(LoginError::Denied),
        }
    }

    fn access(&self) -> &[UpstreamScope] {
        &self.state.access
    }

    fn patience(&self) -> Patience {
        Patience::default()
    }
}

/// One store, the time, and a provider.
struct World {
    store: Arc<dyn Store>,
    clock: ManualClock,
    fake: FakeProvider,
}

impl World {
    /// Somebody has connected an account whose access token has just ended.
    async fn stale() -> Self {
        let world = Self::new(Arc::new(MemoryStore::new()));
        world.connect().await;
        world.advance(LIFETIME);
        world
    }

    fn new(store: Arc<dyn Store>) -> Self {
        let clock = ManualClock::new();
        let fake = FakeProvider::new(&clock);
        Self { store, clock, fake }
    }

    async fn connect(&self) {
        vault::keep(&self.node().0, PLACE, "1", &self.fake.tokens(0)).await.unwrap();
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// A process on the store.
    fn node(&self) -> AuthorizationServer {
        self.node_with(StoreKey::from_base64(KEY).unwrap())
    }

    fn node_with(&self, key: StoreKey) -> AuthorizationServer {
        let (catalogue, clock) = (Catalogue::default(), Clock::from(self.clock.clone()));
        let url = PublicUrl::parse(RESOURCE).unwrap();
        let around = Surroundings { name: "test", public_url: Some(&url), catalogue: &catalogue, clock: &clock };
        AuthorizationServer::builder(Arc::clone(&self.store), key).login(self.fake.clone()).build(&around).unwrap()
    }
}
