//! What other processes do: this program again, told by its environment.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use mcp_runtime::store::{Commit, SqliteStore, Step, Store};
use rusqlite::Connection;

use super::{LIST, number, put, thing};

const ROLE: &str = "MCP_STORE_ROLE";
const FILE: &str = "MCP_STORE_FILE";
const FIRST: &str = "MCP_STORE_FIRST";

/// How long a line of another process may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many commits one process has under way.
pub(super) const TASKS: usize = 4;

/// How many transactions back a process cleans up.
pub(super) const KEPT: u64 = 20;

/// How often each task of a process adds one.
pub(super) const ADDED: u64 = 50;

/// Another process. Ends with the test.
pub(super) struct Other {
    child: Child,
    lines: Receiver<String>,
    stdin: Option<ChildStdin>,
}

/// How to start one that has this role on this file.
pub(super) fn command(program: impl AsRef<OsStr>, role: &str, file: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(arguments()).env(ROLE, role).env(FILE, file);
    command
}

pub(super) fn arguments() -> [&'static str; 4] {
    ["child::lives", "--exact", "--nocapture", "--test-threads=1"]
}

impl Other {
    pub(super) fn start(role: &str, file: &Path) -> Self {
        Self::start_from(role, file, 0)
    }

    /// One whose tasks are numbered from here.
    pub(super) fn start_from(role: &str, file: &Path, first: usize) -> Self {
        let mut command = command(env::current_exe().unwrap(), role, file);
        Self::run(command.env(FIRST, first.to_string()))
    }

    pub(super) fn run(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The test runner's own lines are among them.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((_, said)) = line.split_once('@') {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        Self { child, lines, stdin }
    }

    /// What it says next.
    pub(super) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the other process says something in time")
    }

    /// With the signal that nobody can catch.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// All that it said and that was not read yet. Only when it has ended.
    pub(super) fn rest(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// Lets it end by itself.
    pub(super) fn finish(mut self) -> Vec<String> {
        drop(self.stdin.take());
        let rest = self.rest();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.kill();
    }
}

/// No test by itself: what the other process runs.
#[test]
fn lives() {
    let Ok(role) = env::var(ROLE) else { return };
    let file = env::var_os(FILE).unwrap();
    let file = Path::new(&file);
    let first = env::var(FIRST).map_or(0, |first| first.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match role.as_str() {
        "commit" => runtime.block_on(commit(file, first)),
        "add" => runtime.block_on(add(file)),
        "fill" => runtime.block_on(fill(file)),
        "open" => runtime.block_on(open(file)),
        "hold" => hold(file),
        _ => panic!("{role}"),
    }
}

fn say(what: &str) {
    // In one piece: the process may be killed at any moment.
    let line = format!("@{what}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Commits transactions of several steps until it is killed, and says so after each.
async fn commit(file: &Path, first: usize) {
    let store = Arc::new(SqliteStore::open(file).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for task in first..first + TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            let mut last = number(&*store, &format!("head {task}")).await;
            loop {
                transaction(&store, task, last).await;
                last += 1;
                say(&format!("{task} {last}"));
            }
        });
    }
    tasks.join_all().await;
}

async fn transaction(store: &SqliteStore, task: usize, last: u64) {
    let (head, n, old) = (format!("head {task}"), last + 1, (last + 1).saturating_sub(KEPT));
    let head = match store.get(&thing(&head)).await.unwrap() {
        Some(entry) => Step::replace(thing(&head), entry.version, n.to_string().into(), None),
        None => put(&head, &n.to_string()),
    };
    let steps = [
        put(&format!("left {task} {n:08}"), "x"),
        Step::append(LIST, format!("{task} {n}").into(), None),
        head,
        Step::delete(thing(&format!("left {task} {old:08}")), None),
        Step::delete(thing(&format!("right {task} {old:08}")), None),
        put(&format!("right {task} {n:08}"), &"y".repeat(2_000)),
    ];
    assert_eq!(store.commit(&steps, 0).await.unwrap(), Commit::Done);
}

/// Adds to a number that all share, and says which version it replaced.
async fn add(file: &Path) {
    let store = Arc::new(SqliteStore::open(file).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..ADDED {
                say(&add_one(&store).await);
            }
        });
    }
    tasks.join_all().await;
}

async fn add_one(store: &SqliteStore) -> String {
    loop {
        let current = store.get(&thing("sum")).await.unwrap();
        let (step, said) = match current {
            None => (put("sum", "1"), "new".to_owned()),
            Some(entry) => {
                let sum: u64 = String::from_utf8(entry.value).unwrap().parse().unwrap();
                let value = (sum + 1).to_string().into();
                (Step::replace(thing("sum"), entry.version, value, None), entry.version.to_string())
            }
        };
        if store.commit(&[step], 0).await.unwrap() == Commit::Done {
            return said;
        }
    }
}

/// Commits until that is not possible any more.
async fn fill(file: &Path) {
    let store = SqliteStore::open(file).await.unwrap();
    for n in 0..10_000 {
        let steps = [put(&format!("a {n}"), &"x".repeat(5_000)), put(&format!("b {n}"), &"x".repeat(5_000))];
        match store.commit(&steps, 0).await {
            Ok(done) => {
                assert_eq!(done, Commit::Done);
                say(&format!("did {n}"));
            }
            Err(error) => {
                say(&format!("error {error}"));
                // What is there can still be read.
                assert!(store.get(&thing("a 0")).await.unwrap().is_some());
                assert_eq!(store.get(&thing(&format!("a {n}"))).await.unwrap(), None);
                return;
            }
        }
    }
}

async fn open(file: &Path) {
    match SqliteStore::open(file).await {
        Ok(_) => say("opened"),
        Err(error) => say(&format!("error {error}")),
    }
}

/// Holds the lock until its input ends.
fn hold(file: &Path) {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    say("held");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    connection.execute_batch("ROLLBACK").unwrap();
}
