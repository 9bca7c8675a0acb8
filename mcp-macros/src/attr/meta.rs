//! `meta("example.com/team" = "billing", ui(order = 3, tags = ["a", "b"]))`: a JSON object that needs no quoting.

use syn::{Expr, punctuated::Punctuated};

use super::{Entry, Known, Value, literal, plain, text};
use crate::errors::{self, Errors};

/// Reads what stands behind `meta`, as the text of a JSON object.
pub(crate) fn parse(entry: &Entry, known: &Known, errors: &mut Errors) -> Option<String> {
    match &entry.value {
        Value::Call(items) if !items.is_empty() && !matches!(items[0], Expr::Verbatim(_)) => {
            object(items, check_top, errors)
        }
        _ => entry.wrong(known, errors),
    }
}

fn object<'e>(
    items: impl IntoIterator<Item = &'e Expr>,
    check: fn(&str) -> Result<(), String>,
    errors: &mut Errors,
) -> Option<String> {
    let (mut names, mut members) = (Vec::new(), Vec::new());
    let before = errors.count();
    for item in items {
        let Some((key, value)) = member(item, errors) else { continue };
        let Some(name) = name(key).filter(|name| !name.is_empty()) else {
            errors.push(key, errors::META_FORM);
            continue;
        };
        if let Err(message) = check(&name) {
            errors.push(key, message);
        } else if names.contains(&name) {
            errors.push(key, errors::key_twice(&name));
        }
        members.push(format!("{}:{value}", literal::json_text(&name)));
        names.push(name);
    }
    (errors.count() == before).then(|| format!("{{{}}}", members.join(",")))
}

/// `key = value` or `key(member, …)`
fn member<'e>(item: &'e Expr, errors: &mut Errors) -> Option<(&'e Expr, String)> {
    match plain(item) {
        Expr::Assign(assign) => match literal::json(&assign.right) {
            Some(value) => return Some((&assign.left, value)),
            None => errors.push(&assign.right, errors::META_FORM),
        },
        Expr::Call(call) if !call.args.is_empty() => {
            let members: &Punctuated<Expr, _> = &call.args;
            return Some((&call.func, object(members, |_| Ok(()), errors)?));
        }
        other => errors.push(other, errors::META_FORM),
    }
    None
}

fn name(key: &Expr) -> Option<String> {
    match plain(key) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        key => text(key).map(syn::LitStr::value),
    }
}

/// A key of `_meta` (MCP, "General fields"): an optional prefix of labels and a slash, then a name.
fn check_top(key: &str) -> Result<(), String> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let ends = |text: &str, first: fn(&u8) -> bool| {
        text.bytes().next().is_some_and(|byte| first(&byte))
            && text.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    let inside = |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    let is_label = |label: &str| ends(label, u8::is_ascii_alphabetic) && inside(label, b"-");
    let is_name = ends(name, u8::is_ascii_alphanumeric) && inside(name, b"-_.");
    if !is_name || prefix.is_some_and(|prefix| !prefix.split('.').all(is_label)) {
        return Err(errors::bad_meta_key(key));
    }
    // Which label is reserved depends on the revision; in any place these words are best left alone.
    let labels = prefix.into_iter().flat_map(|prefix| prefix.split('.'));
    if labels.into_iter().any(|label| ["mcp", "modelcontextprotocol"].contains(&label)) {
        return Err(errors::reserved_meta_key(key));
    }
    Ok(())
}
