//! Rules that no single key or parameter can check.

use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Ident, ext::IdentExt};

use crate::{
    attr::{self, scope::Scopes, tool::ToolAttr, tools::GroupAttr},
    errors::{self, Errors},
    signature::{Argument, Function, Shape, is_identity, is_upstream},
};

const MOST_ARGUMENTS: usize = 16;
const MOST_INJECTED: usize = 6;
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
    "f32", "f64",
];

/// The rules between the keys of `#[tool(...)]`.
pub(crate) fn attribute(attr: &ToolAttr, errors: &mut Errors) {
    if let (Some(public), Some(_)) = (&attr.public, &attr.scopes_key) {
        errors.push(public, errors::PUBLIC_WITH_SCOPES);
    }
    if let (Some(true), Some(true), Some(key)) = (attr.read_only, attr.destructive, &attr.destructive_key) {
        errors.push(key, errors::READ_ONLY_DESTRUCTIVE);
    }
}

/// The rules between a tool and the group around it.
pub(crate) fn in_group(attr: &ToolAttr, group: &GroupAttr, errors: &mut Errors) {
    if let (Some(public), Some(_)) = (&attr.public, &group.demands.scopes_key) {
        errors.push(public, errors::PUBLIC_IN_GROUP);
    }
}

/// `inline` is for what would otherwise run on the pool for blocking work.
pub(crate) fn inline(attr: &ToolAttr, function: &Function, errors: &mut Errors) {
    if let (Some(inline), Some(_)) = (&attr.inline, &function.sig.asyncness) {
        errors.push(inline, errors::INLINE_ASYNC);
    }
}

/// The rules between the attribute and the parameters. False if the function cannot be called as a tool at all.
pub(crate) fn parameters(attr: &ToolAttr, group: &GroupAttr, shape: &Shape, name: &Ident, errors: &mut Errors) -> bool {
    if attr.scopes_key.is_none() && group.demands.scopes_key.is_none() {
        for ty in shape.injected().filter(|ty| is_upstream(ty)) {
            errors.push(ty, errors::UPSTREAM_WITHOUT_SCOPES);
        }
    }
    if attr.public.is_some() {
        for ty in shape.injected().filter(|ty| is_identity(ty)) {
            errors.push(ty, errors::PUBLIC_IDENTITY);
        }
    }
    let arguments: Vec<_> = shape.arguments().collect();
    for (i, argument) in arguments.iter().enumerate() {
        if arguments[..i].iter().any(|other| other.name == argument.name) {
            errors.push(&argument.at, errors::argument_twice(&argument.name));
        }
    }
    headers(&arguments, errors);
    asked(attr, shape, &arguments, errors);
    let injected = shape.injected().count();
    if arguments.len() > MOST_ARGUMENTS {
        errors.push(name, errors::too_many_arguments(arguments.len()));
    }
    if injected > MOST_INJECTED {
        errors.push(name, errors::too_many_injected(injected));
    }
    whole(shape, &arguments, errors) && arguments.len() <= MOST_ARGUMENTS && injected <= MOST_INJECTED
}

/// The arguments that scopes and the guard name. The fields of `Args<T>` only its type knows.
fn asked(attr: &ToolAttr, shape: &Shape, arguments: &[&Argument], errors: &mut Errors) {
    if shape.wholes().next().is_some() {
        return;
    }
    for template in attr.scopes.iter().flat_map(Scopes::templates) {
        for name in template.arguments().filter(|name| arguments.iter().all(|argument| argument.name != *name)) {
            errors.push(&template.at, errors::scope_without_argument(name));
        }
    }
    for name in attr.guard.iter().flat_map(|guard| &guard.arguments) {
        if arguments.iter().all(|argument| argument.at != *name) {
            errors.push(name, errors::guard_without_argument(&name.unraw().to_string()));
        }
    }
}

