//! Scopes with arguments in them, and scopes from constants.

use mcp_runtime::{Args, Identity, State, TemplateValue, schemars, tool, tools};

const READ: &str = "notes:read notes:list";
mod scopes {
    pub const WRITE: &str = "notes:write";
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct ProjectId(String);

impl TemplateValue for ProjectId {
    fn template_text(&self) -> std::borrow::Cow<'_, str> {
        std::borrow::Cow::Borrowed(&self.0)
    }
}

/// Renames a project.
#[tool(scopes = "project:{project}:write")]
async fn rename(_me: Identity, name: String, project: String) {
    let _ = (name, project);
}

/// A number, and the name that models send.
#[tool(scopes = any("admin", all(READ, scopes::WRITE, "org/{org}/{teamId}")))]
async fn both(State(_): State<u8>, org: u32, #[arg(rename = "teamId")] team: ProjectId) {
    let _ = (org, team.0);
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct NewUser {
    tenant: String,
    r#type: Box<str>,
}

/// Adds a user.
#[tool(scopes = "tenant:{tenant}")]
async fn add(Args(new): Args<NewUser>) {
    let _ = (new.tenant, new.r#type);
}

/// Reads.
#[tool(scopes = READ)]
fn read() {}

fn main() {
    let _ = tools![rename, both, add, read];
}
