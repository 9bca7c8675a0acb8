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
    /// Names whose values come from a file whose quotes were understood.
    pub(super) unquoted: BTreeSet<String>,
    pub(super) problems: Vec<String>,
    /// Files that were not read to their end: what else is wrong cannot be told.
    pub(super) unread: Vec<String>,
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

    /// A variable of another program, that begins with `MCP_` or is nearly one of this crate: it would be taken for a
    /// misspelt one.
    pub fn foreign(mut self, name: impl Into<String>) -> Self {
        self.foreign.insert(name.into());
        self
    }

    /// Adds what is in a file of lines `NAME=value`, as far as it is not set already. One that is not there adds nothing,
    /// since deployments have none; nothing reads such a file unless this is called.
    ///
    /// Write values with spaces, `$`, `#`, `\` or quotes in single quotes. A file that cannot be read to its end is the one
    /// problem that is reported, with the number of the line, since nobody knows what stands behind it.
    #[cfg(feature = "dotenv")]
    pub fn with_dotenv(mut self, path: impl AsRef<std::path::Path>) -> Self {
        match super::dotenv::read(path.as_ref()) {
            Err(problem) => self.unread.push(problem),
            Ok(None) => {}
            Ok(Some(lines)) => {
                self.problems.extend(lines.problems);
                for (name, value) in lines.variables {
                    if !self.variables.contains_key(&name) {
                        self.unquoted.insert(name.clone());
                        self.variables.insert(name, value.into());
                    }
                }
            }
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
