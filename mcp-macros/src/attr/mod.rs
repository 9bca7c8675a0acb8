//! What can be written in an attribute: `key`, `key = value`, `key(value, …)`.

pub(crate) mod arg;
pub(crate) mod duration;
pub(crate) mod guard;
pub(crate) mod icon;
pub(crate) mod limit;
pub(crate) mod literal;
pub(crate) mod meta;
pub(crate) mod rate;
pub(crate) mod scope;
pub(crate) mod tool;
pub(crate) mod tools;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Expr, ExprLit, Ident, Lit, LitStr, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser, discouraged::Speculative},
    punctuated::Punctuated,
    token::Paren,
};

use crate::errors::{self, Errors};

/// One item of an attribute's list.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// `key`
    Bare,
    /// `key = value`
    Is(Expr),
    /// `key(value, …)`
    Call(Vec<Expr>),
}

/// A key of the grammar, or of the next one.
pub(crate) struct Known {
    /// What can be written, each with an example.
    pub(crate) keys: &'static [(&'static str, &'static str)],
    /// What cannot be written yet, each with what to do instead.
    pub(crate) later: &'static [(&'static str, &'static str)],
}

/// Keys that add up where they are written several times.
const REPEATABLE: [&str; 1] = ["rate_limit"];

impl Entry {
    pub(crate) fn name(&self) -> String {
        self.key.unraw().to_string()
    }

    /// The value of `key = "text"`, and nothing else.
    pub(crate) fn text(&self, known: &Known, errors: &mut Errors) -> Option<LitStr> {
        match &self.value {
            Value::Is(value) if text(value).is_some() => text(value).cloned(),
            _ => self.wrong(known, errors),
        }
    }

    /// `key`, `key = true` or `key = false`.
    pub(crate) fn flag(&self, known: &Known, errors: &mut Errors) -> Option<bool> {
        match &self.value {
            Value::Bare => Some(true),
            Value::Is(value) => match plain(value) {
                Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => Some(flag.value),
                _ => self.wrong(known, errors),
            },
            Value::Call(_) => self.wrong(known, errors),
        }
    }

    /// `crate = path`
    pub(crate) fn path(&self, known: &Known, errors: &mut Errors) -> Option<syn::Path> {
        match &self.value {
            Value::Is(value) => match plain(value) {
                Expr::Path(path) if path.qself.is_none() => Some(path.path.clone()),
                _ => self.wrong(known, errors),
            },
            _ => self.wrong(known, errors),
        }
    }

    /// Says how the key is written.
    pub(crate) fn wrong<T>(&self, known: &Known, errors: &mut Errors) -> Option<T> {
        let name = self.name();
        let example = known.keys.iter().find(|(key, _)| *key == name).map_or("", |(_, example)| example);
        let message = errors::wrong_value(&name, example);
        match &self.value {
            Value::Is(Expr::Verbatim(tokens)) if tokens.is_empty() => errors.push(&self.key, message),
            Value::Is(value) => errors.push(value, message),
            Value::Bare | Value::Call(_) => errors.push(&self.key, message),
        }
        None
    }
}

/// Reads a list and keeps what is known and new; the rest becomes errors.
///
/// Several attributes are one list, so that a key is seen twice across them as well.
pub(crate) fn entries(lists: impl IntoIterator<Item = TokenStream>, known: &Known, errors: &mut Errors) -> Vec<Entry> {
    let mut list: Vec<Entry> = Vec::new();
    let written: Vec<Entry> = lists.into_iter().flat_map(|tokens| split(tokens, known, errors)).collect();
    for entry in written {
        let name = entry.name();
        if let Some((key, instead)) = known.later.iter().find(|(key, _)| *key == name) {
            errors.push(&entry.key, errors::not_yet(&format!("`{key}`"), instead));
        } else if !known.keys.iter().any(|(key, _)| *key == name) {
            errors.push(&entry.key, unknown(&name, known));
        } else if !REPEATABLE.contains(&name.as_str()) && list.iter().any(|other| other.name() == name) {
            errors.push(&entry.key, errors::key_twice(&name));
        } else {
            list.push(entry);
        }
    }
    list
}

