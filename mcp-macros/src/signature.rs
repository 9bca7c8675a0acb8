//! A function's signature, read as a tool's: what models send, what is injected, what comes back.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{
    Attribute, FnArg, GenericArgument, LitStr, Meta, Pat, PatType, Path, PathArguments, PathSegment, ReturnType,
    Safety, Signature, Type, Visibility,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use crate::{
    attr::{
        self,
        arg::{ArgAttr, DefaultValue, Limits},
    },
    errors::{self, Errors},
};

/// A function whose body is left alone: it is the author's, and the compiler's to judge.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attr in &self.attrs {
            attr.to_tokens(tokens);
        }
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// What a signature asks for.
pub(crate) struct Shape {
    pub(crate) params: Vec<Param>,
    pub(crate) output: TokenStream,
}

pub(crate) enum Param {
    /// Made by the framework.
    Injected(Box<Type>),
    /// Sent by the caller.
    Argument(Box<Argument>),
    /// `Args<T>`: everything the caller sends.
    Whole(Box<Type>),
}

pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) limits: Limits,
    /// JSON texts.
    pub(crate) examples: Vec<String>,
    pub(crate) header: Option<LitStr>,
    pub(crate) ty: Type,
    /// Where an error about the name points.
    pub(crate) at: Ident,
}

impl Shape {
    /// Reads the signature. `None` if there is no way to call such a function.
    pub(crate) fn read(sig: &Signature, errors: &mut Errors) -> Option<Self> {
        let mut fatal = Errors::default();
        check_qualifiers(sig, &mut fatal);
        let typed = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(param) => Some(param),
            FnArg::Receiver(_) => None,
        });
        let params = typed.filter_map(|param| read_param(param, errors, &mut fatal)).collect();
        let output = read_output(sig, &mut fatal);
        let callable = fatal.is_empty();
        errors.append(fatal);
        callable.then_some(Self { params, output })
    }

    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.params.iter().filter_map(|param| match param {
            Param::Argument(argument) => Some(&**argument),
            Param::Injected(_) | Param::Whole(_) => None,
        })
    }

    /// The types of all `Args<T>`, of which there can be one.
    pub(crate) fn wholes(&self) -> impl Iterator<Item = &Type> {
        self.params.iter().filter_map(|param| match param {
            Param::Whole(ty) => Some(&**ty),
            Param::Argument(_) | Param::Injected(_) => None,
        })
    }

    pub(crate) fn injected(&self) -> impl Iterator<Item = &Type> {
        self.params.iter().filter_map(|param| match param {
            Param::Injected(ty) => Some(&**ty),
            Param::Argument(_) | Param::Whole(_) => None,
        })
    }
}

/// Takes away what only this macro understands; the compiler would stumble over it.
pub(crate) fn strip(sig: &mut Signature) {
    let ours =
        |attr: &Attribute| ["doc", "arg", "inject", "cfg", "cfg_attr"].iter().any(|name| attr.path().is_ident(name));
    for input in &mut sig.inputs {
        match input {
            FnArg::Typed(param) => param.attrs.retain(|attr| !ours(attr)),
            FnArg::Receiver(receiver) => receiver.attrs.retain(|attr| !ours(attr)),
        }
    }
}

fn check_qualifiers(sig: &Signature, errors: &mut Errors) {
    if let Some(constness) = &sig.constness {
        errors.push(constness, errors::CONST_FN);
    }
    if let Safety::Unsafe(safety) = &sig.safety {
        errors.push(safety, errors::UNSAFE_FN);
    }
    if let Some(abi) = &sig.abi {
        errors.push(abi, errors::EXTERN_FN);
    }
    if let Some(variadic) = &sig.variadic {
        errors.push(variadic, errors::VARIADIC);
    }
    if !sig.generics.params.is_empty() {
        errors.push(&sig.generics, errors::GENERIC);
    } else if let Some(bounds) = &sig.generics.where_clause {
        errors.push(bounds, errors::GENERIC);
    }
}

fn read_param(param: &PatType, errors: &mut Errors, fatal: &mut Errors) -> Option<Param> {
    let said = Said::read(&param.attrs, errors);
    let ty = plain(&param.ty);
    if let Some(message) = refusal(ty, said) {
        fatal.push(&param.ty, message);
        return None;
    }
    match said {
        Said::Inject => Some(Param::Injected(param.ty.clone())),
        Said::Nothing if is_injected(ty) => Some(Param::Injected(param.ty.clone())),
        Said::Nothing if is_whole(ty) => Some(Param::Whole(param.ty.clone())),
        Said::Nothing | Said::Arg => {
            read_argument(param, errors, fatal).map(|argument| Param::Argument(Box::new(argument)))
        }
    }
}

/// What an author says of a parameter, whatever its type is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Inject,
    Arg,
}

impl Said {
    fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let find = |name: &str| attrs.iter().find(|attr| attr.path().is_ident(name));
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr")) {
            errors.push(attr, errors::CFG_PARAMETER);
        }
        let (inject, arg) = (find("inject"), find("arg"));
        if let Some(inject) = inject.filter(|attr| !matches!(attr.meta, Meta::Path(_))) {
            errors.push(inject, errors::INJECT_FORM);
        }
        match (inject, arg) {
            (Some(_), Some(arg)) => {
                errors.push(arg, errors::INJECT_AND_ARG);
                Self::Inject
            }
            (Some(_), None) => Self::Inject,
            (None, Some(_)) => Self::Arg,
            (None, None) => Self::Nothing,
        }
    }
}

