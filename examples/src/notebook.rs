//! A notebook in memory, and the four tools that open it to models.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcp_runtime::{Identity, Json, ServerBuilder, State, ToolError, schemars::JsonSchema, tool, tools};
use serde::Serialize;

/// The most notes one notebook holds: memory is bounded, whoever writes.
const CAPACITY: usize = 10_000;

/// What there is to allow, and what people are told about it.
pub const SCOPES: [(&str, &str); 2] = [("notes:write", "Add notes"), ("admin", "Delete notes")];

/// All notes, shared by all who call.
#[derive(Debug, Clone, Default)]
pub struct Notebook(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    last: u64,
    notes: BTreeMap<u64, Note>,
}

/// One note.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Note {
    /// Names the note in `delete_note`.
    id: String,
    title: String,
    text: String,
}

/// What `list_notes` returns.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Notes {
    notes: Vec<Note>,
}

impl Notebook {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// List all notes.
#[tool(public, read_only)]
pub async fn list_notes(State(notebook): State<Notebook>) -> Json<Notes> {
    Json(Notes { notes: notebook.pages().notes.values().cloned().collect() })
}

/// Add a note and return it.
#[tool(scopes = "notes:write", destructive = false)]
pub async fn add_note(
    State(notebook): State<Notebook>,
    /// One line that says what it is about.
    title: String,
    /// The note itself.
    text: String,
) -> Result<Json<Note>, ToolError> {
    let mut pages = notebook.pages();
    if pages.notes.len() >= CAPACITY {
        return Err(ToolError::visible("the notebook is full; delete a note first"));
    }
    pages.last += 1;
    let (number, id) = (pages.last, pages.last.to_string());
    let note = Note { id, title, text };
    pages.notes.insert(number, note.clone());
    Ok(Json(note))
}

/// Delete a note for good.
#[tool(scopes = "admin", rate_limit = "5/m", destructive)]
pub async fn delete_note(
    State(notebook): State<Notebook>,
    /// The `id` that `list_notes` shows.
    id: String,
) -> Result<String, ToolError> {
    let number: u64 = id.parse().map_err(|_| ToolError::invalid("id", "must be an id that `list_notes` shows"))?;
    match notebook.pages().notes.remove(&number) {
        Some(note) => Ok(format!("deleted `{}`", note.title)),
        None => Err(ToolError::visible(format!("there is no note {number}; `list_notes` shows those there are"))),
    }
}

/// Tell who is calling.
#[tool(read_only)]
pub async fn whoami(me: Identity) -> String {
    let scopes: Vec<_> = me.scopes().iter().collect();
    format!("{} (issuer {}), scopes: {}", me.subject(), me.issuer(), scopes.join(" "))
}

/// Adds the notebook, its scopes and its tools to a server.
pub fn add_to(server: ServerBuilder) -> ServerBuilder {
    let server = SCOPES.iter().fold(server, |server, (scope, description)| server.scope(*scope, *description));
    server.state(Notebook::default()).tools(tools![list_notes, add_note, delete_note, whoami])
}
