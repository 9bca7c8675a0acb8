//! Members: who is in the team.

pub use self::group::tools;

#[mcp_runtime::toolset(prefix = "member_", scopes = "members:read", rate_limit = "500/h", timeout = "5s")]
mod group {
    use mcp_runtime::{Json, State, tool};

    use crate::groups::{Done, Found, Member, Task, Tracker, store::Answer};

    /// List the members who are active.
    #[tool(read_only)]
    async fn list(State(tracker): State<Tracker>) -> Json<Found<Member>> {
        tracker.tables().members.find(|member| member.active)
    }

    /// Show one member.
    #[tool(read_only)]
    async fn get(State(tracker): State<Tracker>, id: u64) -> Answer<Member> {
        tracker.tables().members.get(id)
    }

    /// Find members by a part of their names.
    #[tool(read_only)]
    async fn search(
        State(tracker): State<Tracker>,
        #[arg(min_len = 2, max_len = 50)] name: String,
    ) -> Json<Found<Member>> {
        let name = name.to_lowercase();
        tracker.tables().members.find(|member| member.name.to_lowercase().contains(&name))
    }

    /// List the open tasks of a member.
    #[tool(scopes = "tasks:read", read_only)]
    async fn tasks(State(tracker): State<Tracker>, id: u64) -> Json<Found<Task>> {
        tracker.tables().tasks.find(|task| task.assignee == Some(id) && !task.done)
    }

    /// Say how much of a member's tasks is done.
    #[tool(scopes = "tasks:read", read_only)]
    async fn progress(State(tracker): State<Tracker>, id: u64) -> Json<Done> {
        let tables = tracker.tables();
        let all = tables.tasks.count(|task| task.assignee == Some(id));
        let done = tables.tasks.count(|task| task.assignee == Some(id) && task.done);
        Json(Done { done, all })
    }

    /// Add somebody to the team.
    #[tool(scopes = "members:admin", rate_limit = "20/h", destructive = false)]
    async fn add(
        State(tracker): State<Tracker>,
        #[arg(min_len = 1, max_len = 80)] name: String,
        #[arg(min_len = 1, max_len = 40, default = "member", example("member", "lead"))] role: String,
    ) -> Answer<Member> {
        tracker.tables().members.add(|id| Member { id, name, role, active: true })
    }

    /// Correct a member's name.
    #[tool(scopes = "members:admin", idempotent)]
    async fn rename(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min_len = 1, max_len = 80)] name: String,
    ) -> Answer<Member> {
        tracker.tables().members.change(id, |member| member.name = name)
    }

    /// Give a member another role.
    #[tool(scopes = "members:admin", idempotent)]
    async fn set_role(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min_len = 1, max_len = 40)] role: String,
    ) -> Answer<Member> {
        tracker.tables().members.change(id, |member| member.role = role)
    }

    /// Let a member take part, or no longer.
    #[tool(scopes = "members:admin", destructive = false, idempotent)]
    async fn activate(State(tracker): State<Tracker>, id: u64, #[arg(default = true)] active: bool) -> Answer<Member> {
        tracker.tables().members.change(id, |member| member.active = active)
    }

    /// Remove a member for good; their tasks are nobody's then.
    #[tool(scopes = "members:admin", rate_limit = "5/h", destructive)]
    async fn remove(State(tracker): State<Tracker>, id: u64) -> Answer<Member> {
        let mut tables = tracker.tables();
        let removed = tables.members.remove(id)?;
        tables.tasks.change_all(|task| task.assignee = task.assignee.filter(|assignee| *assignee != id));
        Ok(removed)
    }
}
