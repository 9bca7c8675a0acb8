//! Projects: what everything else belongs to.

pub use self::group::tools;

#[mcp_runtime::toolset(prefix = "project_", scopes = "projects:read", rate_limit = "2000/h", timeout = "5s")]
mod group {
    use mcp_runtime::{Json, State, tool};

    use crate::groups::{Found, Project, Tracker, store::Answer};

    /// List the projects that are not archived.
    #[tool(read_only)]
    async fn list(State(tracker): State<Tracker>) -> Json<Found<Project>> {
        tracker.tables().projects.find(|project| !project.archived)
    }

    /// List the projects that are archived.
    #[tool(read_only)]
    async fn list_archived(State(tracker): State<Tracker>) -> Json<Found<Project>> {
        tracker.tables().projects.find(|project| project.archived)
    }

    /// Show one project.
    #[tool(read_only)]
    async fn get(State(tracker): State<Tracker>, id: u64) -> Answer<Project> {
        tracker.tables().projects.get(id)
    }

    /// Find projects by a word in their names or descriptions.
    #[tool(read_only)]
    async fn search(
        State(tracker): State<Tracker>,
        #[arg(min_len = 2, max_len = 50)] word: String,
    ) -> Json<Found<Project>> {
        let word = word.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&word);
        tracker.tables().projects.find(|project| has(&project.name) || has(&project.description))
    }

    /// Say how many projects there are, archived ones included.
    #[tool(read_only)]
    async fn count(State(tracker): State<Tracker>) -> String {
        tracker.tables().projects.count(|_| true).to_string()
    }

    /// Start a project.
    #[tool(scopes = "projects:write", destructive = false)]
    async fn create(
        State(tracker): State<Tracker>,
        #[arg(min_len = 1, max_len = 80)] name: String,
        #[arg(max_len = 2000, default = "")] description: String,
    ) -> Answer<Project> {
        tracker.tables().projects.add(|id| Project { id, name, description, archived: false })
    }

    /// Give a project another name.
    #[tool(scopes = "projects:write", idempotent)]
    async fn rename(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min_len = 1, max_len = 80)] name: String,
    ) -> Answer<Project> {
        tracker.tables().projects.change(id, |project| project.name = name)
    }

    /// Give a project another description.
    #[tool(scopes = "projects:write", idempotent)]
    async fn describe(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(max_len = 2000)] description: String,
    ) -> Answer<Project> {
        tracker.tables().projects.change(id, |project| project.description = description)
    }

    /// Put a project into the archive, or take it out again.
    #[tool(scopes = "projects:write", destructive = false, idempotent)]
    async fn archive(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(default = true)] archived: bool,
    ) -> Answer<Project> {
        tracker.tables().projects.change(id, |project| project.archived = archived)
    }

    /// Delete a project for good.
    #[tool(scopes = "projects:write members:admin", rate_limit = "10/h", destructive)]
    async fn delete(State(tracker): State<Tracker>, id: u64) -> Answer<Project> {
        tracker.tables().projects.remove(id)
    }
}
