//! One entry at a time: what is put is read, versions, expiry.

use super::{Bench, Commit, Key, OTHER, Step, put, thing};

pub(super) async fn assert_all(bench: &Bench) {
    what_is_put_is_read(bench).await;
    each_step_expects_what_it_says(bench).await;
    versions_never_return(bench).await;
    what_ends_now_is_absent(bench).await;
    sweeping_removes_only_what_has_ended(bench).await;
    any_text_is_a_name(bench).await;
}

async fn what_is_put_is_read(bench: &Bench) {
    let key = thing("a");
    assert_eq!(bench.get(&key).await, None, "nothing is there before something is put");
    let end = Some(bench.now + 100);
    bench.done(&[Step::insert(key.clone(), b"\0\xff one".to_vec(), end)]).await;
    let entry = bench.get(&key).await.expect("what was put is there");
    assert_eq!((&*entry.value, entry.expires_at), (&b"\0\xff one"[..], end), "what was put is read as it was put");
    assert_eq!(bench.get(&key).await, Some(entry), "reading changes nothing");
    assert_eq!(bench.get(&Key::new(OTHER, "a")).await, None, "the same name of another kind is something else");
    assert_eq!(bench.get(&thing("A")).await, None, "upper and lower case are different names");
    bench.done(&[Step::replace(key.clone(), bench.version(&key).await, Vec::new(), None)]).await;
    let entry = bench.get(&key).await.expect("what was replaced is there");
    assert_eq!((&*entry.value, entry.expires_at), (&b""[..], None), "value and end are replaced, also by nothing");
    bench.done(&[Step::delete(key.clone(), None)]).await;
    assert_eq!(bench.get(&key).await, None, "what was deleted is gone");
    bench.done(&[Step::delete(key, None)]).await;
    bench.done(&[]).await;
}

async fn each_step_expects_what_it_says(bench: &Bench) {
    let key = thing("b");
    for step in [
        Step::replace(key.clone(), 1, b"x".to_vec(), None),
        Step::check(key.clone(), 1),
        Step::delete(key.clone(), Some(1)),
    ] {
        assert_eq!(bench.commit(&[step]).await, Commit::Conflict, "nothing has a version where nothing is");
    }
    bench.done(&[put("b", "first")]).await;
    let first = bench.version(&key).await;
    assert_eq!(bench.commit(&[put("b", "again")]).await, Commit::Conflict, "`Insert` expects that nothing is there");
    bench.done(&[Step::check(key.clone(), first)]).await;
    assert_eq!(bench.version(&key).await, first, "`Check` changes nothing");
    bench.done(&[Step::replace(key.clone(), first, b"second".to_vec(), None)]).await;
    let second = bench.version(&key).await;
    assert_ne!(first, second, "every write makes a new version");
    for version in [first, second.wrapping_add(1), 0, u64::MAX] {
        for step in [
            Step::replace(key.clone(), version, b"x".to_vec(), None),
            Step::check(key.clone(), version),
            Step::delete(key.clone(), Some(version)),
        ] {
            assert_eq!(bench.commit(&[step]).await, Commit::Conflict, "only the current version is the right one");
        }
    }
    assert_eq!(bench.value(&key).await.as_deref(), Some(&b"second"[..]), "a conflict changes nothing");
    assert_eq!(bench.version(&key).await, second, "a conflict makes no new version");
    bench.done(&[Step::delete(key.clone(), Some(second))]).await;
    assert_eq!(bench.get(&key).await, None, "`Delete` with the right version deletes");
}

async fn versions_never_return(bench: &Bench) {
    let (key, other) = (thing("c"), thing("c2"));
    let mut seen = Vec::new();
    for round in 0..5 {
        // Also when it is the newest of all that is removed, by either way.
        let end = (round % 2 == 1).then_some(bench.now + 10);
        bench.done(&[Step::insert(key.clone(), b"same".to_vec(), end)]).await;
        seen.push(bench.version(&key).await);
        bench.done(&[Step::replace(key.clone(), bench.version(&key).await, b"same".to_vec(), end)]).await;
        seen.push(bench.version(&key).await);
        if end.is_some() {
            bench.store.sweep(bench.now + 10, 10).await.expect("`sweep` answers");
        } else {
            bench.done(&[Step::delete(key.clone(), None), Step::delete(other.clone(), None)]).await;
        }
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all, "a version never comes back, also not after its entry was removed");
}

