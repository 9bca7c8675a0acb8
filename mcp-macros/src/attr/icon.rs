//! `icons = ["https://…", icon("data:…", mime = "image/png", sizes = "48x48", theme = "dark")]`

use quote::quote;
use syn::{Expr, ExprCall, LitStr};

use super::{Entry, Known, Value, entries, plain, text};
use crate::errors::{self, Errors};

const KNOWN: Known = Known {
    keys: &[
        ("mime", "mime = \"image/png\""),
        ("sizes", "sizes = \"48x48 96x96\"` or `sizes = \"any\""),
        ("theme", "theme = \"light\"` or `theme = \"dark\""),
    ],
    later: &[],
};

/// One picture.
pub(crate) struct Icon {
    pub(crate) src: String,
    pub(crate) mime: Option<String>,
    pub(crate) sizes: Vec<String>,
    pub(crate) theme: Option<String>,
}

/// Reads what stands behind `icons`.
pub(crate) fn parse(entry: &Entry, known: &Known, errors: &mut Errors) -> Vec<Icon> {
    match &entry.value {
        Value::Is(value) => match plain(value) {
            Expr::Array(list) if !list.elems.is_empty() => {
                list.elems.iter().filter_map(|value| icon(value, errors)).collect()
            }
            one if text(one).is_some() => icon(one, errors).into_iter().collect(),
            _ => entry.wrong(known, errors).unwrap_or_default(),
        },
        _ => entry.wrong(known, errors).unwrap_or_default(),
    }
}

fn icon(value: &Expr, errors: &mut Errors) -> Option<Icon> {
    if let Some(text) = text(value) {
        return Some(Icon { src: source(text, errors)?, mime: None, sizes: Vec::new(), theme: None });
    }
    match plain(value) {
        Expr::Call(call) if is_icon(call) => from_call(call, errors),
        _ => {
            errors.push(value, errors::ICON_FORM);
            None
        }
    }
}

fn is_icon(call: &ExprCall) -> bool {
    let named = matches!(plain(&call.func), Expr::Path(path) if path.path.is_ident("icon"));
    named && call.args.first().and_then(text).is_some()
}

fn from_call(call: &ExprCall, errors: &mut Errors) -> Option<Icon> {
    let mut args = call.args.iter();
    let src = source(args.next().and_then(text)?, errors);
    let mut icon = Icon { src: String::new(), mime: None, sizes: Vec::new(), theme: None };
    for entry in entries(args.map(|option| quote!(#option)), &KNOWN, errors) {
        let Some(text) = entry.text(&KNOWN, errors) else { continue };
        let value = text.value();
        match entry.name().as_str() {
            "mime" if is_mime(&value) => icon.mime = Some(value),
            "sizes" if value.split(' ').all(is_size) => icon.sizes = value.split(' ').map(str::to_owned).collect(),
            "theme" if value == "light" || value == "dark" => icon.theme = Some(value),
            _ => drop(entry.wrong::<()>(&KNOWN, errors)),
        }
    }
    icon.src = src?;
    Some(icon)
}

/// Clients refuse whatever is neither https nor data (MCP 2025-11-25, "Icons").
fn source(text: &LitStr, errors: &mut Errors) -> Option<String> {
    let url = text.value();
    let lower = url.to_ascii_lowercase();
    let known = ["https://", "data:image/"].iter().any(|start| lower.starts_with(start) && lower.len() > start.len());
    if !known || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        errors.push(text, errors::ICON_SOURCE);
        return None;
    }
    Some(url)
}

fn is_mime(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    text.strip_prefix("image/").is_some_and(word)
}

fn is_size(text: &str) -> bool {
    let number = |text: &str| !text.starts_with('0') && text.parse::<u16>().is_ok_and(|number| number > 0);
    text == "any" || text.split_once('x').is_some_and(|(width, height)| number(width) && number(height))
}
