//! What can be seen from within; other processes are in `tests/tests/store/`.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::*;
use crate::store::assert_contract;

const THING: Kind = Kind::new("thing");

/// A folder that goes with the test.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mcp-store-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("oauth.db")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn thing(name: &str) -> Key {
    Key::new(THING, name)
}

fn put(name: &str, bytes: usize) -> Step {
    Step::insert(thing(name), vec![b'x'; bytes], None)
}

async fn refusal(path: &Path) -> String {
    SqliteStore::open(path).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let room = Room::new("contract");
    assert_contract(Arc::new(SqliteStore::open(room.file()).await.unwrap())).await;
}

#[tokio::test]
async fn what_was_done_is_there_when_it_is_opened_again() {
    let room = Room::new("again");
    let store = SqliteStore::open(room.file()).await.unwrap();
    assert_eq!(store.commit(&[put("a", 3)], 0).await.unwrap(), Commit::Done);
    let first = store.get(&thing("a")).await.unwrap().unwrap();
    assert_eq!(store.commit(&[Step::delete(thing("a"), None)], 0).await.unwrap(), Commit::Done);
    drop(store);
    let store = SqliteStore::open(room.file()).await.unwrap();
    assert_eq!(store.get(&thing("a")).await.unwrap(), None);
    assert_eq!(store.commit(&[put("a", 3)], 0).await.unwrap(), Commit::Done);
    // Also over a restart.
    assert!(store.get(&thing("a")).await.unwrap().unwrap().version > first.version);
}

#[test]
fn commits_wait_for_the_disk_and_reads_do_not_write() {
    let room = Room::new("pragmas");
    let path = file::prepare(&room.file()).unwrap();
    let writing = schema::open(&path, &Cause::new(&path)).unwrap();
    let reading = schema::open_to_read(&path).unwrap();
    let number = |connection: &Connection, pragma: &str| -> i64 {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).unwrap()
    };
    for connection in [&writing, &reading] {
        // 2 is FULL.
        assert_eq!(number(connection, "synchronous"), 2);
        assert_eq!(number(connection, "fullfsync"), 1);
        assert_eq!(number(connection, "trusted_schema"), 0);
    }
    let mode: String = writing.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    assert!(reading.execute_batch("DELETE FROM entry").is_err());
    writing.execute_batch("DELETE FROM entry").unwrap();
}

