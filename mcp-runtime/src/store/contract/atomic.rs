//! All steps, or none.

use super::{Bench, Commit, LIST, Step, put, thing};

pub(super) async fn assert_all(bench: &Bench) {
    all_steps_are_done(bench).await;
    one_conflict_stops_all(bench).await;
    expectations_are_about_before(bench).await;
}

async fn all_steps_are_done(bench: &Bench) {
    bench.done(&[put("replaced", "1"), put("deleted", "1"), put("checked", "1"), put("swept away", "1")]).await;
    let (replaced, checked) = (bench.version(&thing("replaced")).await, bench.version(&thing("checked")).await);
    let deleted = bench.version(&thing("deleted")).await;
    bench
        .done(&[
            put("new", "2"),
            Step::append(LIST, b"2".to_vec(), None),
            Step::replace(thing("replaced"), replaced, b"2".to_vec(), None),
            Step::check(thing("checked"), checked),
            Step::delete(thing("deleted"), Some(deleted)),
            Step::delete(thing("swept away"), None),
            Step::delete(thing("never there"), None),
        ])
        .await;
    assert_eq!(bench.names("", None, 10).await, ["checked", "new", "replaced"], "all steps of a commit are done");
    assert_eq!(bench.value(&thing("replaced")).await.as_deref(), Some(&b"2"[..]), "all steps of a commit are done");
    assert_eq!(bench.list(LIST, "", None, 10).await.len(), 1, "all steps of a commit are done");
    assert_ne!(
        bench.version(&thing("new")).await,
        bench.version(&thing("replaced")).await,
        "every write has a version of its own, also within one commit"
    );
}

/// The state is what `all_steps_are_done` leaves.
async fn one_conflict_stops_all(bench: &Bench) {
    let version = bench.version(&thing("replaced")).await;
    let before = bench.list(super::THING, "", None, 10).await;
    let fine = || {
        vec![
            put("another", "3"),
            Step::append(LIST, b"3".to_vec(), None),
            Step::replace(thing("replaced"), version, b"3".to_vec(), None),
            Step::delete(thing("checked"), None),
        ]
    };
    for wrong in [
        put("new", "3"),
        Step::replace(thing("new"), 0, b"3".to_vec(), None),
        Step::check(thing("new"), 0),
        Step::delete(thing("new"), Some(0)),
        Step::check(thing("nothing"), 1),
    ] {
        // Wherever it stands.
        for place in 0..=fine().len() {
            let mut steps = fine();
            steps.insert(place, wrong.clone());
            assert_eq!(bench.commit(&steps).await, Commit::Conflict, "one step that cannot be done stops all");
            assert_eq!(bench.list(super::THING, "", None, 10).await, before, "a conflict changes nothing at all");
            assert_eq!(bench.list(LIST, "", None, 10).await.len(), 1, "a conflict adds nothing to a list");
        }
    }
    bench.done(&fine()).await;
}

async fn expectations_are_about_before(bench: &Bench) {
    bench.done(&[Step::insert(thing("short"), b"1".to_vec(), Some(bench.now + 10))]).await;
    let later = bench.now + 10;
    let steps = [Step::insert(thing("short"), b"2".to_vec(), Some(later)), put("long", "2")];
    assert_eq!(bench.commit_at(&steps, later).await, Commit::Done, "what has ended does not stand in the way");
    assert_eq!(bench.commit_at(&[put("long", "3"), put("longer", "3")], later).await, Commit::Conflict, "this does");
    assert_eq!(bench.get(&thing("longer")).await, None, "a conflict changes nothing");
}
