//! Many at once.

use std::{collections::HashSet, future::Future, sync::Arc};

use tokio::{sync::Barrier, task::JoinSet};

use super::{Bench, Commit, LIST, Step, put, thing};

/// How many callers.
const CROWD: usize = 100;

pub(super) async fn assert_all(bench: &Bench) {
    one_of_many_wins(bench).await;
    nothing_is_lost(bench).await;
    two_commits_never_mix(bench).await;
    readers_of_a_list_miss_nothing(bench).await;
}

/// Lets all begin at the same moment, and collects what they return.
async fn at_once<T, F>(count: usize, work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let mut tasks = JoinSet::new();
    for n in 0..count {
        let (start, work) = (start.clone(), work(n));
        tasks.spawn(async move {
            start.wait().await;
            work.await
        });
    }
    tasks.join_all().await
}

async fn one_of_many_wins(bench: &Bench) {
    let key = thing("one");
    let race = async |make: &(dyn Fn(usize) -> Step + Sync)| {
        let outcomes = at_once(CROWD, |n| {
            let (bench, step) = (bench.clone(), make(n));
            // Each with something of its own, to see whose steps were done.
            async move { (n, bench.commit(&[put(&format!("mine {n}"), ""), step]).await) }
        });
        let outcomes = outcomes.await;
        let winners: Vec<usize> = outcomes.iter().filter(|(_, done)| *done == Commit::Done).map(|(n, _)| *n).collect();
        assert_eq!(winners.len(), 1, "of many that expect the same, exactly one gets it");
        let name = format!("mine {}", winners[0]);
        assert_eq!(
            bench.names("mine ", None, CROWD).await,
            std::slice::from_ref(&name),
            "only the winner's steps are done"
        );
        bench.done(&[Step::delete(thing(&name), None)]).await;
        winners[0].to_string().into_bytes()
    };
    let won = race(&|n| put("one", &n.to_string())).await;
    assert_eq!(bench.value(&key).await, Some(won), "the winner's value is there");
    for _ in 0..3 {
        let version = bench.version(&key).await;
        let won = race(&|n| Step::replace(thing("one"), version, n.to_string().into_bytes(), None)).await;
        assert_eq!(bench.value(&key).await, Some(won), "the winner's value is there");
    }
    let version = bench.version(&key).await;
    race(&|_| Step::delete(thing("one"), Some(version))).await;
    assert_eq!(bench.get(&key).await, None, "what one of many took is gone");
}

/// Each adds one to the same number.
async fn nothing_is_lost(bench: &Bench) {
    bench.done(&[put("sum", "0")]).await;
    let add_one = |_| {
        let bench = bench.clone();
        async move {
            // Somebody wins every round, so nobody needs more of them than there are others.
            for _ in 0..=CROWD {
                let entry = bench.get(&thing("sum")).await.expect("nobody deletes it");
                let sum: usize = String::from_utf8_lossy(&entry.value).parse().expect("a number");
                let step = Step::replace(thing("sum"), entry.version, (sum + 1).to_string().into_bytes(), None);
                if bench.commit(&[step]).await == Commit::Done {
                    return entry.version;
                }
            }
            panic!("whoever loses every round was told of a conflict that was none");
        }
    };
    let versions: HashSet<u64> = at_once(CROWD, add_one).await.into_iter().collect();
    assert_eq!(versions.len(), CROWD, "each version is replaced once");
    let sum = bench.value(&thing("sum")).await;
    assert_eq!(sum, Some(CROWD.to_string().into_bytes()), "what was acknowledged is never overwritten unseen");
}

/// One writes the same into two places at once, others read one after the other.
async fn two_commits_never_mix(bench: &Bench) {
    const ROUNDS: u64 = 50;
    let (left, right) = (thing("left"), thing("right"));
    bench.done(&[put("left", "0"), put("right", "0")]).await;
    let work = |n: usize| {
        let (bench, left, right) = (bench.clone(), left.clone(), right.clone());
        async move {
            for round in 1..=ROUNDS {
                if n == 0 {
                    let (l, r) = (bench.version(&left).await, bench.version(&right).await);
                    let value = round.to_string().into_bytes();
                    bench
                        .done(&[
                            Step::replace(left.clone(), l, value.clone(), None),
                            Step::replace(right.clone(), r, value, None),
                        ])
                        .await;
                } else {
                    let (first, second) = if n.is_multiple_of(2) { (&left, &right) } else { (&right, &left) };
                    let first = number(bench.value(first).await);
                    let second = number(bench.value(second).await);
                    assert!(first <= second, "who sees one step of a commit sees all of them: {first} > {second}");
                }
            }
        }
    };
    at_once(5, work).await;
    assert_eq!(number(bench.value(&left).await), ROUNDS, "what was acknowledged is seen");
}

/// Some add to a list while others follow it.
async fn readers_of_a_list_miss_nothing(bench: &Bench) {
    const WRITERS: usize = 8;
    const READERS: usize = 2;
    const EACH: usize = 20;
    let work = |n: usize| {
        let bench = bench.clone();
        async move {
            if n >= READERS {
                for _ in 0..EACH {
                    bench.done(&[Step::append(LIST, Vec::new(), None), put(&format!("list {n}"), "")]).await;
                    bench.done(&[Step::delete(thing(&format!("list {n}")), None)]).await;
                }
                return Vec::new();
            }
            let mut seen: Vec<String> = Vec::new();
            loop {
                // All are there only if they were before this page is read.
                let are_all = bench.list(LIST, "", None, WRITERS * EACH).await.len() == WRITERS * EACH;
                let page = bench.list(LIST, "", seen.last().map(String::as_str), WRITERS * EACH).await;
                seen.extend(page.into_iter().map(|(name, _)| name));
                if are_all {
                    break;
                }
                // Those who write may need this thread.
                tokio::task::yield_now().await;
            }
            seen
        }
    };
    let seen = at_once(READERS + WRITERS, work).await;
    let all: Vec<String> = bench.list(LIST, "", None, 1_000).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(all.len(), WRITERS * EACH, "every entry that was added to a list is there");
    for seen in seen.iter().filter(|seen| !seen.is_empty()) {
        assert_eq!(*seen, all, "who has read a list up to a number has missed nothing before it");
    }
    assert_eq!(seen.iter().filter(|seen| !seen.is_empty()).count(), READERS);
}

fn number(value: Option<Vec<u8>>) -> u64 {
    String::from_utf8_lossy(&value.expect("nobody deletes it")).parse().expect("a number")
}
