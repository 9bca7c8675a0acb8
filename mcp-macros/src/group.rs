//! `#[toolset]` on an `impl` or a `mod`: many tools that stand together.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{
    AttrStyle, Attribute, FnArg, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, Meta, Path, ReceiverKind, Type,
    ext::IdentExt,
};

use crate::{
    attr::{tool::ToolAttr, tools::GroupAttr},
    errors::{self, Errors},
    expand::{self, Listed, Receiver, ToolModel},
    item::{Judged, expand_function},
    signature::{self, Function},
    validate,
};

/// `#[toolset] impl`, `#[toolset] mod`
pub(crate) fn toolset(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let group = GroupAttr::parse(attr, &mut errors);
    let tokens = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(item)) => methods(&group, item, &mut errors),
        Ok(Item::Mod(item)) => functions(&group, item, &mut errors),
        _ => {
            errors.push_at(Span::call_site(), errors::SET_NOT_IMPL);
            item
        }
    };
    let errors = errors.into_tokens();
    quote!(#tokens #errors)
}

fn methods(group: &GroupAttr, mut item: ItemImpl, errors: &mut Errors) -> TokenStream {
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
    let models: Vec<_> = methods.iter().map(|method| method_model(method, group, &item.self_ty, errors)).collect();
    let set = expand::toolset(&expand::runtime(group.krate.as_ref()), group, &item.self_ty, &models);
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
    let (path, attr) = take_tool(&mut method.attrs, errors)?;
    let ImplItemFn { attrs, vis, sig, block, .. } = method.clone();
    signature::strip(&mut method.sig);
    Some(Method { path, attr, function: Function { attrs, vis, sig, body: block.into_token_stream() } })
}

/// Takes the attribute, and says under which name it was there.
fn take_tool(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Option<(Path, ToolAttr)> {
    let at = attrs.iter().position(is_tool)?;
    let (path, tokens) = match attrs.remove(at).meta {
        Meta::List(list) => (list.path, list.tokens),
        other => (other.path().clone(), TokenStream::new()),
    };
    Some((path, ToolAttr::parse(tokens, errors)))
}

fn is_tool(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "tool")
}

fn method_model<'m>(method: &'m Method, group: &GroupAttr, ty: &'m Type, errors: &mut Errors) -> ToolModel<'m> {
    let Method { attr, function, .. } = method;
    let krate = expand::runtime(attr.krate.as_ref().or(group.krate.as_ref()));
    let mut judged = Judged::new(attr, group, function, errors);
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

/// The functions of a module, and `tools()` beside them.
fn functions(group: &GroupAttr, item: ItemMod, errors: &mut Errors) -> TokenStream {
    let Some((_, items)) = item.content else {
        errors.push(&item.ident, errors::MOD_ELSEWHERE);
        return item.into_token_stream();
    };
    let mut module = Module::of(group, &items);
    let inside: Vec<_> = items.into_iter().map(|item| module.expand(item, errors)).collect();
    if module.paths.is_empty() {
        errors.push(&item.ident, errors::MOD_EMPTY);
    }
    let named = expand::name_attributes(&module.paths);
    let krate = expand::runtime(group.krate.as_ref());
    let list = (!module.has_tools).then(|| expand::module(&krate, group, &item.ident, &module.listed));
    let (inner, outer): (Vec<_>, Vec<_>) =
        item.attrs.iter().partition(|attr| matches!(attr.style, AttrStyle::Inner(_)));
    let (vis, keyword, name) = (&item.vis, &item.mod_token, &item.ident);
    quote!(#(#outer)* #vis #keyword #name { #(#inner)* #(#inside)* #named #list })
}

/// Whether an item says that it is a group of its own, with its own demands.
fn is_group(item: &Item) -> bool {
    let attrs = match item {
        Item::Mod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => return false,
    };
    attrs.iter().any(|attr| attr.path().segments.last().is_some_and(|last| last.ident == "toolset"))
}

/// A tool that the group would not see would have none of its demands, and look as if it had.
fn refuse_hidden(tokens: TokenStream, errors: &mut Errors) {
    let mut after_hash = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) if after_hash && names_tool(group.stream()) => {
                errors.push_at(group.span(), errors::HIDDEN_TOOL);
            }
            TokenTree::Group(group) => refuse_hidden(group.stream(), errors),
            TokenTree::Punct(punct) => {
                after_hash = punct.as_char() == '#' || (after_hash && punct.as_char() == '!');
                continue;
            }
            _ => {}
        }
        after_hash = false;
    }
}

