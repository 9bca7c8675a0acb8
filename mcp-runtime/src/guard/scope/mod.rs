//! Scopes: which ones a server knows, what they imply, and whether a caller has what a call needs.

mod expr;
#[cfg(feature = "oauth")]
mod granting;
mod nearest;
mod pattern;
mod requirement;

#[cfg(test)]
mod template_tests;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::HashSet};

pub(crate) use expr::is_scope_value;
pub use expr::{ScopeExpr, ScopeList, ScopePart};
#[cfg(feature = "http")]
pub(crate) use nearest::{nearest, nearest_within};
pub(crate) use requirement::{Requirement, UNKNOWN, Values};

use crate::auth::is_scope_token;

/// The scopes a server declares. Declaring one means declaring all: a misspelt scope then fails the build instead of
/// locking everybody out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    declared: Vec<(String, String)>,
    /// Who holds the first also has the second.
    implications: Vec<(String, String)>,
}

impl Catalogue {
    /// Declares a scope with what it lets a client do, as a person reads it.
    pub(crate) fn declare(&mut self, name: impl Into<String>, description: impl Into<String>) {
        self.declared.push((name.into(), description.into()));
    }

    /// Says that whoever holds `name` also has `implied`, and in turn what those imply.
    pub(crate) fn imply(&mut self, name: impl Into<String>, implied: impl IntoIterator<Item = impl Into<String>>) {
        let name = name.into();
        self.implications.extend(implied.into_iter().map(|implied| (name.clone(), implied.into())));
    }

