//! The macros of `mcp-runtime`, which re-exports them: depend on that crate, not on this one.
//!
//! * [`macro@tool`] makes a function a tool,
//! * [`macro@toolset`] the methods of a value,
//! * [`tools!`] lists tools for a server.

mod attr;
mod errors;
mod expand;
mod group;
mod item;
mod signature;
mod validate;

use proc_macro::TokenStream;

/// Every key of `#[tool]` and of its parameters. `mcp-runtime`, which re-exports it, has an example for each.
///
/// # Who may call
///
/// | written | means |
/// |---|---|
/// | `#[tool]` | any caller whom the server admits |
/// | `#[tool(public)]` | anybody, with or without credentials |
/// | `scopes = "read write"` | callers with all of these scopes |
/// | `scopes = any("audit", all("read", "log"))` | alternatives, freely nested; a challenge names the one with the fewest missing scopes, the first of equals, so put the weakest first |
/// | `scopes = "project:{project}:read"` | filled from an argument, by the name that models send (with `Args<T>` the field's), which must match `[A-Za-z0-9_.~-]{1,64}` |
/// | `scopes = READ` | a `const READ: &str` with a list, also inside `any` and `all` |
/// | `rate_limit = "100/h"` | at most 100 calls of one caller in *any* hour; `20/s`, `5/15m`, `1000/d`, up to 31 days; may be repeated |
/// | `rate_limit("20/s", burst = 50, per = client)` | 50 at once, refilled at 20 a second; counted per `subject`, `client`, `address` or `global` |
/// | `concurrency = 4` | at most so many calls at once; the next one is told to wait |
/// | `guard = owns(project)` | a rule of your own, with parameters by their names in Rust: `async fn owns(cx: &GuardCx, project: &str) -> Result<(), Refused>` |
/// | `timeout = "30s"` | per call; `500ms`, `5m`, `1h`, up to 24 hours |
///
/// # What clients are told
///
/// | written | means |
/// |---|---|
/// | `name = "users.delete"` | the name that models call, if not the function's |
/// | `title = "Delete a user"` | a name for people |
/// | `description = "…"` | for models, instead of the doc comment |
/// | `read_only` | it changes nothing (clients assume it does) |
/// | `destructive = false` | what it changes is not lost (clients assume it is) |
/// | `idempotent` | calling it twice does no more than once |
/// | `open_world = false` | it stays within the server's own world (clients assume it does not) |
/// | `icons = ["https://…/a.png"]` | pictures; also `icon("https://…", mime = "image/png", sizes = "48x48", theme = "dark")` |
/// | `meta("example.com/team" = "billing")` | data for `_meta`: literals, arrays of them, `key(…)` for an object inside |
///
/// A hint that is not written is not sent. `crate = path` says where `mcp-runtime` is, if it was renamed.
///
/// # How it runs
///
/// | written | means |
/// |---|---|
/// | `inline` | a function without `async` runs in place, and not on the pool for blocking work |
///
/// # Parameters
///
/// `Identity`, `Option<Identity>`, `State<T>`, `Upstream<P>` and `Context` are injected, and `Args<T>` is all the arguments as one
/// struct, told by these names. Everything else is an argument: it is in the schema, must be sent unless it is an
/// `Option` or has a default, and implements `serde::Deserialize` and `schemars::JsonSchema`. Doc comments on parameters
/// describe them. `#[inject]` makes a parameter of any other type injected, if it implements `Inject`; `#[arg]` makes it
/// an argument, whatever its type is called. On an argument:
///
/// | written | means |
/// |---|---|
/// | `#[arg(default)]` | the type's own default, if it is not sent |
/// | `#[arg(default = 10)]` | this value; a text becomes whatever `Into` makes of it |
/// | `#[arg(rename = "userId")]` | the name that models send |
/// | `#[arg(description = "…")]` | instead of the doc comment |
/// | `#[arg(min = 1, max = 100)]` | the smallest and the largest number |
/// | `#[arg(min_len = 1, max_len = 200)]` | the length of a text in characters, of a list or map in entries |
/// | `#[arg(example = "eu-1")]` | a value to learn from; several: `example(1, 10)` |
/// | `#[arg(header = "Region")]` | clients must send it as `Mcp-Param-Region` as well, from 2026-07-28 on; for texts, integers and `bool` |
///
/// # The type beside the function
///
/// A hidden type of the function's name carries all this, so that `use`, re-exports and `tools![path]` work. It
/// would hide a crate or module of that name: give the function another and write `#[tool(name = "uuid")]`.
#[proc_macro_attribute]
pub fn tool(attr: TokenStream, item: TokenStream) -> TokenStream {
    item::tool(attr.into(), item.into()).into()
}

/// Every key of `#[toolset]`, on an `impl` or a `mod`. `mcp-runtime`, which re-exports it, has an example for each.
///
/// | written | means for each of the tools |
/// |---|---|
/// | `prefix = "files_"` | its name begins with this, also one given with `name` |
/// | `scopes = "files:read"` | these as well as its own; no tool can then be `public`. Constants of a `mod` are looked up inside it |
/// | `rate_limit = "1000/d"` | one limit that all of the tools spend together, beside their own |
/// | `timeout = "30s"` | the longest it may take; a smaller one of its own wins |
/// | `crate = path` | where `mcp-runtime` is, if it was renamed |
///
/// There is no `guard` and no `concurrency` for a group: write them on its tools.
#[proc_macro_attribute]
pub fn toolset(attr: TokenStream, item: TokenStream) -> TokenStream {
    group::toolset(attr.into(), item.into()).into()
}

/// With a renamed `mcp-runtime`: `tools![crate = path; whoami, files::read]`.
#[proc_macro]
pub fn tools(input: TokenStream) -> TokenStream {
    item::tools(input.into()).into()
}
