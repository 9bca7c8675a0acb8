//! Literals as JSON, as numbers, as lengths: what can be compared before anything is compiled.

use std::cmp::Ordering;

use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use super::plain;

/// A number as it was written.
#[derive(Clone, Copy)]
pub(crate) enum Number {
    Integer(i128),
    Float(f64),
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Self::Integer(a), Self::Integer(b)) => a.partial_cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            // The compiler refuses such a pair anyway.
            _ => None,
        }
    }
}

/// The number, if this is a literal one.
pub(crate) fn number(value: &Expr) -> Option<Number> {
    match plain(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok().map(Number::Integer),
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse().ok().map(Number::Float),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match number(expr)? {
            Number::Integer(number) => Some(Number::Integer(-number)),
            Number::Float(number) => Some(Number::Float(-number)),
        },
        _ => None,
    }
}

/// Whether this is a literal of any kind.
pub(crate) fn is_literal(value: &Expr) -> bool {
    matches!(plain(value), Expr::Lit(_) | Expr::Array(_)) || number(value).is_some()
}

/// Whether this is a whole number from zero, or no literal.
pub(crate) fn can_be_length(value: &Expr) -> bool {
    match number(value) {
        Some(Number::Integer(number)) => number >= 0,
        Some(Number::Float(_)) => false,
        None => !is_literal(value),
    }
}

/// JSON text, if this is a literal, or an array of literals.
pub(crate) fn json(value: &Expr) -> Option<String> {
    match plain(value) {
        Expr::Lit(ExprLit { lit, .. }) => literal(lit),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match plain(expr) {
            Expr::Lit(ExprLit { lit: lit @ (Lit::Int(_) | Lit::Float(_)), .. }) => Some(format!("-{}", literal(lit)?)),
            _ => None,
        },
        Expr::Array(array) => {
            let items: Option<Vec<String>> = array.elems.iter().map(json).collect();
            Some(format!("[{}]", items?.join(",")))
        }
        _ => None,
    }
}

fn literal(lit: &Lit) -> Option<String> {
    match lit {
        Lit::Str(text) => Some(json_text(&text.value())),
        Lit::Char(c) => Some(json_text(&c.value().to_string())),
        Lit::Int(number) => Some(number.base10_digits().to_owned()),
        // `1.` and `1e5` are floats in Rust; JSON wants a digit behind the point.
        Lit::Float(number) => {
            let number = number.base10_parse::<f64>().ok().filter(|number| number.is_finite())?;
            Some(format!("{number:?}"))
        }
        Lit::Bool(flag) => Some(flag.value.to_string()),
        _ => None,
    }
}

/// Quotes a text for JSON.
pub(crate) fn json_text(text: &str) -> String {
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
