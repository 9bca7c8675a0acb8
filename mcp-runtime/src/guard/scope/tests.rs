//! Catalogue and requirement, by example and against a naive evaluator.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{Catalogue, Requirement, ScopeExpr, UNKNOWN};
use crate::auth::Scopes;

use ScopeExpr::{All, Any, Scope};

fn catalogue(names: &[&str], implications: &[(&str, &[&str])]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    names.iter().for_each(|name| catalogue.declare(*name, format!("may {name}")));
    implications.iter().for_each(|(name, implied)| catalogue.imply(*name, implied.iter().copied()));
    catalogue
}

fn open(expr: ScopeExpr) -> Requirement {
    Requirement::compile(&[expr], &Catalogue::default())
}

#[test]
fn a_sound_catalogue_has_no_problems() {
    let sound = catalogue(&["admin", "write", "read"], &[("admin", &["write", "read"]), ("write", &["read"])]);
    assert_eq!(sound.problems(), [""; 0]);
    assert!(!sound.is_open());
    assert!(Catalogue::default().is_open());
}

#[test]
fn problems_say_what_to_do() {
    let mut twice = catalogue(&["read"], &[]);
    twice.declare("read", "Look");
    assert_eq!(
        twice.problems(),
        ["the scope `read` is declared twice, as \"may read\" and as \"Look\": remove one of the two"]
    );
    let misspelt = catalogue(&["admin", "read"], &[("admin", &["raed", "billing"]), ("amdin", &["read"])]);
    assert_eq!(
        misspelt.problems(),
        [
            "the scope `admin` implies `raed`, which is not declared: did you mean `read`? If not, declare it with `.scope(name, description)`",
            "the scope `admin` implies `billing`, which is not declared: declare it with `.scope(name, description)`",
            "the scope `amdin` implies `read` but is not declared: did you mean `admin`? If not, declare it with `.scope(name, description)`",
        ]
    );
    let plural = catalogue(&["notes:read", "admin"], &[("admin", &["note:read"])]);
    assert_eq!(
        plural.problems(),
        [
            "the scope `admin` implies `note:read`, which is not declared: did you mean `notes:read`? If not, declare it \
          with `.scope(name, description)`"
        ]
    );
    for bad in ["", "a b", "a\tb", "\"a\"", "a\\b", "é", "a\n", &"a".repeat(129)] {
        let problems = catalogue(&[bad], &[]).problems();
        assert_eq!(problems.len(), 1, "{bad:?}");
        assert!(problems[0].starts_with(&format!("{bad:?} is not a scope: write ")), "{problems:?}");
    }
}

