//! `"a b"`, `any("a", all("b", "c"))`, `"project:{project}:write"`, `READ`: which scopes a call needs.

use syn::{Expr, ExprCall, ExprPath, LitStr};

use super::{is_name, plain, text};
use crate::errors::{self, Errors};

/// A scope expression, as it will be in the policy.
pub(crate) enum Scopes {
    Scope(String),
    Template(Template),
    /// A `const` of the author's.
    Constant(ExprPath),
    All(Vec<Scopes>),
    Any(Vec<Scopes>),
}

/// A scope with arguments in it.
pub(crate) struct Template {
    pub(crate) parts: Vec<Part>,
    /// Where an error about it points.
    pub(crate) at: LitStr,
}

pub(crate) enum Part {
    Text(String),
    /// By the name that models send.
    Argument(String),
}

impl Scopes {
    /// All scopes with arguments in them.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Template(template) => vec![template],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::templates).collect(),
            Self::Scope(_) | Self::Constant(_) => Vec::new(),
        }
    }

    /// All constants.
    pub(crate) fn constants(&self) -> Vec<&ExprPath> {
        match self {
            Self::Constant(path) => vec![path],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::constants).collect(),
            Self::Scope(_) | Self::Template(_) => Vec::new(),
        }
    }
}

impl Template {
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Argument(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

/// Reads what stands behind `scopes =`.
pub(crate) fn parse(value: &Expr, errors: &mut Errors) -> Option<Scopes> {
    if let Some(list) = text(value) {
        return from_text(list, errors);
    }
    match plain(value) {
        Expr::Call(call) => from_call(call, errors),
        Expr::Path(path) if path.qself.is_none() => Some(Scopes::Constant(path.clone())),
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
        match one(scope, list, &parts) {
            Ok(part) => parts.push(part),
            Err(message) => {
                errors.push(list, message);
                return None;
            }
        }
    }
    Some(if parts.len() == 1 { parts.remove(0) } else { Scopes::All(parts) })
}

fn one(scope: &str, at: &LitStr, before: &[Scopes]) -> Result<Scopes, String> {
    if scope.is_empty() {
        return Err(errors::SCOPE_SPACES.to_owned());
    }
    // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
    if let Some(bad) = scope.chars().find(|c| !matches!(c, '!' | '#'..='[' | ']'..='~')) {
        return Err(errors::bad_scope_character(scope, bad));
    }
    if scope.len() > 128 {
        return Err(errors::SCOPE_TOO_LONG.to_owned());
    }
    if scope.contains(['{', '}']) {
        return Ok(Scopes::Template(Template { parts: template(scope)?, at: at.clone() }));
    }
    if names(before, scope) {
        return Err(errors::scope_twice(scope));
    }
    Ok(Scopes::Scope(scope.to_owned()))
}

/// What a value may consist of, as in the runtime. None of it may stand beside a value: `{a}-{b}` would be the same scope
/// for different values.
fn may_be_in_value(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '~' | '-')
}

fn template(scope: &str) -> Result<Vec<Part>, String> {
    let unclosed = || errors::scope_braces(scope);
    let mut parts = Vec::new();
    let mut rest = scope;
    while !rest.is_empty() {
        let (text, after) = rest.split_once('{').unwrap_or((rest, ""));
        if text.contains('}') || (after.is_empty() && text.len() < rest.len()) {
            return Err(unclosed());
        }
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        if after.is_empty() {
            break;
        }
        if parts.is_empty() {
            return Err(errors::scope_begins_with_argument(scope));
        }
        let (name, after) = after.split_once('}').ok_or_else(unclosed)?;
        if !is_name(name) {
            return Err(unclosed());
        }
        let (before, next) = (text.chars().next_back(), after.chars().next());
        if before.is_none_or(may_be_in_value) || next.is_some_and(|next| may_be_in_value(next) || next == '{') {
            return Err(errors::scope_argument_not_alone(scope, name));
        }
        parts.push(Part::Argument(name.to_owned()));
        rest = after;
    }
    Ok(parts)
}
