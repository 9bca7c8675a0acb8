//! `#[tool(...)]`.

use proc_macro2::TokenStream;
use syn::{Expr, Ident, LitStr, Path};

use super::{
    Entry, Known, Value, count, duration, entries,
    guard::{self, Guard},
    icon::{self, Icon},
    limit::{self, Limit},
    meta,
    scope::{self, Scopes},
};
use crate::errors::{self, Errors};

const KNOWN: Known = Known {
    keys: &[
        ("public", "#[tool(public)]"),
        ("scopes", "scopes = \"read write\""),
        ("rate_limit", "rate_limit = \"100/h\""),
        ("timeout", "timeout = \"30s\""),
        ("concurrency", "concurrency = 4"),
        ("guard", "guard = owns(project)"),
        ("name", "name = \"get_user\""),
        ("title", "title = \"Get a user\""),
        ("description", "description = \"Finds a user by id.\""),
        ("read_only", "read_only` or `read_only = false"),
        ("destructive", "destructive` or `destructive = false"),
        ("idempotent", "idempotent` or `idempotent = false"),
        ("open_world", "open_world` or `open_world = false"),
        ("inline", "#[tool(inline)]"),
        ("icons", "icons = [\"https://example.com/icon.png\"]"),
        ("meta", "meta(\"example.com/team\" = \"billing\")"),
        ("crate", "crate = my_crate::mcp_runtime"),
    ],
    later: &[("confirm", "mark the tool `destructive`: clients then ask")],
};

/// What a `#[tool]` says.
#[derive(Default)]
pub(crate) struct ToolAttr {
    pub(crate) krate: Option<Path>,
    /// The key itself, where an error about it points.
    pub(crate) public: Option<Ident>,
    pub(crate) scopes: Option<Scopes>,
    /// The key, also when its value was wrong.
    pub(crate) scopes_key: Option<Ident>,
    pub(crate) rate_limits: Vec<Limit>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) guard: Option<Guard>,
    /// The key, also when its value was wrong.
    pub(crate) guard_key: Option<Ident>,
    /// Milliseconds.
    pub(crate) timeout: Option<u64>,
    pub(crate) name: Option<LitStr>,
    pub(crate) title: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) read_only: Option<bool>,
    pub(crate) destructive: Option<bool>,
    /// The key, where a contradiction points.
    pub(crate) destructive_key: Option<Ident>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) open_world: Option<bool>,
    /// The key, where an error about it points.
    pub(crate) inline: Option<Ident>,
    pub(crate) icons: Vec<Icon>,
    /// A JSON object.
    pub(crate) meta: Option<String>,
}

impl ToolAttr {
    /// Reads the list of one `#[tool(...)]`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut this = Self::default();
        for entry in entries([tokens], &KNOWN, errors) {
            this.set(&entry, errors);
        }
        this
    }

    pub(super) fn set(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.name().as_str() {
            "crate" => self.krate = entry.path(&KNOWN, errors),
            "public" => self.public = bare(entry, errors),
            "scopes" => {
                self.scopes_key = Some(entry.key.clone());
                self.scopes = scopes(entry, errors);
            }
            "rate_limit" => self.rate_limits.extend(limit::parse(entry, &KNOWN, errors)),
            "concurrency" => self.concurrency = count(entry, &KNOWN, errors),
            "guard" => {
                self.guard_key = Some(entry.key.clone());
                self.guard = guard::parse(entry, &KNOWN, errors);
            }
            "timeout" => self.timeout = timeout(entry, errors),
            "name" => self.name = entry.text(&KNOWN, errors),
            "title" => self.title = entry.text(&KNOWN, errors),
            "description" => self.description = entry.text(&KNOWN, errors),
            "read_only" => self.read_only = entry.flag(&KNOWN, errors),
            "destructive" => {
                self.destructive_key = Some(entry.key.clone());
                self.destructive = entry.flag(&KNOWN, errors);
            }
            "idempotent" => self.idempotent = entry.flag(&KNOWN, errors),
            "open_world" => self.open_world = entry.flag(&KNOWN, errors),
            "inline" => self.inline = bare(entry, errors),
            "icons" => self.icons = icon::parse(entry, &KNOWN, errors),
            _ => self.meta = meta::parse(entry, &KNOWN, errors),
        }
    }
}

/// Only ever written bare: `public = false` would look like a protection, and is what `#[tool]` means anyway.
fn bare(entry: &Entry, errors: &mut Errors) -> Option<Ident> {
    match entry.value {
        Value::Bare => Some(entry.key.clone()),
        _ => entry.wrong(&KNOWN, errors),
    }
}

fn scopes(entry: &Entry, errors: &mut Errors) -> Option<Scopes> {
    match &entry.value {
        Value::Is(value) if !matches!(value, Expr::Verbatim(_)) => scope::parse(value, errors),
        _ => entry.wrong(&KNOWN, errors),
    }
}

fn timeout(entry: &Entry, errors: &mut Errors) -> Option<u64> {
    let text = entry.text(&KNOWN, errors)?;
    match duration::parse(&text.value()) {
        Ok(millis) => Some(millis),
        Err(why) => {
            errors.push(&text, errors::bad_timeout(&text.value(), why));
            None
        }
    }
}
