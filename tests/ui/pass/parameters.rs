//! Limits, examples, headers, whole structs, and what overrides a type's name.
#![deny(warnings, missing_docs)]

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use mcp_runtime::{
    Args, CallContext, Context, Identity, Inject, Json, ToolError,
    schemars::{self, JsonSchema},
    tool, tools, toolset,
};

const MOST: u32 = 100;

#[derive(serde::Deserialize, JsonSchema)]
struct NewUser {
    name: String,
}

/// Limits on everything that has some.
#[tool]
async fn limits(
    #[arg(min = 1, max = MOST, default = 10)] count: u32,
    #[arg(min = -5, max = 5)] offset: Option<i8>,
    #[arg(min = 0.5, max = 1.5, default = 1.0)] weight: f64,
    #[arg(max = u64::MAX)] big: Option<Option<u64>>,
    #[arg(min_len = 1, max_len = 64)] name: String,
    #[arg(max_len = 8)] shared: Option<Arc<str>>,
    #[arg(max_len = 3)] list: Vec<String>,
    #[arg(max_len = 3)] set: HashSet<u8>,
    #[arg(max_len = MOST as usize)] map: BTreeMap<String, u8>,
    #[arg(max_len = 3, default)] boxed: Box<[u8]>,
) {
    let _ = (count, offset, weight, big, name, shared, list, set, map, boxed);
}

/// Examples and headers.
#[tool]
async fn told(
    #[arg(example = "eu-1", header = "Region")] region: String,
    #[arg(example(-1, 10), header = "X-Count")] count: i64,
    #[arg(example = ["a", "b"])] tags: Vec<String>,
    #[arg(example = true, header = "Dry-Run")] dry_run: Option<bool>,
) {
    let _ = (region, count, tags, dry_run);
}

/// A whole struct, beside what is injected.
#[tool]
async fn whole(me: Identity, Args(new): Args<NewUser>, context: Context) -> String {
    let _ = (me, context);
    new.name
}

/// A whole struct, named.
#[tool]
async fn named(new: mcp_runtime::Args<NewUser>) -> String {
    new.name.clone()
}

struct Tenant(String);

impl Inject for Tenant {
    fn inject(call: &CallContext<'_>) -> Result<Self, ToolError> {
        Ok(Self(call.tool().to_owned()))
    }
}

mod own {
    #[derive(serde::Deserialize, mcp_runtime::schemars::JsonSchema)]
    #[schemars(crate = "mcp_runtime::schemars")]
    pub struct Context {
        pub line: u32,
    }

    #[derive(serde::Deserialize, mcp_runtime::schemars::JsonSchema)]
    #[schemars(crate = "mcp_runtime::schemars")]
    pub struct Query<T>(pub T);

    #[derive(serde::Deserialize, mcp_runtime::schemars::JsonSchema)]
    #[schemars(crate = "mcp_runtime::schemars")]
    pub struct Args<T>(pub T);
}

/// Types whose names say something else.
#[tool]
fn overridden(
    #[inject] Tenant(tenant): Tenant,
    #[inject] again: Tenant,
    #[arg] context: own::Context,
    #[arg] query: own::Query<u8>,
    #[arg] args: own::Args<u8>,
) -> Json<u32> {
    let _ = (tenant, again.0, query.0, args.0);
    Json(context.line)
}

struct Shop;

#[toolset]
impl Shop {
    const MOST: usize = 10;

    /// A method.
    #[tool]
    async fn find(
        &self,
        #[inject] tenant: Tenant,
        #[arg(max_len = Self::MOST, header = "Article")] article: String,
        #[arg(max = Self::MOST, default = Self::MOST)] most: usize,
    ) {
        let _ = (tenant, article, most);
    }

    /// Another.
    #[tool]
    async fn add(&self, Args(new): Args<NewUser>) {
        let _ = new;
    }
}

fn main() {
    let _ = tools![limits, told, whole, named, overridden];
    let _ = mcp_runtime::ToolSet::into_tools(Shop);
}
