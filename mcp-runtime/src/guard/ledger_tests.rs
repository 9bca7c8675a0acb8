//! Limits of several kinds on one call: all or nothing, whichever refuses, and however many call at once.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;

use super::Ledger;
use crate::{
    auth::{Caller, ClientAddress, Identity},
    guard::{Denial, Floor, Limit, Per, RateLimit},
};

const NOW: u64 = 1 << 40;

const fn per(count: u32, per: Per) -> Limit {
    Limit::new(RateLimit::new(count, 3600)).per(per)
}

fn address(last: u8) -> ClientAddress {
    ClientAddress::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, last)))
}

/// Somebody, through a client that the operator registered, from somewhere.
fn caller(subject: &str, client: &str, from: u8) -> Caller {
    let identity = Identity::new("https://login.example.com", subject).registered_client(client).build();
    Caller::Identified(identity, address(from))
}

fn ledger() -> Ledger {
    Ledger::new(10_000, None)
}

const KINDS: [Per; 4] = [Per::Subject, Per::Client, Per::Address, Per::Global];

/// Each kind is the one that refuses, beside three others that would not.
#[test]
fn a_call_that_one_limit_refuses_spends_nothing_of_the_others() {
    for tight in KINDS {
        let ledger = ledger();
        let limits = KINDS.map(|kind| per(if kind == tight { 2 } else { 40 }, kind));
        let bound = ledger.bind(&limits, None);
        let charge = |who: &Caller| ledger.charge(who, &bound, NOW);
        let (ann, bob) = (caller("ann", "editor", 1), caller("bob", "other", 2));
        let mut admitted = 0;
        // Of a global limit of two each of both has one.
        for who in [&ann, &bob].into_iter().cycle().take(60) {
            admitted += u32::from(charge(who).is_ok());
        }
        assert_eq!(admitted, if tight == Per::Global { 2 } else { 4 }, "{tight}");
        // What is left of the others, each asked alone, is 40 without the calls that were admitted.
        let alone = |kind: Per, who: &Caller| {
            let one = super::Limits {
                subject: if kind == Per::Subject { bound.subject.clone() } else { Default::default() },
                client: if kind == Per::Client { bound.client.clone() } else { Default::default() },
                address: if kind == Per::Address { bound.address.clone() } else { Vec::new() },
                global: if kind == Per::Global { bound.global.clone() } else { Vec::new() },
            };
            ledger.look(who, &one, NOW).map(|state| state.unwrap().remaining())
        };
        let mine = admitted / 2;
        for kind in KINDS.into_iter().filter(|kind| *kind != tight) {
            let expected = match kind {
                // Counted for the subject is also its share of what is for all, and that was the one to refuse.
                Per::Subject if tight == Per::Global => continue,
                Per::Subject => 20 - mine,
                Per::Global => 40 - admitted,
                _ => 40 - mine,
            };
            assert_eq!(alone(kind, &ann).ok(), Some(expected), "{tight} refuses, {kind} is asked");
        }
    }
}

#[test]
fn one_caller_has_half_of_what_is_for_all_rounded_up() {
    for (count, share) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (100, 50)] {
        for limit in [per(count, Per::Global), per(1, Per::Global).burst(count)] {
            let ledger = ledger();
            let bound = ledger.bind(&[limit], None);
            let most = |who: &Caller| (0..200).take_while(|_| ledger.charge(who, &bound, NOW).is_ok()).count() as u32;
            assert_eq!(most(&caller("ann", "editor", 1)), share, "{limit}");
            // Nor more with another client or address.
            assert_eq!(most(&caller("ann", "other", 2)), 0, "{limit}");
            assert_eq!(most(&caller("bob", "editor", 1)), count - share, "{limit}: two have all of it");
            assert_eq!(most(&caller("carol", "editor", 1)), 0, "{limit}");
        }
    }
}

/// Invented clients, of somebody whom nobody vouches for, are all the same caller.
#[test]
fn clients_that_anybody_can_register_multiply_nothing() {
    for kind in KINDS {
        let ledger = ledger();
        let bound = ledger.bind(&[per(10, kind)], None);
        let invented = |subject: &str, number: usize| {
            let identity =
                Identity::new("https://login.example.com", subject).client(format!("client-{number}")).build();
            Caller::Identified(identity, address(1))
        };
        let admitted =
            (0..100).filter(|number| ledger.charge(&invented("mallory", *number), &bound, NOW).is_ok()).count();
        assert_eq!(admitted, if kind == Per::Global { 5 } else { 10 }, "{kind}");
        // Calling itself what others use, it spends nothing of theirs.
        let editor = caller("ann", "client-7", 2);
        assert!(ledger.charge(&editor, &bound, NOW).is_ok(), "{kind}");
        let state = ledger.look(&editor, &bound, NOW).unwrap().unwrap();
        assert_eq!(state.remaining(), if kind == Per::Global { 4 } else { 9 }, "{kind}");
    }
}

