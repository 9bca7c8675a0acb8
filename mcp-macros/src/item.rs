//! From the item under an attribute to what stands in its place: read, judge, expand; never lose the author's code.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Meta, Path, ReceiverKind, Type, ext::IdentExt};

use crate::{
    attr::{self, tool::ToolAttr},
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

fn free_function(attr: TokenStream, mut function: Function, errors: &mut Errors) -> TokenStream {
    let attr = ToolAttr::parse(attr, errors);
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        // Anything beside the function would be one more error inside an `impl`.
        errors.push(receiver, errors::SELF_WITHOUT_SET);
        signature::strip(&mut function.sig);
        return function.into_token_stream();
    }
    let krate = expand::runtime(attr.krate.as_ref());
    let collision = validate::collision(&function, &krate, errors);
    let judged = Judged::new(&attr, &function, errors);
    signature::strip(&mut function.sig);
    if collision == Collision::Everywhere {
        return function.into_token_stream();
    }
    // At the place of the name, but not the author's word: lints on names are not for it.
    let span = function.sig.ident.span().resolved_at(Span::mixed_site());
    let mut marker = function.sig.ident.clone();
    marker.set_span(span);
    let model = judged.model(krate, &attr, &function, Receiver::Function, marker);
    match collision {
        // The function would fail to compile beside its type, in words that do not help.
        Collision::Path => expand::stub(model),
        _ => expand::function(&model),
    }
}

/// What is known of a tool once every rule was asked.
struct Judged {
    name: String,
    description: String,
    shape: Option<Shape>,
}

impl Judged {
    fn new(attr: &ToolAttr, function: &Function, errors: &mut Errors) -> Self {
        let ident = &function.sig.ident;
        validate::attribute(attr, errors);
        let name = validate::tool_name(attr, ident, errors);
        let description = validate::description(attr, function, errors);
        let shape = Shape::read(&function.sig, errors);
        let shape = shape.filter(|shape| validate::parameters(attr, shape, ident, errors));
        Self { name, description, shape }
    }

    fn model<'m>(
        self,
        krate: TokenStream,
        attr: &'m ToolAttr,
        function: &'m Function,
        receiver: Receiver<'m>,
        marker: proc_macro2::Ident,
    ) -> ToolModel<'m> {
        let Self { name, description, shape } = self;
        ToolModel { krate, attr, function, name, description, shape, receiver, marker }
    }
}

/// `#[toolset] impl`
pub(crate) fn toolset(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let krate = attr::tools::parse_attr(attr, &mut errors);
    let tokens = match syn::parse2::<ItemImpl>(item.clone()) {
        Ok(item) => methods(krate.as_ref(), item, &mut errors),
        Err(_) => {
            errors.push_at(Span::call_site(), errors::SET_NOT_IMPL);
            item
        }
    };
    let errors = errors.into_tokens();
    quote!(#tokens #errors)
}

fn methods(krate: Option<&Path>, mut item: ItemImpl, errors: &mut Errors) -> TokenStream {
    let usable = check_impl(&item, errors);
    let methods: Vec<_> = item.items.iter_mut().filter_map(|item| method(item, errors)).collect();
    let paths: Vec<_> = methods.iter().map(|method| method.path.clone()).collect();
    let named = expand::name_attributes(&paths);
    if !usable {
        return quote!(#item #named);
    }
    if methods.is_empty() {
        errors.push(&item.self_ty, errors::SET_EMPTY);
    }
    let models: Vec<_> = methods.iter().map(|method| method_model(method, krate, &item.self_ty, errors)).collect();
    let set = expand::toolset(&expand::runtime(krate), &item.self_ty, &models);
    quote!(#item #named #set)
}

/// Whether tools can be added to an `impl` like this.
fn check_impl(item: &ItemImpl, errors: &mut Errors) -> bool {
    let before = errors.count();
    if let Some((path, _)) = &item.trait_ {
        errors.push(path, errors::SET_ON_TRAIT);
    } else if !item.generics.params.is_empty() {
        errors.push(&item.generics, errors::SET_GENERIC);
    } else if let Some(bounds) = &item.generics.where_clause {
        errors.push(bounds, errors::SET_GENERIC);
    } else if signature::borrows(item.self_ty.to_token_stream()) {
        errors.push(&item.self_ty, errors::SET_BORROWS);
    }
    errors.count() == before
}

/// A method that carries `#[tool]`.
struct Method {
    /// `tool`, as the author wrote it.
    path: Path,
    attr: ToolAttr,
    function: Function,
}

/// Takes `#[tool]` off a method; `None` if there is none, and the method is the author's own.
fn method(item: &mut ImplItem, errors: &mut Errors) -> Option<Method> {
    let ImplItem::Fn(method) = item else { return None };
    let at = method.attrs.iter().position(is_tool)?;
    let (path, tokens) = match method.attrs.remove(at).meta {
        Meta::List(list) => (list.path, list.tokens),
        other => (other.path().clone(), TokenStream::new()),
    };
    let attr = ToolAttr::parse(tokens, errors);
    let ImplItemFn { attrs, vis, sig, block, .. } = method.clone();
    signature::strip(&mut method.sig);
    Some(Method { path, attr, function: Function { attrs, vis, sig, body: block.into_token_stream() } })
}

fn is_tool(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "tool")
}

fn method_model<'m>(method: &'m Method, krate: Option<&Path>, ty: &'m Type, errors: &mut Errors) -> ToolModel<'m> {
    let Method { attr, function, .. } = method;
    let krate = expand::runtime(attr.krate.as_ref().or(krate));
    let mut judged = Judged::new(attr, function, errors);
    if !takes_shared_self(function, errors) {
        judged.shape = None;
    }
    // No author's type is called like this, so a method's name hides nothing.
    let marker = format_ident!("__tool_{}", function.sig.ident.unraw(), span = Span::mixed_site());
    judged.model(krate, attr, function, Receiver::Method(ty), marker)
}

fn takes_shared_self(function: &Function, errors: &mut Errors) -> bool {
    match function.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => {
            let shared = matches!(receiver.kind, ReceiverKind::Reference(_, _, None));
            if !shared {
                errors.push(receiver, errors::SET_RECEIVER);
            }
            shared
        }
        _ => {
            errors.push(&function.sig.ident, errors::SET_NO_RECEIVER);
            false
        }
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
