//! What is demanded of callers, as the constant that the gate reads.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::{
    attr::{
        guard::Guard,
        limit::Limit,
        scope::{Part, Scopes, Template},
        tool::ToolAttr,
        tools::GroupAttr,
    },
    signature::Shape,
};

/// `Policy::admitted().scopes(…)…`
pub(crate) fn policy(attr: &ToolAttr, shape: Option<&Shape>, rt: &TokenStream) -> TokenStream {
    // A key with a wrong value never opens a tool, not even in a build that fails anyway.
    let public = attr.public.is_some() && attr.scopes_key.is_none();
    let start = if public { quote!(#rt::Policy::public()) } else { quote!(#rt::Policy::admitted()) };
    let demands = demands(attr, shape, rt);
    let concurrency = attr.concurrency.map(|calls| quote!(.concurrency(#calls)));
    let guard = attr.guard.as_ref().map(|Guard { written, .. }| quote!(.guard(#written)));
    quote!(#start #demands #concurrency #guard)
}

/// `.scopes(…).limits(…).timeout(…)`, as tools and groups have them.
fn demands(attr: &ToolAttr, shape: Option<&Shape>, rt: &TokenStream) -> TokenStream {
    let scopes = attr.scopes.as_ref().map(|expr| {
        let expr = scopes(expr, &Places::new(attr, shape), rt);
        quote!(.scopes(#expr))
    });
    let limits = limits(&attr.rate_limits, rt);
    let timeout = attr.timeout.map(|millis| quote!(.timeout(::core::time::Duration::from_millis(#millis))));
    quote!(#scopes #limits #timeout)
}

/// `static __FLOOR: Floor = Floor::new().scopes(…)…;`, if a group demands anything.
pub(crate) fn floor(group: &GroupAttr, rt: &TokenStream) -> Option<TokenStream> {
    let demands = demands(&group.demands, None, rt);
    group.has_floor.then(|| quote!(static __FLOOR: #rt::Floor = #rt::Floor::new() #demands;))
}

/// `.limits(&[…])`
fn limits(limits: &[Limit], rt: &TokenStream) -> Option<TokenStream> {
    let limits = limits.iter().map(|Limit { rate, burst, per }| {
        let (count, seconds) = (rate.count, rate.seconds);
        let burst = burst.map(|burst| quote!(.burst(#burst)));
        let per = per.as_ref().map(|per| quote!(.per(#rt::Per::#per)));
        quote!(#rt::Limit::new(#rt::RateLimit::new(#count, #seconds)) #burst #per)
    });
    let limits: Vec<_> = limits.collect();
    (!limits.is_empty()).then(|| quote!(.limits(&[#(#limits),*])))
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
    let guard = attr.guard.as_ref().and_then(|rule| guard(rule, shape, rt));
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
                Some(argument) => (element(position, own(argument.ty.span())), own(argument.ty.span())),
                None => {
                    let span = own(template.at.span());
                    (field(&syn::parse_str(name).ok()?, span), span)
                }
            };
            let rt = respan(rt.clone(), span);
            arms.push(quote_spanned!(span=> #position => #rt::TemplateValue::template_text(&#value),));
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
fn element(position: usize, span: Span) -> TokenStream {
    let position = syn::Index { index: u32::try_from(position).unwrap_or(u32::MAX), span };
    quote_spanned!(span=> args.#position)
}

/// A field of `Args<T>`.
fn field(name: &Ident, span: Span) -> TokenStream {
    quote_spanned!(span=> args.0.0.#name)
}

fn guard(rule: &Guard, shape: &Shape, rt: &TokenStream) -> Option<TokenStream> {
    let function = &rule.function;
    let span = own(function.span());
    let rt_here = respan(rt.clone(), span);
    let of = if rule.arguments.is_empty() {
        quote_spanned!(span=> Caller(|cx| #rt_here::boxed(async move { #rt_here::asking(#function(&cx)).await })))
    } else {
        let whole = shape.wholes().next().is_some();
        let value = |name: &Ident| {
            let position = shape.arguments().position(|argument| argument.at == *name);
            position.map(|position| element(position, span)).or_else(|| whole.then(|| field(name, span)))
        };
        // One that is not there has an error of its own. Without its function the guard lets nobody through.
        let values: Vec<_> = rule.arguments.iter().map(value).collect::<Option<_>>()?;
        quote_spanned!(span=> Arguments(|cx, args| #rt_here::boxed(async move {
            let verdict = #rt_here::asking(#function(&cx, #(&#values),*)).await;
            (verdict, args)
        })))
    };
    Some(quote! {
        const GUARD: #rt::GuardOf<Self::Args> = #rt::GuardOf::#of;
    })
}

/// A name of ours at a place of the author's.
fn own(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// The same tokens, where an error about them belongs.
fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    let at = |mut tree: TokenTree| {
        tree.set_span(span);
        tree
    };
    tokens.into_iter().map(at).collect()
}

/// Constants with scopes, evaluated where they are named: a policy that nothing uses yet would say nothing.
pub(crate) fn constants(attr: &ToolAttr, rt: &TokenStream) -> TokenStream {
    let constants = attr.scopes.iter().flat_map(Scopes::constants);
    let checks = constants.map(|path| {
        let rt = respan(rt.clone(), path.span());
        quote_spanned!(path.span()=> const _: #rt::ScopeExpr = #rt::ScopeExpr::list(#path);)
    });
    checks.collect()
}
