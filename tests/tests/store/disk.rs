//! A disk that cannot be written.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use mcp_runtime::store::{Commit, Store};

use super::{
    Room,
    child::{Other, arguments, command},
    put, thing,
};

/// The user and the group that own nothing.
const NOBODY: u32 = 65_534;

#[tokio::test]
async fn no_more_room_is_an_error_and_what_was_done_stays() {
    let room = Room::new("full");
    // No file may grow beyond this; the signal that would come with that is ignored, as on a full disk there is none.
    let limited = "trap '' XFSZ; ulimit -f 800; exec \"$0\" \"$@\"";
    let role = command("sh", "fill", &room.file());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(limited).arg(env::current_exe().unwrap()).args(arguments());
    shell.envs(role.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut said = Other::run(&mut shell).finish();
    let error = said.pop().unwrap();
    assert!(error.starts_with("error ") && error.contains("oauth.db"), "{error}");
    assert!(said.len() > 10 && said.len() < 1_000, "{}", said.len());
    room.assert_sound();
    let store = room.open().await;
    for (n, line) in said.iter().enumerate() {
        assert_eq!(*line, format!("did {n}"));
        assert!(store.get(&thing(&format!("a {n}"))).await.unwrap().is_some());
        assert!(store.get(&thing(&format!("b {n}"))).await.unwrap().is_some());
    }
    // Now that there is room.
    assert_eq!(store.commit(&[put(&format!("a {}", said.len()), "x")], 0).await.unwrap(), Commit::Done);
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_when_it_is_opened() {
    let room = Room::new("readonly");
    drop(room.open().await);
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let program = room.0.join("program");
    let is_superuser = fs::metadata(&room.0).unwrap().uid() == 0;
    if is_superuser {
        // Nothing stops him, so it is somebody else who tries; with a program that he can get at.
        fs::copy(env::current_exe().unwrap(), &program).unwrap();
        set_mode(&program, 0o755);
        for path in fs::read_dir(&room.0).unwrap().map(|entry| entry.unwrap().path()).chain([room.0.clone()]) {
            let _ = chown(path, Some(NOBODY), Some(NOBODY));
        }
    }
    let said = || {
        let mut command =
            command(if is_superuser { program.clone() } else { env::current_exe().unwrap() }, "open", &room.file());
        if is_superuser {
            command.uid(NOBODY).gid(NOBODY);
        }
        Other::run(command.current_dir("/")).finish()
    };
    assert_eq!(said(), ["opened"]);
    set_mode(&room.file(), 0o400);
    let error = said().pop().unwrap();
    assert!(error.contains("must be able to write to the file"), "{error}");
    set_mode(&room.file(), 0o600);
    // Closed by the last who reads it, which takes away what is beside it.
    room.assert_sound();
    set_mode(&room.0, 0o500);
    let error = said().pop().unwrap();
    assert!(error.starts_with("error ") && error.contains("oauth.db: ") && error.contains("writ"), "{error}");
    set_mode(&room.0, 0o700);
    assert_eq!(said(), ["opened"]);
}
