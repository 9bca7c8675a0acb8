//! The author's own rules: of the caller, of arguments, in other modules.

use mcp_runtime::{
    Args, Identity,
    guard::{GuardCx, Refused},
    schemars, tool, tools, toolset,
};

mod rules {
    use super::*;

    pub async fn on_duty(cx: &GuardCx) -> Result<(), Refused> {
        let _ = cx.tool();
        if cx.identity().is_some() { Ok(()) } else { Err(Refused::new("nobody is on duty")) }
    }
}

async fn owns(cx: &GuardCx, project: &str) -> Result<(), Refused> {
    let db = cx.state::<u8>()?;
    let number: u8 = project.parse()?;
    if number == db { Ok(()) } else { Err(Refused::new(format!("{project} is not yours"))) }
}

async fn both(_: &GuardCx, tags: &[String], count: &Option<u64>) -> Result<(), Refused> {
    let _ = (tags, count);
    Ok(())
}

/// Whoever is on duty.
#[tool(guard = rules::on_duty)]
async fn page() {}

/// The owner.
#[tool(scopes = "write", guard = owns(project))]
async fn rename(_me: Identity, project: String, name: String) {
    let _ = (project, name);
}

/// Not async.
#[tool(guard = both(tags, count))]
fn count(count: Option<u64>, tags: Vec<String>) {
    let _ = (tags, count);
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct New {
    project: String,
}

/// A field.
#[tool(public, guard = owns(project))]
async fn add(Args(new): Args<New>) {
    let _ = new.project;
}

struct Accounts;

#[toolset]
impl Accounts {
    /// A method.
    #[tool(guard = owns(id), concurrency = 2)]
    async fn close(&self, id: String) {
        let _ = id;
    }
}

fn main() {
    let _ = tools![page, rename, count, add];
    let _ = mcp_runtime::ToolSet::into_tools(Accounts);
}
