//! What is kept of those who log in: where, and sealed with which key.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    config::{error::Problems, values::Values},
    oauth::StoreKey,
    store::{MemoryStore, Store},
};

#[cfg(feature = "sqlite")]
const DEFAULT: &str = "data/store.db";

/// A store and its key, before they are opened.
#[derive(Debug)]
pub(in crate::config) struct Place {
    /// `None`: in memory.
    pub(in crate::config) file: Option<PathBuf>,
    pub(in crate::config) keys: Keys,
}

#[derive(Debug)]
pub(in crate::config) enum Keys {
    /// The newest, and those before it.
    Given(Vec<StoreKey>),
    /// A file, which is made if it is not there.
    File(PathBuf),
    /// A new one each time.
    Fresh,
}

pub(super) fn read(values: &Values, problems: &mut Problems) -> Option<Place> {
    let file = problems.keep("MCP_STORE", file(values.get("MCP_STORE")));
    let given = values.get("MCP_STORE_KEY").map(|text| problems.keep("MCP_STORE_KEY", keys(text)));
    let file = file?;
    let keys = match (given, &file) {
        (Some(given), _) => Keys::Given(given?),
        (None, Some(file)) => Keys::File(file.with_extension("key")),
        (None, None) => Keys::Fresh,
    };
    Some(Place { file, keys })
}

#[cfg(feature = "sqlite")]
fn file(said: Option<&str>) -> Result<Option<PathBuf>, &'static str> {
    let said = said.unwrap_or(DEFAULT);
    if said == "memory" {
        return Ok(None);
    }
    let path = Path::new(said);
    if said.ends_with('/') || path.file_name().is_none() || path.is_dir() {
        return Err("is a folder: name a file in it, such as `data/store.db`");
    }
    if said.contains("://") || said.starts_with("sqlite:") || said == ":memory:" {
        return Err("is a URL: write the path of a file, or `memory`");
    }
    if path.extension().is_some_and(|extension| extension == "key") {
        return Err("ends with `.key`, which is the file of its key: name it `.db`");
    }
    Ok(Some(path.to_owned()))
}

#[cfg(not(feature = "sqlite"))]
fn file(said: Option<&str>) -> Result<Option<PathBuf>, &'static str> {
    match said {
        Some("memory") => Ok(None),
        Some(_) => {
            Err("names a file, which needs the feature `sqlite` of mcp-runtime: compile it in, or set it to `memory`")
        }
        None => Err("is missing: set it to `memory`, or compile in the feature `sqlite` of mcp-runtime"),
    }
}

/// Keys in base64, the newest first.
fn keys(text: &str) -> Result<Vec<StoreKey>, String> {
    let keys: Vec<StoreKey> = text
        .split(',')
        .map(StoreKey::from_base64)
        .collect::<Result<_, _>>()
        // What is wrong with which one would tell something of it.
        .map_err(|error| format!("cannot be used: {error}; several are separated by commas, the newest first"))?;
    if keys.len() > 8 {
        return Err("has more than 8 keys: leave out those with which nothing is sealed any more".to_owned());
    }
    Ok(keys)
}

/// The newest key, which also opens what the others sealed.
fn rotated(keys: Vec<StoreKey>) -> Result<StoreKey, String> {
    let newest = keys.into_iter().reduce(StoreKey::with_previous);
    newest.ok_or_else(|| "`MCP_STORE_KEY` has no key".to_owned())
}

impl Place {
    /// Opens it, which makes the files that are not there.
    pub(super) fn open(self) -> Result<(Arc<dyn Store>, StoreKey), String> {
        let store = open(self.file.as_deref())?;
        let key = match self.keys {
            Keys::Given(keys) => rotated(keys)?,
            Keys::File(file) => {
                StoreKey::load_or_create(&file).map_err(|error| format!("`{}`: {error}", file.display()))?
            }
            Keys::Fresh => StoreKey::generate().map_err(|error| error.to_string())?,
        };
        Ok((store, key))
    }
}

#[cfg(feature = "sqlite")]
fn open(file: Option<&Path>) -> Result<Arc<dyn Store>, String> {
    let Some(file) = file else { return Ok(Arc::new(MemoryStore::new())) };
    let opened = crate::store::SqliteStore::open_here(file);
    opened.map(|store| Arc::new(store) as Arc<dyn Store>).map_err(|error| format!("`MCP_STORE`: {error}"))
}

#[cfg(not(feature = "sqlite"))]
fn open(_: Option<&Path>) -> Result<Arc<dyn Store>, String> {
    Ok(Arc::new(MemoryStore::new()))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            None => f.write_str("memory: everybody logs in again after a restart")?,
            Some(file) => write!(f, "{}", file.display())?,
        }
        match &self.keys {
            Keys::Given(keys) if keys.len() > 1 => {
                write!(f, ", sealed with MCP_STORE_KEY ({} older keys)", keys.len() - 1)
            }
            Keys::Given(_) => f.write_str(", sealed with MCP_STORE_KEY"),
            Keys::File(file) => write!(f, ", sealed with {}", file.display()),
            Keys::Fresh => Ok(()),
        }
    }
}