#[test]
fn members_of_a_group_share_its_limits_and_nothing_else() {
    static GROUP: Floor = Floor::new().limits(&[Limit::new(RateLimit::new(5, 3600)), per(8, Per::Global)]);
    static OTHER: Floor = Floor::new().limits(&[Limit::new(RateLimit::new(5, 3600)), per(8, Per::Global)]);
    let ledger = ledger();
    let own = [per(3, Per::Subject)];
    let (one, two, alone) =
        (ledger.bind(&own, Some(&GROUP)), ledger.bind(&own, Some(&GROUP)), ledger.bind(&own, Some(&OTHER)));
    let ann = caller("ann", "editor", 1);
    let most = |limits| (0..20).take_while(|_| ledger.charge(&ann, limits, NOW).is_ok()).count();
    assert_eq!(most(&one), 3, "its own three");
    assert_eq!(most(&two), 1, "the share of eight is four, for both");
    assert_eq!(most(&alone), 3, "equal numbers elsewhere are counted apart");
}

/// A thousand threads, a few keys of every kind: exactly as many as there are, and no two wait for each other for ever.
#[test]
fn a_thousand_threads_get_exactly_what_there_is() {
    let ledger = Arc::new(ledger());
    let limits =
        [per(50, Per::Subject), per(90, Per::Client), per(160, Per::Address), per(300, Per::Global).burst(310)];
    let (forward, mut backward) = (ledger.bind(&limits, None), limits);
    backward.reverse();
    // Another tool with the same limits, written the other way round, keeps the locks busy.
    let other = ledger.bind(&backward, None);
    let (admitted, barrier) = (Arc::new(AtomicU32::new(0)), Arc::new(Barrier::new(1000)));
    let (done, all_done) = mpsc::channel();
    for number in 0..1000_usize {
        let (ledger, forward, other, admitted) = (ledger.clone(), forward.clone(), other.clone(), admitted.clone());
        let (barrier, done) = (barrier.clone(), done.clone());
        thread::Builder::new()
            .stack_size(128 * 1024)
            .spawn(move || {
                // Ten subjects, five clients, three addresses.
                let who = caller(&format!("s{}", number % 10), &format!("c{}", number % 5), (number % 3) as u8);
                barrier.wait();
                for _ in 0..3 {
                    if ledger.charge(&who, &forward, NOW).is_ok() {
                        admitted.fetch_add(1, Ordering::Relaxed);
                    }
                    let _ = ledger.charge(&who, &other, NOW);
                    let _ = ledger.test(&who, &other, NOW);
                }
                done.send(()).unwrap();
            })
            .unwrap();
    }
    for _ in 0..1000 {
        all_done.recv_timeout(Duration::from_secs(60)).expect("a thread waits for ever");
    }
    // 300 calls of each subject were asked for; all five clients may have 450, all addresses 480, everybody 310.
    let admitted = admitted.load(Ordering::Relaxed);
    assert_eq!(admitted, 310, "everything that is for all was given out, and not one more");
    let refused = ledger.charge(&caller("new", "new", 9), &forward, NOW);
    assert!(matches!(refused, Err(Denial::RateLimited { .. })));
}

/// Every limit by its key, counted plainly.
#[derive(Default)]
struct Plain(std::collections::HashMap<(usize, String), u32>);

impl Plain {
    fn keys(limits: &[Limit], (subject, client, from): (usize, usize, u8)) -> Vec<((usize, String), u32)> {
        let mut keys = Vec::new();
        for (at, limit) in limits.iter().enumerate() {
            match limit.counted_per() {
                Per::Subject => keys.push(((at, format!("s{subject}")), limit.most())),
                Per::Client => keys.push(((at, format!("c{client}")), limit.most())),
                Per::Address => keys.push(((at, format!("a{from}")), limit.most())),
                Per::Global => {
                    keys.push(((at, "all".to_owned()), limit.most()));
                    keys.push(((at, format!("share of s{subject}")), limit.most().div_ceil(2)));
                }
            }
        }
        keys
    }

    fn call(&mut self, limits: &[Limit], who: (usize, usize, u8)) -> bool {
        let keys = Self::keys(limits, who);
        let fits = keys.iter().all(|(key, most)| self.0.get(key).copied().unwrap_or(0) < *most);
        if fits {
            keys.into_iter().for_each(|(key, _)| *self.0.entry(key).or_default() += 1);
        }
        fits
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_of_limits_is_counted_as_plain_counting_does(
        limits in prop::collection::vec((1..12_u32, prop::sample::select(&KINDS[..]), any::<bool>()), 1..5),
        calls in prop::collection::vec((0..3_usize, 0..2_usize, 0..2_u8), 1..80),
    ) {
        let limits: Vec<Limit> = limits
            .into_iter()
            .map(|(count, kind, burst)| if burst { per(1, kind).burst(count) } else { per(count, kind) })
            .collect();
        let (ledger, mut plain) = (ledger(), Plain::default());
        let bound = ledger.bind(&limits, None);
        for (subject, client, from) in calls {
            let who = caller(&format!("s{subject}"), &format!("c{client}"), from);
            let tested = ledger.test(&who, &bound, NOW).is_ok();
            let charged = ledger.charge(&who, &bound, NOW).is_ok();
            prop_assert_eq!(tested, charged);
            prop_assert_eq!(charged, plain.call(&limits, (subject, client, from)));
        }
    }
}
