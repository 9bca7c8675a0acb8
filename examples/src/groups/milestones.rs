//! Milestones: which tasks belong together, and until when.

pub use self::group::tools;

#[mcp_runtime::toolset(
    prefix = "milestone_",
    scopes = "projects:read tasks:read",
    rate_limit = "1000/h",
    timeout = "5s"
)]
mod group {
    use mcp_runtime::{Json, State, tool};

    use crate::groups::{Done, Found, Milestone, Tracker, store::Answer};

    /// List the milestones of a project.
    #[tool(read_only)]
    async fn list(State(tracker): State<Tracker>, project: u64) -> Json<Found<Milestone>> {
        tracker.tables().milestones.find(|milestone| milestone.project == project)
    }

    /// Show one milestone.
    #[tool(read_only)]
    async fn get(State(tracker): State<Tracker>, id: u64) -> Answer<Milestone> {
        tracker.tables().milestones.get(id)
    }

    /// List the open milestones of all projects that are due in a week, or earlier.
    #[tool(read_only)]
    async fn due(State(tracker): State<Tracker>, #[arg(min = 1, max = 53)] week: u8) -> Json<Found<Milestone>> {
        let is_due = |milestone: &Milestone| milestone.week.is_some_and(|due| due <= week) && !milestone.closed;
        tracker.tables().milestones.find(is_due)
    }

    /// Say how much of a milestone is done.
    #[tool(read_only)]
    async fn progress(State(tracker): State<Tracker>, id: u64) -> Answer<Done> {
        let tables = tracker.tables();
        let Json(milestone) = tables.milestones.get(id)?;
        let done = tables.tasks.count(|task| milestone.tasks.contains(&task.id) && task.done);
        Ok(Json(Done { done, all: milestone.tasks.len() }))
    }

    /// Set a milestone for a project.
    #[tool(scopes = "tasks:write", destructive = false)]
    async fn create(
        State(tracker): State<Tracker>,
        project: u64,
        #[arg(min_len = 1, max_len = 80)] name: String,
        #[arg(min = 1, max = 53)] week: Option<u8>,
    ) -> Answer<Milestone> {
        let mut tables = tracker.tables();
        tables.projects.has(project)?;
        let tasks = Default::default();
        tables.milestones.add(|id| Milestone { id, project, name, week, tasks, closed: false })
    }

    /// Move a milestone to another week, or to none.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn schedule(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min = 1, max = 53)] week: Option<u8>,
    ) -> Answer<Milestone> {
        tracker.tables().milestones.change(id, |milestone| milestone.week = week)
    }

    /// Add tasks to a milestone.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn add_tasks(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min_len = 1, max_len = 50, example = [3, 14])] tasks: Vec<u64>,
    ) -> Answer<Milestone> {
        let mut tables = tracker.tables();
        tasks.iter().try_for_each(|task| tables.tasks.has(*task))?;
        tables.milestones.change(id, |milestone| milestone.tasks.extend(tasks))
    }

    /// Take tasks out of a milestone.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn remove_tasks(
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min_len = 1, max_len = 50)] tasks: Vec<u64>,
    ) -> Answer<Milestone> {
        tracker.tables().milestones.change(id, |milestone| milestone.tasks.retain(|task| !tasks.contains(task)))
    }

    /// Close a milestone, or open it again.
    #[tool(scopes = "tasks:write", destructive = false, idempotent)]
    async fn close(State(tracker): State<Tracker>, id: u64, #[arg(default = true)] closed: bool) -> Answer<Milestone> {
        tracker.tables().milestones.change(id, |milestone| milestone.closed = closed)
    }

    /// Delete a milestone for good; its tasks stay.
    #[tool(scopes = "tasks:write members:admin", rate_limit = "20/h", destructive)]
    async fn delete(State(tracker): State<Tracker>, id: u64) -> Answer<Milestone> {
        tracker.tables().milestones.remove(id)
    }
}
