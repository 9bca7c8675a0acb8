//! A tool may be more public than the types it takes, as any function may.
#![allow(unused)]


mod notes {
    use mcp_runtime::{Json, State, schemars::{self, JsonSchema}, tool};

    #[derive(serde::Serialize, serde::Deserialize, JsonSchema)]
    struct Note {
        text: String,
    }

    #[derive(Clone)]
    struct Db;

    /// Keeps a note.
    #[tool]
    #[allow(private_interfaces)]
    pub async fn keep(State(db): State<Db>, note: Note) -> Json<Note> {
        let _ = (db, &note.text, Db);
        Json(note)
    }
}

fn main() {
    let _ = mcp_runtime::tools![notes::keep];
}
