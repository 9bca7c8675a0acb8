//! A project tracker in memory: fifty tools in five groups, one file for each.
//!
//! Each group is a module with `#[toolset]`: a prefix for the names, the scope that all of its tools need, and one limit
//! that they share. What a single tool says is added to that.

pub mod comments;
pub mod members;
pub mod milestones;
pub mod projects;
mod store;
pub mod tasks;

use mcp_runtime::ServerBuilder;
pub use store::{Comment, Done, Found, Member, Milestone, Project, Task, Tracker};

/// Adds the tracker, its scopes and all of its tools to a server.
pub fn add_to(server: ServerBuilder) -> ServerBuilder {
    server
        .scope("projects:read", "See projects")
        .scope("projects:write", "Change projects")
        .scope("tasks:read", "See tasks and milestones")
        .scope("tasks:write", "Change tasks and milestones")
        .scope("comments:read", "Read comments")
        .scope("comments:write", "Comment in your name")
        .scope("members:read", "See who is in a team")
        .scope("members:admin", "Change who is in a team, and delete what others made")
        .state(Tracker::default())
        .tools(projects::tools())
        .tools(tasks::tools())
        .tools(comments::tools())
        .tools(milestones::tools())
        .tools(members::tools())
}
