//! `#[arg(...)]` on a parameter.

use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, ExprUnary, Lit, LitStr, Meta, UnOp};

use super::{Entry, Known, Value, entries, plain};
use crate::errors::{self, Errors};

const KNOWN: Known = Known {
    keys: &[
        ("default", "default = 10"),
        ("rename", "rename = \"userId\""),
        ("description", "description = \"The account to remove.\""),
    ],
    later: &[
        ("min", IN_THE_BODY),
        ("max", IN_THE_BODY),
        ("min_len", IN_THE_BODY),
        ("max_len", IN_THE_BODY),
        ("header", "read it with `Context::http()`"),
        ("example", "put the example in the doc comment"),
    ],
};

const IN_THE_BODY: &str = "check it in the body and return `ToolError::invalid(..)`";

/// What an `#[arg]` says.
#[derive(Default)]
pub(crate) struct ArgAttr {
    pub(crate) default: Option<DefaultValue>,
    pub(crate) rename: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
}

/// A value for an argument that is not sent.
pub(crate) struct DefaultValue {
    /// `None` is the type's own default.
    pub(crate) value: Option<Expr>,
}

impl ArgAttr {
    /// Reads all `#[arg]`s among these attributes.
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut this = Self::default();
        let args = attrs.iter().filter(|attr| attr.path().is_ident("arg"));
        let tokens = args.filter_map(|attr| match &attr.meta {
            Meta::List(list) => Some(list.tokens.clone()),
            other => {
                errors.push(other, errors::wrong_value("#[arg]", "#[arg(default = 10)]"));
                None
            }
        });
        let tokens: Vec<_> = tokens.collect();
        for entry in entries(tokens, &KNOWN, errors) {
            this.set(&entry, errors);
        }
        this
    }

    fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.name().as_str() {
            "rename" => self.rename = entry.text(&KNOWN, errors),
            "description" => self.description = entry.text(&KNOWN, errors),
            _ => self.default = default(entry, errors),
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

impl DefaultValue {
    /// The default as JSON text for the schema, if it is a literal.
    pub(crate) fn json(&self) -> Option<String> {
        match plain(self.value.as_ref()?) {
            Expr::Lit(ExprLit { lit, .. }) => literal(lit),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match plain(expr) {
                Expr::Lit(ExprLit { lit: lit @ (Lit::Int(_) | Lit::Float(_)), .. }) => {
                    Some(format!("-{}", literal(lit)?))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether this is a text, which becomes a `String` or whatever else can be made of it.
    pub(crate) fn is_text(&self) -> bool {
        self.value.as_ref().and_then(super::text).is_some()
    }
}

impl ToTokens for DefaultValue {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.value.to_tokens(tokens);
    }
}

fn literal(lit: &Lit) -> Option<String> {
    match lit {
        Lit::Str(text) => Some(json_text(&text.value())),
        Lit::Char(c) => Some(json_text(&c.value().to_string())),
        Lit::Int(number) => Some(number.base10_digits().to_owned()),
        // `1.` and `1e5` are floats in Rust; JSON wants a digit behind the point.
        Lit::Float(number) => number.base10_parse::<f64>().ok().map(|number| format!("{number:?}")),
        Lit::Bool(flag) => Some(flag.value.to_string()),
        _ => None,
    }
}

/// Quotes a text for JSON.
fn json_text(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if u32::from(c) < 0x20 => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
