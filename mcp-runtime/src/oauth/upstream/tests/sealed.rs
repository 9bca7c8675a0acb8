//! What is in the store, and to whom it opens.

use super::*;
use crate::store::{Commit, Key, Kind, Step};

const UPSTREAM: Kind = Kind::new("upstream");

async fn account(node: &AuthorizationServer, place: (&str, &str)) -> Option<String> {
    vault::kept(&node.0, place).await.unwrap().map(|kept| kept.account)
}

#[tokio::test]
async fn swapped_entries_open_nothing() {
    let world = World::new(Arc::new(MemoryStore::new()));
    let node = world.node();
    let places = [("alice", "fake"), ("bob", "fake"), ("alice", "other")];
    for (at, place) in places.iter().enumerate() {
        vault::keep(&node.0, *place, &at.to_string(), &world.fake.tokens(at)).await.unwrap();
    }
    for (at, place) in places.iter().enumerate() {
        assert_eq!(account(&node, *place).await, Some(at.to_string()));
    }
    let entries = world.store.list(UPSTREAM, "", None, 10).await.unwrap();
    assert_eq!(entries.len(), 3);
    // Each in the place of the next: another person's, and the same person's of another provider.
    let moved: Vec<Step> = (0..3)
        .map(|at| {
            let ((name, entry), (_, from)) = (&entries[at], &entries[(at + 1) % 3]);
            Step::replace(Key::new(UPSTREAM, name.clone()), entry.version, from.value.clone(), None)
        })
        .collect();
    assert_eq!(world.store.commit(&moved, node.0.records.now()).await.unwrap(), Commit::Done);
    for place in places {
        assert_eq!(account(&node, place).await, None, "{place:?}");
        assert!(matches!(super::super::flight::fresh(&node.0, place).await, super::super::Outcome::Nothing));
    }
    assert_eq!(world.fake.refreshes(), 0);
}

/// Neither are those of another kind of record, nor parts that are put together otherwise.
#[tokio::test]
async fn what_is_sealed_for_something_else_opens_nothing() {
    let world = World::new(Arc::new(MemoryStore::new()));
    let node = world.node();
    world.connect().await;
    let [(name, entry)] = &world.store.list(UPSTREAM, "", None, 10).await.unwrap()[..] else { panic!("one") };
    let value: serde_json::Value = serde_json::from_slice(&entry.value).unwrap();
    let seal = &node.0.secrets.upstream;
    let plain = serde_json::json!({ "account": "1", "tokens": world.fake.tokens(3) }).to_string();
    let part = |text: &str| [&(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat();
    for (place, opens) in [
        ([part("upstream tokens"), part(SUBJECT), part("fake")].concat(), true),
        ([part("upstream tokens"), part(&format!("{SUBJECT}fake"))].concat(), false),
        ([part("something else"), part(SUBJECT), part("fake")].concat(), false),
        ([part("upstream tokens"), part("fake"), part(SUBJECT)].concat(), false),
        (Vec::new(), false),
    ] {
        let mut value = value.clone();
        let sealed = seal.seal(plain.as_bytes(), &place).unwrap();
        value["tokens"] = base64::Engine::encode(&base64::engine::general_purpose::STANDARD_NO_PAD, sealed).into();
        let key = Key::new(UPSTREAM, name.clone());
        let steps = [Step::delete(key.clone(), None)];
        assert_eq!(world.store.commit(&steps, 0).await.unwrap(), Commit::Done);
        let steps = [Step::insert(key, value.to_string().into_bytes(), None)];
        assert_eq!(world.store.commit(&steps, 0).await.unwrap(), Commit::Done);
        assert_eq!(account(&node, PLACE).await.is_some(), opens);
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn no_token_is_in_the_file_in_clear() {
    let folder = std::env::temp_dir().join(format!("mcp-vault-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let store = crate::store::SqliteStore::open(folder.join("oauth.db")).await.unwrap();
    let world = World::new(Arc::new(store));
    let node = world.node();
    world.connect().await;
    world.advance(LIFETIME);
    assert!(matches!(super::super::flight::fresh(&node.0, PLACE).await, super::super::Outcome::Tokens(_)));
    let (mut files, mut bytes) = (Vec::new(), Vec::new());
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        bytes.extend(std::fs::read(&path).unwrap());
        files.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(files.iter().any(|name| name.ends_with("-wal")), "{files:?}");
    assert!(has("\"since\"") && has(".fake"), "the entry is there to be looked at");
    for secret in ["upstream-access-", "upstream-refresh-", "calendar", SUBJECT, "access_token"] {
        assert!(!has(secret), "{secret}");
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD_NO_PAD, secret);
        assert!(!has(&encoded[..encoded.len() - 2]), "{secret}, encoded");
    }
    drop(world);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_shows_a_token() {
    let tokens = FakeProvider::new(&ManualClock::new()).tokens(0);
    let kept = vault::Kept { account: "1".to_owned(), tokens: tokens.clone(), given_at: 0 };
    let token = crate::oauth::UpstreamToken::from(tokens);
    let shown = format!("{token:?} {kept:?} {token:#?}");
    assert!(shown.contains("UpstreamToken") && !shown.contains("upstream-"), "{shown}");
    assert_eq!((token.secret(), token.scopes().collect::<Vec<_>>()), ("upstream-access-0", vec!["calendar"]));
}

#[tokio::test]
async fn everything_of_somebody_is_listed_and_forgotten_together() {
    let world = World::new(Arc::new(MemoryStore::new()));
    let node = world.node();
    let names: Vec<String> = (0..250).map(|at| format!("p{at:03}")).collect();
    for name in &names {
        vault::keep(&node.0, (SUBJECT, name), "1", &world.fake.tokens(0)).await.unwrap();
    }
    vault::keep(&node.0, ("somebody", "p000"), "1", &world.fake.tokens(0)).await.unwrap();
    let listed = node.connections_of(SUBJECT).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.provider.clone()).collect::<Vec<_>>(), names);
    assert_eq!(listed[0].since, node.0.records.now());
    assert!(node.disconnect(SUBJECT, "p000").await.unwrap() && !node.disconnect(SUBJECT, "p000").await.unwrap());
    assert_eq!(node.connections_of(SUBJECT).await.unwrap().len(), 249);
    node.revoke_all_of(SUBJECT).await.unwrap();
    assert!(node.connections_of(SUBJECT).await.unwrap().is_empty());
    assert_eq!(node.connections_of("somebody").await.unwrap().len(), 1);
}