#[test]
fn circles_are_reported_once_each() {
    let circles = catalogue(
        &["a", "b", "c", "d", "e"],
        &[("e", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["d"]), ("e", &["d"])],
    );
    assert_eq!(
        circles.problems(),
        [
            "`a` implies `b` implies `c` implies `a` again: scopes that imply each other are one scope, so remove one \
             implication",
            "`d` implies `d` again: scopes that imply each other are one scope, so remove one implication",
        ]
    );
    // Many ways to the same scope are no circle.
    let diamond = catalogue(&["a", "b", "c", "d"], &[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"])]);
    assert_eq!(diamond.problems(), [""; 0]);
}

#[test]
fn a_policy_may_only_use_declared_scopes() {
    let closed = catalogue(&["notes:read", "admin"], &[]);
    let expr = All(&[Scope("notes:reed"), Any(&[Scope("admin"), Scope("billing"), Scope("billing")]), Scope("a b")]);
    let problems = closed.check_declared(expr);
    assert_eq!(
        problems[..2],
        [
            "the scope `notes:reed` is not declared: did you mean `notes:read`? If not, declare it with \
             `.scope(\"notes:reed\", description)`",
            "the scope `billing` is not declared: declare it with `.scope(\"billing\", description)`",
        ]
    );
    assert_eq!(problems.len(), 3);
    assert!(problems[2].starts_with("\"a b\" is not a scope"));
    // An open catalogue knows no misspelling, but still what no token can carry.
    assert_eq!(Catalogue::default().check_declared(expr).len(), 1);
}

#[test]
fn implications_reach_through_others_and_end_in_circles() {
    let chain = catalogue(&["a", "b", "c", "d"], &[("a", &["b"]), ("b", &["c"]), ("d", &["c"])]);
    assert_eq!(*chain.satisfied_by("c"), ["c", "b", "d", "a"].map(Box::from));
    assert_eq!(*chain.satisfied_by("a"), ["a"].map(Box::from));
    assert_eq!(*chain.satisfied_by("unknown"), ["unknown"].map(Box::from));
    let circle = catalogue(&["a", "b"], &[("a", &["b"]), ("b", &["a"])]);
    assert_eq!(*circle.satisfied_by("a"), ["a", "b"].map(Box::from));
}

#[test]
fn nothing_needed_and_nothing_that_helps() {
    assert!(open(All(&[])).met_by(&Scopes::default(), UNKNOWN));
    assert_eq!(open(All(&[])).challenge(None, UNKNOWN), [""; 0]);
    let nobody = open(All(&[Scope("a"), Any(&[])]));
    assert!(!nobody.met_by(&Scopes::parse("a b admin"), UNKNOWN));
    assert_eq!(nobody.challenge(None, UNKNOWN), [""; 0]);
    // Impossible alternatives are passed over, though they seem to lack nothing.
    let either = open(Any(&[Any(&[]), All(&[Scope("a"), Scope("b")])]));
    assert_eq!(either.challenge(None, UNKNOWN), ["a", "b"]);
}

#[test]
fn a_challenge_names_everything_the_call_needs() {
    let expr = All(&[Scope("z"), Any(&[All(&[Scope("a"), Scope("b")]), Scope("c"), Scope("d")]), Scope("z")]);
    let needs = open(expr);
    assert_eq!(needs.challenge(None, UNKNOWN), ["z", "c"], "fewest, and the first of equals");
    let granted = Scopes::parse("a b");
    assert_eq!(needs.challenge(Some(&granted), UNKNOWN), ["z", "a", "b"], "what is granted counts, and is listed");
    assert_eq!(
        open(Any(&[All(&[Scope("a"), Scope("a")]), All(&[Scope("b"), Scope("c")])])).challenge(None, UNKNOWN),
        ["a"]
    );
    let implied = catalogue(&["admin", "a", "b", "c"], &[("admin", &["a", "b"])]);
    let needs = Requirement::compile(&[Any(&[Scope("c"), All(&[Scope("a"), Scope("b")])])], &implied);
    assert!(needs.met_by(&Scopes::parse("admin"), UNKNOWN));
    assert_eq!(needs.challenge(Some(&Scopes::parse("admin")), UNKNOWN), ["a", "b"]);
}

#[test]
fn only_the_very_scope_counts() {
    let needs = open(Scope("admin"));
    assert!(needs.met_by(&Scopes::parse("read admin write"), UNKNOWN));
    for near in [
        "",
        "adminx",
        "xadmin",
        "admi",
        "dmin",
        "Admin",
        "ADMIN",
        "admin:",
        "admin:read",
        "admin.",
        "*",
        "admin*",
        "ad min",
        "admin\tread",
        "\tadmin",
        "admin\n",
        "\"admin\"",
        "admin,read",
        "admin\u{0}",
        "а\u{0501}min",
        "admin\u{a0}",
    ] {
        assert!(!needs.met_by(&Scopes::parse(near), UNKNOWN), "{near:?}");
    }
    for never in ["a b", "", "a\tb"] {
        assert!(!open(Scope(never)).met_by(&Scopes::parse("a b a\tb"), UNKNOWN), "{never:?}");
    }
}

/// Few names, one a prefix of another, so that random grants often hit and often nearly hit.
const NAMES: [&str; 6] = ["a", "ab", "A", "a:b", "b", "ba"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn expr() -> impl Strategy<Value = ScopeExpr> {
    name().prop_map(Scope).prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner, 0..4).prop_map(|parts| &*parts.leak());
        prop_oneof![parts.clone().prop_map(All), parts.prop_map(Any)]
    })
}

