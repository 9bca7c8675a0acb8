//! `rate_limit = "100/h"`, `rate_limit("20/s", burst = 50, per = client)`.

use proc_macro2::Ident;
use syn::Expr;

use super::{
    Entry, Known, Value, entries, plain,
    rate::{self, Rate},
    text,
};
use crate::errors::{self, Errors};

/// One limit of a tool or a group.
pub(crate) struct Limit {
    pub(crate) rate: Rate,
    pub(crate) burst: Option<u32>,
    /// `Subject`, `Client`, `Address` or `Global`.
    pub(crate) per: Option<Ident>,
}

const OPTIONS: Known =
    Known { keys: &[("burst", "burst = 50"), ("per", "per = subject`, `client`, `address` or `global")], later: &[] };

/// Reads one `rate_limit`. One that cannot be read is an error: a limit never just goes away.
pub(crate) fn parse(entry: &Entry, known: &Known, errors: &mut Errors) -> Option<Limit> {
    let before = errors.count();
    let limit = read(entry, known, errors);
    if limit.is_none() && errors.count() == before {
        return entry.wrong(known, errors);
    }
    limit
}

fn read(entry: &Entry, known: &Known, errors: &mut Errors) -> Option<Limit> {
    let (limit, options) = match &entry.value {
        Value::Is(value) => (value, &[][..]),
        Value::Call(values) => match values.split_first() {
            Some((limit, options)) => (limit, options),
            None => return entry.wrong(known, errors),
        },
        Value::Bare => return entry.wrong(known, errors),
    };
    if matches!(plain(limit), Expr::Array(_)) {
        errors.push(limit, errors::LIMIT_ARRAY);
        return None;
    }
    let Some(written) = text(limit) else { return entry.wrong(known, errors) };
    let rate = match rate::parse(&written.value()) {
        Ok(rate) => rate,
        Err(why) => {
            errors.push(written, errors::bad_rate(&written.value(), why));
            return None;
        }
    };
    let (mut burst, mut per) = (None, None);
    for option in entries([quote::quote!(#(#options),*)], &OPTIONS, errors) {
        match option.name().as_str() {
            "burst" => burst = Some(count(&option, errors)?),
            _ => per = Some(counted_per(&option, errors)?),
        }
    }
    Some(Limit { rate, burst, per })
}

/// `burst = 50`
fn count(entry: &Entry, errors: &mut Errors) -> Option<u32> {
    super::count(entry, &OPTIONS, errors)
}

/// `per = client`
fn counted_per(entry: &Entry, errors: &mut Errors) -> Option<Ident> {
    let Value::Is(value) = &entry.value else { return entry.wrong(&OPTIONS, errors) };
    let name = match plain(value) {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    };
    let Some(name) = name else { return entry.wrong(&OPTIONS, errors) };
    let variant = match name.to_string().as_str() {
        "subject" => "Subject",
        "client" => "Client",
        "address" => "Address",
        "global" => "Global",
        _ => return entry.wrong(&OPTIONS, errors),
    };
    Some(Ident::new(variant, name.span()))
}
