//! Every error of one attribute at once, and every text that authors read.
//!
//! A text says what is wrong and what to write instead. `tests/tests/ui.rs` reads this file and fails on a text that
//! no `.stderr` file shows.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Collects errors, so that three mistakes are not three builds.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error that points at `tokens`.
    pub(crate) fn push(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error that points at `span`.
    pub(crate) fn push_at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.add(syn::Error::new(span, message));
    }

    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    /// Adds all of these.
    pub(crate) fn append(&mut self, other: Self) {
        if let Some(error) = other.0 {
            self.add(error);
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.clone().into_iter().flatten().count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One `compile_error!` for each.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(|error| error.to_compile_error()).unwrap_or_default()
    }
}

// ---- the list in an attribute

pub(crate) const NOT_AN_ENTRY: &str = "expected a key here; a list looks like this: `scopes = \"admin\", destructive`";
pub(crate) const MISSING_COMMA: &str = "expected `,` before this";

pub(crate) fn unknown_key(key: &str, near: &str) -> String {
    format!("unknown key `{key}`; did you mean `{near}`?")
}

pub(crate) fn unknown_key_of(key: &str, known: &str) -> String {
    format!("unknown key `{key}`; known are {known}")
}

pub(crate) fn key_twice(key: &str) -> String {
    format!("`{key}` is written twice; keep one")
}

pub(crate) fn wrong_value(key: &str, example: &str) -> String {
    format!("`{key}` is written like this: `{example}`")
}

pub(crate) fn not_yet(what: &str, instead: &str) -> String {
    format!("{what} is not available yet; {instead}")
}

// ---- values

pub(crate) fn bad_rate(text: &str, why: &str) -> String {
    format!("`{text}` is not a rate limit: {why}; write \"100/h\", \"5/15m\", \"20/s\" or \"1000/d\"")
}

pub(crate) fn bad_timeout(text: &str, why: &str) -> String {
    format!("`{text}` is not a timeout: {why}; write \"500ms\", \"30s\", \"5m\" or \"1h\"")
}

pub(crate) const NO_SCOPES: &str =
    "no scope is named here; leave `scopes` out if every admitted caller may call the tool";
pub(crate) const EMPTY_LIST: &str = "an empty list of scopes; name at least one, as in `any(\"read\", \"write\")`";
pub(crate) const SCOPE_SPACES: &str = "scopes are separated by single spaces, without any around them: \"read write\"";
pub(crate) const SCOPE_FORM: &str = "scopes are a text, `any(..)` or `all(..)`, as in `scopes = \"read\"` or `scopes = any(\"read\", all(\"a\", \"b\"))`";

pub(crate) fn bad_scope_character(scope: &str, character: char) -> String {
    format!(
        "a scope cannot contain {character:?}, as `{scope}` does; RFC 6749 allows all visible ASCII except `\"` and `\\`"
    )
}

pub(crate) const SCOPE_TOO_LONG: &str = "a scope has at most 128 characters";

pub(crate) fn scope_braces(scope: &str) -> String {
    format!("`{scope}`: braces hold the name of an argument, as in `project:{{project}}:write`")
}

pub(crate) fn scope_begins_with_argument(scope: &str) -> String {
    format!(
        "`{scope}` begins with an argument, so a model could choose any scope; begin with a word of yours, as in `project:{{project}}`"
    )
}

pub(crate) fn scope_argument_not_alone(scope: &str, name: &str) -> String {
    format!(
        "`{{{name}}}` is only a part of a part in `{scope}`, so different values could make the same scope; put `:` or `/` around it"
    )
}

pub(crate) fn scope_without_argument(name: &str) -> String {
    format!("this tool has no argument `{name}` to fill `{{{name}}}` with; write the name that models send")
}

pub(crate) fn guard_without_argument(name: &str) -> String {
    format!("this tool has no argument called `{name}`; a guard names parameters that models send")
}

pub(crate) const LIMIT_ARRAY: &str = "write `rate_limit` once for each limit: all of them must have room";

pub(crate) fn scope_twice(scope: &str) -> String {
    format!("the scope `{scope}` is named twice; once is enough")
}

pub(crate) fn bad_tool_name(name: &str) -> String {
    format!(
        "`{name}` cannot be a tool's name; use 1 to 64 of `A-Z a-z 0-9 _ . -`, as in `#[tool(name = \"get_user\")]`"
    )
}

pub(crate) fn bad_argument_name(name: &str) -> String {
    format!(
        "`{name}` cannot be an argument's name; use 1 to 64 of `A-Z a-z 0-9 _ . -`, as in `#[arg(rename = \"user_id\")]`"
    )
}

