//! Quotas against an exact log of every admission, for any sequence of calls and any behaviour of the clock.

use std::time::Duration;

use proptest::prelude::*;

use super::{BoundLimit, QuotaTable};
use crate::{
    auth::{CallerKey, Identity},
    guard::RateLimit,
};

#[derive(Debug, Clone)]
enum Step {
    Advance(u64),
    Rewind(u64),
    Call,
    /// Very many calls, so that limits above 65,535 are reached.
    Burst(u32),
}

/// Times that matter to a window: within a slot, about a slot, about a window, far beyond.
fn advance(window_ms: u64) -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..=window_ms / 16 + 1,
        2 => 0..=window_ms + window_ms / 8,
        1 => 0..=window_ms * 40,
    ]
}

fn steps(window_ms: u64, burst: u32, most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => advance(window_ms).prop_map(Step::Advance),
        1 => advance(window_ms).prop_map(Step::Rewind),
        4 => Just(Step::Call),
        3 => (1..=burst).prop_map(Step::Burst),
    ];
    prop::collection::vec(step, 1..most)
}

fn scenario() -> impl Strategy<Value = (RateLimit, u64, Vec<Step>)> {
    let window = prop_oneof![1..=20_u32, 1..=31 * 86_400_u32];
    (1..50_u32, window, 0..1_u64 << 45).prop_flat_map(|(count, window, start)| {
        let limit = RateLimit::new(count, window);
        (Just(limit), Just(start), steps(u64::from(window) * 1000, count + 2, 60))
    })
}

fn large_scenario() -> impl Strategy<Value = (RateLimit, u64, Vec<Step>)> {
    (65_530..70_000_u32, 1..=20_u32, 0..1_u64 << 45).prop_flat_map(|(count, window, start)| {
        (Just(RateLimit::new(count, window)), Just(start), steps(u64::from(window) * 1000, 90_000, 16))
    })
}

/// Everything that was admitted, exactly: at which time, and how many.
struct Log {
    limit: RateLimit,
    admitted: Vec<(u64, u32)>,
    newest: u64,
}

impl Log {
    /// Admissions later than `now - window - late`.
    fn within(&self, now: u64, late: u64) -> u64 {
        let window = self.limit.window().as_millis() as u64;
        self.admitted.iter().filter(|(at, _)| at + window + late >= now).map(|&(_, n)| u64::from(n)).sum()
    }

    /// One call: what the quota said must lie between what was promised and what may be late.
    fn call(&mut self, now: u64, said_yes: bool) {
        self.newest = self.newest.max(now);
        let (now, count) = (self.newest, u64::from(self.limit.count()));
        let slot = (self.limit.window().as_millis() as u64).div_ceil(16);
        if said_yes {
            assert!(self.within(now, 0) < count, "{now}: admitted one too many: {:?}", self.admitted);
            match self.admitted.last_mut() {
                Some((at, n)) if *at == now => *n += 1,
                _ => self.admitted.push((now, 1)),
            }
        } else {
            assert!(self.within(now, slot) >= count, "{now}: refused too long: {:?}", self.admitted);
        }
    }
}

fn ann() -> CallerKey {
    Identity::new("https://login.example.com", "ann").build().quota_key()
}

/// A call and everything it must agree with: the test before it, the wait it is told, the log.
fn call(table: &QuotaTable, limits: &[BoundLimit; 1], log: &mut Log, now: u64) {
    let tested = table.look(ann(), limits, now);
    assert_eq!(table.look(ann(), limits, now), tested, "testing changed something");
    let charged = table.charge(ann(), limits, now);
    assert_eq!(tested.is_ok(), charged.is_ok(), "tested and charged differ");
    match (&tested, &charged) {
        (Ok(Some(before)), Ok(Some(after))) => {
            assert_eq!(before.remaining(), after.remaining() + 1);
            assert!(after.wait() > Duration::ZERO);
        }
        (Err(tested), Err(charged)) => {
            assert_eq!(tested, charged, "a refused call changed something");
            let again = now + charged.wait().as_millis() as u64;
            assert!(again > now, "refused without a wait");
            assert!(table.look(ann(), limits, again - 1).is_err(), "the wait is too long");
            assert!(table.look(ann(), limits, again).is_ok(), "the wait is too short");
            let whole = now + charged.wait_secs() * 1000;
            assert!(table.look(ann(), limits, whole).is_ok());
            assert!(table.look(ann(), limits, whole - 1000).is_err());
        }
        other => panic!("{other:?}"),
    }
    log.call(now, charged.is_ok());
}

fn agrees_with_the_log((limit, start, steps): (RateLimit, u64, Vec<Step>)) {
    let table = QuotaTable::new(100);
    let limits = [table.bind(limit)];
    let mut log = Log { limit, admitted: Vec::new(), newest: 0 };
    let mut now = start;
    for step in steps {
        match step {
            Step::Advance(by) => now += by,
            Step::Rewind(by) => now = now.saturating_sub(by),
            Step::Call => call(&table, &limits, &mut log, now),
            Step::Burst(times) => (0..times).for_each(|_| call(&table, &limits, &mut log, now)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_limits_agree_with_an_exact_log(scenario in scenario()) {
        agrees_with_the_log(scenario);
    }

    /// Two limits: a call passes both or counts in neither, and each alone keeps its promise.
    #[test]
    fn two_limits_are_charged_together_or_not_at_all(
        counts in (1..20_u32, 1..20_u32),
        windows in (1..=5_u32, 1..=40_u32),
        steps in steps(5_000, 6, 60),
    ) {
        let table = QuotaTable::new(100);
        let (first, second) = (RateLimit::new(counts.0, windows.0), RateLimit::new(counts.1, windows.1));
        let (a, b) = (table.bind(first), table.bind(second));
        let left = |limit, now| table.look(ann(), &[limit], now).map_or(0, |state| state.unwrap().remaining());
        let mut now = 1 << 40;
        for step in steps {
            match step {
                Step::Advance(by) => now += by,
                Step::Rewind(by) => now -= by,
                Step::Call | Step::Burst(_) => {
                    let before = (left(a, now), left(b, now));
                    let verdict = table.charge(ann(), &[a, b], now);
                    let spent = u32::from(verdict.is_ok());
                    prop_assert_eq!(spent == 1, before.0 > 0 && before.1 > 0);
                    prop_assert_eq!((left(a, now), left(b, now)), (before.0 - spent, before.1 - spent));
                    let tightest = verdict.unwrap_or_else(Some).unwrap();
                    prop_assert_eq!(tightest.remaining(), left(a, now).min(left(b, now)));
                }
            }
        }
    }
}

proptest! {
    // Hundreds of thousands of calls each.
    #![proptest_config(ProptestConfig { cases: 5, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn large_limits_agree_with_an_exact_log(scenario in large_scenario()) {
        agrees_with_the_log(scenario);
    }
}