/// Otherwise each of them reads the whole file.
#[test]
fn every_statement_uses_an_index() {
    let room = Room::new("plans");
    let path = file::prepare(&room.file()).unwrap();
    let connection = schema::open(&path, &Cause::new(&path)).unwrap();
    for (sql, index) in [
        (reader::GET, "entry USING INDEX sqlite_autoindex_entry_1 (kind=? AND name=?)"),
        (reader::LIST, "entry USING INDEX sqlite_autoindex_entry_1 (kind=? AND name>?)"),
        (writer::CURRENT, "entry USING INDEX sqlite_autoindex_entry_1 (kind=? AND name=?)"),
        (writer::REMOVE, "entry USING INDEX sqlite_autoindex_entry_1 (kind=? AND name=?)"),
        (writer::SWEEP, "entry USING COVERING INDEX entry_by_end (expires_at<?)"),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        let plan = rows.map(Result::unwrap).collect::<Vec<_>>().join("; ");
        assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

#[tokio::test]
async fn a_file_of_the_future_is_left_alone() {
    let room = Room::new("future");
    closed(SqliteStore::open(room.file()).await.unwrap(), &room).await;
    Connection::open(room.file()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = fs::read(room.file()).unwrap();
    let refusal = refusal(&room.file()).await;
    assert!(refusal.contains("schema 99") && refusal.contains("restore the backup"), "{refusal}");
    assert!(fs::read(room.file()).unwrap() == before);
}

#[tokio::test]
async fn a_file_of_somebody_else_is_left_alone() {
    let room = Room::new("foreign");
    let other = Connection::open(room.file()).unwrap();
    other.execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)").unwrap();
    drop(other);
    private(&room.file());
    let before = fs::read(room.file()).unwrap();
    let message = refusal(&room.file()).await;
    assert!(message.contains("another program"), "{message}");
    assert!(fs::read(room.file()).unwrap() == before);
    // Also one that says whose it is.
    Connection::open(room.file()).unwrap().execute_batch("PRAGMA application_id = 7; PRAGMA user_version = 1").unwrap();
    let message = refusal(&room.file()).await;
    assert!(message.contains("another program"), "{message}");
}

#[tokio::test]
async fn a_file_without_its_tables_is_refused() {
    let room = Room::new("tables");
    closed(SqliteStore::open(room.file()).await.unwrap(), &room).await;
    Connection::open(room.file()).unwrap().execute_batch("DROP TABLE counter").unwrap();
    let message = refusal(&room.file()).await;
    assert!(message.contains("no such table") && message.contains("damaged"), "{message}");
}

#[tokio::test]
async fn damage_is_an_error_and_never_a_panic() {
    let room = Room::new("damage");
    let store = SqliteStore::open(room.file()).await.unwrap();
    let steps: Vec<Step> = (0..500).map(|n| put(&format!("{n:03}"), 500)).collect();
    assert_eq!(store.commit(&steps, 0).await.unwrap(), Commit::Done);
    closed(store, &room).await;
    let whole = fs::read(room.file()).unwrap();
    assert!(whole.len() > 200_000);
    let garbage = |at: usize, count: usize| {
        let mut bytes = whole.clone();
        bytes[at..at + count].fill(0x5a);
        bytes
    };
    // The header; the schema; pages in the middle; half of it; not even a header.
    for broken in
        [garbage(0, 16), garbage(100, 2_000), garbage(100_000, 20_000), whole[..100_000].to_vec(), b"hello".to_vec()]
    {
        fs::write(room.file(), broken).unwrap();
        let message = refusal(&room.file()).await;
        assert!(message.contains("damaged") || message.contains("malformed"), "{message}");
        assert!(message.contains("oauth.db"), "{message}");
    }
    fs::write(room.file(), whole).unwrap();
    SqliteStore::open(room.file()).await.unwrap();
}

#[tokio::test]
async fn damage_that_comes_later_is_an_error_too() {
    let room = Room::new("later");
    let store = SqliteStore::open(room.file()).await.unwrap();
    let other = Connection::open(room.file()).unwrap();
    assert_eq!(store.commit(&[put("a", 3)], 0).await.unwrap(), Commit::Done);
    other.execute_batch("UPDATE entry SET version = -1").unwrap();
    assert!(store.get(&thing("a")).await.unwrap_err().to_string().contains("damaged"));
    other.execute_batch("DROP TABLE entry").unwrap();
    assert!(store.get(&thing("a")).await.is_err());
    assert!(store.commit(&[put("b", 3)], 0).await.is_err());
    assert!(store.list(THING, "", None, 10).await.is_err() && store.sweep(10, 10).await.is_err());
}

/// One that fails within a transaction, for reasons of its own, leaves nothing behind; the next one works.
#[tokio::test]
async fn an_error_undoes_all_and_the_next_one_works() {
    let room = Room::new("undone");
    let store = SqliteStore::open(room.file()).await.unwrap();
    let other = Connection::open(room.file()).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER bad BEFORE INSERT ON entry WHEN new.name = 'bad' BEGIN SELECT raise(FAIL, 'no'); END",
        )
        .unwrap();
    assert!(store.commit(&[put("good", 1), put("bad", 1)], 0).await.is_err());
    assert_eq!(store.list(THING, "", None, 10).await.unwrap(), []);
    assert_eq!(store.commit(&[put("good", 1)], 0).await.unwrap(), Commit::Done);
    assert_eq!(store.list(THING, "", None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn too_many_waiting_callers_are_told_so() {
    let room = Room::new("busy");
    let store = Arc::new(SqliteStore::open(room.file()).await.unwrap());
    let other = Connection::open(room.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..1_200 {
        let store = store.clone();
        waiting.spawn(async move { store.commit(&[put(&n.to_string(), 1)], 0).await });
    }
    // Those for whom there is no place are the first to know.
    let first = waiting.join_next().await.unwrap().unwrap().unwrap_err();
    assert!(first.to_string().contains("too busy"), "{first}");
    // Reads do not wait for commits.
    assert_eq!(store.get(&thing("a")).await.unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    let done = waiting.join_all().await.into_iter().filter(|done| matches!(done, Ok(Commit::Done))).count();
    assert!((1_024..1_200).contains(&done), "{done}");
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_begun() {
    let room = Room::new("unwanted");
    let store = Arc::new(SqliteStore::open(room.file()).await.unwrap());
    let other = Connection::open(room.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let commit = |name: String| {
        let (store, asked) = (store.clone(), asked.clone());
        tokio::spawn(async move {
            asked.fetch_add(1, Ordering::Relaxed);
            store.commit(&[put(&name, 1)], 0).await
        })
    };
    // More than one batch, so that the last ones are not begun while the first wait for the lock.
    let mut wanted: Vec<_> = (0..100).map(|n| commit(format!("before {n}"))).collect();
    let unwanted = commit("unwanted".to_owned());
    wanted.push(commit("after".to_owned()));
    while asked.load(Ordering::Relaxed) < 102 {
        tokio::task::yield_now().await;
    }
    unwanted.abort();
    assert!(unwanted.await.unwrap_err().is_cancelled());
    other.execute_batch("COMMIT").unwrap();
    for wanted in wanted {
        assert_eq!(wanted.await.unwrap().unwrap(), Commit::Done);
    }
    assert_eq!(store.get(&thing("unwanted")).await.unwrap(), None);
    assert_eq!(store.list(THING, "", None, 1_000).await.unwrap().len(), 101);
}

#[tokio::test]
async fn its_debug_shows_where_it_is() {
    let room = Room::new("debug");
    let store = SqliteStore::open(room.file()).await.unwrap();
    assert!(format!("{store:?}").contains("oauth.db"));
}

/// Waits until its threads have closed the file, which the last one does by taking the `-wal` away.
async fn closed(store: SqliteStore, room: &Room) {
    drop(store);
    let start = Instant::now();
    while room.0.join("oauth.db-wal").exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "never closed");
        tokio::task::yield_now().await;
    }
}

fn private(path: &Path) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(unix)]
mod access {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn only_the_owner_can_read_it() {
        let room = Room::new("modes");
        let store = SqliteStore::open(room.file()).await.unwrap();
        assert_eq!(store.commit(&[put("a", 3)], 0).await.unwrap(), Commit::Done);
        for name in ["oauth.db", "oauth.db-wal", "oauth.db-shm"] {
            assert_eq!(mode(&room.0.join(name)), 0o600, "{name}");
        }
        assert_eq!(fs::read_dir(&room.0).unwrap().count(), 3);
    }

    #[tokio::test]
    async fn what_others_can_reach_is_refused() {
        let room = Room::new("reach");
        drop(SqliteStore::open(room.file()).await.unwrap());
        for wrong in [0o602, 0o604, 0o620, 0o666] {
            set_mode(&room.file(), wrong);
            let message = refusal(&room.file()).await;
            assert!(message.contains("chmod 600"), "{wrong:o}: {message}");
        }
        set_mode(&room.file(), 0o640);
        drop(SqliteStore::open(room.file()).await.unwrap());
        // What is beside it counts as much.
        let beside = room.0.join("oauth.db-journal");
        fs::write(&beside, "").unwrap();
        set_mode(&beside, 0o606);
        assert!(refusal(&room.file()).await.contains("oauth.db-journal: others"));
        fs::remove_file(&beside).unwrap();
        for wrong in [0o702, 0o1777] {
            set_mode(&room.0, wrong);
            let message = refusal(&room.file()).await;
            assert!(message.contains("chmod go-w"), "{wrong:o}: {message}");
        }
        set_mode(&room.0, 0o755);
        SqliteStore::open(room.file()).await.unwrap();
    }

    #[tokio::test]
    async fn a_group_with_others_in_it_is_others() {
        use std::os::unix::fs::{MetadataExt, chown};

        let room = Room::new("group");
        set_mode(&room.0, 0o770);
        let own = fs::metadata(&room.0).unwrap();
        if own.uid() == own.gid() {
            drop(SqliteStore::open(room.file()).await.unwrap());
        }
        // Only the superuser can give it to a group that he is not in.
        if own.uid() == 0 {
            chown(&room.0, None, Some(12_345)).unwrap();
            assert!(refusal(&room.file()).await.contains("chmod go-w"));
        }
    }

    #[tokio::test]
    async fn a_file_has_one_name() {
        let room = Room::new("names");
        drop(SqliteStore::open(room.file()).await.unwrap());
        let other = room.0.join("other.db");
        symlink(room.file(), &other).unwrap();
        assert!(refusal(&other).await.contains("symbolic link"));
        fs::remove_file(&other).unwrap();
        // One that leads nowhere makes nothing there.
        symlink(room.0.join("nowhere.db"), &other).unwrap();
        assert!(refusal(&other).await.contains("symbolic link"));
        assert!(!room.0.join("nowhere.db").exists());
        fs::remove_file(&other).unwrap();
        fs::hard_link(room.file(), &other).unwrap();
        assert!(refusal(&other).await.contains("second name"));
        fs::remove_file(&other).unwrap();
        // The folder may be reached as you like.
        let folder = Room::new("names-link");
        symlink(&room.0, folder.0.join("link")).unwrap();
        SqliteStore::open(folder.0.join("link/oauth.db")).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_file_is_refused() {
        let room = Room::new("nofile");
        fs::create_dir(room.file()).unwrap();
        assert!(refusal(&room.file()).await.contains("not a file"));
        assert!(refusal(&room.0.join("..")).await.contains("not the name of a file"));
        fs::write(room.0.join("plain"), "").unwrap();
        let message = refusal(&room.0.join("plain/oauth.db")).await;
        assert!(message.contains("folder cannot be used") && message.contains("plain"), "{message}");
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_made_for_this_user_alone() {
        let room = Room::new("folder");
        drop(SqliteStore::open(room.0.join("a/b/oauth.db")).await.unwrap());
        for folder in ["a", "a/b"] {
            let mode = fs::metadata(room.0.join(folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{folder}");
        }
        // One that is there is left as it is.
        fs::set_permissions(room.0.join("a"), fs::Permissions::from_mode(0o750)).unwrap();
        SqliteStore::open(room.0.join("a/oauth.db")).await.unwrap();
        assert_eq!(fs::metadata(room.0.join("a")).unwrap().permissions().mode() & 0o777, 0o750);
    }
}
