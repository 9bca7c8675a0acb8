//! What is demanded of callers, as the constant that the gate reads.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::{
    attr::{
        guard::Guard,
        limit::Limit,
        scope::{Part, Scopes, Template},
        tool::ToolAttr,
    },
    signature::Shape,
};

/// `Policy::admitted().scopes(…)…`
pub(crate) fn policy(attr: &ToolAttr, shape: Option<&Shape>, rt: &TokenStream) -> TokenStream {
    // A key with a wrong value never opens a tool, not even in a build that fails anyway.
    let public = attr.public.is_some() && attr.scopes_key.is_none();
    let start = if public { quote!(#rt::Policy::public()) } else { quote!(#rt::Policy::admitted()) };
    let scopes = attr.scopes.as_ref().map(|expr| {
        let expr = scopes(expr, &Places::new(attr, shape), rt);
        quote!(.scopes(#expr))
    });
    let limits = limits(&attr.rate_limits, rt);
    let timeout = attr.timeout.map(|millis| quote!(.timeout(::core::time::Duration::from_millis(#millis))));
    let concurrency = attr.concurrency.map(|calls| quote!(.concurrency(#calls)));
    let guard = attr.guard.as_ref().map(|Guard { written, .. }| quote!(.guard(#written)));
    quote!(#start #scopes #limits #timeout #concurrency #guard)
}

/// `.limits(&[…])`
pub(crate) fn limits(limits: &[Limit], rt: &TokenStream) -> Option<TokenStream> {
    let limits = limits.iter().map(|Limit { rate, burst, per }| {
        let (count, seconds) = (rate.count, rate.seconds);
        let burst = burst.map(|burst| quote!(.burst(#burst)));
        let per = per.as_ref().map(|per| quote!(.per(#rt::Per::#per)));
        quote!(#rt::Limit::new(#rt::RateLimit::new(#count, #seconds)) #burst #per)
    });
    let limits: Vec<_> = limits.collect();
    (!limits.is_empty()).then(|| quote!(.limits(&[#(#limits),*])))
}

/// The scopes of a group, which has no arguments.
pub(crate) fn group_scopes(expr: &Scopes, rt: &TokenStream) -> TokenStream {
    scopes(expr, &Places { shape: None, fields: Vec::new() }, rt)
}

fn scopes(expr: &Scopes, places: &Places<'_>, rt: &TokenStream) -> TokenStream {
    let list = |parts: &[Scopes]| -> Vec<TokenStream> { parts.iter().map(|part| scopes(part, places, rt)).collect() };
    match expr {
        Scopes::Scope(scope) => quote!(#rt::ScopeExpr::Scope(#scope)),
        Scopes::Constant(path) => quote_spanned!(path.span()=> #rt::ScopeExpr::list(#path)),
        Scopes::Template(template) => {
            let parts = template.parts.iter().map(|part| match part {
                Part::Text(text) => quote!(#rt::ScopePart::Text(#text)),
                Part::Argument(name) => {
                    let at = places.position(name).unwrap_or_default();
                    quote!(#rt::ScopePart::Argument(#name, #at))
                }
            });
            quote!(#rt::ScopeExpr::Template(&[#(#parts),*]))
        }
        Scopes::All(parts) => {
            let parts = list(parts);
            quote!(#rt::ScopeExpr::All(&[#(#parts),*]))
        }
        Scopes::Any(parts) => {
            let parts = list(parts);
            quote!(#rt::ScopeExpr::Any(&[#(#parts),*]))
        }
    }
}

/// Which of the tool's arguments a scope names. The fields of `Args<T>` are numbered in the order scopes name them.
struct Places<'s> {
    shape: Option<&'s Shape>,
    fields: Vec<&'s str>,
}

impl<'s> Places<'s> {
    fn new(attr: &'s ToolAttr, shape: Option<&'s Shape>) -> Self {
        let whole = shape.is_some_and(|shape| shape.wholes().next().is_some());
        let mut fields = Vec::new();
        for name in attr.scopes.iter().flat_map(Scopes::templates).flat_map(Template::arguments) {
            if whole && !fields.contains(&name) {
                fields.push(name);
            }
        }
        Self { shape, fields }
    }

    fn position(&self, name: &str) -> Option<usize> {
        let field = self.fields.iter().position(|field| *field == name);
        field.or_else(|| self.shape?.arguments().position(|argument| argument.name == name))
    }
}

/// The texts of the arguments that stand in scopes, and the author's own rule.
pub(crate) fn asked(attr: &ToolAttr, shape: Option<&Shape>, rt: &TokenStream) -> TokenStream {
    let Some(shape) = shape else { return TokenStream::new() };
    let values = scope_values(attr, shape, rt);
    let guard = attr.guard.as_ref().map(|rule| guard(rule, shape, rt));
    quote!(#values #guard)
}

fn scope_values(attr: &ToolAttr, shape: &Shape, rt: &TokenStream) -> Option<TokenStream> {
    let places = Places::new(attr, Some(shape));
    let mut seen = Vec::new();
    let mut arms = Vec::new();
    for template in attr.scopes.iter().flat_map(Scopes::templates) {
        for name in template.arguments() {
            let Some(position) = places.position(name).filter(|position| !seen.contains(position)) else { continue };
            seen.push(position);
            let (value, span) = match shape.arguments().nth(position) {
                // The error of a type that cannot be part of a scope belongs on that type.
                Some(argument) => (element(position), argument.ty.span()),
                None => (field(&syn::parse_str(name).ok()?), template.at.span()),
            };
            let text = quote_spanned!(span=> #rt::TemplateValue::template_text);
            arms.push(quote_spanned!(Span::mixed_site()=> #position => #text(&#value),));
        }
    }
    (!arms.is_empty()).then(|| {
        quote_spanned! {Span::mixed_site()=>
            fn scope_value(args: &Self::Args, at: usize) -> ::std::borrow::Cow<'_, str> {
                match at {
                    #(#arms)*
                    _ => ::std::borrow::Cow::Borrowed(""),
                }
            }
        }
    })
}

/// One of the arguments.
fn element(position: usize) -> TokenStream {
    let position = syn::Index::from(position);
    quote_spanned!(Span::mixed_site()=> args.#position)
}

/// A field of `Args<T>`.
fn field(name: &Ident) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> args.0.0.#name)
}

fn guard(rule: &Guard, shape: &Shape, rt: &TokenStream) -> TokenStream {
    let function = &rule.function;
    let ask = |call: TokenStream| quote_spanned!(function.span()=> #rt::asking(#call));
    let of = if rule.arguments.is_empty() {
        let asking = ask(quote_spanned!(Span::mixed_site()=> #function(&cx)));
        quote_spanned!(Span::mixed_site()=> Caller(|cx| #rt::boxed(async move { #asking.await })))
    } else {
        let whole = shape.wholes().next().is_some();
        let values = rule.arguments.iter().filter_map(|name| {
            let position = shape.arguments().position(|argument| argument.at == *name).map(element);
            position.or_else(|| whole.then(|| field(name)))
        });
        let asking = ask(quote_spanned!(Span::mixed_site()=> #function(&cx, #(&#values),*)));
        quote_spanned!(Span::mixed_site()=> Arguments(|cx, args| #rt::boxed(async move {
            let verdict = #asking.await;
            (verdict, args)
        })))
    };
    quote! {
        const GUARD: #rt::GuardOf<Self::Args> = #rt::GuardOf::#of;
    }
}