fn read_argument(param: &PatType, errors: &mut Errors, fatal: &mut Errors) -> Option<Argument> {
    let arg = ArgAttr::parse(&param.attrs, errors);
    let Some(at) = plain_name(&param.pat) else {
        fatal.push(&param.pat, errors::PATTERN);
        return None;
    };
    let name = arg.rename.as_ref().map_or_else(|| at.unraw().to_string(), syn::LitStr::value);
    if !attr::is_name(&name) {
        let message = errors::bad_argument_name(&name);
        match &arg.rename {
            Some(rename) => errors.push(rename, message),
            None => errors.push(at, message),
        }
    }
    let description = arg.description.map_or_else(|| attr::doc_text(&param.attrs), |text| text.value());
    let ArgAttr { default, limits, examples, header, .. } = arg;
    let (ty, at) = ((*param.ty).clone(), at.clone());
    Some(Argument { name, description, default, limits, examples, header, ty, at })
}

fn plain_name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Some(&name.ident),
        _ => None,
    }
}

fn read_output(sig: &Signature, errors: &mut Errors) -> TokenStream {
    let ReturnType::Type(_, ty) = &sig.output else {
        return quote_spanned!(sig.ident.span()=> ());
    };
    let tokens = ty.to_token_stream();
    if mentions_impl(tokens.clone()) {
        errors.push(ty, errors::IMPL_OUTPUT);
    } else if borrows(tokens.clone()) {
        errors.push(ty, errors::BORROWED_OUTPUT);
    }
    tokens
}

/// Whether the framework fills in a parameter of this type. Names decide, since a macro sees nothing else; the
/// expansion then asks the type itself, so a wrong guess is an error and never a model-supplied identity.
fn is_injected(ty: &Type) -> bool {
    let Some(last) = last_segment(ty) else { return false };
    match last.ident.to_string().as_str() {
        "Identity" | "Context" => last.arguments.is_none(),
        "State" | "Upstream" => !last.arguments.is_none(),
        "Option" => only_argument(last).is_some_and(is_identity),
        _ => false,
    }
}

/// Whether this is `Args<T>`.
fn is_whole(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == "Args" && !last.arguments.is_none())
}

/// Whether this is `Identity` itself, which only a known caller has.
pub(crate) fn is_identity(ty: &Type) -> bool {
    last_segment(plain(ty)).is_some_and(|last| last.ident == "Identity" && last.arguments.is_none())
}

/// Why a parameter cannot have this type, as far as its name tells.
fn refusal(ty: &Type, said: Said) -> Option<String> {
    let tokens = ty.to_token_stream();
    if let Type::Reference(reference) = ty {
        return Some(errors::borrowed_parameter(&owned(plain(&reference.elem))));
    }
    if mentions_impl(tokens.clone()) {
        return Some(errors::IMPL_ARGUMENT.to_owned());
    }
    if let (Said::Nothing, Some(last)) = (said, last_segment(ty)) {
        if last.ident == "Json" && !last.arguments.is_none() {
            return Some(errors::JSON_ARGUMENT.to_owned());
        }
        if let Some(instead) = extractor(last) {
            return Some(errors::extractor(&last.ident.to_string(), instead));
        }
    }
    let injected = said == Said::Inject || said == Said::Nothing && is_injected(ty);
    (!injected && borrows(tokens)).then(|| errors::borrowed_parameter("an owned type"))
}

/// What to write instead of an extractor of axum. Those with a parameter are told by it from a type of the author's.
fn extractor(last: &PathSegment) -> Option<&'static str> {
    let generic = !last.arguments.is_none();
    match last.ident.to_string().as_str() {
        "HeaderMap" | "Request" => Some("take `Context` and look at `context.http()`"),
        "ConnectInfo" if generic => Some("take `Context` and look at `context.http()`"),
        "Extension" if generic => Some("take `State<T>`"),
        "Query" | "Path" | "Form" if generic => Some("each argument is a plain parameter: `id: String`"),
        _ => None,
    }
}

/// What to take instead of a borrow of this type.
fn owned(ty: &Type) -> String {
    match ty {
        Type::Slice(_) => "`Vec<T>`".to_owned(),
        Type::Path(path) if path.path.is_ident("str") => "`String`".to_owned(),
        Type::Path(path) => format!("`{}`", path.to_token_stream().to_string().replace(' ', "")),
        _ => "an owned type".to_owned(),
    }
}

/// Without the brackets that `macro_rules!` and authors put around a type.
fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        other => other,
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    let path: &Path = match ty {
        Type::Path(path) => &path.path,
        _ => return None,
    };
    path.segments.last()
}

/// Whether this is `Upstream<P>`: the caller's account at another provider.
pub(crate) fn is_upstream(ty: &Type) -> bool {
    last_segment(plain(ty)).is_some_and(|last| last.ident == "Upstream" && !last.arguments.is_none())
}

fn only_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(list) = &segment.arguments else { return None };
    match list.args.first() {
        Some(GenericArgument::Type(ty)) if list.args.len() == 1 => Some(ty),
        _ => None,
    }
}

fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => mentions_impl(group.stream()),
        _ => false,
    })
}

/// Whether there is a reference or a lifetime other than `'static`.
pub(crate) fn borrows(tokens: TokenStream) -> bool {
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let borrowed = match &tree {
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                !trees.peek().is_some_and(|next| matches!(next, TokenTree::Punct(next) if next.as_char() == '\''))
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                !trees.peek().is_some_and(|next| matches!(next, TokenTree::Ident(name) if name == "static"))
            }
            TokenTree::Group(group) => borrows(group.stream()),
            _ => false,
        };
        if borrowed {
            return true;
        }
    }
    false
}