async fn what_ends_now_is_absent(bench: &Bench) {
    let (key, end) = (thing("d"), bench.now + 100);
    bench.done(&[Step::insert(key.clone(), b"old".to_vec(), Some(end))]).await;
    let version = bench.version(&key).await;
    let insert = [Step::insert(key.clone(), b"new".to_vec(), Some(end + 100))];
    assert_eq!(
        bench.commit_at(&insert, end - 1).await,
        Commit::Conflict,
        "it is there until the second before its end"
    );
    assert_eq!(
        bench.commit_at(&[Step::check(key.clone(), version)], end - 1).await,
        Commit::Done,
        "it is there until the second before its end"
    );
    for now in [end, end + 1, u64::MAX] {
        for step in [
            Step::replace(key.clone(), version, b"x".to_vec(), None),
            Step::check(key.clone(), version),
            Step::delete(key.clone(), Some(version)),
        ] {
            assert_eq!(bench.commit_at(&[step], now).await, Commit::Conflict, "what ends at `now` or before is absent");
        }
    }
    assert_eq!(bench.commit_at(&insert, end).await, Commit::Done, "something new takes the place of what has ended");
    let entry = bench.get(&key).await.expect("what was put there is there");
    assert_eq!((&*entry.value, entry.expires_at), (&b"new"[..], Some(end + 100)), "nothing of the old one stays");
    assert_ne!(entry.version, version, "what took the place of something that ended has a version of its own");
    bench.done(&[Step::delete(key.clone(), None)]).await;
    // A clock that is wrong, and a life without an end that was written as a number.
    bench.done(&[Step::insert(key.clone(), b"long".to_vec(), Some(u64::MAX))]).await;
    let version = bench.version(&key).await;
    bench.done(&[Step::delete(key, Some(version))]).await;
}

async fn sweeping_removes_only_what_has_ended(bench: &Bench) {
    let sweep = async |now, limit| bench.store.sweep(now, limit).await.expect("`sweep` answers");
    let end = bench.now + 100;
    for n in 0..10 {
        let kind = if n % 2 == 0 { thing(&n.to_string()).kind } else { OTHER };
        bench.done(&[Step::insert(Key::new(kind, n.to_string()), b"x".to_vec(), Some(end + n / 5))]).await;
    }
    bench.done(&[put("stays", "x")]).await;
    assert_eq!(sweep(end - 1, 100).await, 0, "nothing is swept before its end");
    assert_eq!(sweep(end, 0).await, 0, "no more is swept than was asked for");
    assert_eq!(sweep(end, 3).await, 3, "no more is swept than was asked for, of all kinds together");
    assert_eq!(sweep(end, 100).await, 2, "what ends at `now` is swept, and nothing that ends later");
    let left = bench.names("", None, 100).await.len() + bench.list(OTHER, "", None, 100).await.len();
    assert_eq!(left, 6, "what was swept is gone, and nothing else");
    assert_eq!(sweep(end + 1, 100).await, 5, "what ends at `now` is swept");
    assert_eq!(sweep(end + 1, 100).await, 0, "what was swept is not there to be swept again");
    assert!(bench.get(&thing("stays")).await.is_some(), "what has no end is never swept");
    // Its end moved, in both directions.
    bench.done(&[Step::replace(thing("stays"), bench.version(&thing("stays")).await, b"y".to_vec(), Some(end))]).await;
    bench.done(&[Step::replace(thing("stays"), bench.version(&thing("stays")).await, b"z".to_vec(), None)]).await;
    assert_eq!(sweep(end + 1, 100).await, 0, "only the end that was put last counts");
    assert!(bench.get(&thing("stays")).await.is_some(), "only the end that was put last counts");
}

async fn any_text_is_a_name(bench: &Bench) {
    let odd = [
        "",
        " ",
        "  ",
        "%",
        "_",
        "a%",
        "*",
        "?",
        "[a]",
        "\\",
        "'",
        "\"",
        "';--",
        "\0",
        "a\0",
        "a\0b",
        "\n",
        "..",
        "/",
        "a:b",
        "{a}",
        "ä",
        "a\u{308}",
        "Ä",
        "\u{feff}",
        "\u{202e}",
        "\u{10ffff}",
        "😀",
        "null",
        "0",
        "00",
        "0.0",
        "1e3",
        "-1",
        "https://client.example/metadata?x=1#y",
    ];
    for (n, name) in odd.iter().enumerate() {
        bench.done(&[put(name, &n.to_string())]).await;
    }
    for (n, name) in odd.iter().enumerate() {
        let found = bench.value(&thing(name)).await;
        assert_eq!(found, Some(n.to_string().into_bytes()), "any text is a name of its own: {name:?}");
        assert!(bench.names(name, None, 100).await.iter().any(|found| found == name), "{name:?} begins with itself");
    }
    for name in odd {
        bench.done(&[Step::delete(thing(name), Some(bench.version(&thing(name)).await))]).await;
    }
}
