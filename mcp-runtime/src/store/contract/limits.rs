//! How large things may be.

use super::{Bench, LIST, Step, put, thing};
use crate::store::{MAX_NAME, MAX_STEPS, MAX_VALUE};

pub(super) async fn assert_all(bench: &Bench) {
    the_largest_fit(bench).await;
    what_is_larger_is_refused(bench).await;
}

async fn the_largest_fit(bench: &Bench) {
    let name = "ä".repeat(MAX_NAME / 2);
    let value: Vec<u8> = (0..MAX_VALUE).map(|n| (n % 251) as u8).collect();
    bench
        .done(&[
            Step::insert(thing(&name), value.clone(), Some(bench.now + 100)),
            Step::append(LIST, value.clone(), Some(bench.now + 100)),
        ])
        .await;
    assert!(bench.value(&thing(&name)).await.as_ref() == Some(&value), "a value of 1 MiB is kept as it is");
    let listed = bench.list(LIST, "", None, 10).await;
    assert!(listed.len() == 1 && listed[0].1.value == value, "a value of 1 MiB is kept as it is, also in a list");
    assert_eq!(bench.names(&name, None, 10).await, std::slice::from_ref(&name), "a prefix may be as long as a name");
    let many: Vec<Step> = (0..MAX_STEPS).map(|n| put(&format!("{n:04}"), "x")).collect();
    bench.done(&many).await;
    assert_eq!(bench.names("0", None, MAX_STEPS).await.len(), MAX_STEPS, "a commit has up to {MAX_STEPS} steps");
}

async fn what_is_larger_is_refused(bench: &Bench) {
    let long = "a".repeat(MAX_NAME + 1);
    let large = vec![0; MAX_VALUE + 1];
    let twice = [put("twice", "1"), Step::delete(thing("twice"), None)];
    let many: Vec<Step> = (0..=MAX_STEPS).map(|n| put(&format!("many {n}"), "x")).collect();
    let wrong: [&[Step]; 7] = [
        &[put("beside", "x"), put(&long, "x")],
        &[put("beside", "x"), Step::insert(thing("large"), large.clone(), None)],
        &[put("beside", "x"), Step::append(LIST, large, None)],
        &[put("beside", "x"), Step::delete(thing(&long), None)],
        &[put("beside", "x"), Step::check(thing(&long), 1)],
        &twice,
        &many,
    ];
    let before = bench.list(LIST, "", None, 10).await.len();
    for steps in wrong {
        assert!(bench.store.commit(steps, bench.now).await.is_err(), "what `check_limits` refuses is an error");
    }
    for prefix in ["beside", "large", "many", "twice", "aaa"] {
        assert!(bench.names(prefix, None, 10).await.is_empty(), "a commit that is refused changes nothing");
    }
    assert_eq!(bench.list(LIST, "", None, 10).await.len(), before, "a commit that is refused changes nothing");
    assert_eq!(
        bench.get(&thing(&long)).await,
        None,
        "nothing is under a name that is too long, and asking is no error"
    );
    assert!(bench.names(&long, Some(&long), 10).await.is_empty(), "no name begins with one that is too long");
}
