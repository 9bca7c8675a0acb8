//! The author's types may be called like ours, like the standard library's, like what the expansion uses.
#![deny(warnings)]

use mcp_runtime::{schemars::{self, JsonSchema}, tool, tools};

macro_rules! types {
    ($($name:ident)*) => {
        $(#[derive(Default, serde::Deserialize, JsonSchema)] pub struct $name;)*
    };
}

types! { Result Option String Vec Arc Some None Into Default2 Policy Permit Tool Tools Args Protected ToolInfo Box Send Limits Violation ArgRules Makes Floor Icon Ok Err Result2 }

/// A type of the author's own, not the verified caller.
mod names {
    #[derive(serde::Serialize, mcp_runtime::schemars::JsonSchema)]
    #[schemars(crate = "mcp_runtime::schemars")]
    pub struct Identity(pub &'static str);

    /// Not generic, so not the injected one.
    #[derive(serde::Deserialize, mcp_runtime::schemars::JsonSchema)]
    #[schemars(crate = "mcp_runtime::schemars")]
    pub struct State(pub u8);
}
use names::{Identity, State};

/// Takes and gives them.
#[tool]
async fn all(
    result: Result,
    option: Option,
    string: String,
    vec: Vec,
    arc: Arc,
    policy: Policy,
    permit: Permit,
    tool: Tool,
    tools: Tools,
    state: State,
    #[arg(default)] args: Args,
    #[arg(max_len = 3)] text: std::option::Option<std::string::String>,
    #[arg(min = 1)] limits: u8,
    more: (Limits, Violation, ArgRules, Makes, Floor, Icon),
) -> mcp_runtime::Json<Identity> {
    let _ = (text, limits, more);
    let _ = (Ok, Err, Result2);
    let _ = (result, option, string, vec, arc, policy, permit, tool, tools, args);
    let _ = (Some, None, Into, Default2, Protected, ToolInfo, Box, Send);
    let _ = state.0;
    mcp_runtime::Json(Identity("x"))
}

/// Parameters called like the expansion's own.
#[tool]
async fn echo(receiver: u8, permit: u8, injected: u8, a0: u8, a1: u8, echo: u8, this: u8) {
    let _ = (receiver, permit, injected, a0, a1, echo, this);
}

/// A function called like a local of the expansion.
#[tool]
async fn a0(a0: u8) {
    let _ = a0;
}

/// Another.
#[tool]
fn permit(context: mcp_runtime::Context, permit: u8) {
    let _ = (context, permit);
}

fn main() {
    let tools = tools![all, echo, a0, permit];
    let _ = tools;
}
