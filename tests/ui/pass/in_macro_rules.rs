//! Tools made by a macro of the author's.
#![deny(warnings)]

use mcp_runtime::{Identity, tool, tools};

macro_rules! adder {
    ($name:ident, $ty:ty, $who:ty, $default:expr, $doc:literal, $scopes:literal, $($attr:tt)*) => {
        #[doc = $doc]
        #[tool(scopes = $scopes, $($attr)*)]
        async fn $name(
            who: $who,
            #[arg(max = $default, example = $doc)] left: $ty,
            #[arg(default = $default, min = $default)] right: $ty,
        ) -> String {
            let sum = left + right;
            format!("{} {sum}", who.is_some())
        }
    };
}

adder!(add_small, u8, Option<Identity>, 1, "Adds bytes.", "add", rate_limit = "1/s");
adder!(add_large, u64, Option<Identity>, 1 << 40, "Adds numbers.", "add", timeout = "1s", read_only);

macro_rules! fixed {
    () => {
        /// Made whole by a macro.
        #[tool]
        async fn fixed(value: u8) -> String {
            value.to_string()
        }
    };
}

fixed!();

macro_rules! group {
    ($module:ident, $prefix:literal, $scopes:expr, $tool:ident) => {
        #[mcp_runtime::toolset(prefix = $prefix, scopes = $scopes)]
        mod $module {
            /// One of a group.
            #[mcp_runtime::tool]
            pub(super) async fn $tool() {}
        }
    };
}

group!(first, "first_", any("a", "b"), one);
group!(second, "second_", "a b", one);

/// A framework on top of this one.
pub mod framework {
    pub mod runtime {
        pub use mcp_runtime::*;
    }
}

macro_rules! on_top {
    ($name:ident) => {
        /// By its own path.
        #[$crate::framework::runtime::tool(crate = $crate::framework::runtime)]
        async fn $name() {}
    };
}

on_top!(above);

macro_rules! list {
    ($($path:path),*) => { tools![$($path),*] };
}

fn main() {
    let _ = tools![add_small, add_large, fixed, above];
    let _ = (first::tools(), second::tools());
    let _ = list![add_small, self::add_large];
}
