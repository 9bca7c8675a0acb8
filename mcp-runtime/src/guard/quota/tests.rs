//! Quotas by example: all or nothing, many callers, little room, many threads.

use std::time::Duration;

use super::{LimitState, QuotaTable};
use crate::{
    auth::{CallerKey, Identity},
    guard::RateLimit,
};

/// Where the tests' clock starts.
const START: u64 = 1_767_225_600_000;

fn caller(name: &str) -> CallerKey {
    Identity::new("https://login.example.com", name).build().quota_key()
}

fn limit(text: &str) -> RateLimit {
    text.parse().unwrap()
}

#[test]
fn says_what_is_left_and_when_more_returns() {
    let table = QuotaTable::new(1000);
    let limits = [table.bind(limit("3/16s"))];
    let untouched = table.look(caller("ann"), &limits, START).unwrap().unwrap();
    assert_eq!((untouched.remaining(), untouched.wait()), (3, Duration::ZERO));

    let state = table.charge(caller("ann"), &limits, START).unwrap().unwrap();
    assert_eq!((state.remaining(), state.wait()), (2, Duration::from_secs(17)));
    table.charge(caller("ann"), &limits, START + 500).unwrap();
    let state = table.charge(caller("ann"), &limits, START + 1000).unwrap().unwrap();
    assert_eq!((state.remaining(), state.wait()), (0, Duration::from_secs(16)));

    let refused = table.charge(caller("ann"), &limits, START + 1001).unwrap_err();
    assert_eq!((refused.remaining(), refused.wait(), refused.wait_secs()), (0, Duration::from_millis(15_999), 16));
    assert_eq!(refused.limit().rate(), limit("3/16s"));
    // The first two fell into one slot and return together.
    assert!(table.look(caller("ann"), &limits, START + 16_999).is_err());
    assert_eq!(table.look(caller("ann"), &limits, START + 17_000).unwrap().unwrap().remaining(), 2);
}

#[test]
fn callers_and_limits_are_counted_apart() {
    let table = QuotaTable::new(1000);
    let (one, other) = ([table.bind(limit("1/h"))], [table.bind(limit("1/h"))]);
    assert!(table.charge(caller("ann"), &one, START).is_ok());
    assert!(table.charge(caller("ann"), &one, START).is_err());
    assert!(table.charge(caller("ann"), &other, START).is_ok());
    assert!(table.charge(caller("bob"), &one, START).is_ok());
    assert_eq!(one[0].limit, other[0].limit);
}

#[test]
fn without_limits_everything_fits() {
    let table = QuotaTable::new(1000);
    assert_eq!(table.look(caller("ann"), &[], START), Ok(None));
    assert_eq!(table.charge(caller("ann"), &[], START), Ok(None));
    assert_eq!(table.len(), 0);
}

#[test]
fn a_refused_call_charges_none_of_its_limits() {
    let table = QuotaTable::new(1000);
    let (wide, narrow) = (table.bind(limit("10/h")), table.bind(limit("2/h")));
    let both = [wide, narrow];
    for expected in [1, 0] {
        assert_eq!(table.charge(caller("ann"), &both, START).unwrap().unwrap().remaining(), expected);
    }
    for _ in 0..20 {
        assert_eq!(table.charge(caller("ann"), &both, START).unwrap_err().limit().rate(), limit("2/h"));
    }
    assert_eq!(table.look(caller("ann"), &[wide], START).unwrap().unwrap().remaining(), 8);
    // The other way round, whichever is listed first.
    assert!(table.charge(caller("ann"), &[narrow, wide], START).is_err());
    assert_eq!(table.look(caller("ann"), &[wide], START).unwrap().unwrap().remaining(), 8);
}

#[test]
fn several_used_up_limits_make_wait_for_the_last() {
    let table = QuotaTable::new(1000);
    let both = [table.bind(limit("1/h")), table.bind(limit("1/m"))];
    table.charge(caller("ann"), &both, START).unwrap();
    let refused = table.charge(caller("ann"), &both, START).unwrap_err();
    assert_eq!(refused.limit().rate(), limit("1/h"));
    let again = START + refused.wait().as_millis() as u64;
    assert!(table.look(caller("ann"), &both, again - 1).is_err());
    assert!(table.look(caller("ann"), &both, again).is_ok());
}

#[test]
fn a_limit_listed_twice_is_one_limit() {
    let table = QuotaTable::new(1000);
    let once = table.bind(limit("3/h"));
    for expected in [2, 1, 0] {
        let state = table.charge(caller("ann"), &[once, once], START).unwrap().unwrap();
        assert_eq!(state.remaining(), expected);
    }
    assert!(table.charge(caller("ann"), &[once, once], START).is_err());
}

