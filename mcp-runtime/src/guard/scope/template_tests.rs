//! Scopes with arguments in them: no two calls share one, and what is possible is what some call could do.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{
    Catalogue, Requirement,
    ScopeExpr::{self, All, Any, Scope, Template},
    ScopePart::{self, Argument, Text},
    Values,
};
use crate::auth::Scopes;

const NAMES: [&str; 3] = ["x", "y", "z"];

/// What separates: everything a scope may hold and a value may not.
fn separator() -> impl Strategy<Value = String> {
    let separators: Vec<char> =
        ('!'..='~').filter(|c| !c.is_ascii_alphanumeric() && !"_.~-\"\\{}".contains(*c)).collect();
    (prop::sample::select(separators), "[a-z:]{0,3}", prop::sample::select(vec![':', '/', '*', '%']))
        .prop_map(|(first, middle, last)| format!("{first}{middle}{last}"))
}

/// A template as the attribute lets one be written: it begins with text, and separators stand around each argument.
fn template(most: usize) -> impl Strategy<Value = Vec<(String, usize)>> {
    let argument = (separator(), 0..NAMES.len());
    ("[a-z.]{0,3}", prop::collection::vec(argument, 1..=most)).prop_map(|(start, mut parts)| {
        parts[0].0.insert_str(0, &start);
        parts
    })
}

fn expr_of(parts: &[(String, usize)], end: &str) -> ScopeExpr {
    let mut pieces: Vec<ScopePart> = Vec::new();
    for (text, at) in parts {
        pieces.push(Text(text.clone().leak()));
        pieces.push(Argument(NAMES[*at], *at));
    }
    if !end.is_empty() {
        pieces.push(Text(end.to_owned().leak()));
    }
    Template(pieces.leak())
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab.]{1,3}", 1 => "[A-Za-z0-9_.~-]{1,64}"]
}

fn open(expr: ScopeExpr) -> Requirement {
    Requirement::compile(&[expr], &Catalogue::default())
}

/// Asks something about these very arguments.
fn with<T>(values: &[String; 3], ask: impl FnOnce(Values<'_>) -> T) -> T {
    ask(&|at| Some(Cow::Borrowed(values[at].as_str())))
}

fn scope_for(needs: &Requirement, values: Values<'_>) -> String {
    let mut scopes = needs.challenge(None, values);
    assert_eq!(scopes.len(), 1, "{scopes:?}");
    scopes.remove(0)
}

/// An expression over few templates that name the same arguments, so that they often disagree about a value.
fn expr() -> impl Strategy<Value = ScopeExpr> {
    let leaf = prop::sample::select(vec![
        Scope("admin"),
        Scope("p:a"),
        Template(&[Text("p:"), Argument("x", 0)]),
        Template(&[Text("q:"), Argument("x", 0), Text(":w")]),
        Template(&[Text("q:"), Argument("y", 1), Text(":w")]),
        Template(&[Text("r:"), Argument("x", 0), Text(":"), Argument("y", 1)]),
        Template(&[Text("r:"), Argument("x", 0), Text(":"), Argument("x", 0)]),
    ]);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let parts = prop::collection::vec(inner, 0..4).prop_map(|parts| &*parts.leak());
        prop_oneof![2 => parts.clone().prop_map(All), 1 => parts.prop_map(Any)]
    })
}

const GRANTS: [&str; 14] = [
    "admin", "p:a", "p:b", "p:", "p:a:b", "q:a:w", "q:b:w", "q::w", "q:a", "r:a:b", "r:b:a", "r:a:a", "r:a", "r:a:b:c",
];

