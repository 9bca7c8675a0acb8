//! From the item under an attribute to what stands in its place: read, judge, expand; never lose the author's code.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{FnArg, ext::IdentExt};

use crate::{
    attr::{self, tool::ToolAttr, tools::GroupAttr},
    errors::{self, Errors},
    expand::{self, Receiver, ToolModel},
    signature::{self, Function, Shape},
    validate::{self, Collision},
};

/// `#[tool] fn`
pub(crate) fn tool(attr: TokenStream, item: TokenStream) -> TokenStream {
    if attr.to_string() == expand::NAMED {
        return TokenStream::new();
    }
    let mut errors = Errors::default();
    let tokens = match syn::parse2::<Function>(item.clone()) {
        Ok(function) => free_function(attr, function, &mut errors),
        Err(_) => {
            errors.push_at(Span::call_site(), errors::NOT_A_FUNCTION);
            item
        }
    };
    let errors = errors.into_tokens();
    quote!(#tokens #errors)
}

fn free_function(attr: TokenStream, function: Function, errors: &mut Errors) -> TokenStream {
    let attr = ToolAttr::parse(attr, errors);
    let mut names = HashSet::new();
    validate::path_starts(function.sig.to_token_stream(), &mut names);
    validate::path_starts(function.body.clone(), &mut names);
    let shadows = names.contains(&function.sig.ident.unraw().to_string());
    expand_function(&attr, &GroupAttr::default(), function, shadows, errors).tokens
}

/// A function with what stands beside it.
pub(crate) struct Expanded {
    pub(crate) tokens: TokenStream,
    /// Its type, if there is one.
    pub(crate) marker: Option<Ident>,
}

/// Expands a free function, alone or in a module. `shadows` is whether its type would hide something it uses.
pub(crate) fn expand_function(
    attr: &ToolAttr,
    group: &GroupAttr,
    mut function: Function,
    shadows: bool,
    errors: &mut Errors,
) -> Expanded {
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        // Anything beside the function would be one more error inside an `impl`.
        errors.push(receiver, errors::SELF_WITHOUT_SET);
        signature::strip(&mut function.sig);
        return Expanded { tokens: function.into_token_stream(), marker: None };
    }
    let krate = expand::runtime(attr.krate.as_ref().or(group.krate.as_ref()));
    let collision = validate::collision(&function, &krate, shadows, errors);
    let judged = Judged::new(attr, group, &function, errors);
    signature::strip(&mut function.sig);
    if collision == Collision::Everywhere {
        return Expanded { tokens: function.into_token_stream(), marker: None };
    }
    // At the place of the name, but not the author's word: lints on names are not for it.
    let span = function.sig.ident.span().resolved_at(Span::mixed_site());
    let mut marker = function.sig.ident.clone();
    marker.set_span(span);
    let model = judged.model(krate, attr, &function, Receiver::Function, marker.clone());
    let tokens = match collision {
        // The function would fail to compile beside its type, in words that do not help.
        Collision::Path => expand::stub(model),
        _ => expand::function(&model),
    };
    Expanded { tokens, marker: Some(marker) }
}

/// What is known of a tool once every rule was asked.
pub(crate) struct Judged {
    name: String,
    description: String,
    pub(crate) shape: Option<Shape>,
    has_floor: bool,
}

impl Judged {
    pub(crate) fn new(attr: &ToolAttr, group: &GroupAttr, function: &Function, errors: &mut Errors) -> Self {
        let ident = &function.sig.ident;
        validate::attribute(attr, errors);
        validate::in_group(attr, group, errors);
        validate::inline(attr, function, errors);
        let name = validate::tool_name(attr, group, ident, errors);
        let description = validate::description(attr, function, errors);
        let shape = Shape::read(&function.sig, errors);
        let shape = shape.filter(|shape| validate::parameters(attr, group, shape, ident, errors));
        Self { name, description, shape, has_floor: group.has_floor }
    }

    pub(crate) fn model<'m>(
        self,
        krate: TokenStream,
        attr: &'m ToolAttr,
        function: &'m Function,
        receiver: Receiver<'m>,
        marker: Ident,
    ) -> ToolModel<'m> {
        let Self { name, description, shape, has_floor } = self;
        ToolModel { krate, attr, has_floor, function, name, description, shape, receiver, marker }
    }
}

/// `tools![…]`
pub(crate) fn tools(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let list = attr::tools::List::parse(input, &mut errors);
    let tokens = expand::list(&expand::runtime(list.krate.as_ref()), &list.tools);
    let errors = errors.into_tokens();
    if errors.is_empty() { tokens } else { quote!({ #errors #tokens }) }
}
