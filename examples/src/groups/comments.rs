//! Comments: what people say about tasks.

pub use self::group::tools;

#[mcp_runtime::toolset(prefix = "comment_", scopes = "comments:read", rate_limit = "1000/h", timeout = "5s")]
mod group {
    use mcp_runtime::{Identity, Json, State, ToolError, tool};

    use crate::groups::{
        Comment, Found, Tracker,
        store::{Answer, Tables},
    };

    /// List the comments on a task.
    #[tool(read_only)]
    async fn list(State(tracker): State<Tracker>, task: u64) -> Json<Found<Comment>> {
        tracker.tables().comments.find(|comment| comment.task == task)
    }

    /// List the pinned comments on a task.
    #[tool(read_only)]
    async fn list_pinned(State(tracker): State<Tracker>, task: u64) -> Json<Found<Comment>> {
        tracker.tables().comments.find(|comment| comment.task == task && comment.pinned)
    }

    /// List your own comments.
    #[tool(read_only)]
    async fn list_mine(me: Identity, State(tracker): State<Tracker>) -> Json<Found<Comment>> {
        tracker.tables().comments.find(|comment| comment.author == me.subject())
    }

    /// Show one comment.
    #[tool(read_only)]
    async fn get(State(tracker): State<Tracker>, id: u64) -> Answer<Comment> {
        tracker.tables().comments.get(id)
    }

    /// Find comments by a word.
    #[tool(read_only)]
    async fn search(
        State(tracker): State<Tracker>,
        #[arg(min_len = 2, max_len = 50)] word: String,
    ) -> Json<Found<Comment>> {
        let word = word.to_lowercase();
        tracker.tables().comments.find(|comment| comment.text.to_lowercase().contains(&word))
    }

    /// Comment on a task, in your name.
    #[tool(scopes = "comments:write", rate_limit = "60/h", destructive = false)]
    async fn add(
        me: Identity,
        State(tracker): State<Tracker>,
        task: u64,
        #[arg(min_len = 1, max_len = 5000)] text: String,
    ) -> Answer<Comment> {
        let mut tables = tracker.tables();
        tables.tasks.has(task)?;
        let author = me.subject().to_owned();
        tables.comments.add(|id| Comment { id, task, author, text, pinned: false, liked_by: Default::default() })
    }

    /// Change a comment of yours.
    #[tool(scopes = "comments:write", idempotent)]
    async fn edit(
        me: Identity,
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(min_len = 1, max_len = 5000)] text: String,
    ) -> Answer<Comment> {
        let mut tables = tracker.tables();
        must_be_of(&me, &tables, id)?;
        tables.comments.change(id, |comment| comment.text = text)
    }

    /// Like a comment, or no longer.
    #[tool(scopes = "comments:write", destructive = false, idempotent)]
    async fn like(
        me: Identity,
        State(tracker): State<Tracker>,
        id: u64,
        #[arg(default = true)] liked: bool,
    ) -> Answer<Comment> {
        let name = me.subject().to_owned();
        tracker.tables().comments.change(id, |comment| {
            let _ = if liked { comment.liked_by.insert(name) } else { comment.liked_by.remove(&name) };
        })
    }

    /// Pin a comment above all others, or let it go.
    #[tool(scopes = "comments:write", destructive = false, idempotent)]
    async fn pin(State(tracker): State<Tracker>, id: u64, #[arg(default = true)] pinned: bool) -> Answer<Comment> {
        tracker.tables().comments.change(id, |comment| comment.pinned = pinned)
    }

    /// Delete a comment of yours.
    #[tool(scopes = "comments:write", rate_limit = "30/h", destructive)]
    async fn delete(me: Identity, State(tracker): State<Tracker>, id: u64) -> Answer<Comment> {
        let mut tables = tracker.tables();
        must_be_of(&me, &tables, id)?;
        tables.comments.remove(id)
    }

    /// Who wrote a comment is what the token said then; a scope alone does not make it somebody else's to change.
    fn must_be_of(me: &Identity, tables: &Tables, id: u64) -> Result<(), ToolError> {
        if tables.comments.get(id)?.0.author == me.subject() {
            return Ok(());
        }
        Err(ToolError::visible("this comment is somebody else's"))
    }
}
