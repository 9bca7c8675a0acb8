//! What a policy's scope expression demands, compiled once so that a call decides without allocating, unless arguments
//! are part of its scopes.

use std::borrow::Cow;

use super::{
    Catalogue, ScopeExpr,
    expr::{ScopePart, is_scope_value, template_text},
    pattern::{Pattern, agree},
};
use crate::auth::Scopes;

/// The value of an argument as it stands in a scope, by its position; `None` while it is not known.
pub(crate) type Values<'v> = &'v dyn Fn(usize) -> Option<Cow<'v, str>>;

/// Before the arguments were read.
pub(crate) const UNKNOWN: Values<'static> = &|_| None;

/// A scope expression in which every scope already knows which others stand for it.
#[derive(Debug, Clone)]
pub(crate) struct Requirement {
    node: Node,
    /// The arguments that are part of scopes, by name and position.
    arguments: Vec<(&'static str, usize)>,
}

#[derive(Debug, Clone)]
enum Node {
    /// The scope as written, then every scope that implies it.
    Scope(Box<[Pattern]>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
}

impl Requirement {
    /// Compiles what authors wrote under what the server declared: all of these expressions.
    pub(crate) fn compile(exprs: &[ScopeExpr], catalogue: &Catalogue) -> Self {
        let mut arguments = Vec::new();
        let mut nodes: Vec<_> = exprs.iter().map(|expr| Node::compile(*expr, catalogue, &mut arguments)).collect();
        let node = if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes.into()) };
        Self { node, arguments }
    }

    /// Whether arguments are part of scopes.
    pub(crate) fn has_arguments(&self) -> bool {
        !self.arguments.is_empty()
    }

    /// The first argument whose value may not be part of a scope.
    pub(crate) fn unfit_argument(&self, values: Values<'_>) -> Option<&'static str> {
        let unfit = |(_, at): &&(&str, usize)| values(*at).is_some_and(|value| !is_scope_value(&value));
        self.arguments.iter().find(unfit).map(|(name, _)| *name)
    }

    /// Whether these scopes, with what they imply, are enough, as far as the arguments are known: a scope with an unknown
    /// one in it counts as held.
    pub(crate) fn met_by(&self, granted: &Scopes, values: Values<'_>) -> bool {
        self.node.holds(&|scope| scope.iter().any(|pattern| pattern.granted_by(granted, values)))
    }

    /// Whether these scopes are enough for some arguments.
    pub(crate) fn possible_with(&self, granted: &Scopes) -> bool {
        let each = |scope: &[Pattern]| {
            scope.iter().any(|pattern| granted.iter().any(|granted| pattern.values_in(granted).is_some()))
        };
        // Scopes that name the same argument must be there for the same value.
        self.node.holds(&each) && (!self.has_arguments() || Search { granted, steps: STEPS }.meets(&[&self.node], &[]))
    }

    /// All scopes this call needs, as written and in that order, each once: what a client asks a new token for.
    ///
    /// Of alternatives the one that lacks fewest scopes is named, the first of equals. Scopes that are already granted
    /// are listed too, because a new token replaces the old one. Those with arguments in them that are not known are left
    /// out. Empty if nothing is needed, and if nothing helps.
    pub(crate) fn challenge(&self, granted: Option<&Scopes>, values: Values<'_>) -> Vec<String> {
        let needed = self.node.needed(granted, values).unwrap_or_default();
        needed.into_iter().filter_map(|need| need.scope.map(Cow::into_owned)).collect()
    }
}

/// How many scopes are looked at in search of arguments. Past that there are none: what is not to be seen is not shown by
/// mistake.
const STEPS: u32 = 10_000;

/// A search for arguments for which everything demanded is granted.
struct Search<'g> {
    granted: &'g Scopes,
    steps: u32,
}

