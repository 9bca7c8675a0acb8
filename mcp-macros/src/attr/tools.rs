//! `#[toolset(...)]` and the list in `tools![…]`.

use proc_macro2::TokenStream;
use syn::{
    Path, Token,
    parse::{ParseStream, Parser},
};

use super::{Known, entries};
use crate::errors::{self, Errors};

const ON_EACH: &str = "write it on each tool";

const KNOWN: Known = Known {
    keys: &[("crate", "crate = my_crate::mcp_runtime")],
    later: &[
        ("prefix", "write `name = \"...\"` on each tool"),
        ("scopes", ON_EACH),
        ("rate_limit", ON_EACH),
        ("timeout", ON_EACH),
        ("public", ON_EACH),
    ],
};

/// Reads the list of `#[toolset(...)]`: where the runtime is.
pub(crate) fn parse_attr(tokens: TokenStream, errors: &mut Errors) -> Option<Path> {
    entries([tokens], &KNOWN, errors).iter().find_map(|entry| entry.path(&KNOWN, errors))
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
