//! `"a b"`, `any("a", all("b", "c"))`: which scopes a call needs.

use syn::{Expr, ExprCall, LitStr};

use super::{plain, text};
use crate::errors::{self, Errors};

/// A scope expression, as it will be in the policy.
pub(crate) enum Scopes {
    Scope(String),
    All(Vec<Scopes>),
    Any(Vec<Scopes>),
}

/// Reads what stands behind `scopes =`.
pub(crate) fn parse(value: &Expr, errors: &mut Errors) -> Option<Scopes> {
    if let Some(list) = text(value) {
        return from_text(list, errors);
    }
    match plain(value) {
        Expr::Call(call) => from_call(call, errors),
        Expr::Path(_) => {
            errors.push(value, errors::not_yet("a constant as scope", "write the scope itself, in quotes"));
            None
        }
        _ => {
            errors.push(value, errors::SCOPE_FORM);
            None
        }
    }
}

fn from_call(call: &ExprCall, errors: &mut Errors) -> Option<Scopes> {
    let is = |name: &str| matches!(plain(&call.func), Expr::Path(path) if path.path.is_ident(name));
    let of: fn(Vec<Scopes>) -> Scopes = match (is("any"), is("all")) {
        (true, _) => Scopes::Any,
        (_, true) => Scopes::All,
        _ => {
            errors.push(call, errors::SCOPE_FORM);
            return None;
        }
    };
    if call.args.is_empty() {
        errors.push(call, errors::EMPTY_LIST);
        return None;
    }
    let mut parts = Vec::new();
    for value in &call.args {
        let part = parse(value, errors)?;
        match &part {
            Scopes::Scope(scope) if names(&parts, scope) => errors.push(value, errors::scope_twice(scope)),
            _ => {}
        }
        parts.push(part);
    }
    Some(of(parts))
}

fn names(parts: &[Scopes], scope: &str) -> bool {
    parts.iter().any(|part| matches!(part, Scopes::Scope(other) if other == scope))
}

/// A space-separated list, as in OAuth: all of them.
fn from_text(list: &LitStr, errors: &mut Errors) -> Option<Scopes> {
    let value = list.value();
    if value.trim().is_empty() {
        errors.push(list, errors::NO_SCOPES);
        return None;
    }
    let mut parts = Vec::new();
    for scope in value.split(' ') {
        if let Err(message) = check(scope, &parts) {
            errors.push(list, message);
            return None;
        }
        parts.push(Scopes::Scope(scope.to_owned()));
    }
    Some(if parts.len() == 1 { parts.remove(0) } else { Scopes::All(parts) })
}

fn check(scope: &str, before: &[Scopes]) -> Result<(), String> {
    if scope.is_empty() {
        return Err(errors::SCOPE_SPACES.to_owned());
    }
    if scope.contains(['{', '}']) {
        return Err(errors::not_yet(
            "a scope with `{argument}`",
            "check the argument in the body, where `Context` has the caller",
        ));
    }
    // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    if let Some(bad) = scope.chars().find(|c| !matches!(c, '!' | '#'..='[' | ']'..='~')) {
        return Err(errors::bad_scope_character(scope, bad));
    }
    if names(before, scope) {
        return Err(errors::scope_twice(scope));
    }
    Ok(())
}
