use std::{
    env,
    os::unix::net::UnixListener as Std,
    sync::atomic::{AtomicU32, Ordering},
};

use super::*;

/// A directory of one test's own.
struct Room(PathBuf);

impl Room {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mcp-unix-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let room = env::temp_dir().join(name);
        fs::create_dir(&room).unwrap();
        Self(room)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("mcp.sock")
    }

    /// The names of what is there.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_socket_is_there_with_its_mode_and_is_gone_at_the_end() {
    let room = Room::new();
    for wanted in [0o600, 0o660, 0o666] {
        let (_listener, file) = bind(&room.socket(), wanted).await.unwrap();
        assert_eq!(mode(&room.socket()), wanted);
        assert_eq!(room.names(), ["mcp.sock"]);
        drop(UnixStream::connect(room.socket()).await.unwrap());
        drop(file);
        assert_eq!(room.names(), [""; 0]);
    }
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let room = Room::new();
    drop(Std::bind(room.socket()).unwrap());
    assert_eq!(room.names(), ["mcp.sock"]);
    let (_listener, _file) = bind(&room.socket(), 0o600).await.unwrap();
    assert_eq!((room.names(), mode(&room.socket())), (vec!["mcp.sock".to_owned()], 0o600));
    drop(UnixStream::connect(room.socket()).await.unwrap());
}

#[tokio::test]
async fn a_socket_that_somebody_listens_on_is_left_to_them() {
    let room = Room::new();
    let theirs = Std::bind(room.socket()).unwrap();
    let before = identity(&room.socket()).unwrap();
    let error = bind(&room.socket(), 0o600).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!((identity(&room.socket()).unwrap(), room.names()), (before, vec!["mcp.sock".to_owned()]));
    drop(UnixStream::connect(room.socket()).await.unwrap());
    drop(theirs);
}

#[tokio::test]
async fn what_is_no_socket_is_not_touched() {
    let room = Room::new();
    let target = room.0.join("target");
    drop(Std::bind(&target).unwrap());
    let makers: [fn(&Path, &Path); 3] = [
        |path, _| fs::write(path, "precious").unwrap(),
        |path, _| fs::create_dir(path).unwrap(),
        |path, target| std::os::unix::fs::symlink(target, path).unwrap(),
    ];
    for (number, make) in makers.iter().enumerate() {
        let path = room.0.join(number.to_string());
        make(&path, &target);
        let before = identity(&path).unwrap();
        let error = bind(&path, 0o600).await.err().unwrap();
        assert_eq!((error.kind(), identity(&path).unwrap()), (ErrorKind::AlreadyExists, before));
    }
    assert_eq!(fs::read_to_string(room.0.join("0")).unwrap(), "precious");
    assert_eq!(room.names().len(), 4, "{:?}", room.names());
}

#[tokio::test]
async fn what_appears_at_the_last_moment_is_put_back() {
    let room = Room::new();
    let aside = room.0.join("aside");
    // As if it had been stale a moment ago.
    let theirs = Std::bind(room.socket()).unwrap();
    let before = identity(&room.socket()).unwrap();
    assert_eq!(clear(&room.socket(), &aside).await.unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!((identity(&room.socket()).unwrap(), room.names()), (before, vec!["mcp.sock".to_owned()]));
    // As if it had been put there after the stale one was moved away.
    let made = room.0.join("made");
    let _listener = Std::bind(&made).unwrap();
    assert_eq!(put(&made, &room.socket()).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(identity(&room.socket()).unwrap(), before);
    drop(theirs);
}

#[tokio::test]
async fn only_its_own_file_is_removed_at_the_end() {
    let room = Room::new();
    let (listener, file) = bind(&room.socket(), 0o600).await.unwrap();
    drop(listener);
    // The next server starts while this one still finishes calls.
    let (_next, next_file) = bind(&room.socket(), 0o600).await.unwrap();
    drop(file);
    assert_eq!(identity(&room.socket()).unwrap(), next_file.identity);
    drop(next_file);
    assert_eq!(room.names(), [""; 0]);
}

#[tokio::test]
async fn a_place_that_is_not_there_is_an_error() {
    let room = Room::new();
    let error = bind(&room.0.join("no/mcp.sock"), 0o600).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let long = room.0.join("x".repeat(100));
    assert!(bind(&long.join("mcp.sock"), 0o600).await.is_err());
}
