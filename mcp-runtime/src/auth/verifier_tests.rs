use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{auth::StaticTokens, clock::ManualClock};

/// Vouches for everyone whose token begins with its name, and counts how often it is asked.
struct Counting {
    name: &'static str,
    asked: Arc<AtomicUsize>,
    lifetime: Option<i64>,
    cache_for: Duration,
}

impl Counting {
    fn new(name: &'static str) -> Self {
        Self { name, asked: Arc::default(), lifetime: None, cache_for: Duration::from_secs(300) }
    }
}

#[async_trait::async_trait]
impl Authenticator for Counting {
    fn claims(&self, token: &BearerToken<'_>) -> bool {
        token.expose().starts_with(self.name)
    }

    async fn authenticate(&self, token: &BearerToken<'_>, verify: &Verify<'_>) -> Result<Identity, AuthError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if token.expose().ends_with("bad") {
            return Err(AuthError::invalid("bad"));
        }
        let mut identity = Identity::new(self.name, token.expose());
        if token.expose().contains("large") {
            // 2 KB of JSON, 32 KB in memory.
            identity = identity.claims(Map::from_iter([("groups".to_owned(), vec![1; 1000].into())]));
        }
        let end = self.lifetime.map(|lifetime| verify.clock.unix_seconds().saturating_add_signed(lifetime));
        Ok(end.into_iter().fold(identity, super::super::IdentityBuilder::expires_at).build())
    }

    fn issuer(&self) -> Option<&str> {
        Some(self.name)
    }

    fn authorization_server(&self) -> Option<&str> {
        self.name.starts_with("https").then_some(self.name)
    }

    fn cache_for(&self, _: &Identity) -> Duration {
        self.cache_for
    }
}

fn bearer(token: &str) -> BearerToken<'_> {
    BearerToken::new(token).unwrap()
}

fn verifier(clock: &ManualClock, authenticators: Vec<Box<dyn Authenticator>>) -> Verifier {
    Verifier::new(authenticators, None, clock.clone().into())
}

#[tokio::test]
async fn a_token_goes_to_one_authenticator_only() {
    let (first, second) = (Counting::new("a"), Counting::new("ab"));
    let (asked_first, asked_second) = (first.asked.clone(), second.asked.clone());
    let verifier = verifier(&ManualClock::new(), vec![Box::new(first), Box::new(second)]);
    assert_eq!(verifier.authenticate(&bearer("ab1")).await.unwrap().issuer(), "a");
    assert!(verifier.authenticate(&bearer("ab-bad")).await.is_err(), "no second opinion");
    assert!(matches!(verifier.authenticate(&bearer("zzz")).await, Err(AuthError::Invalid { .. })));
    assert_eq!((asked_first.load(Ordering::SeqCst), asked_second.load(Ordering::SeqCst)), (2, 0));
    assert!(!verifier.is_empty());
}

#[tokio::test]
async fn good_tokens_are_remembered_for_a_while_and_bad_ones_never() {
    let clock = ManualClock::new();
    let counting = Counting::new("a");
    let asked = counting.asked.clone();
    let verifier = verifier(&clock, vec![Box::new(counting)]).capacity(16);
    assert!(verifier.cached(&bearer("a1")).is_none());
    for _ in 0..3 {
        assert_eq!(verifier.authenticate(&bearer("a1")).await.unwrap().subject(), "a1");
        assert!(verifier.authenticate(&bearer("a-bad")).await.is_err());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1 + 3);
    assert!(verifier.cached(&bearer("a1")).is_some() && verifier.cached(&bearer("a-bad")).is_none());
    assert!(verifier.cached(&bearer("a2")).is_none());
    clock.advance(Duration::from_millis(299_999));
    assert!(verifier.cached(&bearer("a1")).is_some());
    clock.advance(Duration::from_millis(1));
    assert!(verifier.cached(&bearer("a1")).is_none());
}

#[tokio::test]
async fn expiry_wins_over_memory() {
    let clock = ManualClock::new();
    let short = Counting { lifetime: Some(10), ..Counting::new("short") };
    let over = Counting { lifetime: Some(0), ..Counting::new("over") };
    let never = Counting { cache_for: Duration::ZERO, ..Counting::new("never") };
    let verifier = verifier(&clock, vec![Box::new(short), Box::new(over), Box::new(never)]);
    verifier.authenticate(&bearer("short")).await.unwrap();
    assert!(verifier.authenticate(&bearer("over")).await.is_err());
    verifier.authenticate(&bearer("never")).await.unwrap();
    assert!(verifier.cached(&bearer("never")).is_none());
    clock.advance(Duration::from_millis(9_999));
    assert!(verifier.cached(&bearer("short")).is_some());
    clock.advance(Duration::from_millis(1));
    assert!(verifier.cached(&bearer("short")).is_none());
}