impl<'g> Search<'g> {
    /// Whether all of these can be met, with the values that some arguments already have.
    fn meets(&mut self, demands: &[&Node], known: &[(usize, &'g str)]) -> bool {
        let Some((first, rest)) = demands.split_first() else { return true };
        match first {
            Node::All(parts) => self.meets(&parts.iter().chain(rest.iter().copied()).collect::<Vec<_>>(), known),
            Node::Any(parts) => parts.iter().any(|part| self.meets(&[&[part], rest].concat(), known)),
            Node::Scope(patterns) => patterns.iter().any(|pattern| self.meets_with(pattern, rest, known)),
        }
    }

    fn meets_with(&mut self, pattern: &Pattern, rest: &[&Node], known: &[(usize, &'g str)]) -> bool {
        // Where the arguments in it have values already, there is one scope to look for.
        let value = |at| known.iter().find(|(known, _)| *known == at).map(|(_, value)| Cow::Borrowed(*value));
        if let Some(scope) = pattern.filled(&value) {
            return self.granted.contains(&scope) && self.meets(rest, known);
        }
        self.granted.iter().any(|granted| {
            let Some(steps) = self.steps.checked_sub(1) else { return false };
            self.steps = steps;
            pattern
                .values_in(granted)
                .is_some_and(|values| agree(known, &values) && self.meets(rest, &[known, &values].concat()))
        })
    }
}

/// One scope of a way to meet a requirement.
struct Need<'n> {
    /// `None` while an argument in it is not known.
    scope: Option<Cow<'n, str>>,
    lacking: bool,
}

impl Node {
    fn compile(expr: ScopeExpr, catalogue: &Catalogue, arguments: &mut Vec<(&'static str, usize)>) -> Self {
        let plain =
            |scope: &str| Self::Scope(catalogue.satisfied_by(scope).iter().map(|s| Pattern::plain(s)).collect());
        match expr {
            ScopeExpr::Scope(scope) => plain(scope),
            ScopeExpr::List(list) => Self::All(list.iter().map(plain).collect()),
            ScopeExpr::Template(parts) => Self::template(parts, catalogue, arguments),
            ScopeExpr::All(parts) => {
                Self::All(parts.iter().map(|part| Self::compile(*part, catalogue, arguments)).collect())
            }
            ScopeExpr::Any(parts) => {
                Self::Any(parts.iter().map(|part| Self::compile(*part, catalogue, arguments)).collect())
            }
        }
    }

    fn template(parts: &[ScopePart], catalogue: &Catalogue, arguments: &mut Vec<(&'static str, usize)>) -> Self {
        let named: Vec<_> = parts.iter().filter_map(ScopePart::argument).collect();
        let scopes = catalogue.satisfied_by(&template_text(parts));
        let patterns = scopes.iter().filter_map(|scope| Pattern::parse(scope, &named)).collect();
        for argument in named {
            if !arguments.contains(&argument) {
                arguments.push(argument);
            }
        }
        Self::Scope(patterns)
    }

    fn holds(&self, scope: &dyn Fn(&[Pattern]) -> bool) -> bool {
        match self {
            Self::Scope(patterns) => scope(patterns),
            Self::All(parts) => parts.iter().all(|part| part.holds(scope)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(scope)),
        }
    }

    /// The scopes to hold, in the order written, each once; `None` if no scope meets this.
    fn needed<'n>(&'n self, granted: Option<&Scopes>, values: Values<'_>) -> Option<Vec<Need<'n>>> {
        match self {
            Self::Scope(patterns) => {
                let scope = patterns.first()?.filled(values);
                let held = |granted| patterns.iter().any(|pattern| pattern.granted_by(granted, values));
                let lacking = scope.is_none() || !granted.is_some_and(held);
                Some(vec![Need { scope, lacking }])
            }
            Self::All(parts) => {
                let mut needed: Vec<Need<'_>> = Vec::new();
                for part in parts {
                    for need in part.needed(granted, values)? {
                        if need.scope.is_none() || needed.iter().all(|known| known.scope != need.scope) {
                            needed.push(need);
                        }
                    }
                }
                Some(needed)
            }
            Self::Any(parts) => {
                let lacking = |needed: &Vec<Need<'_>>| needed.iter().filter(|need| need.lacking).count();
                // `min_by_key` keeps the first of equals.
                parts.iter().filter_map(|part| part.needed(granted, values)).min_by_key(lacking)
            }
        }
    }
}
