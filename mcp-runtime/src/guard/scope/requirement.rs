//! What a policy's scope expression demands, compiled once so that a call decides without allocating.

use super::{Catalogue, ScopeExpr};
use crate::auth::Scopes;

/// A scope expression in which every scope already knows which others stand for it.
#[derive(Debug, Clone)]
pub(crate) struct Requirement(Node);

#[derive(Debug, Clone)]
enum Node {
    /// The scope as written, then every scope that implies it.
    Scope(Box<[Box<str>]>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
}

impl Requirement {
    /// Compiles what an author wrote under what the server declared.
    pub(crate) fn compile(expr: ScopeExpr, catalogue: &Catalogue) -> Self {
        Self(Node::compile(expr, catalogue))
    }

    /// Whether these scopes, with what they imply, are enough.
    pub(crate) fn met_by(&self, granted: &Scopes) -> bool {
        self.0.met_by(granted)
    }

    /// All scopes this call needs, as written and in that order, each once: what a client asks a new token for.
    ///
    /// Of alternatives the one that lacks fewest scopes is named, the first of equals. Scopes that are already granted
    /// are listed too, because a new token replaces the old one. Empty if nothing is needed, and if nothing helps.
    pub(crate) fn challenge(&self, granted: Option<&Scopes>) -> Vec<String> {
        let needed = self.0.needed(granted).unwrap_or_default();
        needed.into_iter().map(|scope| scope[0].to_string()).collect()
    }
}

/// A scope and what implies it, as a node holds them.
type Alternatives<'a> = &'a [Box<str>];

impl Node {
    fn compile(expr: ScopeExpr, catalogue: &Catalogue) -> Self {
        let all = |parts: &[ScopeExpr]| parts.iter().map(|part| Self::compile(*part, catalogue)).collect();
        match expr {
            ScopeExpr::Scope(scope) => Self::Scope(catalogue.satisfied_by(scope)),
            ScopeExpr::All(parts) => Self::All(all(parts)),
            ScopeExpr::Any(parts) => Self::Any(all(parts)),
        }
    }

    fn met_by(&self, granted: &Scopes) -> bool {
        match self {
            Self::Scope(scope) => has(Some(granted), scope),
            Self::All(parts) => parts.iter().all(|part| part.met_by(granted)),
            Self::Any(parts) => parts.iter().any(|part| part.met_by(granted)),
        }
    }

    /// The scopes to hold, in the order written, each once; `None` if no scope meets this.
    fn needed(&self, granted: Option<&Scopes>) -> Option<Vec<Alternatives<'_>>> {
        match self {
            Self::Scope(scope) => Some(vec![scope]),
            Self::All(parts) => {
                let mut needed: Vec<Alternatives<'_>> = Vec::new();
                for part in parts {
                    for scope in part.needed(granted)? {
                        if needed.iter().all(|known| known[0] != scope[0]) {
                            needed.push(scope);
                        }
                    }
                }
                Some(needed)
            }
            Self::Any(parts) => {
                let lacking =
                    |needed: &Vec<Alternatives<'_>>| needed.iter().filter(|scope| !has(granted, scope)).count();
                // `min_by_key` keeps the first of equals.
                parts.iter().filter_map(|part| part.needed(granted)).min_by_key(lacking)
            }
        }
    }
}

fn has(granted: Option<&Scopes>, scope: Alternatives<'_>) -> bool {
    granted.is_some_and(|granted| scope.iter().any(|scope| granted.contains(scope)))
}
