//! One file, several processes.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use mcp_runtime::store::{Commit, Store};

use super::{
    Room,
    child::{ADDED, Other, TASKS},
    number, put, thing,
};

/// They also make the file at the same time.
#[tokio::test]
async fn processes_that_change_the_same_entry_lose_nothing() {
    const PROCESSES: usize = 3;
    let room = Room::new("add");
    let others: Vec<Other> = (0..PROCESSES).map(|_| Other::start("add", &room.file())).collect();
    let replaced: Vec<String> = others.into_iter().flat_map(Other::finish).collect();
    let sum = PROCESSES * TASKS * usize::try_from(ADDED).unwrap();
    assert_eq!(replaced.len(), sum);
    assert_eq!(replaced.iter().collect::<HashSet<_>>().len(), sum, "a version was replaced twice");
    assert_eq!(number(&room.open().await, "sum").await, u64::try_from(sum).unwrap());
    room.assert_sound();
}

#[tokio::test]
#[ignore = "waits five seconds for a lock"]
async fn a_lock_that_is_held_too_long_is_an_error_and_not_the_end() {
    let room = Room::new("held");
    let store = room.open().await;
    assert_eq!(store.commit(&[put("a", "1")], 0).await.unwrap(), Commit::Done);
    let other = Other::start("hold", &room.file());
    assert_eq!(other.line(), "held");
    let start = Instant::now();
    let steps = [put("b", "1")];
    let (first, second) = tokio::join!(store.commit(&steps, 0), async {
        // Asked for later, while the first waits; it has its own five seconds at most.
        tokio::task::yield_now().await;
        store.sweep(0, 10).await
    });
    let waited = start.elapsed();
    let message = first.unwrap_err().to_string();
    assert!(message.contains("another process has held the lock"), "{message}");
    assert!(second.is_err());
    assert!(waited > Duration::from_secs(4) && waited < Duration::from_millis(5_500), "{waited:?}");
    // Who only reads does not notice.
    assert!(store.get(&thing("a")).await.unwrap().is_some());
    assert_eq!(store.get(&thing("b")).await.unwrap(), None);
    assert!(other.finish().is_empty());
    assert_eq!(store.commit(&steps, 0).await.unwrap(), Commit::Done);
    assert!(store.get(&thing("b")).await.unwrap().is_some());
}
