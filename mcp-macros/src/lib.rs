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

/// Makes a function a tool that models can call, protected by what is written here.
///
/// ```ignore
/// /// Permanently delete a user account.
/// #[tool(scopes = "admin", rate_limit = "100/h", destructive)]
/// async fn delete_user(
///     me: Identity,                     // verified; never in the schema
///     State(db): State<Db>,             // injected; never in the schema
///     /// The account to remove.
///     user_id: String,
///     /// Kept in the audit trail.
///     #[arg(default = "unspecified")] reason: String,
/// ) -> Result<Json<Deleted>, ToolError> {
///     Ok(Json(db.delete(&user_id, &reason, me.subject()).await?))
/// }
/// ```
///
/// The doc comment is what models read. The function itself stays as it is and can be called directly; such a call
/// is the author's own and is not guarded. A function without `async` runs on the pool for blocking work.
///
/// # Who may call
///
/// | written | means |
/// |---|---|
/// | `#[tool]` | any caller whom the server admits |
/// | `#[tool(public)]` | anybody, with or without credentials |
/// | `scopes = "read write"` | callers with all of these scopes |
/// | `scopes = any("admin", all("read", "audit"))` | alternatives, freely nested |
/// | `rate_limit = "100/h"` | at most 100 calls of one caller in *any* hour; `20/s`, `5/15m`, `1000/d`, up to 31 days |
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
///
/// A hint that is not written is not sent. `crate = path` says where `mcp-runtime` is, if it was renamed.
///
/// # Parameters
///
/// `Identity`, `Option<Identity>`, `State<T>` and `Context` are injected, told by these names. Everything else is an
/// argument: it is in the schema, must be sent unless it is an `Option` or has a default, and implements
/// `serde::Deserialize` and `schemars::JsonSchema`. Doc comments on parameters describe them. On an argument:
///
/// | written | means |
/// |---|---|
/// | `#[arg(default)]` | the type's own default, if it is not sent |
/// | `#[arg(default = 10)]` | this value; a text becomes whatever `Into` makes of it |
/// | `#[arg(rename = "userId")]` | the name that models send |
/// | `#[arg(description = "…")]` | instead of the doc comment |
///
/// # The type beside the function
///
/// A hidden type of the function's name carries all this, so that `use`, re-exports and `tools![path]` work. It
/// would hide a crate or module of that name: give the function another and write `#[tool(name = "uuid")]`.
#[proc_macro_attribute]
pub fn tool(attr: TokenStream, item: TokenStream) -> TokenStream {
    item::tool(attr.into(), item.into()).into()
}

/// Makes the methods of a value tools: those that carry [`#[tool]`](macro@tool) and take `&self`.
///
/// ```ignore
/// #[toolset]
/// impl Accounts {
///     /// Closes an account.
///     #[tool(scopes = "admin", destructive)]
///     async fn close(&self, id: String) -> Result<(), ToolError> {
///         self.open()?.remove(&id).ok_or_else(|| ToolError::invalid("id", "is not open"))
///     }
///
///     fn open(&self) -> Result<Guard<'_>, PoolError> {      // not a tool
///         self.pool.get()
///     }
/// }
///
/// server.tools(Accounts::new(pool))
/// ```
///
/// `#[toolset(crate = path)]` says where `mcp-runtime` is, if it was renamed.
#[proc_macro_attribute]
pub fn toolset(attr: TokenStream, item: TokenStream) -> TokenStream {
    group::toolset(attr.into(), item.into()).into()
}

/// Lists tools for a server, by the paths of their functions.
///
/// ```ignore
/// server.tools(tools![whoami, files::read])
/// ```
///
/// With a renamed `mcp-runtime`: `tools![crate = path; whoami, files::read]`.
#[proc_macro]
pub fn tools(input: TokenStream) -> TokenStream {
    item::tools(input.into()).into()
}