pub(crate) fn argument_twice(name: &str) -> String {
    format!("two arguments are called `{name}`; give one another name with `#[arg(rename = \"...\")]`")
}

// ---- limits, examples and headers of arguments

pub(crate) const EXAMPLE_FORM: &str = "an example is a literal, or an array of literals: `example = \"eu-1\"`, `example(1, 10)`, `example = [\"a\", \"b\"]`";

pub(crate) fn limits_cross(least: &str, most: &str) -> String {
    format!("no value can meet this: `{least}` is above `{most}`; exchange them")
}

pub(crate) fn default_outside(limit: &str) -> String {
    format!("the default does not keep to `{limit}`; change one of them")
}

pub(crate) fn bad_header(name: &str) -> String {
    let name = name.escape_debug();
    format!(
        "`{name}` cannot be part of a header's name; clients send `Mcp-Param-` and 1 to 64 of `A-Z a-z 0-9 ! # $ % & ' * + - . ^ _ | ~`, as in `header = \"Region\"`"
    )
}

pub(crate) const HEADER_WITH_DEFAULT: &str = "an argument with a header has no default: the header says whether it was sent; take an `Option`, and choose in the body";

pub(crate) fn header_twice(name: &str) -> String {
    format!("two arguments are mirrored in `Mcp-Param-{name}`, and headers do not tell case; give one another name")
}

// ---- the function

pub(crate) const NOT_A_FUNCTION: &str = "`#[tool]` goes on a function; for the methods of a type, put `#[toolset]` on its `impl` and `#[tool]` on each method";
pub(crate) const SELF_WITHOUT_SET: &str = "a tool that takes `self` needs `#[toolset]` on the `impl` around it";
pub(crate) const GENERIC: &str = "a tool cannot be generic: models call it by name, with JSON; write the types out, or call a generic function from here";
pub(crate) const CONST_FN: &str = "a tool cannot be a `const fn`; remove `const`";
pub(crate) const UNSAFE_FN: &str =
    "a tool cannot be an `unsafe fn`: no caller can vouch for it; make it safe, and check what it needs";
pub(crate) const EXTERN_FN: &str =
    "a tool cannot be an `extern` function; remove `extern`, or call it from a plain function";
pub(crate) const VARIADIC: &str = "a tool cannot be variadic; take a `Vec<T>`";
pub(crate) const EMPTY_DESCRIPTION: &str =
    "an empty description tells models nothing: say what the tool does, or leave the key out and write a doc comment";
pub(crate) const IMPL_OUTPUT: &str = "a tool cannot return `impl Trait`; name the type, as in `Json<Report>`, and make the function `async` if this is a future";
pub(crate) const BORROWED_OUTPUT: &str = "a tool cannot return a borrow; return `String`, or another owned type";

pub(crate) fn primitive_name(name: &str) -> String {
    format!(
        "a tool cannot be called like the type `{name}`; write `#[tool(name = \"{name}\")]` and call the function `{name}_tool`"
    )
}

pub(crate) fn shadows_path(name: &str) -> String {
    format!(
        "where a tool is called `{name}`, `{name}::` no longer means the crate or module; write `#[tool(name = \"{name}\")]` and call the function `{name}_tool`"
    )
}

// ---- parameters

pub(crate) const CFG_PARAMETER: &str =
    "`#[cfg]` on a parameter would change what callers must send with the build; put `#[cfg]` on two whole functions";
pub(crate) const IMPL_ARGUMENT: &str = "an argument cannot be `impl Trait`; name the type";
pub(crate) const ARGS_AND_MORE: &str =
    "`Args<T>` is all the arguments of a tool; make this a field of its struct, or write each field as a parameter";
pub(crate) const INJECT_AND_ARG: &str =
    "`#[inject]` and `#[arg]` exclude each other: what the server brings is never sent; remove one of them";
pub(crate) const INJECT_FORM: &str = "`#[inject]` takes nothing: `#[inject] tenant: Tenant`";
pub(crate) const PUBLIC_IDENTITY: &str =
    "a `public` tool may be called by nobody in particular; take `Option<Identity>`, or remove `public`";

pub(crate) const UPSTREAM_WITHOUT_SCOPES: &str = "a tool that acts with its caller's account elsewhere says which scopes that takes; add `scopes = \"…\"` to it, or to its group";

pub(crate) const PATTERN: &str =
    "an argument needs a plain name, which is what models send; take it apart in the body: `let (x, y) = point;`";

pub(crate) fn borrowed_parameter(owned: &str) -> String {
    format!("a tool owns what it is given; take {owned} instead of a borrow")
}

pub(crate) const JSON_ARGUMENT: &str = "arguments are read from JSON anyway; take the type inside `Json`";