    /// Each scope and what it implies, for people.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.declared.iter().map(|(name, description)| {
            let implied: Vec<_> = self.implied_by(name).map(|implied| format!("`{implied}`")).collect();
            let implies = if implied.is_empty() { String::new() } else { format!(" Implies {}.", implied.join(", ")) };
            format!("Scope `{name}`: {description}.{implies}")
        })
    }

    /// Whether no scope was declared, so that policies may use any.
    pub(crate) fn is_open(&self) -> bool {
        self.declared.is_empty()
    }

    /// What is wrong with the declarations, one sentence each, saying what to do.
    pub(crate) fn problems(&self) -> Vec<String> {
        let names = self.declared.iter().map(|(name, _)| name);
        let mut problems: Vec<String> =
            names.filter(|name| !is_scope_token(name)).map(|name| not_a_token(name)).collect();
        problems.extend(self.crowded());
        problems.extend(self.duplicates());
        #[cfg(feature = "oauth")]
        problems.extend(self.ambiguous());
        problems.extend(self.dangling());
        problems.extend(self.boundless());
        problems.extend(self.cycles());
        problems
    }

    fn duplicates(&self) -> impl Iterator<Item = String> {
        let earlier = |i: usize, name: &str| self.declared[..i].iter().find(|(other, _)| other == name);
        self.declared.iter().enumerate().filter_map(move |(i, (name, second))| {
            let (_, first) = earlier(i, name)?;
            Some(format!("the scope `{name}` is declared twice, as {first:?} and as {second:?}: remove one of the two"))
        })
    }

    /// Declared scopes in which an argument does not stand alone.
    fn crowded(&self) -> impl Iterator<Item = String> {
        let names = self.declared.iter().map(|(name, _)| name).filter(|name| !pattern::arguments_stand_alone(name));
        names.map(|name| {
            format!(
                "the scope `{name}` has arguments that do not stand alone: write each as `{{name}}` after some text and \
                 between separators such as `:` and `/`, or several values would make one scope"
            )
        })
    }

    /// Implications from or to scopes that nobody declared.
    fn dangling(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, implied) in &self.implications {
            if !self.declares(name) {
                problems.push(format!(
                    "the scope `{name}` implies `{implied}` but is not declared{}",
                    self.advice(name, "declare it with `.scope(name, description)`")
                ));
            }
            if !self.declares(implied) {
                problems.push(format!(
                    "the scope `{name}` implies `{implied}`, which is not declared{}",
                    self.advice(implied, "declare it with `.scope(name, description)`")
                ));
            }
        }
        dedup(problems)
    }

    /// Implications from a scope with an argument to one without it: for which value would it hold?
    fn boundless(&self) -> impl Iterator<Item = String> {
        self.implications.iter().filter_map(|(name, implied)| {
            let argument =
                pattern::arguments_of(name).find(|it| pattern::arguments_of(implied).all(|other| other != *it))?;
            Some(format!(
                "the scope `{name}` implies `{implied}`, which does not name `{{{argument}}}`: a scope for one value \
                 cannot stand for all; name it in both, or remove the implication"
            ))
        })
    }

    /// Each circle of implications once, written out from the member whose implication was written first.
    fn cycles(&self) -> Vec<String> {
        let mut reported = HashSet::new();
        let mut problems = Vec::new();
        for (start, _) in &self.implications {
            let Some(path) = self.way_back_to(start) else { continue };
            if path.iter().any(|name| reported.contains(name)) {
                continue;
            }
            reported.extend(path.iter().copied());
            let circle = path.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" implies ");
            problems.push(format!(
                "{circle} implies `{start}` again: scopes that imply each other are one scope, so remove one implication"
            ));
        }
        problems
    }

    /// A shortest way from `start` along implications until `start` is implied again.
    fn way_back_to<'a>(&'a self, start: &'a str) -> Option<Vec<&'a str>> {
        let mut reached: Vec<(&str, usize)> = vec![(start, 0)];
        let mut next = 0;
        while let Some(&(name, _)) = reached.get(next) {
            for implied in self.implied_by(name) {
                if implied == start {
                    return Some(trace(&reached, next));
                }
                if reached.iter().all(|(known, _)| *known != implied) {
                    reached.push((implied, next));
                }
            }
            next += 1;
        }
        None
    }

    fn implied_by<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.implications.iter().filter(move |(holder, _)| *holder == name).map(|(_, implied)| &**implied)
    }

    /// What is wrong with the scopes of a policy: those nobody declared (unless nothing was), and those that no token
    /// could ever carry.
    pub(crate) fn check_declared(&self, expr: ScopeExpr) -> Vec<String> {
        let mut problems = Vec::new();
        for_each_scope(expr, &mut |scope| {
            if !is_scope_token(&scope) {
                problems.push(not_a_token(&scope));
            } else if !self.is_open() && !self.declares(&scope) {
                let advice = self.advice(&scope, &format!("declare it with `.scope({scope:?}, description)`"));
                problems.push(format!("the scope `{scope}` is not declared{advice}"));
            }
        });
        dedup(problems)
    }

    /// The scope itself, then every scope that implies it, directly or through others, nearest first.
    pub(crate) fn satisfied_by(&self, scope: &str) -> Box<[Box<str>]> {
        let mut found = vec![scope];
        let mut next = 0;
        while let Some(&name) = found.get(next) {
            for (holder, implied) in &self.implications {
                if implied == name && !found.contains(&&**holder) {
                    found.push(holder);
                }
            }
            next += 1;
        }
        found.into_iter().map(Into::into).collect()
    }

    /// The scopes of a policy that nobody declared.
    #[cfg(feature = "oauth")]
    pub(crate) fn undeclared(&self, expr: ScopeExpr) -> Vec<String> {
        let mut names = Vec::new();
        for_each_scope(expr, &mut |scope| names.extend((!self.declares(&scope)).then(|| scope.into_owned())));
        names
    }

    /// Whether a scope of this name, with its arguments open if it has any, is declared.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.declared.iter().any(|(declared, _)| declared == name)
    }

    /// `: did you mean …?` if a declared scope looks alike, otherwise `: ` and what else to do.
    pub(crate) fn advice(&self, name: &str, otherwise: &str) -> String {
        match nearest::nearest(name, self.declared.iter().map(|(declared, _)| &**declared)) {
            Some(similar) => format!(": did you mean `{similar}`? If not, {otherwise}"),
            None => format!(": {otherwise}"),
        }
    }
}

/// The names from the first reached one to the one at `last`.
fn trace<'a>(reached: &[(&'a str, usize)], last: usize) -> Vec<&'a str> {
    let (mut path, mut at) = (vec![reached[last].0], last);
    while at > 0 {
        at = reached[at].1;
        path.push(reached[at].0);
    }
    path.reverse();
    path
}

fn for_each_scope(expr: ScopeExpr, visit: &mut impl FnMut(Cow<'static, str>)) {
    match expr {
        ScopeExpr::Scope(scope) => visit(Cow::Borrowed(scope)),
        ScopeExpr::List(list) => list.iter().for_each(|scope| visit(Cow::Borrowed(scope))),
        ScopeExpr::Template(parts) => visit(Cow::Owned(expr::template_text(parts))),
        ScopeExpr::All(parts) | ScopeExpr::Any(parts) => parts.iter().for_each(|part| for_each_scope(*part, visit)),
    }
}

fn not_a_token(name: &str) -> String {
    format!(
        "{name:?} is not a scope: write 1 to 128 visible ASCII characters without spaces, quotes or backslashes, \
         such as \"notes:read\" (RFC 6749 §3.3)"
    )
}

fn dedup(sentences: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    sentences.into_iter().filter(|sentence| seen.insert(sentence.clone())).collect()
}