#[test]
fn a_flood_of_strangers_frees_nobody() {
    let table = QuotaTable::new(2048);
    let limits = [table.bind(limit("1/h"))];
    table.charge(caller("victim"), &limits, START).unwrap();
    let flood = |prefix: &str, now| {
        let names = (0..20_000).map(|i| caller(&format!("{prefix}{i}")));
        names.map(|stranger| table.charge(stranger, &limits, now)).collect::<Vec<_>>()
    };
    let admitted = flood("a", START + 1).iter().filter(|verdict| verdict.is_ok()).count();
    assert_eq!((admitted, table.len()), (2047, 2048), "exactly what there is room for");

    let hour_and_slot = 3_600_000 / 16 * 17;
    for minute in 1..=60 {
        let refusals: Vec<LimitState> =
            flood("b", START + minute * 60_000).into_iter().filter_map(Result::err).collect();
        assert_eq!(refusals.len(), 20_000, "minute {minute}");
        assert!(refusals.iter().all(|state| state.wait() >= Duration::from_secs(1)));
        assert!(table.charge(caller("victim"), &limits, START + minute * 60_000).is_err());
        assert_eq!(table.len(), 2048);
    }
    // Even with the table full of others, it is the victim's turn again, and strangers' too.
    let then = START + hour_and_slot;
    assert!(table.look(caller("victim"), &limits, then - 1).is_err());
    assert!(table.charge(caller("victim"), &limits, then).is_ok());
    assert!(flood("c", then).iter().filter(|verdict| verdict.is_ok()).count() >= 2000);
    assert!(table.charge(caller("victim"), &limits, then + 1).is_err());
    assert!(table.len() <= 2048);
}

#[test]
fn a_full_table_says_when_to_come_back() {
    let table = QuotaTable::new(16);
    let limits = [table.bind(limit("5/m"))];
    for i in 0..16 {
        table.charge(caller(&format!("old{i}")), &limits, START).unwrap();
    }
    let peeked = table.look(caller("new"), &limits, START).unwrap_err();
    let refused = table.charge(caller("new"), &limits, START).unwrap_err();
    assert_eq!(peeked, refused);
    let expires = (START / 3750 + 17) * 3750;
    assert_eq!(START + refused.wait().as_millis() as u64, expires);
    assert!(table.charge(caller("new"), &limits, expires - 1).is_err());
    // Old callers spend on meanwhile, and then only theirs is kept.
    table.charge(caller("old3"), &limits, expires - 1).unwrap();
    assert!(table.charge(caller("new"), &limits, expires).is_ok());
    assert_eq!(table.len(), 2);
    assert_eq!(table.look(caller("old3"), &limits, expires).unwrap().unwrap().remaining(), 4);
}

#[test]
fn a_sweep_takes_nothing_that_still_counts() {
    let table = QuotaTable::new(16);
    let (limits, slot) = ([table.bind(limit("2/16s"))], 1000);
    for i in 0..15 {
        table.charge(caller(&format!("old{i}")), &limits, START).unwrap();
    }
    // One slot younger than all others: the sweep that they make room in comes a single millisecond too early for it.
    table.charge(caller("victim"), &limits, START + slot).unwrap();
    let now = START + 18 * slot - 1;
    assert!(table.charge(caller("new"), &limits, now).is_ok());
    assert_eq!(table.len(), 2);
    assert_eq!(table.look(caller("victim"), &limits, now).unwrap().unwrap().remaining(), 1);
}

#[test]
fn large_limits_are_counted_to_the_last() {
    let table = QuotaTable::new(16);
    for count in [65_535, 65_536, 150_000] {
        let limits = [table.bind(RateLimit::new(count, 60))];
        let ann = caller("ann");
        let admitted = (0..200_000).filter(|_| table.charge(ann, &limits, START).is_ok()).count();
        assert_eq!(admitted, count as usize);
    }
}

#[test]
fn all_new_cells_of_a_call_must_find_room() {
    let table = QuotaTable::new(16);
    let (first, second) = (table.bind(limit("5/m")), table.bind(limit("70000/m")));
    for i in 0..15 {
        table.charge(caller(&format!("old{i}")), &[first], START).unwrap();
    }
    assert!(table.charge(caller("new"), &[first, second], START).is_err());
    assert_eq!(table.len(), 15, "half a call was kept");
    assert!(table.charge(caller("old1"), &[first, second], START).is_ok());
    assert_eq!(table.look(caller("old2"), &[first, second], START).unwrap_err().limit().rate(), limit("70000/m"));
}

