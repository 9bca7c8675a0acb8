//! From variables to values: files are read, and whatever is wrong with any variable on its own is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fmt, fs,
    io::{self, Read},
    path::Path,
};

use super::{
    env::Env,
    error::Problems,
    variables::{Group, VARIABLES, Variable, find},
};
use crate::guard::{nearest, nearest_within};

/// The longest value; keys in PEM are the longest there are.
const MAX_BYTES: usize = 16 * 1024;

/// With these begin variables of ours, and of others that are none of our business.
const SHARED_PREFIXES: [&str; 6] = ["OIDC_", "AUTH0_", "FIREBASE_", "GITHUB_", "JWT_", "OAUTH_"];

/// The values of all variables that are there.
pub(super) struct Values {
    values: BTreeMap<&'static str, Value>,
    /// Those that are there and cannot be used, which was complained of.
    broken: BTreeSet<&'static str>,
}

struct Value {
    text: String,
    /// Whether somebody who deploys said so, and not the code.
    is_set: bool,
}

impl Values {
    pub(super) fn read(env: &Env, problems: &mut Problems) -> Self {
        env.problems.iter().for_each(|problem| problems.add(problem));
        complain_of_strangers(env, problems);
        let (mut values, mut broken) = (BTreeMap::new(), BTreeSet::new());
        for variable in VARIABLES {
            let default = || env.defaults.get(variable.name).map(|text| (text.clone(), false));
            let set = value_of(variable, env, problems).map(|text| text.map(|text| (text, true)));
            let Some(said) = set.or_else(|| default().map(Some)) else { continue };
            let good = said.and_then(|(text, is_set)| {
                let text = problems.keep(variable.name, checked(variable, text, is_set))?;
                Some(Value { text, is_set })
            });
            match good {
                Some(value) => drop(values.insert(variable.name, value)),
                None => drop(broken.insert(variable.name)),
            }
        }
        Self { values, broken }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(find(name).is_some(), "{name} is not in the table");
        self.values.get(name).map(|value| &*value.text)
    }

    /// Whether it is there, be it good or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.broken.contains(name)
    }

    /// The first of these that is there, be it good or not.
    pub(super) fn first_of(&self, group: Group) -> Option<&'static str> {
        VARIABLES.iter().find(|one| one.group == group && self.has(one.name)).map(|one| one.name)
    }

    /// Those of a group that were set, and not by the code.
    pub(super) fn set_in(&self, group: Group) -> impl Iterator<Item = &'static str> {
        let is_set = |name: &str| self.values.get(name).is_some_and(|value| value.is_set);
        VARIABLES.iter().filter(move |one| one.group == group && is_set(one.name)).map(|one| one.name)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Whether a name is one of the table, or names a file for one.
pub(super) fn is_ours(name: &str) -> bool {
    find(name).is_some() || name.strip_suffix("_FILE").and_then(find).is_some()
}

/// Names that are nearly ours, or would be if there were such a variable.
fn complain_of_strangers(env: &Env, problems: &mut Problems) {
    let strange = |name: &&String| !is_ours(name) && !env.foreign.contains(*name);
    for name in env.variables.keys().filter(strange) {
        let Some(advice) = advice(name) else { continue };
        // A name can be anything.
        problems.add(format!(
            "`{}` is not a variable of this server: {advice} If it is another program's, unset it here or have the code \
             say `Env::foreign`",
            name.escape_debug()
        ));
    }
    for name in env.defaults.keys().filter(|name| find(name).is_none()) {
        problems.add(format!("the code gives `{}` a default, and there is no such variable", name.escape_debug()));
    }
}

/// What to do about a name that is not ours, unless it is plainly somebody else's.
fn advice(name: &str) -> Option<String> {
    let did_you_mean = |known: &str| format!("did you mean `{known}`?");
    if name.starts_with("MCP_") {
        let plain = name.strip_suffix("_FILE").unwrap_or(name);
        let near = nearest(plain, VARIABLES.iter().map(|variable| variable.name));
        return Some(near.map_or_else(|| "`--help` lists those there are.".to_owned(), did_you_mean));
    }
    if !SHARED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let files: Vec<String> = VARIABLES.iter().filter_map(Variable::file_name).collect();
    let known = VARIABLES.iter().map(|variable| variable.name).chain(files.iter().map(|name| &**name));
    nearest_within(2, name, known).map(did_you_mean)
}

/// What the environment says, by itself or in a file; `Some(None)` if it says something that cannot be read.
fn value_of(variable: &Variable, env: &Env, problems: &mut Problems) -> Option<Option<String>> {
    let name = variable.name;
    let file_name = format!("{name}_FILE");
    let (direct, file) = (env.variables.get(name), env.variables.get(&file_name));
    if file.is_some() && variable.file_name().is_none() {
        problems.add(format!("`{file_name}` does not exist: `{name}` itself is the path of a file; set that instead"));
        return Some(None);
    }
    match (direct, file) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            problems.add(format!("`{name}` and `{file_name}` are both set: unset one of them"));
            Some(None)
        }
        (Some(value), None) => {
            let text = unicode(value).and_then(|text| without_quotes(env, name, text));
            Some(problems.keep(name, text).map(str::to_owned))
        }
        (None, Some(path)) => {
            let text = without_quotes(env, &file_name, path.to_str().unwrap_or_default());
            Some(problems.keep(&file_name, text.map_err(str::to_owned).and_then(|_| read_file(path))))
        }
    }
}

fn unicode(value: &OsStr) -> Result<&str, &'static str> {
    value.to_str().ok_or("is not UTF-8 text: set it again")
}

/// `docker --env-file` and the like keep the quotes that a shell removes, and so does nothing that understands them.
fn without_quotes<'t>(env: &Env, name: &str, text: &'t str) -> Result<&'t str, &'static str> {
    let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if !env.unquoted.contains(name) && (is_quoted('\'') || is_quoted('"')) {
        return Err("is in quotes, which are part of it: remove them");
    }
    Ok(text)
}

/// The text of a small file, without the line break at its end.
fn read_file(path: &OsStr) -> Result<String, String> {
    if path.is_empty() {
        return Err("is empty: give it the path of a file, or unset it".to_owned());
    }
    let mut text = String::new();
    // What is in there instead may be anything, so no word of it.
    let read =
        fs::File::open(Path::new(path)).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes > MAX_BYTES => Err(format!("names a file of more than {MAX_BYTES} bytes: name another")),
        Ok(_) => {
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err("names a file that is not UTF-8 text".to_owned())
        }
        Err(error) => Err(unread(&error)),
    }
}

/// Why a file cannot be read, and not its name, which may be something else by mistake.
pub(super) fn unread(error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        other => other.to_string(),
    };
    format!("names a file that cannot be read: {why}")
}

/// What would be wrong with any value of this shape. Never a word of the value itself.
fn checked(variable: &Variable, text: String, is_set: bool) -> Result<String, String> {
    let fail = |what: &str| Err(what.to_owned());
    if is_set && !variable.group.is_compiled_in() {
        let features: Vec<_> = variable.group.features().iter().map(|feature| format!("`{feature}`")).collect();
        let advice = "compile the server with it, or unset the variable";
        return Err(format!("needs the feature {} of mcp-runtime: {advice}", features.join(" or ")));
    }
    if text.is_empty() {
        return fail("is empty: give it a value, or unset it");
    }
    if text.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes"));
    }
    let is_pem = variable.is_secret() && text.starts_with("-----BEGIN");
    if !is_pem && (text.trim() != text || text.chars().any(char::is_control)) {
        return fail("has spaces or line breaks around it, or control characters in it: remove them");
    }
    Ok(text)
}
