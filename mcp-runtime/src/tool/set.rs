//! Tools on their way into a server.

use std::sync::Arc;

use super::{
    Tool,
    registered::{Bind, Unbound},
};

/// Something that has tools: `tools![…]`, or a value whose `impl` carries `#[toolset]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no tools",
    label = "not a set of tools",
    note = "pass `tools![a, b]`, or a value whose `impl` block carries `#[mcp_runtime::toolset]`"
)]
pub trait ToolSet {
    /// Lists the tools.
    fn into_tools(self) -> Tools;
}

/// A list of tools; `tools![a, b]` makes one.
#[derive(Default)]
#[must_use]
pub struct Tools(Vec<Box<dyn Bind>>);

impl Tools {
    /// No tools yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function.
    pub fn add<T: Tool<Receiver = ()>>(self) -> Self {
        self.add_method::<T>(Arc::new(()))
    }

    /// Adds a method of `receiver`.
    pub fn add_method<T: Tool>(mut self, receiver: Arc<T::Receiver>) -> Self {
        self.0.push(Box::new(Unbound::<T>::new(receiver)));
        self
    }

    pub(crate) fn into_list(self) -> Vec<Box<dyn Bind>> {
        self.0
    }
}

impl ToolSet for Tools {
    fn into_tools(self) -> Tools {
        self
    }
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|tool| tool.name())).finish()
    }
}
