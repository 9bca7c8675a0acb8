//! What a tool may be given beside its arguments.

use std::{
    any::{TypeId, type_name},
    ops::Deref,
    sync::Arc,
};

use super::ToolError;
use crate::{
    auth::{Caller, Identity},
    guard::StateMap,
};

/// A parameter that the framework fills in: never part of the schema, never chosen by the caller.
///
/// A type of your own, marked with `#[inject]` where a tool takes it:
///
/// ```
/// use mcp_runtime::{CallContext, Inject, ToolError, tool};
///
/// /// Who pays, from a claim of the verified token.
/// struct Tenant(String);
///
/// impl Inject for Tenant {
///     fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
///         let claims = call.caller().identity().map(|me| me.claims());
///         let tenant = claims.and_then(|claims| claims.get("tenant")).and_then(|tenant| tenant.as_str());
///         tenant.map(|tenant| Self(tenant.to_owned())).ok_or_else(|| ToolError::visible("your account has no tenant"))
///     }
/// }
///
/// /// Lists the invoices of whoever pays.
/// #[tool(scopes = "invoices")]
/// async fn invoices(#[inject] Tenant(tenant): Tenant) -> String { tenant }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be injected into a tool",
    label = "not injectable",
    note = "injected are `Identity`, `Option<Identity>`, `State<T>` (with `T: Clone + Send + Sync`) and `Context`",
    note = "implement `mcp_runtime::Inject` for a type of your own, and write `#[inject]` before the parameter"
)]
pub trait Inject: Sized {
    /// What must be there before the server can start: without it [`build`](crate::ServerBuilder::build) fails, and not
    /// the call.
    ///
    /// ```
    /// use mcp_runtime::{CallContext, Inject, Requirements, Server, ToolError, tool, tools};
    ///
    /// #[derive(Clone)]
    /// struct Plans;
    ///
    /// /// What the caller has paid for.
    /// struct Plan(String);
    ///
    /// impl Inject for Plan {
    ///     fn requirements(needs: &mut Requirements) {
    ///         needs.state::<Plans>();
    ///     }
    ///
    ///     fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
    ///         let Some(Plans) = call.state::<Plans>() else { return Err(ToolError::visible("there are no plans")) };
    ///         Ok(Self("basic".to_owned()))
    ///     }
    /// }
    ///
    /// /// Says what the caller has paid for.
    /// #[tool(public)]
    /// async fn plan(#[inject] Plan(plan): Plan) -> String { plan }
    ///
    /// assert!(Server::builder("shop", "1.0").tools(tools![plan]).build().is_err());
    /// assert!(Server::builder("shop", "1.0").tools(tools![plan]).state(Plans).build().is_ok());
    /// ```
    fn requirements(needs: &mut Requirements) {
        let _ = needs;
    }

    /// Makes the value for one call.
    ///
    /// # Errors
    /// Anything that keeps the tool from running.
    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError>;
}

/// What the tools of a server need to be given; collected when the server is built.
#[derive(Debug, Default)]
pub struct Requirements {
    states: Vec<(TypeId, &'static str)>,
    #[cfg(feature = "oauth")]
    upstream: Vec<&'static str>,
}

impl Requirements {
    /// Asks for [`State<T>`].
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// Asks for tokens of this provider.
    #[cfg(feature = "oauth")]
    pub(crate) fn upstream(&mut self, provider: &'static str) {
        self.upstream.push(provider);
    }

    /// The providers whose tokens were asked for.
    #[cfg(feature = "oauth")]
    pub(crate) fn upstream_providers(&self) -> &[&'static str] {
        &self.upstream
    }

    /// The types of state that were asked for and are not there.
    pub(crate) fn missing_from(&self, states: &StateMap) -> Vec<&'static str> {
        self.states.iter().filter(|(id, _)| !states.has(*id)).map(|(_, name)| *name).collect()
    }
}

/// Everything known about one call while its parameters are made.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallContext<'a> {
    tool: &'static str,
    caller: Caller,
    site: CallSite<'a>,
}

/// What a call has from its server and its transport.
#[derive(Clone, Copy)]
pub(crate) struct CallSite<'a> {
    pub(crate) states: &'a StateMap,
    #[cfg(feature = "http")]
    pub(crate) http: Option<&'a http::request::Parts>,
}

impl std::fmt::Debug for CallSite<'_> {
    /// Shows no headers: they are the caller's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallSite").field("states", self.states).finish_non_exhaustive()
    }
}

