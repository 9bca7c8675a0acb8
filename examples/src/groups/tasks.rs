//! Tasks: what there is to do.

pub use self::group::tools;

#[mcp_runtime::toolset(prefix = "task_", scopes = "tasks:read", rate_limit = "5000/h", timeout = "5s")]
mod group {
    use mcp_runtime::{Json, State, ToolError, tool};

    use crate::groups::{Found, Task, Tracker, store::Answer};

    /// List the tasks of a project that are not done.
    #[tool(read_only)]
    async fn list(State(tracker): State<Tracker>, project: u64) -> Json<Found<Task>> {
        tracker.tables().tasks.find(|task| task.project == project && !task.done)
    }

    /// Show one task.
    #[tool(read_only)]
    async fn get(State(tracker): State<Tracker>, id: u64) -> Answer<Task> {
        tracker.tables().tasks.get(id)
    }

    /// List the open tasks of all projects that are at least this urgent.
    #[tool(read_only)]
    async fn urgent(
        State(tracker): State<Tracker>,
        /// 1 is the most urgent.
        #[arg(min = 1, max = 5, default = 2)]
        priority: u8,
    ) -> Json<Found<Task>> {
        tracker.tables().tasks.find(|task| task.priority <= priority && !task.done)
    }

    /// Add a task to a project.
    #[tool(scopes = "tasks:write", destructive = false)]
    async fn create(
        State(tracker): State<Tracker>,
        project: u64,
        #[arg(min_len = 1, max_len = 200, example = "Write the release notes")] title: String,
        #[arg(min = 1, max = 5, default = 3)] priority: u8,
    ) -> Answer<Task> {
        let mut tables = tracker.tables();
        tables.projects.has(project)?;
        tables.tasks.add(|id| Task { id, project, title, assignee: None, priority, done: false })
    }

    /// Give a task another title.
    #[tool(scopes = "tasks:write", idempotent)]
    async fn retitle(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min_len = 1, max_len = 200)] title: String,
    ) -> Answer<Task> {
        tracker.tables().tasks.change(id, |task| task.title = title)
    }

    /// Give a task to somebody.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn assign(State(tracker): State<Tracker>, id: u64, member: u64) -> Answer<Task> {
        let mut tables = tracker.tables();
        if !tables.members.get(member)?.0.active {
            return Err(ToolError::invalid("member", "must be active"));
        }
        tables.tasks.change(id, |task| task.assignee = Some(member))
    }

    /// Take a task from whoever has it.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn unassign(State(tracker): State<Tracker>, id: u64) -> Answer<Task> {
        tracker.tables().tasks.change(id, |task| task.assignee = None)
    }

    /// Say how urgent a task is.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn prioritize(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min = 1, max = 5)] priority: u8,
    ) -> Answer<Task> {
        tracker.tables().tasks.change(id, |task| task.priority = priority)
    }

    /// Mark a task as done, or as not done after all.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn finish(State(tracker): State<Tracker>, id: u64, #[arg(default = true)] done: bool) -> Answer<Task> {
        tracker.tables().tasks.change(id, |task| task.done = done)
    }

    /// Delete a task for good.
    #[tool(scopes = "tasks:write members:admin", rate_limit = "50/h", destructive)]
    async fn delete(State(tracker): State<Tracker>, id: u64) -> Answer<Task> {
        tracker.tables().tasks.remove(id)
    }
}
