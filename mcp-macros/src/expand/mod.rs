//! From the model to tokens: every path absolute, every local out of reach of the author's names.

mod policy;
mod tool;
mod tools;

pub(crate) use tool::{Receiver, ToolModel, function, stub};
pub(crate) use tools::{Listed, NAMED, list, module, name_attributes, toolset};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// Where the runtime is.
pub(crate) fn runtime(krate: Option<&syn::Path>) -> TokenStream {
    krate.map_or_else(|| quote!(::mcp_runtime), ToTokens::to_token_stream)
}
