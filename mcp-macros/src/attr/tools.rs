//! `#[toolset(...)]` and the list in `tools![…]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Path, Token,
    parse::{ParseStream, Parser},
};

use super::{Entry, Known, Value, entries, is_name, tool::ToolAttr};
use crate::errors::{self, Errors};

const KNOWN: Known = Known {
    keys: &[
        ("prefix", "prefix = \"files_\""),
        ("scopes", "scopes = \"files:read\""),
        ("rate_limit", "rate_limit = \"1000/d\""),
        ("timeout", "timeout = \"30s\""),
        ("crate", "crate = my_crate::mcp_runtime"),
    ],
    later: &[],
};

/// What a `#[toolset]` says for all of its tools.
#[derive(Default)]
pub(crate) struct GroupAttr {
    pub(crate) krate: Option<Path>,
    pub(crate) prefix: Option<String>,
    /// Scopes, limits and timeout, as a tool has them.
    pub(crate) demands: ToolAttr,
    /// Whether anything is demanded, also when its value was wrong.
    pub(crate) has_floor: bool,
}

impl GroupAttr {
    /// Reads the list of `#[toolset(...)]`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut this = Self::default();
        for entry in entries([tokens], &KNOWN, errors) {
            match entry.name().as_str() {
                "crate" => this.krate = entry.path(&KNOWN, errors),
                "prefix" => this.prefix = prefix(&entry, errors),
                _ => this.demand(&entry, errors),
            }
        }
        this
    }

    fn demand(&mut self, entry: &Entry, errors: &mut Errors) {
        self.has_floor = true;
        match &entry.value {
            Value::Is(value) if entry.key == "scopes" && has_template(value.to_token_stream()) => {
                self.demands.scopes_key = Some(entry.key.clone());
                errors.push(value, errors::TEMPLATE_IN_GROUP);
            }
            _ => self.demands.set(entry, errors),
        }
    }
}

fn prefix(entry: &Entry, errors: &mut Errors) -> Option<String> {
    let text = entry.text(&KNOWN, errors)?;
    let prefix = text.value();
    if !is_name(&prefix) {
        errors.push(&text, errors::bad_prefix(&prefix));
        return None;
    }
    Some(prefix)
}

/// Whether a text in here has a `{`, which would be filled from an argument.
fn has_template(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Literal(literal) => literal.to_string().contains('{'),
        TokenTree::Group(group) => has_template(group.stream()),
        _ => false,
    })
}

/// What is in `tools![…]`.
#[derive(Default)]
pub(crate) struct List {
    pub(crate) krate: Option<Path>,
    pub(crate) tools: Vec<Path>,
}

impl List {
    /// Reads `crate = path; a, m::b`.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut this = Self::default();
        let parser = |input: ParseStream<'_>| this.read(input, errors);
        if let Err(error) = parser.parse2(tokens) {
            errors.push_at(error.span(), errors::NOT_A_TOOL_PATH);
        }
        this
    }

    fn read(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            self.krate = Some(input.call(Path::parse_mod_style)?);
            input.parse::<Token![;]>()?;
        }
        while !input.is_empty() {
            let tool = input.call(Path::parse_mod_style)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
            self.add(tool, errors);
        }
        Ok(())
    }

    fn add(&mut self, tool: Path, errors: &mut Errors) {
        let name = |path: &Path| quote::quote!(#path).to_string().replace(' ', "");
        if self.tools.iter().any(|other| name(other) == name(&tool)) {
            errors.push(&tool, errors::listed_twice(&name(&tool)));
        } else {
            self.tools.push(tool);
        }
    }
}