impl<'a> CallContext<'a> {
    pub(crate) fn new(tool: &'static str, caller: Caller, site: CallSite<'a>) -> Self {
        Self { tool, caller, site }
    }

    /// The tool that is called.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// A state that was given to the server with `.state(value)`.
    #[must_use]
    pub fn state<T: Clone + 'static>(&self) -> Option<T> {
        self.site.states.get::<T>()
    }
}

/// Something the server shares with its tools: a database pool, a client, a configuration.
///
/// It is cloned for every call, so keep it cheap to clone, behind an [`Arc`] if need be.
///
/// ```
/// use mcp_runtime::State;
///
/// #[derive(Clone)]
/// struct Db;
///
/// /// How many there are.
/// #[mcp_runtime::tool]
/// async fn count(State(db): State<Db>) -> String {
///     let _ = db;
///     "none".to_owned()
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct State<T>(pub T);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone + Send + Sync + 'static> Inject for State<T> {
    fn requirements(needs: &mut Requirements) {
        needs.state::<T>();
    }

    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
        // `build()` has checked that it is there.
        call.state().map(Self).ok_or_else(|| ToolError::internal(format!("no state of type {}", type_name::<T>())))
    }
}

impl Inject for Identity {
    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
        // The macro refuses `Identity` on a public tool, the gate refuses anonymous callers on any other; only a
        // server without authentication gets here.
        call.caller.identity().cloned().ok_or_else(|| ToolError::visible("this tool needs to know who calls"))
    }
}

impl Inject for Option<Identity> {
    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
        Ok(call.caller.identity().cloned())
    }
}

/// What a tool can learn about the call it is answering.
#[derive(Debug, Clone)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tool: &'static str,
    caller: Caller,
    #[cfg(feature = "http")]
    http: Option<HttpRequest>,
}

/// The HTTP request that brought the call, without what is known to carry credentials. Its `Debug` shows nothing of it.
#[cfg(feature = "http")]
pub struct HttpRequest {
    headers: http::HeaderMap,
    path: String,
}

#[cfg(feature = "http")]
impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpRequest").finish_non_exhaustive()
    }
}

#[cfg(feature = "http")]
impl HttpRequest {
    /// Parts of names of headers in which proxies and gateways put credentials beside `Authorization` and cookies, which
    /// the transport has taken out already: a tool that could read them could pass them on (MCP, "token passthrough").
    const SECRET: [&'static str; 7] = ["authorization", "token", "jwt", "assertion", "api-key", "secret", "oidc"];

    fn new(parts: &http::request::Parts) -> Self {
        let harmless = |name: &http::HeaderName| !Self::SECRET.iter().any(|part| name.as_str().contains(part));
        let headers = parts.headers.iter().filter(|(name, _)| harmless(name));
        let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { headers, path: parts.uri.path().to_owned() }
    }

    /// The headers. They are the caller's own words: never decide by them who someone is.
    #[must_use]
    pub fn headers(&self) -> &http::HeaderMap {
        &self.headers
    }

    /// The path of the request's target. The query is left out: clients put tokens there by mistake.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Context {
    /// The tool that is called.
    #[must_use]
    pub fn tool(&self) -> &'static str {
        self.0.tool
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// The identity, if there is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.0.caller.identity()
    }

    /// The HTTP request, if the call came over HTTP.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn http(&self) -> Option<&HttpRequest> {
        self.0.http.as_ref()
    }
}

impl Inject for Context {
    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
        Ok(Self(Arc::new(Inner {
            tool: call.tool,
            caller: call.caller.clone(),
            #[cfg(feature = "http")]
            http: call.site.http.map(HttpRequest::new),
        })))
    }
}

/// How one tool's injected parameters are made: the one place that asks their types for [`Inject`].
#[doc(hidden)]
pub struct Injector<I> {
    pub(crate) requirements: fn(&mut Requirements),
    pub(crate) inject: fn(&CallContext<'_>) -> Result<I, ToolError>,
}

macro_rules! injector {
    ($name:ident $($T:ident)*) => {
        /// Made by the macros, once per tool.
        #[doc(hidden)]
        #[must_use]
        pub const fn $name<$($T: Inject),*>() -> Injector<($($T,)*)> {
            Injector {
                requirements: |_needs| { $($T::requirements(_needs);)* },
                inject: |_call| Ok(($($T::inject(_call)?,)*)),
            }
        }
    };
}

injector!(inject0);
injector!(inject1 A);
injector!(inject2 A B);
injector!(inject3 A B C);
injector!(inject4 A B C D);
injector!(inject5 A B C D E);
injector!(inject6 A B C D E F);
