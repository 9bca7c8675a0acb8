//! `#[arg(...)]` on a parameter.

use quote::ToTokens;
use syn::{Attribute, Expr, Ident, LitStr, Meta};

use super::{
    Entry, Known, Value, entries,
    literal::{self, can_be_length, is_literal, number},
    text,
};
use crate::errors::{self, Errors};

const KNOWN: Known = Known {
    keys: &[
        ("default", "default = 10"),
        ("rename", "rename = \"userId\""),
        ("description", "description = \"The account to remove.\""),
        ("min", "min = 1"),
        ("max", "max = 100"),
        ("min_len", "min_len = 1"),
        ("max_len", "max_len = 200"),
        ("example", "example = \"eu-1\"` or `example(1, 10)"),
        ("header", "header = \"Region\""),
    ],
    later: &[],
};

/// What an `#[arg]` says.
#[derive(Default)]
pub(crate) struct ArgAttr {
    pub(crate) default: Option<DefaultValue>,
    pub(crate) rename: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) limits: Limits,
    /// JSON texts.
    pub(crate) examples: Vec<String>,
    pub(crate) header: Option<LitStr>,
}

/// A value for an argument that is not sent.
pub(crate) struct DefaultValue {
    /// `None` is the type's own default.
    pub(crate) value: Option<Expr>,
}

/// `min`, `max`, `min_len`, `max_len`.
#[derive(Default)]
pub(crate) struct Limits {
    /// Key and value, in the order they were written.
    pub(crate) list: Vec<(Ident, Expr)>,
}

impl ArgAttr {
    /// Reads all `#[arg]`s among these attributes.
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut this = Self::default();
        let args = attrs.iter().filter(|attr| attr.path().is_ident("arg"));
        let tokens = args.filter_map(|attr| match &attr.meta {
            Meta::List(list) => Some(list.tokens.clone()),
            // Bare, it says that this is an argument, whatever its type is called.
            Meta::Path(_) => None,
            other => {
                errors.push(other, errors::wrong_value("#[arg]", "#[arg(default = 10)]"));
                None
            }
        });
        let tokens: Vec<_> = tokens.collect();
        for entry in entries(tokens, &KNOWN, errors) {
            this.set(&entry, errors);
        }
        this.limits.check(this.default.as_ref(), errors);
        this
    }

    fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.name().as_str() {
            "rename" => self.rename = entry.text(&KNOWN, errors),
            "description" => self.description = entry.text(&KNOWN, errors),
            "default" => self.default = default(entry, errors),
            "example" => self.examples = examples(entry, errors),
            "header" => self.header = header(entry, errors),
            "min" | "max" => self.limits.add(entry, |value| !is_literal(value) || number(value).is_some(), errors),
            _ => self.limits.add(entry, can_be_length, errors),
        }
    }
}

fn default(entry: &Entry, errors: &mut Errors) -> Option<DefaultValue> {
    match &entry.value {
        Value::Bare => Some(DefaultValue { value: None }),
        Value::Is(Expr::Verbatim(_)) | Value::Call(_) => entry.wrong(&KNOWN, errors),
        Value::Is(value) => Some(DefaultValue { value: Some(value.clone()) }),
    }
}

/// `example = value`, `example(value, …)`
fn examples(entry: &Entry, errors: &mut Errors) -> Vec<String> {
    let values = match &entry.value {
        Value::Is(value) => std::slice::from_ref(value),
        Value::Call(values) if !values.is_empty() => values.as_slice(),
        _ => return entry.wrong(&KNOWN, errors).unwrap_or_default(),
    };
    let json = values.iter().filter_map(|value| {
        let json = literal::json(value);
        if json.is_none() {
            errors.push(value, errors::EXAMPLE_FORM);
        }
        json
    });
    json.collect()
}

fn header(entry: &Entry, errors: &mut Errors) -> Option<LitStr> {
    let name = entry.text(&KNOWN, errors)?;
    // RFC 9110 §5.6.2: token = 1*tchar
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let value = name.value();
    if !(1..=64).contains(&value.len()) || !value.bytes().all(allowed) {
        errors.push(&name, errors::bad_header(&value));
        return None;
    }
    Some(name)
}

impl Limits {
    fn add(&mut self, entry: &Entry, allowed: impl Fn(&Expr) -> bool, errors: &mut Errors) {
        match &entry.value {
            Value::Is(value) if !matches!(value, Expr::Verbatim(_)) && allowed(value) => {
                self.list.push((entry.key.clone(), value.clone()));
            }
            _ => drop(entry.wrong::<()>(&KNOWN, errors)),
        }
    }

    fn get(&self, key: &str) -> Option<&Expr> {
        self.list.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What no value can meet, or the default does not, as far as literals tell.
    fn check(&self, default: Option<&DefaultValue>, errors: &mut Errors) {
        for (least, most) in [("min", "max"), ("min_len", "max_len")] {
            let (Some(low), Some(high)) = (self.get(least), self.get(most)) else { continue };
            if number(low).zip(number(high)).is_some_and(|(low, high)| low > high) {
                errors.push(low, errors::limits_cross(least, most));
            }
        }
        let Some(value) = default.and_then(|default| default.value.as_ref()) else { return };
        let length = text(value).and_then(|text| i128::try_from(text.value().chars().count()).ok());
        let (number, length) = (number(value), length.map(literal::Number::Integer));
        for (key, limit) in &self.list {
            let Some(limit) = literal::number(limit) else { continue };
            let outside = match key.to_string().as_str() {
                "min" => number.is_some_and(|number| number < limit),
                "max" => number.is_some_and(|number| number > limit),
                "min_len" => length.is_some_and(|length| length < limit),
                _ => length.is_some_and(|length| length > limit),
            };
            if outside {
                errors.push(value, errors::default_outside(&key.to_string()));
            }
        }
    }
}

impl DefaultValue {
    /// The default as JSON text for the schema, if it is a literal.
    pub(crate) fn json(&self) -> Option<String> {
        literal::json(self.value.as_ref()?)
    }

    /// Whether this is a text, which becomes a `String` or whatever else can be made of it.
    pub(crate) fn is_text(&self) -> bool {
        self.value.as_ref().and_then(text).is_some()
    }
}

impl ToTokens for DefaultValue {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.value.to_tokens(tokens);
    }
}