fn unknown(name: &str, known: &Known) -> String {
    let keys = || known.keys.iter().chain(known.later).map(|(key, _)| *key);
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    let written = plain(name);
    let edits = |key: &str| {
        let part = written.len() >= 3 && (key.starts_with(&written) || written.starts_with(key));
        if part { 1 } else { distance(&written, &plain(key)) }
    };
    let near = keys().map(|key| (edits(key), key)).min();
    match near {
        Some((edits, key)) if edits <= 2 && edits < key.len() / 2 + 1 => errors::unknown_key(name, key),
        _ => {
            let keys: Vec<_> = known.keys.iter().map(|(key, _)| format!("`{key}`")).collect();
            errors::unknown_key_of(name, &keys.join(" "))
        }
    }
}

/// How many letters must be changed, added or removed to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Each piece between commas is read alone, so that a mistake in one does not hide those in the others.
fn split(tokens: TokenStream, known: &Known, errors: &mut Errors) -> Vec<Entry> {
    let mut list = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            list.extend(entry(input, known, errors));
            to_next_comma(input)?;
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        errors.push_at(error.span(), errors::NOT_AN_ENTRY);
    }
    list
}

fn entry(input: ParseStream<'_>, known: &Known, errors: &mut Errors) -> Option<Entry> {
    if !input.peek(Ident::peek_any) {
        errors.push_at(input.span(), errors::NOT_AN_ENTRY);
        return None;
    }
    let key = Ident::parse_any(input).ok()?;
    if let Some(dashed) = dashed(&key, input) {
        errors.push(&key, unknown(&dashed, known));
        return None;
    }
    let Ok(value) = value(input) else {
        errors.push(&key, errors::NOT_AN_ENTRY);
        return None;
    };
    if !input.is_empty() && !input.peek(Token![,]) {
        errors.push_at(input.span(), errors::MISSING_COMMA);
    }
    Some(Entry { key, value })
}

/// `read-only` is one word to an author and three tokens to Rust.
fn dashed(key: &Ident, input: ParseStream<'_>) -> Option<String> {
    let mut name = key.to_string();
    while input.peek(Token![-]) && input.peek2(Ident::peek_any) {
        input.parse::<Token![-]>().ok()?;
        name = format!("{name}-{}", Ident::parse_any(input).ok()?);
    }
    name.contains('-').then_some(name)
}

fn value(input: ParseStream<'_>) -> syn::Result<Value> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        return expression(input).map(Value::Is);
    }
    if input.peek(Paren) {
        let inside;
        syn::parenthesized!(inside in input);
        let tokens: TokenStream = inside.parse()?;
        let list = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone());
        return Ok(Value::Call(list.map_or_else(|_| vec![Expr::Verbatim(tokens)], |list| list.into_iter().collect())));
    }
    Ok(Value::Bare)
}

/// An expression, or whatever stands before the next comma.
fn expression(input: ParseStream<'_>) -> syn::Result<Expr> {
    let fork = input.fork();
    if let Ok(value) = fork.parse::<Expr>() {
        input.advance_to(&fork);
        return Ok(value);
    }
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok(Expr::Verbatim(tokens))
}

fn to_next_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    input.parse::<Option<Token![,]>>()?;
    Ok(())
}

/// `key = 50`: a whole number above zero.
pub(crate) fn count(entry: &Entry, known: &Known, errors: &mut Errors) -> Option<u32> {
    let number = match &entry.value {
        Value::Is(value) => match plain(value) {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse::<u32>().ok(),
            _ => None,
        },
        _ => None,
    };
    number.filter(|number| *number > 0).or_else(|| entry.wrong(known, errors))
}

/// What `macro_rules!` passes on comes in invisible brackets.
pub(crate) fn plain(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => plain(&group.expr),
        other => other,
    }
}

pub(crate) fn text(value: &Expr) -> Option<&LitStr> {
    match plain(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// The doc comment in these attributes, without the space after `///`.
pub(crate) fn doc_text(attrs: &[syn::Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        syn::Meta::NameValue(meta) if meta.path.is_ident("doc") => text(&meta.value).map(LitStr::value),
        _ => None,
    });
    let text: Vec<String> = lines.flat_map(|text| text.split('\n').map(doc_line).collect::<Vec<_>>()).collect();
    text.join("\n").trim().to_owned()
}

fn doc_line(line: &str) -> String {
    // `/** … */` blocks often start each line with a star.
    let line = line.trim_end();
    let star = line.trim_start().strip_prefix("* ");
    star.unwrap_or_else(|| line.strip_prefix(' ').unwrap_or(line)).to_owned()
}

/// What MCP clients and model providers accept as a name.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}
