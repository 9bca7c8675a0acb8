//! Many tools: `#[toolset] impl` and `tools![…]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, Path, Type, spanned::Spanned};

use super::{
    policy::floor,
    tool::{ToolModel, markers},
};
use crate::attr::tools::GroupAttr;

/// Types and traits of the methods, and the value's own trait, in a scope that shows none of it.
pub(crate) fn toolset(krate: &TokenStream, group: &GroupAttr, ty: &Type, tools: &[ToolModel<'_>]) -> TokenStream {
    let impls = tools.iter().map(markers);
    let floor = floor(group, &quote!(#krate::__private));
    let adds = tools.iter().map(|tool| {
        let (cfgs, marker) = (tool.cfgs(), &tool.marker);
        quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            let tools = #krate::__private::Tools::add_method::<#marker>(tools, #krate::__private::share(&this));
        }
    });
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            #floor
            #(#impls)*
            #[automatically_derived]
            impl #krate::__private::ToolSet for #ty {
                fn into_tools(self) -> #krate::__private::Tools {
                    let this = ::std::sync::Arc::new(self);
                    let tools = #krate::__private::Tools::new();
                    #(#adds)*
                    tools
                }
            }
        };
    }
}

/// What a module gets beside its own items: the floor of its tools, and the list of them.
pub(crate) fn module(krate: &TokenStream, group: &GroupAttr, name: &Ident, tools: &[Listed]) -> TokenStream {
    let floor = floor(group, &quote!(#krate::__private));
    let adds = tools.iter().map(|Listed { cfgs, marker }| {
        quote_spanned! {Span::mixed_site()=>
            #(#cfgs)*
            let tools = #krate::__private::Tools::add::<#marker>(tools);
        }
    });
    // At the place of the module's name, so that a list that nobody asks for is reported there.
    let list = Ident::new("tools", name.span());
    quote_spanned! {Span::mixed_site()=>
        #floor
        /// The tools of this module, in the order they stand in it.
        pub fn #list() -> #krate::__private::Tools {
            let tools = #krate::__private::Tools::new();
            #(#adds)*
            tools
        }
    }
}

/// A tool of a module.
pub(crate) struct Listed {
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) marker: Ident,
}

/// What an attribute says to be nothing but named.
pub(crate) const NAMED: &str = "__named";

/// Names the `#[tool]`s that were taken off methods, so that the author's `use` of them is used, and missed as usual.
pub(crate) fn name_attributes(paths: &[Path]) -> TokenStream {
    let named = format_ident!("{NAMED}");
    let mut seen = Vec::new();
    let new = paths.iter().filter(|path| {
        let text = path.to_token_stream().to_string();
        let new = !seen.contains(&text);
        seen.push(text);
        new
    });
    quote!(#(#[#new(#named)] const _: () = ();)*)
}

/// `tools![a, m::b]`; each call carries the span of its path.
pub(crate) fn list(krate: &TokenStream, tools: &[Path]) -> TokenStream {
    let adds = tools.iter().map(|path| {
        // Through a name of its own, because of a plain function rustc then says that it is one and not a type.
        let named = format_ident!("__NamedTool", span = path.span().resolved_at(Span::mixed_site()));
        let add = quote_spanned!(path.span()=> #krate::__private::Tools::add::<#named>);
        quote_spanned!(Span::mixed_site()=> let tools = { type #named = #path; #add(tools) };)
    });
    quote_spanned! {Span::mixed_site()=> {
        let tools = #krate::__private::Tools::new();
        #(#adds)*
        tools
    }}
}
