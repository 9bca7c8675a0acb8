//! What the tracker keeps: five tables behind one lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcp_runtime::{Json, ToolError, schemars::JsonSchema};
use serde::Serialize;

/// The most rows a table holds: memory is bounded, whoever writes.
const CAPACITY: usize = 10_000;

/// The most rows one answer shows.
const PAGE: usize = 100;

/// Everything, shared by all who call.
#[derive(Debug, Clone, Default)]
pub struct Tracker(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) projects: Table<Project>,
    pub(super) tasks: Table<Task>,
    pub(super) comments: Table<Comment>,
    pub(super) milestones: Table<Milestone>,
    pub(super) members: Table<Member>,
}

impl Tracker {
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something people work on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Project {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) archived: bool,
}

/// Something to do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Task {
    pub(super) id: u64,
    pub(super) project: u64,
    pub(super) title: String,
    pub(super) assignee: Option<u64>,
    /// From 1, which is the most urgent, to 5.
    pub(super) priority: u8,
    pub(super) done: bool,
}

/// Something said about a task.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Comment {
    pub(super) id: u64,
    pub(super) task: u64,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) pinned: bool,
    pub(super) liked_by: BTreeSet<String>,
}

/// Tasks that belong together, and until when.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Milestone {
    pub(super) id: u64,
    pub(super) project: u64,
    pub(super) name: String,
    /// The week of the year.
    pub(super) week: Option<u8>,
    pub(super) tasks: BTreeSet<u64>,
    pub(super) closed: bool,
}

/// Somebody in the team.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Member {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) active: bool,
}

/// What a search or list found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Found<T> {
    /// The first of them, a hundred at most.
    items: Vec<T>,
    /// How many there are.
    count: usize,
}

/// How much of something is done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(crate = "mcp_runtime::schemars")]
pub struct Done {
    pub(super) done: usize,
    pub(super) all: usize,
}

/// What a tool of the tracker answers.
pub(super) type Answer<T> = Result<Json<T>, ToolError>;

/// Rows by number.
#[derive(Debug)]
pub(super) struct Table<T> {
    last: u64,
    rows: BTreeMap<u64, T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { last: 0, rows: BTreeMap::new() }
    }
}

impl<T: Clone> Table<T> {
    pub(super) fn add(&mut self, make: impl FnOnce(u64) -> T) -> Answer<T> {
        if self.rows.len() >= CAPACITY {
            return Err(ToolError::visible("the tracker is full; delete something first"));
        }
        self.last += 1;
        let row = make(self.last);
        self.rows.insert(self.last, row.clone());
        Ok(Json(row))
    }

    pub(super) fn get(&self, id: u64) -> Answer<T> {
        self.rows.get(&id).cloned().map(Json).ok_or_else(|| missing(id))
    }

    pub(super) fn change(&mut self, id: u64, change: impl FnOnce(&mut T)) -> Answer<T> {
        let row = self.rows.get_mut(&id).ok_or_else(|| missing(id))?;
        change(row);
        Ok(Json(row.clone()))
    }

    pub(super) fn change_all(&mut self, change: impl FnMut(&mut T)) {
        self.rows.values_mut().for_each(change);
    }

    pub(super) fn remove(&mut self, id: u64) -> Answer<T> {
        self.rows.remove(&id).map(Json).ok_or_else(|| missing(id))
    }

    pub(super) fn find(&self, wanted: impl Fn(&T) -> bool) -> Json<Found<T>> {
        let found: Vec<_> = self.rows.values().filter(|row| wanted(row)).collect();
        Json(Found { count: found.len(), items: found.into_iter().take(PAGE).cloned().collect() })
    }

    pub(super) fn count(&self, wanted: impl Fn(&T) -> bool) -> usize {
        self.rows.values().filter(|row| wanted(row)).count()
    }

    pub(super) fn has(&self, id: u64) -> Result<(), ToolError> {
        if self.rows.contains_key(&id) { Ok(()) } else { Err(missing(id)) }
    }
}

fn missing(id: u64) -> ToolError {
    ToolError::visible(format!("there is no {id} here; list what there is first"))
}