fn implications() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::collection::vec((name(), name()), 0..5)
}

/// Everything the granted scopes imply, found by trying until nothing is added.
fn closure(granted: &[&'static str], implications: &[(&'static str, &'static str)]) -> HashSet<&'static str> {
    let mut held: HashSet<_> = granted.iter().copied().collect();
    loop {
        let more: Vec<_> = implications.iter().filter(|(a, b)| held.contains(a) && !held.contains(b)).collect();
        if more.is_empty() {
            return held;
        }
        held.extend(more.iter().map(|(_, implied)| implied));
    }
}

fn naive(expr: ScopeExpr, held: &HashSet<&str>) -> bool {
    match expr {
        ScopeExpr::List(_) | ScopeExpr::Template(_) => unreachable!("the strategy makes none"),
        Scope(scope) => held.contains(scope),
        All(parts) => parts.iter().all(|part| naive(*part, held)),
        Any(parts) => parts.iter().any(|part| naive(*part, held)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decides_as_a_naive_evaluator_does(
        expr in expr(),
        implications in implications(),
        granted in prop::collection::vec(name(), 0..4),
    ) {
        let mut catalogue = Catalogue::default();
        implications.iter().for_each(|(name, implied)| catalogue.imply(*name, [*implied]));
        let needs = Requirement::compile(&[expr], &catalogue);
        let (scopes, held) = (granted.iter().copied().collect::<Scopes>(), closure(&granted, &implications));
        let met = needs.met_by(&scopes, UNKNOWN);
        prop_assert_eq!(met, naive(expr, &held));

        let challenge = needs.challenge(Some(&scopes), UNKNOWN);
        let unique: HashSet<_> = challenge.iter().collect();
        prop_assert_eq!(unique.len(), challenge.len(), "a scope is named twice");
        let missing = challenge.iter().filter(|scope| !held.contains(scope.as_str())).count();

        if naive(expr, &NAMES.into_iter().collect()) {
            prop_assert_eq!(met, missing == 0, "something is missing exactly if the call is refused");
            for challenge in [challenge, needs.challenge(None, UNKNOWN)] {
                prop_assert!(needs.met_by(&challenge.iter().map(String::as_str).collect(), UNKNOWN), "the challenge is no help");
            }
        } else {
            prop_assert!(!met && challenge.is_empty());
        }
    }

    #[test]
    fn what_can_be_missing_is_least(expr in expr(), granted in prop::collection::vec(name(), 0..4)) {
        // Of plain alternatives no other lacks fewer.
        if let Any(parts) = expr {
            let granted: Scopes = granted.into_iter().collect();
            let possible = parts.iter().filter(|part| naive(**part, &NAMES.into_iter().collect()));
            let missing = |expr| {
                let needed = open(expr).challenge(Some(&granted), UNKNOWN);
                needed.iter().filter(|scope| !granted.contains(scope)).count()
            };
            let least = possible.map(|part| missing(*part)).min();
            prop_assert_eq!(missing(expr), least.unwrap_or(0));
        }
    }

    #[test]
    fn catalogues_of_anything_do_not_panic(
        names in prop::collection::vec(".{0,4}", 0..5),
        implications in prop::collection::vec((".{0,2}", name()), 0..5),
    ) {
        let mut catalogue = Catalogue::default();
        names.iter().for_each(|name| catalogue.declare(name, ""));
        implications.into_iter().for_each(|(name, implied)| catalogue.imply(name, [implied]));
        catalogue.problems();
        catalogue.check_declared(All(&[Scope("a"), Scope("é")]));
    }
}
