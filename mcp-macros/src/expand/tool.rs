//! One tool: a type beside the function, and the two traits that make it a tool.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, Type, ext::IdentExt};

use super::policy::{asked, constants, policy};
use crate::{
    attr::{arg::DefaultValue, icon::Icon, tool::ToolAttr},
    signature::{Argument, Function, Param, Shape},
};

/// What the tool is called on.
pub(crate) enum Receiver<'m> {
    Function,
    Method(&'m Type),
}

/// Everything known about one tool.
pub(crate) struct ToolModel<'m> {
    pub(crate) krate: TokenStream,
    pub(crate) attr: &'m ToolAttr,
    /// Whether its group has a floor.
    pub(crate) has_floor: bool,
    pub(crate) function: &'m Function,
    pub(crate) name: String,
    pub(crate) description: String,
    /// `None` if the function cannot be called; its errors are reported, and nothing else should fail because of it.
    pub(crate) shape: Option<Shape>,
    pub(crate) receiver: Receiver<'m>,
    /// The type that implements the traits.
    pub(crate) marker: Ident,
}

/// A free function, its type and its traits.
pub(crate) fn function(model: &ToolModel<'_>) -> TokenStream {
    let function = model.function;
    let marker = marker(model, function.vis.to_token_stream());
    let impls = markers(model);
    // Nothing calls a function that cannot be a tool; its real errors say enough.
    let quiet = model.shape.is_none().then(|| quote!(#[allow(unused)]));
    quote!(#quiet #function #marker #impls)
}

/// The type alone, for a function that cannot stand beside it.
pub(crate) fn stub(model: ToolModel<'_>) -> TokenStream {
    let model = ToolModel { shape: None, ..model };
    let marker = marker(&model, model.function.vis.to_token_stream());
    let impls = markers(&model);
    quote!(#marker #impls)
}

fn marker(model: &ToolModel<'_>, vis: TokenStream) -> TokenStream {
    let (cfgs, marker) = (model.cfgs(), &model.marker);
    quote_spanned! {marker.span()=>
        #(#cfgs)*
        #[doc(hidden)]
        #vis enum #marker {}
    }
}

/// The traits of one tool; of a method, with the type that carries them.
pub(crate) fn markers(model: &ToolModel<'_>) -> TokenStream {
    let rt = model.rt();
    let (cfgs, ident) = (model.cfgs(), &model.marker);
    let marker = matches!(model.receiver, Receiver::Method(_)).then(|| marker(model, TokenStream::new()));
    let parts = model.shape.as_ref().map_or_else(|| Parts::none(&rt), |shape| Parts::of(model, shape));
    let Parts { args, injected, output, arguments, inject, output_of, run } = parts;
    let (name, info) = (&model.name, info(model));
    let (policy, asked) = (policy(model.attr, model.shape.as_ref(), &rt), asked(model.attr, model.shape.as_ref(), &rt));
    let floor = model.has_floor.then(|| quote!(.floor(&__FLOOR)));
    // A type that the author keeps private while the function is not is reported on these items.
    let name_span = model.function.sig.ident.span();
    let args = quote_spanned!(name_span=> type Args = (#(#args,)*););
    let injected = quote_spanned!(name_span=> type Injected = (#(#injected,)*););
    let output = quote_spanned!(name_span=> type Output = #output;);
    let receiver = model.receiver_type();
    let deprecated = model.function.attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
    let quiet = deprecated.then(|| quote!(#[allow(deprecated)]));
    let constants = constants(model.attr, &rt);
    quote_spanned! {Span::mixed_site()=>
        #marker
        #constants
        #(#cfgs)*
        #[automatically_derived]
        impl #rt::Protected for #ident {
            const NAME: &'static str = #name;
            const POLICY: #rt::Policy = #policy #floor;
            #args
            #asked
        }
        #(#cfgs)*
        #[automatically_derived]
        #quiet
        impl #rt::Tool for #ident {
            type Receiver = #receiver;
            #injected
            #output
            const INFO: #rt::ToolInfo = #info;
            const ARGUMENTS: #rt::Arguments<<Self as #rt::Protected>::Args> = #arguments;
            const INJECT: #rt::Injector<<Self as #rt::Tool>::Injected> = #inject;
            const OUTPUT: #rt::OutputOf<<Self as #rt::Tool>::Output> = #output_of;
            #run
        }
    }
}

impl ToolModel<'_> {
    fn rt(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }

    /// What is compiled out must not leave its type behind.
    pub(crate) fn cfgs(&self) -> Vec<&Attribute> {
        self.function.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
    }

    fn receiver_type(&self) -> TokenStream {
        match self.receiver {
            Receiver::Function => quote!(()),
            Receiver::Method(ty) => ty.to_token_stream(),
        }
    }

    /// `Self` in a method's signature is not the `Self` of the code made here.
    fn outside(&self, tokens: impl ToTokens) -> TokenStream {
        match self.receiver {
            Receiver::Function => tokens.to_token_stream(),
            Receiver::Method(ty) => replace_self(tokens.to_token_stream(), ty),
        }
    }
}

fn replace_self(tokens: TokenStream, ty: &Type) -> TokenStream {
    let mut trees = tokens.into_iter().peekable();
    let mut replaced = TokenStream::new();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Ident(ident) if ident == "Self" => {
                let span = ident.span();
                let ty: TokenStream = ty.to_token_stream().into_iter().map(|tree| at(tree, span)).collect();
                // `Accounts<Db>::Item` is a type only in brackets.
                let starts_path = matches!(trees.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                replaced.extend(if starts_path { quote_spanned!(span=> <#ty>) } else { ty });
            }
            TokenTree::Group(group) => {
                let mut new = Group::new(group.delimiter(), replace_self(group.stream(), ty));
                new.set_span(group.span());
                replaced.extend([TokenTree::from(new)]);
            }
            other => replaced.extend([other]),
        }
    }
    replaced
}

fn at(mut tree: TokenTree, span: Span) -> TokenTree {
    tree.set_span(span);
    tree
}

fn info(model: &ToolModel<'_>) -> TokenStream {
    let (rt, attr, description) = (model.rt(), model.attr, &model.description);
    let title = attr.title.iter().map(|title| quote!(.title(#title)));
    let hints = [
        ("read_only", attr.read_only),
        ("destructive", attr.destructive),
        ("idempotent", attr.idempotent),
        ("open_world", attr.open_world),
    ];
    let hints = hints.into_iter().filter_map(|(name, hint)| {
        let name = format_ident!("{name}");
        hint.map(|hint| quote!(.#name(#hint)))
    });
    // These tell a place by the span they carry.
    let place = quote_spanned!(model.function.sig.ident.span()=> ::core::file!(), ::core::line!());
    let icons = (!attr.icons.is_empty()).then(|| {
        let icons = attr.icons.iter().map(|icon| picture(icon, &rt));
        quote!(.icons(&[#(#icons),*]))
    });
    let meta = attr.meta.iter().map(|json| quote!(.meta(#json)));
    quote!(#rt::ToolInfo::new(#description, #place) #(#title)* #(#hints)* #icons #(#meta)*)
}

fn picture(icon: &Icon, rt: &TokenStream) -> TokenStream {
    let Icon { src, mime, sizes, theme } = icon;
    let mime = mime.iter().map(|mime| quote!(.mime_type(#mime)));
    let sizes = (!sizes.is_empty()).then(|| quote!(.sizes(&[#(#sizes),*])));
    let theme = theme.iter().map(|theme| quote!(.theme(#theme)));
    quote!(#rt::Icon::new(#src) #(#mime)* #sizes #(#theme)*)
}

/// What depends on the signature.
struct Parts {
    args: Vec<TokenStream>,
    injected: Vec<TokenStream>,
    output: TokenStream,
    arguments: TokenStream,
    inject: TokenStream,
    output_of: TokenStream,
    run: TokenStream,
}

impl Parts {
    fn of(model: &ToolModel<'_>, shape: &Shape) -> Self {
        let rt = model.rt();
        let whole = shape.wholes().next();
        let args: Vec<_> = match whole {
            Some(whole) => vec![model.outside(whole)],
            None => shape.arguments().map(|argument| model.outside(&argument.ty)).collect(),
        };
        let injected: Vec<_> = shape.injected().map(|ty| model.outside(ty)).collect();
        let output = model.outside(&shape.output);
        let inject_n = format_ident!("inject{}", injected.len());
        Self {
            arguments: match whole {
                Some(_) => quote!(#rt::whole::<#(#args),*>()),
                None => arguments(model, shape, &args),
            },
            inject: quote!(#rt::#inject_n::<#(#injected),*>()),
            output_of: quote!(#rt::output::<#output>()),
            run: run(model, shape),
            args,
            injected,
            output,
        }
    }

    /// A tool that has nothing and is never run, so that `tools![…]` finds a tool.
    fn none(rt: &TokenStream) -> Self {
        Self {
            args: Vec::new(),
            injected: Vec::new(),
            output: quote!(()),
            arguments: quote!(#rt::args0(&[], ())),
            inject: quote!(#rt::inject0()),
            output_of: quote!(#rt::output::<()>()),
            run: run_fn(rt, &quote!(::core::panic!())),
        }
    }
}

/// `args2::<A, B>(&[…], (ArgRules::new(), …))`: the author's types meet [`ToolArg`] here and nowhere else.
fn arguments(model: &ToolModel<'_>, shape: &Shape, types: &[TokenStream]) -> TokenStream {
    let rt = model.rt();
    let args_n = format_ident!("args{}", types.len());
    let specs = shape.arguments().map(|argument| spec(argument, &rt));
    let rules = shape.arguments().map(|argument| rules(model, argument, &rt));
    quote!(#rt::#args_n::<#(#types),*>(&[#(#specs),*], (#(#rules,)*)))
}

fn spec(argument: &Argument, rt: &TokenStream) -> TokenStream {
    let (name, description) = (&argument.name, &argument.description);
    let default = argument.default.as_ref().map(|default| match default.json() {
        Some(json) => quote!(.default_json(::core::option::Option::Some(#json))),
        None => quote!(.default_json(::core::option::Option::None)),
    });
    let examples = &argument.examples;
    let examples = (!examples.is_empty()).then(|| quote!(.examples(&[#(#examples),*])));
    let header = argument.header.iter().map(|header| quote!(.header(#header)));
    quote!(#rt::ArgSpec::new(#name, #description) #default #examples #(#header)*)
}

/// What the argument's own type has to make or check; an error about it points at the key that asked for it.
fn rules(model: &ToolModel<'_>, argument: &Argument, rt: &TokenStream) -> TokenStream {
    let ty = || model.outside(&argument.ty);
    let default = argument.default.as_ref().map(|default| {
        let value = default_value(default, &argument.at);
        let function = in_place(model, value, &quote!(), &quote!(), ty);
        quote!(.default(#function))
    });
    let limits = (!argument.limits.list.is_empty()).then(|| {
        let limits = argument.limits.list.iter().map(|(key, value)| {
            let at = key.span().resolved_at(Span::mixed_site());
            let (asked, name) = (Ident::new("limits", at), key.unraw());
            quote_spanned!(at=> #rt::#name(#asked, #value)?;)
        });
        let body = quote_spanned!(Span::mixed_site()=> { #(#limits)* ::core::result::Result::Ok(()) });
        let (name, ty) = (quote_spanned!(Span::mixed_site()=> limits), ty());
        let of = quote!(: &mut #rt::Limits<'_, #ty>);
        let function = in_place(model, body, &name, &of, || quote!(::core::result::Result<(), #rt::Violation>));
        quote!(.limits(#function))
    });
    let mirror = argument.header.as_ref().map(|header| {
        let span = header.span().resolved_at(Span::mixed_site());
        let rt: TokenStream = rt.clone().into_iter().map(|tree| at(tree, span)).collect();
        let mirror = quote_spanned!(span=> #rt::mirror());
        quote!(.mirror(#mirror))
    });
    quote!(#rt::ArgRules::new() #default #limits #mirror)
}

/// A function of what an author wrote in an attribute. What says `Self` is put where that is the author's type.
fn in_place(
    model: &ToolModel<'_>,
    body: TokenStream,
    parameter: &TokenStream,
    of: &TokenStream,
    output: impl FnOnce() -> TokenStream,
) -> TokenStream {
    match model.receiver {
        Receiver::Method(this) if mentions_self(body.clone()) => {
            let output = output();
            quote_spanned! {Span::mixed_site()=> {
                trait __Makes {
                    fn value(#parameter #of) -> #output;
                }
                impl __Makes for #this {
                    fn value(#parameter #of) -> #output {
                        #body
                    }
                }
                <#this as __Makes>::value
            }}
        }
        _ => quote!(|#parameter| #body),
    }
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

fn default_value(default: &DefaultValue, at: &Ident) -> TokenStream {
    if default.value.is_none() {
        return quote_spanned!(at.span()=> ::core::default::Default::default());
    }
    if default.is_text() {
        return quote!(::core::convert::Into::into(#default));
    }
    default.to_token_stream()
}

fn run(model: &ToolModel<'_>, shape: &Shape) -> TokenStream {
    let rt = model.rt();
    let local = |prefix: &str, i: usize| format_ident!("{prefix}{i}", span = Span::mixed_site());
    let arguments = shape.arguments().count() + shape.wholes().count();
    let args: Vec<_> = (0..arguments).map(|i| local("a", i)).collect();
    let injected: Vec<_> = (0..shape.injected().count()).map(|i| local("i", i)).collect();
    let (mut next_arg, mut next_injected) = (args.iter(), injected.iter());
    let values = shape.params.iter().map(|param| match param {
        Param::Argument(_) | Param::Whole(_) => next_arg.next(),
        Param::Injected(_) => next_injected.next(),
    });
    let call = call(model, &values.flatten().collect::<Vec<_>>());
    let caller =
        (!runs_in_place(model)).then(|| quote_spanned!(Span::mixed_site()=> let caller = #rt::caller(&permit);));
    run_fn(
        &rt,
        &quote_spanned! {Span::mixed_site()=>
            #caller
            let (#(#injected,)*) = injected;
            let (#(#args,)*) = #rt::Permit::into_args(permit);
            #call
        },
    )
}

/// Whether the body runs where it is called, and not on the pool for blocking work.
fn runs_in_place(model: &ToolModel<'_>) -> bool {
    model.function.sig.asyncness.is_some() || model.attr.inline.is_some()
}

/// The call and what it goes through carry the span of the function's name, where an error about its future belongs.
fn call(model: &ToolModel<'_>, values: &[&Ident]) -> TokenStream {
    let (rt, name) = (model.rt(), &model.function.sig.ident);
    let span = name.span();
    let is_async = model.function.sig.asyncness.is_some();
    let this = Ident::new("this", Span::mixed_site());
    let receiver = Ident::new("receiver", Span::mixed_site());
    let output = quote!(<Self as #rt::Tool>::OUTPUT);
    let in_place = runs_in_place(model);
    let (before, call) = match (&model.receiver, in_place) {
        (Receiver::Function, _) => (None, quote_spanned!(span=> #name(#(#values),*))),
        (Receiver::Method(ty), true) => (None, quote_spanned!(span=> <#ty>::#name(&**#receiver, #(#values),*))),
        (Receiver::Method(ty), false) => (
            Some(quote!(let #this = #rt::share(#receiver);)),
            quote_spanned!(span=> <#ty>::#name(&*#this, #(#values),*)),
        ),
    };
    let finish = if is_async {
        quote_spanned!(span=> #rt::finish(#call, #output))
    } else if in_place {
        quote_spanned!(span=> #rt::finish_inline(move || #call, #output))
    } else {
        let caller = Ident::new("caller", Span::mixed_site());
        quote_spanned!(span=> #rt::finish_blocking(#caller, move || #call, #output))
    };
    quote!(#before #finish)
}

fn run_fn(rt: &TokenStream, body: &TokenStream) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        fn run<'a>(
            receiver: &'a ::std::sync::Arc<<Self as #rt::Tool>::Receiver>,
            permit: #rt::Permit<Self>,
            injected: <Self as #rt::Tool>::Injected,
        ) -> #rt::ToolFuture<'a> {
            #body
        }
    }
}
