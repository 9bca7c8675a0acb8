//! Token buckets against exact integers, for any sequence of calls and any behaviour of the clock.

use std::time::Duration;

use proptest::prelude::*;

use super::{BoundLimit, QuotaTable};
use crate::{
    auth::{CallerKey, Identity},
    guard::{Limit, RateLimit},
};

/// A bucket in units of a call divided by the window's milliseconds, so that nothing is ever rounded.
struct Exact {
    cost: i128,
    refill: i128,
    room: i128,
    tokens: i128,
    /// When something was last taken out; to a clock that was set back, time stands still.
    last: i128,
}

impl Exact {
    fn new(limit: Limit) -> Self {
        let cost = limit.rate().window().as_millis() as i128;
        let room = cost * i128::from(limit.burst_size().unwrap());
        Self { cost, refill: i128::from(limit.rate().count()), room, tokens: room, last: 0 }
    }

    fn tokens_at(&self, now: i128) -> i128 {
        (self.tokens + (now - self.last).max(0) * self.refill).min(self.room)
    }

    /// How many calls are left, and how many milliseconds until there is one more; zero if it is full.
    fn stands(&self, now: i128) -> (i128, i128) {
        let tokens = self.tokens_at(now);
        let calls = tokens / self.cost;
        let missing = (calls + 1) * self.cost - tokens;
        let wait = now.max(self.last) - now + (missing + self.refill - 1) / self.refill;
        (calls, if tokens == self.room { 0 } else { wait })
    }

    fn take(&mut self, now: i128) -> bool {
        let tokens = self.tokens_at(now);
        if tokens < self.cost {
            return false;
        }
        (self.tokens, self.last) = (tokens - self.cost, now.max(self.last));
        true
    }
}

#[derive(Debug, Clone)]
enum Step {
    Advance(u64),
    Rewind(u64),
    Calls(u32),
}

fn limit() -> impl Strategy<Value = Limit> {
    let count = prop_oneof![3 => 1..20_u32, 1 => Just(u32::MAX), 1 => 1..=u32::MAX];
    let window = prop_oneof![3 => 1..=20_u32, 1 => Just(31 * 86_400_u32), 1 => 1..=31 * 86_400_u32];
    let burst = prop_oneof![4 => 1..20_u32, 1 => Just(u32::MAX), 1 => 1..=u32::MAX];
    (count, window, burst).prop_map(|(count, window, burst)| Limit::new(RateLimit::new(count, window)).burst(burst))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = || prop_oneof![0..5_u64, 0..2_000_u64, 0..100_000_u64, 0..1_u64 << 40];
    let step = prop_oneof![
        3 => time().prop_map(Step::Advance),
        1 => time().prop_map(Step::Rewind),
        5 => (1..25_u32).prop_map(Step::Calls),
    ];
    prop::collection::vec(step, 1..50)
}

fn caller(name: &str) -> CallerKey {
    Identity::new("https://login.example.com", name).build().quota_key()
}

/// One call, and everything it must agree with.
fn call(table: &QuotaTable, limits: &[BoundLimit; 1], exact: &mut Exact, now: u64) {
    let tell = |verdict: super::Verdict| {
        let (ok, state) = match verdict {
            Ok(state) => (true, state.unwrap()),
            Err(state) => (false, state),
        };
        (ok, i128::from(state.remaining()), state.wait().as_millis() as i128)
    };
    let ann = caller("ann");
    let (calls, wait) = exact.stands(i128::from(now));
    assert_eq!(tell(table.look(ann, limits, now)), (calls > 0, calls, wait), "before, at {now}");
    let admitted = exact.take(i128::from(now));
    let (calls, wait) = exact.stands(i128::from(now));
    assert_eq!(tell(table.charge(ann, limits, now)), (admitted, calls, wait), "charged at {now}");
    if !admitted {
        let again = now + u64::try_from(wait).unwrap();
        assert!(again > now && table.look(ann, limits, again - 1).is_err(), "the wait is too long");
        assert!(table.look(ann, limits, again).is_ok(), "the wait is too short");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn buckets_agree_with_exact_integers(limit in limit(), start in 0..1_u64 << 44, steps in steps()) {
        let table = QuotaTable::new(100);
        let (limits, mut exact, mut now) = ([table.bind(limit)], Exact::new(limit), start);
        for step in steps {
            match step {
                Step::Advance(by) => now += by,
                Step::Rewind(by) => now = now.saturating_sub(by),
                Step::Calls(times) => (0..times).for_each(|_| call(&table, &limits, &mut exact, now)),
            }
        }
    }

    /// Whatever is swept away in between, nobody gets more than the bucket and what flowed back.
    #[test]
    fn a_sweep_forgets_nothing_early(
        bursts in prop::collection::vec(1..6_u32, 24),
        steps in prop::collection::vec((0..24_usize, 0..3_000_u64), 1..200),
    ) {
        let table = QuotaTable::new(16);
        let limit = Limit::new(RateLimit::new(3, 2)).burst(4);
        let limits = [table.bind(limit)];
        let mut callers: Vec<_> = (0..bursts.len()).map(|_| Exact::new(limit)).collect();
        let mut now = 1 << 40;
        for (number, time) in steps {
            now += time;
            for _ in 0..bursts[number] {
                let exact = &mut callers[number];
                // Who finds no room is refused though it has something left; never the other way round.
                if table.charge(caller(&number.to_string()), &limits, now).is_ok() {
                    assert!(exact.take(i128::from(now)), "{number} got too many at {now}");
                }
            }
            assert!(table.len() <= 16);
        }
    }
}

#[test]
fn full_buckets_make_room_and_others_do_not() {
    let table = QuotaTable::new(16);
    let limits = [table.bind(Limit::new(RateLimit::new(1, 10)).burst(2))];
    let charge = |name: &str, now| table.charge(caller(name), &limits, now);
    let start = 1 << 40;
    (0..16).for_each(|number| assert!(charge(&format!("first-{number}"), start).is_ok()));
    // One of them took two: its bucket is full ten seconds after the others.
    charge("first-0", start).unwrap();
    let refused = charge("stranger", start + 9_999).unwrap_err();
    assert_eq!(refused.wait(), Duration::from_secs(1), "a sweep is worth trying again a second later");
    assert_eq!(table.len(), 16);
    charge("stranger", start + 11_000).unwrap();
    assert_eq!(table.len(), 2, "fifteen full ones are gone");
    assert_eq!(charge("first-0", start + 11_000).unwrap().unwrap().remaining(), 0, "and nothing of the other's");
    // A clock that is set back finds nobody's bucket fuller than it was.
    charge("first-1", start).unwrap();
    charge("first-1", start).unwrap();
    assert!(charge("first-1", start).is_err());
}
