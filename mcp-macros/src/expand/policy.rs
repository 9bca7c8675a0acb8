//! What is demanded of callers, as the constant that the gate reads.

use proc_macro2::TokenStream;
use quote::quote;

use crate::attr::{scope::Scopes, tool::ToolAttr, tools::GroupAttr};

/// `Policy::admitted().scopes(…)…`
pub(crate) fn policy(attr: &ToolAttr, rt: &TokenStream) -> TokenStream {
    // A key with a wrong value never opens a tool, not even in a build that fails anyway.
    let public = attr.public.is_some() && attr.scopes_key.is_none();
    let start = if public { quote!(#rt::Policy::public()) } else { quote!(#rt::Policy::admitted()) };
    let demands = demands(attr, rt);
    quote!(#start #demands)
}

/// `.scopes(…).limits(…).timeout(…)`, as tools and groups have them.
fn demands(attr: &ToolAttr, rt: &TokenStream) -> TokenStream {
    let scopes = attr.scopes.as_ref().map(|expr| {
        let expr = scopes(expr, rt);
        quote!(.scopes(#expr))
    });
    let limits = attr.rate_limit.map(|rate| {
        let (count, seconds) = (rate.count, rate.seconds);
        quote!(.limits(&[#rt::Limit::new(#rt::RateLimit::new(#count, #seconds))]))
    });
    let timeout = attr.timeout.map(|millis| quote!(.timeout(::core::time::Duration::from_millis(#millis))));
    quote!(#scopes #limits #timeout)
}

/// `static __FLOOR: Floor = Floor::new().scopes(…)…;`, if a group demands anything.
pub(crate) fn floor(group: &GroupAttr, rt: &TokenStream) -> Option<TokenStream> {
    let demands = demands(&group.demands, rt);
    group.has_floor.then(|| quote!(static __FLOOR: #rt::Floor = #rt::Floor::new() #demands;))
}

fn scopes(expr: &Scopes, rt: &TokenStream) -> TokenStream {
    let list = |parts: &[Scopes]| -> Vec<TokenStream> { parts.iter().map(|part| scopes(part, rt)).collect() };
    match expr {
        Scopes::Scope(scope) => quote!(#rt::ScopeExpr::Scope(#scope)),
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
