//! A thousand people at the login at once: passwords are costly, so they are judged a few at a time, and nobody else waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use http::StatusCode;

use crate::{
    browser::{Browser, link},
    world::{Ask, PASSWORD, World},
};

/// What a crowd met with.
#[derive(Debug, Default)]
struct Met {
    judged: usize,
    sent_away: usize,
    /// The most threads that did something that takes long.
    threads: usize,
    /// How long other requests took meanwhile.
    others: Vec<Duration>,
}

/// How many threads this runtime has, beside its two workers.
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|comm| comm.trim() == name).count().saturating_sub(2)
}

fn crowd(size: usize, name: &'static str) -> Met {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name(name).enable_all().build();
    runtime.unwrap().block_on(meet(size, name))
}

async fn meet(size: usize, name: &'static str) -> Met {
    let world = Arc::new(World::new().await);
    let tokens = Browser::of(&world, "alice").await.tokens().await;
    let (waiting, met) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let people: Vec<_> = (0..size)
        .map(|at| {
            let (world, waiting) = (Arc::clone(&world), Arc::clone(&waiting));
            tokio::spawn(async move {
                let mut browser = Browser::new(&world);
                let page = browser.login_page(&link(&[])).await;
                waiting.fetch_add(1, SeqCst);
                while waiting.load(SeqCst) < size {
                    tokio::task::yield_now().await;
                }
                browser.enter(&page, &format!("somebody-{at}"), "a-wrong-password").await.status
            })
        })
        .collect();
    let watch = {
        let met = Arc::clone(&met);
        std::thread::spawn(move || {
            let mut most = 0;
            while !met.load(SeqCst) {
                most = most.max(threads(name));
                std::thread::sleep(Duration::from_millis(1));
            }
            most
        })
    };
    while waiting.load(SeqCst) < size {
        tokio::task::yield_now().await;
    }
    let mut result = Met::default();
    let others = async {
        let mut others = Vec::new();
        while !met.load(SeqCst) {
            for ask in [Ask::get("/.well-known/oauth-authorization-server"), Ask::call("read", &tokens.access)] {
                let started = Instant::now();
                assert_eq!(world.send(ask).await.status, StatusCode::OK);
                others.push(started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        others
    };
    let crowd = async {
        let (mut judged, mut sent_away) = (0, 0);
        for one in people {
            match one.await.unwrap() {
                StatusCode::FORBIDDEN => judged += 1,
                StatusCode::SERVICE_UNAVAILABLE => sent_away += 1,
                other => panic!("{other}"),
            }
        }
        met.store(true, SeqCst);
        (judged, sent_away)
    };
    (result.others, (result.judged, result.sent_away)) = tokio::join!(others, crowd);
    result.threads = watch.join().unwrap();
    // The crowd has gone, and nobody is kept out by it.
    let mut alice = Browser::new(&world);
    let page = alice.login_page(&link(&[])).await;
    assert_eq!(alice.enter(&page, "alice", PASSWORD).await.status, StatusCode::SEE_OTHER);
    result
}

#[cfg(target_os = "linux")]
#[test]
fn passwords_are_judged_a_few_at_a_time() {
    let met = crowd(300, "attack-crowd-1");
    let at_once = std::thread::available_parallelism().map_or(1, usize::from) / 2;
    assert_eq!(met.judged + met.sent_away, 300);
    // The runtime's own, and one that has just given its place away. Without a bound there would be hundreds.
    assert!(met.threads <= at_once.max(1) + 2, "{met:?}");
    assert!(met.judged > 0 && met.sent_away > 0, "{met:?}");
    assert!(!met.others.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn others_do_not_wait_for_a_thousand() {
    let mut met = crowd(1_000, "attack-crowd-2");
    met.others.sort_unstable();
    let p99 = met.others[met.others.len() * 99 / 100];
    println!("{} judged, {} sent away, {} others, p99 {p99:?}", met.judged, met.sent_away, met.others.len());
    assert_eq!(met.judged + met.sent_away, 1_000);
    assert!(met.others.len() >= 20 && p99 < Duration::from_millis(100), "{p99:?}");
}