pub(crate) fn extractor(name: &str, instead: &str) -> String {
    format!("`{name}` is an HTTP extractor, and a tool also runs where there is no HTTP; {instead}")
}

pub(crate) fn too_many_arguments(count: usize) -> String {
    format!("{count} arguments, and 16 are the most; group some in a struct")
}

pub(crate) fn too_many_injected(count: usize) -> String {
    format!("{count} injected parameters, and 6 are the most; group states in one struct, `State<App>`")
}

// ---- icons and meta

pub(crate) const ICON_FORM: &str = "an icon is a URL, or `icon(\"https://example.com/icon.png\", mime = \"image/png\", sizes = \"48x48\", theme = \"dark\")`";
pub(crate) const ICON_SOURCE: &str =
    "clients show icons from `https://` and `data:image/` URLs only; host the picture, or put it into the URL";
pub(crate) const META_FORM: &str = "`meta` holds `key = literal`, `key = [literals]` and `key(…)` for an object inside; keys with a prefix are quoted: `\"example.com/team\" = \"billing\"`";

pub(crate) fn bad_meta_key(key: &str) -> String {
    let key = key.escape_debug();
    format!("`{key}` cannot be a key of `meta`; write a name like `team`, or one with a prefix like `example.com/team`")
}

pub(crate) fn reserved_meta_key(key: &str) -> String {
    format!("the prefix of `{key}` is kept for MCP itself; take a domain of your own, as in `example.com/team`")
}

// ---- rules across keys

pub(crate) const PUBLIC_WITH_SCOPES: &str = "`public` lets everybody in, `scopes` does not; remove one of them";
pub(crate) const PUBLIC_IN_GROUP: &str =
    "`public` lets everybody in, and the `scopes` of the group around it do not; move the tool out of the group";
pub(crate) const INLINE_ASYNC: &str = "an `async` tool runs in place anyway; remove `inline`, or `async`";
pub(crate) const READ_ONLY_DESTRUCTIVE: &str =
    "a tool that is `read_only` destroys nothing; remove `destructive` or `read_only`";

// ---- `#[toolset]` and `tools![]`

pub(crate) const SET_ON_TRAIT: &str =
    "`#[toolset]` goes on a type's own `impl`; move the tools out of the `impl` of this trait";
pub(crate) const SET_GENERIC: &str =
    "`#[toolset]` cannot be generic; put it on the `impl` of one type, as in `impl Accounts<Postgres>`";
pub(crate) const SET_BORROWS: &str =
    "a server keeps a `#[toolset]` for as long as it runs, so its type cannot borrow; keep what it shares in an `Arc`";
pub(crate) const SET_NOT_IMPL: &str =
    "`#[toolset]` goes on an `impl` block or a `mod`; a function becomes a tool with `#[tool]`";
pub(crate) const SET_EMPTY: &str = "no tool in this `#[toolset]`; put `#[tool]` on each method that models may call";
pub(crate) const HIDDEN_TOOL: &str =
    "this tool would escape what its `#[toolset]` demands; write it directly in the group, with a plain `#[tool]`";
pub(crate) const MOD_EMPTY: &str =
    "no tool in this `#[toolset]`; put `#[tool]` on each function that models may call, directly in the module";
pub(crate) const MOD_ELSEWHERE: &str = "`#[toolset]` sees no other file; in that file, write `#[toolset] pub mod files { … }` around the tools, or list them with `tools![files::read]`";
pub(crate) const MOD_HAS_TOOLS: &str =
    "`#[toolset]` gives this module a function `tools()`; call this one something else";
pub(crate) const TEMPLATE_IN_GROUP: &str =
    "a group has no arguments to fill `{…}` from; write such a scope on each tool";
pub(crate) const SET_RECEIVER: &str =
    "a tool shares its value with all other calls, so it takes `&self`; keep what changes in a `Mutex`, or in a store";
pub(crate) const SET_NO_RECEIVER: &str =
    "a tool in a `#[toolset]` takes `&self`; move this function out of the `impl` and name it in `tools![..]`";
pub(crate) const NOT_A_TOOL_PATH: &str = "`tools!` takes the paths of tools: `tools![read, files::write]`";

pub(crate) fn bad_prefix(prefix: &str) -> String {
    let prefix = prefix.escape_debug();
    format!("`{prefix}` cannot begin the names of tools; use `A-Z a-z 0-9 _ . -`, as in `prefix = \"files_\"`")
}

pub(crate) fn same_name(name: &str) -> String {
    format!(
        "a tool brings a hidden type of its name, and `{name}` is one already; write `#[tool(name = \"{name}\")]` and call the function `{name}_tool`"
    )
}

pub(crate) fn listed_twice(path: &str) -> String {
    format!("`{path}` is listed twice; once is enough")
}