/// Tries every value that occurs in a scope, and one that does not.
fn brute_force(needs: &Requirement, granted: &Scopes) -> bool {
    let values = ["a", "b", "c", "w", "other"].map(str::to_owned);
    values.iter().any(|x| {
        values.iter().any(|y| {
            let of_call = [x.clone(), y.clone(), x.clone()];
            with(&of_call, |values| needs.met_by(granted, values))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Different values, or pairs or triples of values, never need the same scope.
    #[test]
    fn no_two_calls_need_the_same_scope(
        parts in template(3),
        end in prop_oneof![Just(String::new()), separator()],
        one in [value(), value(), value()],
        other in [value(), value(), value()],
    ) {
        let needs = open(expr_of(&parts, &end));
        prop_assert_eq!(with(&one, |values| needs.unfit_argument(values)), None);
        let (first, second) = (with(&one, |it| scope_for(&needs, it)), with(&other, |it| scope_for(&needs, it)));
        let same = parts.iter().all(|(_, at)| one[*at] == other[*at]);
        prop_assert_eq!(first == second, same, "{} {}", first, second);
        // The scope of the one opens the other's call only if they are the same.
        let granted: Scopes = [first.as_str()].into_iter().collect();
        if !granted.is_empty() {
            prop_assert!(with(&one, |it| needs.met_by(&granted, it)));
            prop_assert_eq!(with(&other, |it| needs.met_by(&granted, it)), same);
            prop_assert!(needs.possible_with(&granted));
        }
    }

    /// What may not stand in a scope is never put into one: the gate asks for it first.
    #[test]
    fn a_value_with_anything_else_in_it_is_unfit(
        parts in template(2),
        good in "[A-Za-z0-9_.~-]{0,20}",
        bad in "[^A-Za-z0-9_.~-]",
        at in 0..20_usize,
    ) {
        let needs = open(expr_of(&parts, ""));
        let mut text = good.clone();
        text.insert_str(at.min(good.len()), &bad);
        let values = [text.clone(), text.clone(), text];
        prop_assert_eq!(with(&values, |it| needs.unfit_argument(it)), Some(NAMES[parts[0].1]));
    }

    #[test]
    fn what_is_possible_is_what_some_call_could_do(
        expr in expr(),
        granted in prop::collection::vec(prop::sample::select(&GRANTS[..]), 0..6),
    ) {
        let needs = open(expr);
        let granted: Scopes = granted.into_iter().collect();
        prop_assert_eq!(needs.possible_with(&granted), brute_force(&needs, &granted), "{} with {:?}", expr, granted);
    }

    /// The same where other scopes imply those with arguments.
    #[test]
    fn implications_carry_values_along(
        expr in expr(),
        granted in prop::collection::vec(prop::sample::select(vec!["all", "lead:a", "lead:b", "lead:", "p:a", "q:b:w"]), 0..4),
    ) {
        let mut catalogue = Catalogue::default();
        catalogue.imply("all", ["p:{x}", "admin"]);
        catalogue.imply("lead:{x}", ["p:{x}", "q:{x}:w"]);
        let needs = Requirement::compile(&[expr], &catalogue);
        let granted: Scopes = granted.into_iter().collect();
        prop_assert_eq!(needs.possible_with(&granted), brute_force(&needs, &granted), "{} with {:?}", expr, granted);
    }
}

#[test]
fn lengths_are_judged_to_the_character() {
    let needs = open(Template(&[Text("p:"), Argument("x", 0)]));
    let unfit = |value: &str| needs.unfit_argument(&|_| Some(Cow::Borrowed(value)));
    assert_eq!((unfit(""), unfit("a"), unfit(&"a".repeat(64))), (Some("x"), None, None));
    assert_eq!(unfit(&"a".repeat(65)), Some("x"));
    let longest = Scopes::parse(&format!("p:{}", "a".repeat(64)));
    let longer = Scopes::parse(&format!("p:{}", "a".repeat(65)));
    assert!(needs.possible_with(&longest) && !needs.possible_with(&longer));
}

#[test]
fn a_declared_scope_whose_arguments_run_together_is_a_problem() {
    let problems = |scope: &str| {
        let mut catalogue = Catalogue::default();
        catalogue.declare(scope, "");
        catalogue.problems()
    };
    for scope in
        ["{x}", "{x}:a", "p{x}", "p:{x}w", "p:{x}{y}", "p:{x}.{y}", "p:{x}-", "p:{x", "p:x}", "p:{}", "p:{{x}}", "p:}{"]
    {
        assert!(problems(scope).iter().any(|it| it.contains("do not stand alone")), "{scope}: {:?}", problems(scope));
    }
    for scope in ["admin", "p:{x}", "p:{x}:w", "p/{x}/{y}", "a.b:{x}:{x}", "p:*{x}*"] {
        assert_eq!(problems(scope), [""; 0], "{scope}");
    }
}

/// A search that could take for ever ends, and then hides rather than shows.
#[test]
fn a_search_among_very_many_scopes_ends() {
    let ring: &[ScopeExpr] = &[
        Template(&[Text("r:"), Argument("x", 0), Text(":"), Argument("y", 1)]),
        Template(&[Text("q:"), Argument("y", 1), Text(":"), Argument("z", 2)]),
        Template(&[Text("s:"), Argument("z", 2), Text(":"), Argument("x", 0)]),
    ];
    // Every `r` goes with every `q`, and only the last `r` with an `s`.
    let scopes = |count: usize| -> Scopes {
        let names = (0..count).flat_map(|n| [format!("r:{n:03}:y"), format!("q:y:{n:03}")]);
        names.chain([format!("s:000:{:03}", count - 1)]).collect::<Vec<_>>().iter().map(String::as_str).collect()
    };
    assert!(open(All(ring)).possible_with(&scopes(20)));
    assert!(!open(All(ring)).possible_with(&scopes(200)), "past its bound the search finds nothing");
    // What has its values already is looked up, so that many scopes of two kinds are no long search.
    let pair: &[ScopeExpr] =
        &[Template(&[Text("r:"), Argument("x", 0), Text(":a")]), Template(&[Text("q:"), Argument("x", 0), Text(":w")])];
    let many = (0..400).flat_map(|n| [format!("r:{n:03}:a"), format!("q:{:03}:w", n + 399)]).collect::<Vec<_>>();
    assert!(open(All(pair)).possible_with(&many.iter().map(String::as_str).collect()));
}