/// `Args<T>` stands alone.
fn whole(shape: &Shape, arguments: &[&Argument], errors: &mut Errors) -> bool {
    let before = errors.count();
    if shape.wholes().next().is_some() {
        arguments.iter().for_each(|argument| errors.push(&argument.at, errors::ARGS_AND_MORE));
        shape.wholes().skip(1).for_each(|ty| errors.push(ty, errors::ARGS_AND_MORE));
    }
    errors.count() == before
}

/// No two arguments in one header (RFC 9110 §5.1: names of fields do not tell case).
fn headers(arguments: &[&Argument], errors: &mut Errors) {
    let named: Vec<_> = arguments.iter().filter_map(|argument| argument.header.as_ref()).collect();
    for (i, header) in named.iter().enumerate() {
        let name = header.value();
        if named[..i].iter().any(|other| other.value().eq_ignore_ascii_case(&name)) {
            errors.push(header, errors::header_twice(&name));
        }
    }
    for argument in arguments.iter().filter(|argument| argument.default.is_some()) {
        if let Some(header) = &argument.header {
            errors.push(header, errors::HEADER_WITH_DEFAULT);
        }
    }
}

/// The name that clients call.
pub(crate) fn tool_name(attr: &ToolAttr, group: &GroupAttr, function: &Ident, errors: &mut Errors) -> String {
    let name = attr.name.as_ref().map_or_else(|| function.unraw().to_string(), syn::LitStr::value);
    let name = format!("{}{name}", group.prefix.as_deref().unwrap_or_default());
    if !attr::is_name(&name) {
        let message = errors::bad_tool_name(&name);
        match &attr.name {
            Some(text) => errors.push(text, message),
            None => errors.push(function, message),
        }
    }
    name
}

/// What the model is told; empty if nothing is.
pub(crate) fn description(attr: &ToolAttr, function: &Function, errors: &mut Errors) -> String {
    let Some(written) = &attr.description else { return attr::doc_text(&function.attrs) };
    if written.value().trim().is_empty() {
        errors.push(written, errors::EMPTY_DESCRIPTION);
    }
    written.value()
}

/// What the type of the function's name would hide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collision {
    None,
    /// Something that the code around needs, or the expansion: a type such as `str`.
    Everywhere,
    /// A crate or module that the function itself uses.
    Path,
}

/// A free function gets a type of the same name beside it; the compiler's words on what that hides are unreadable.
pub(crate) fn collision(function: &Function, krate: &TokenStream, shadows: bool, errors: &mut Errors) -> Collision {
    let name = function.sig.ident.unraw().to_string();
    if PRIMITIVES.contains(&name.as_str()) {
        errors.push(&function.sig.ident, errors::primitive_name(&name));
        return Collision::Everywhere;
    }
    if matches!(krate.clone().into_iter().next(), Some(TokenTree::Ident(first)) if first == name) {
        errors.push(&function.sig.ident, errors::shadows_path(&name));
        return Collision::Everywhere;
    }
    if shadows {
        errors.push(&function.sig.ident, errors::shadows_path(&name));
        return Collision::Path;
    }
    Collision::None
}

/// Every `name` of a `name::something` in these tokens. Macros are searched as well: what they make of it is unknown,
/// and a path most likely.
pub(crate) fn path_starts(tokens: TokenStream, names: &mut HashSet<String>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |i: usize, c: char| matches!(trees.get(i), Some(TokenTree::Punct(punct)) if punct.as_char() == c);
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => path_starts(group.stream(), names),
            TokenTree::Ident(ident) => {
                let after_path = i > 0 && (is(i - 1, ':') && i > 1 && is(i - 2, ':') || is(i - 1, '.'));
                let before_path = is(i + 1, ':') && is(i + 2, ':') && !is(i + 3, '<');
                if before_path && !after_path {
                    names.insert(ident.unraw().to_string());
                }
            }
            _ => {}
        }
    }
}