/// Whether an attribute is `tool`, by whatever path, or may become it.
fn names_tool(attribute: TokenStream) -> bool {
    let is = |tree: &TokenTree, name: &str| matches!(tree, TokenTree::Ident(ident) if ident == name);
    let trees: Vec<_> = attribute.into_iter().collect();
    match trees.first() {
        Some(first) if is(first, "cfg_attr") => trees.iter().any(|tree| match tree {
            TokenTree::Group(group) => group.stream().into_iter().any(|tree| is(&tree, "tool")),
            _ => false,
        }),
        _ => trees.iter().take_while(|tree| !matches!(tree, TokenTree::Group(_))).any(|tree| is(tree, "tool")),
    }
}

/// A module on its way to a set of tools.
struct Module<'g> {
    group: &'g GroupAttr,
    /// What stands in front of a `::` anywhere in it.
    starts: HashSet<String>,
    /// The names of its types and modules.
    types: HashSet<String>,
    /// Each `tool`, as the author wrote it.
    paths: Vec<Path>,
    listed: Vec<Listed>,
    /// Whether the name of the list is taken.
    has_tools: bool,
}

impl<'g> Module<'g> {
    fn of(group: &'g GroupAttr, items: &[Item]) -> Self {
        let mut starts = HashSet::new();
        items.iter().for_each(|item| validate::path_starts(item.to_token_stream(), &mut starts));
        let types = items.iter().filter_map(type_name).collect();
        Self { group, starts, types, paths: Vec::new(), listed: Vec::new(), has_tools: false }
    }

    /// The item, with what stands beside it if it is a tool.
    fn expand(&mut self, mut item: Item, errors: &mut Errors) -> TokenStream {
        if let Some(ident) = value_name(&item).filter(|ident| *ident == "tools") {
            errors.push(ident, errors::MOD_HAS_TOOLS);
            self.has_tools = true;
        }
        let Item::Fn(function) = &mut item else {
            if !is_group(&item) {
                refuse_hidden(item.to_token_stream(), errors);
            }
            return item.into_token_stream();
        };
        let Some((path, attr)) = take_tool(&mut function.attrs, errors) else {
            function.attrs.iter().for_each(|attr| refuse_hidden(attr.to_token_stream(), errors));
            return item.into_token_stream();
        };
        self.paths.push(path);
        self.expand_tool(&attr, function, errors)
    }

    fn expand_tool(&mut self, attr: &ToolAttr, function: &mut ItemFn, errors: &mut Errors) -> TokenStream {
        let name = function.sig.ident.unraw().to_string();
        let double = self.types.contains(&name);
        if double || self.starts.contains(&name) {
            let message = if double { errors::same_name(&name) } else { errors::shadows_path(&name) };
            errors.push(&function.sig.ident, message);
            signature::strip(&mut function.sig);
            return function.to_token_stream();
        }
        let ItemFn { attrs, vis, sig, block, .. } = function.clone();
        let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
        let function = Function { attrs, vis, sig, body: block.into_token_stream() };
        let expanded = expand_function(attr, self.group, function, false, errors);
        self.listed.extend(expanded.marker.map(|marker| Listed { cfgs, marker }));
        expanded.tokens
    }
}

/// The name that an item has among types, where the type of a tool would be its double.
fn type_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Enum(item) => &item.ident,
        Item::Mod(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.unraw().to_string())
}

/// The name that an item has among values, where the list of tools would be its double.
fn value_name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Static(item) => Some(&item.ident),
        _ => None,
    }
}
