//! A type of the function's name would hide a crate or module that its body uses.
#![allow(unused)]

use mcp_runtime::{tool, tools};

/// In the body.
#[tool]
async fn serde(text: String) -> String {
    serde::de::value::Error::to_string(&serde::de::Error::custom(text))
}

mod inner {
    /// In a macro.
    #[mcp_runtime::tool]
    pub(crate) async fn schemars() -> String {
        format!("{}", schemars::name())
    }

    /// In the signature.
    #[mcp_runtime::tool]
    pub(crate) async fn std(a: std::string::String) {
        let _ = a;
    }
}

use mcp_runtime as renamed;

/// The path of the runtime.
#[tool(crate = renamed)]
async fn renamed() {}

fn main() {
    let _ = tools![serde, inner::schemars, inner::std];
}
