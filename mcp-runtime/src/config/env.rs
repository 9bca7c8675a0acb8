//! Where variables come from.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt,
};

/// Variables, and where they come from. Its `Debug` shows names only.
///
/// ```
/// use mcp_runtime::config::Env;
///
/// // What the deployment may leave out, said in code.
/// let env = Env::process().or("MCP_DEFAULT_SCOPES", "notes:read").or("MCP_STORE", "/var/lib/notes/store.db");
///
/// // For tests: nothing of the process is read.
/// let env = Env::of([("MCP_BIND", "127.0.0.1:0")]);
/// ```
#[derive(Clone, Default)]
#[must_use = "variables do nothing until a server is configured from them"]
pub struct Env {
    pub(super) variables: BTreeMap<String, OsString>,
    /// What holds where nothing is set.
    pub(super) defaults: BTreeMap<String, String>,
    /// Names that are somebody else's.
    pub(super) foreign: BTreeSet<String>,
    pub(super) problems: Vec<String>,
}

impl Env {
    /// The variables of this process.
    pub fn process() -> Self {
        // A name that is not Unicode is none of ours.
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self { variables: named.collect(), ..Self::default() }
    }

    /// These variables, and nothing of the process.
    pub fn of(variables: impl IntoIterator<Item = (impl Into<String>, impl Into<OsString>)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, ..Self::default() }
    }

    /// What a variable says where it is not set: this is how code fills in what the deployment may leave out. Called twice
    /// for a name: the last.
    pub fn or(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.defaults.insert(name.into(), value.into());
        self
    }

    /// A variable that begins with `MCP_` and is not of this crate: others are taken for misspelt ones.
    pub fn foreign(mut self, name: impl Into<String>) -> Self {
        self.foreign.insert(name.into());
        self
    }

    /// Adds what is in a file of lines `NAME=value`, as far as it is not set already. One that is not there adds nothing,
    /// since deployments have none; nothing reads such a file unless this is called. Write values with `$`, `#` or spaces in
    /// single quotes.
    #[cfg(feature = "dotenv")]
    pub fn with_dotenv(mut self, path: impl AsRef<std::path::Path>) -> Self {
        let path = path.as_ref();
        let lines = match dotenvy::from_path_iter(path) {
            Ok(lines) => lines,
            Err(error) if error.not_found() => return self,
            Err(_) => {
                self.problems.push(format!("{} cannot be read: see who owns it", path.display()));
                return self;
            }
        };
        let mut last = None;
        for line in lines {
            // What dotenvy says of it would show the line.
            let Ok((name, value)) = line else {
                let after = last.map_or_else(|| "at its beginning".to_owned(), |name| format!("after `{name}`"));
                self.problems.push(format!("{} has a line that cannot be read, {after}", path.display()));
                break;
            };
            last = Some(name.clone());
            self.variables.entry(name).or_insert_with(|| value.into());
        }
        self
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = |name: &&String| super::values::is_ours(name);
        f.debug_set().entries(self.variables.keys().filter(ours)).finish()
    }
}