#[test]
fn a_full_table_is_swept_once_a_second_at_most() {
    let table = QuotaTable::new(16);
    let (long, short) = (table.bind(limit("1/h")), table.bind(limit("1/s")));
    for i in 0..14 {
        table.charge(caller(&format!("long{i}")), &[long], START).unwrap();
    }
    table.charge(caller("short1"), &[short], START).unwrap();
    table.charge(caller("short2"), &[short], START + 500).unwrap();
    // The sweep at 1.1 s frees one; the second cell is empty at 1.6 s but waits until the shard has rested.
    assert!(table.charge(caller("next1"), &[long], START + 1_100).is_ok());
    let refused = table.charge(caller("next2"), &[long], START + 1_700).unwrap_err();
    assert_eq!(refused.wait(), Duration::from_secs(1));
    assert!(table.charge(caller("next2"), &[long], START + 2_099).is_err());
    assert!(table.charge(caller("next2"), &[long], START + 2_100).is_ok());
}

#[test]
fn a_clock_set_back_does_not_forget_what_was_swept() {
    let table = QuotaTable::new(16);
    let limits = [table.bind(limit("1/m"))];
    for i in 0..16 {
        table.charge(caller(&format!("old{i}")), &limits, START).unwrap();
    }
    let later = START + 70_000;
    assert!(table.charge(caller("new"), &limits, later).is_ok());
    // Ten seconds after START, old0's call was 10 s ago; it is admitted as of `later`, and so counts until then + 1 m.
    assert!(table.charge(caller("old0"), &limits, START + 10_000).is_ok());
    let refused = table.charge(caller("old0"), &limits, later + 59_999).unwrap_err();
    assert_eq!(table.look(caller("old0"), &limits, START + 10_000).unwrap_err().remaining(), 0);
    assert!(refused.wait() > Duration::ZERO);
}

#[test]
fn threads_together_admit_exactly_n() {
    let table = QuotaTable::new(1000);
    let limits = [table.bind(limit("1000/h")), table.bind(limit("70000/h"))];
    let key = caller("ann");
    let admitted: usize = std::thread::scope(|scope| {
        let attempts = || (0..2000).filter(|i| table.charge(key, &limits, START + i).is_ok()).count();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(attempts)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 1000);
    assert_eq!(table.look(key, &limits[1..], START).unwrap().unwrap().remaining(), 69_000);
}

#[test]
fn the_documented_sizes_are_true() {
    assert_eq!(super::shard::cell_bytes(), (64, 96, 36));
    let (small, large, _) = super::shard::cell_bytes();
    assert_eq!(QuotaTable::DEFAULT_CAPACITY, 917_504);
    assert_eq!(64 * 16_384 * small, 64 << 20);
    // The worst mixture: just over half of each shard large, so that those need all places, and the small ones half.
    assert_eq!(64 * (16_384 * large + 8_192 * small), 128 << 20);
}

#[test]
#[ignore = "a measurement, not a test: run it with --release --nocapture"]
fn measure() {
    let table = QuotaTable::new(QuotaTable::DEFAULT_CAPACITY);
    let limits = [table.bind(limit("1000000000/h")), table.bind(limit("60000/s"))];
    for (name, limits) in [("u32", &limits[..1]), ("u16", &limits[1..]), ("both", &limits[..])] {
        // A caller each: to a used one, starting over would be a clock set back.
        let (key, rounds) = (caller(name), 5_000_000_u64);
        let start = std::time::Instant::now();
        for i in 0..rounds {
            let now = START + i / 50;
            let tested = table.look(key, limits, now);
            assert!(std::hint::black_box(tested).is_ok());
            assert!(std::hint::black_box(table.charge(key, limits, now)).is_ok());
        }
        println!("test + charge, {name}: {:.1} ns", start.elapsed().as_nanos() as f64 / rounds as f64);
    }
    for (capacity, callers) in [(QuotaTable::DEFAULT_CAPACITY, 917_504), (1_100_000, 1_000_000)] {
        let table = QuotaTable::new(capacity);
        let limits = [table.bind(limit("100/h"))];
        let keys: Vec<_> = (0..callers).map(|i| caller(&i.to_string())).collect();
        let before = resident_kib();
        let start = std::time::Instant::now();
        let admitted = keys.iter().filter(|&&key| table.charge(key, &limits, START).is_ok()).count();
        let each = start.elapsed().as_nanos() as f64 / f64::from(callers);
        let grown = (resident_kib() - before) / 1024;
        println!("{admitted} of {callers} callers in {capacity} cells: {grown} MiB, {each:.0} ns per new caller");
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
