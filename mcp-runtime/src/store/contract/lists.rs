//! Listing by name, and lists that grow at their end.

use super::{Bench, Key, LIST, OTHER, Step, put, thing};

pub(super) async fn assert_all(bench: &Bench) {
    names_are_in_the_order_of_their_bytes(bench).await;
    bench.clear().await;
    prefixes_and_pages(bench).await;
    bench.clear().await;
    numbers_only_grow(bench).await;
}

async fn names_are_in_the_order_of_their_bytes(bench: &Bench) {
    let mut names = [
        "b", "a", "B", "A", "aa", "a b", "a\0", "a-b", "a.b", "ä", "z", "Z", "\u{ff5e}", "😀", "1", "10", "2", "é",
        "e\u{301}",
    ];
    for name in names {
        bench.done(&[put(name, name)]).await;
    }
    names.sort_unstable();
    assert_eq!(bench.names("", None, 100).await, names, "names are listed in the order of their bytes");
    for (name, entry) in bench.list(super::THING, "", None, 100).await {
        assert_eq!(entry.value, name.as_bytes(), "each name is listed with its own entry");
        assert_eq!(bench.get(&thing(&name)).await, Some(entry), "what is listed is what is read");
    }
    for (n, name) in names.iter().enumerate() {
        assert_eq!(bench.names("", Some(name), 100).await, names[n + 1..], "a list goes on after a name, not with it");
        assert_eq!(bench.names("", Some(name), 1).await, names[n + 1..].iter().take(1).copied().collect::<Vec<_>>());
    }
}

async fn prefixes_and_pages(bench: &Bench) {
    for name in ["a", "a:", "a:1", "a:2", "a:\u{10ffff}", "a;", "b", "%", "_:", "A:3"] {
        bench.done(&[put(name, "x")]).await;
    }
    bench.done(&[Step::insert(Key::new(OTHER, "a:4"), b"x".to_vec(), None)]).await;
    let all = ["a:", "a:1", "a:2", "a:\u{10ffff}"];
    assert_eq!(
        bench.names("a:", None, 100).await,
        all,
        "a prefix is a prefix, of one kind, and nothing in it is special"
    );
    assert_eq!(bench.names("%", None, 100).await, ["%"], "nothing in a prefix is special");
    assert_eq!(bench.names("_", None, 100).await, ["_:"], "nothing in a prefix is special");
    assert!(bench.names("a:11", None, 100).await.is_empty(), "nothing begins with a prefix longer than all names");
    assert_eq!(bench.names("a:", None, 2).await, all[..2], "no more is listed than was asked for");
    assert!(bench.names("a:", None, 0).await.is_empty(), "no more is listed than was asked for");
    assert_eq!(bench.names("a:", Some("a:1"), 1).await, ["a:2"], "a page begins where the last one ended");
    assert_eq!(bench.names("a:", Some("a:15"), 1).await, ["a:2"], "a page begins after a name that is not there");
    assert_eq!(bench.names("a:", Some(""), 100).await, all, "`after` may be before all that begin with the prefix");
    assert_eq!(bench.names("a:", Some("a"), 100).await, all, "`after` may be before all that begin with the prefix");
    assert!(bench.names("a:", Some("a;"), 100).await.is_empty(), "`after` may be after all that begin with the prefix");
}

async fn numbers_only_grow(bench: &Bench) {
    let add = async |value: &str| bench.done(&[Step::append(LIST, value.into(), Some(bench.now + 10))]).await;
    let last = async || bench.list(LIST, "", None, 100).await.pop().expect("what was added is listed").0;
    let mut seen: Vec<String> = Vec::new();
    for round in 0..5 {
        add(&round.to_string()).await;
        let name = last().await;
        assert!(name.len() == 20 && name.bytes().all(|b| b.is_ascii_digit()), "a number has 20 digits: {name:?}");
        assert!(seen.last().is_none_or(|before| *before < name), "each number is larger than all before");
        let key = Key::new(LIST, name.clone());
        assert_eq!(bench.value(&key).await, Some(round.to_string().into_bytes()), "an entry of a list has a name");
        seen.push(name);
        // Whatever became of the last one.
        match round {
            1 => bench.done(&[Step::delete(key, None)]).await,
            2 => drop(bench.store.sweep(bench.now + 10, 100).await.expect("`sweep` answers")),
            _ => {}
        }
    }
    bench
        .done(&[Step::append(LIST, b"x".to_vec(), None), put("x", "x"), Step::append(LIST, b"y".to_vec(), None)])
        .await;
    let two = bench.list(LIST, "", seen.last().map(String::as_str), 100).await;
    let values: Vec<&[u8]> = two.iter().map(|(_, entry)| &*entry.value).collect();
    assert_eq!(values, [b"x", b"y"], "what one commit adds is in its order, after what a reader has read");
}