#[tokio::test]
async fn memory_is_bounded() {
    let verifier = verifier(&ManualClock::new(), vec![Box::new(Counting::new("a"))]).capacity(16);
    for n in 0..1000 {
        verifier.authenticate(&bearer(&format!("a{n}"))).await.unwrap();
    }
    assert!((0..1000).filter(|n| verifier.cached(&bearer(&format!("a{n}"))).is_some()).count() <= 64);
}

#[tokio::test]
async fn memory_is_bounded_by_size_too() {
    let remembered = async |kind: &str| {
        let verifier = verifier(&ManualClock::new(), vec![Box::new(Counting::new("a"))]).capacity(64);
        let tokens: Vec<_> = (0..64).map(|n| format!("a-{kind}-{n}")).collect();
        for token in &tokens {
            verifier.authenticate(&bearer(token)).await.unwrap();
        }
        tokens.iter().filter(|token| verifier.cached(&bearer(token)).is_some()).count()
    };
    let (small, large) = (remembered("small").await, remembered("large").await);
    assert!(small > 32, "{small}");
    assert!((1..=64 / 8).contains(&large), "{large}");
}

#[test]
fn many_small_things_in_claims_are_large() {
    let size = |json: Value| size_of_claims(json.as_object().unwrap());
    assert_eq!(size(serde_json::json!({})), 0);
    let deep = (0..100).fold(Value::Null, |inside, _| serde_json::json!({ "": inside }));
    assert!(size(deep) > 50_000);
    assert!(size(serde_json::json!({ "sub": "x".repeat(5_000) })) > 5_000);
    let names: Map<_, _> = (0..100).map(|n| (format!("{n:0>50}"), Value::Null)).collect();
    assert!(size(names.into()) > 5_000);
}

#[tokio::test]
async fn who_takes_any_token_is_asked_last() {
    // Claims whatever begins with nothing.
    let (any, known) = (Counting::new(""), Counting::new("known"));
    let (asked_any, asked_known) = (any.asked.clone(), known.asked.clone());
    let all = verifier(&ManualClock::new(), vec![Box::new(any), Box::new(known)]);
    assert_eq!(all.authenticate(&bearer("known-1")).await.unwrap().issuer(), "known");
    assert_eq!(all.authenticate(&bearer("unknown")).await.unwrap().issuer(), "");
    assert_eq!((asked_any.load(Ordering::SeqCst), asked_known.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(all.problems(), Vec::<String>::new());
    let (one, other) = (Counting::new(""), Counting::new("o"));
    let both = verifier(&ManualClock::new(), vec![Box::new(one), Box::new(other)]);
    assert!(both.problems()[0].contains("any opaque token"), "{:?}", both.problems());
}

#[test]
fn servers_are_listed_once_and_issuers_may_not_meet() {
    let clock = ManualClock::new();
    let tokens = || StaticTokens::new().token("Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg", "alice", []);
    let fine = verifier(&clock, vec![Box::new(tokens()), Box::new(Counting::new("https://a.example"))]);
    assert_eq!(fine.problems(), Vec::<String>::new());
    assert_eq!(fine.authorization_servers(), ["https://a.example"]);
    let twice = || Box::new(Counting::new("https://a.example"));
    let meeting = verifier(&clock, vec![twice(), twice(), Box::new(tokens()), Box::new(tokens())]);
    assert_eq!(meeting.authorization_servers(), ["https://a.example"]);
    assert_eq!(meeting.problems().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_a_token_is_shown_to_nobody() {
    let authenticator = Counting::new("a");
    let asked = Arc::clone(&authenticator.asked);
    let verifier = verifier(&ManualClock::new(), vec![Box::new(authenticator)]);
    for sent in [&b""[..], b"a b", b"a,b", b"a\tb", b"a\xff", &[b'a'; crate::auth::MAX_TOKEN_BYTES + 1]] {
        let refused = verifier.authenticate_from(sent, || Asker::LOCAL).await;
        assert_eq!(refused.err(), Some(AuthError::invalid("not a bearer token")));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(verifier.authenticate_from(b"a1", || Asker::LOCAL).await.is_ok());
}
