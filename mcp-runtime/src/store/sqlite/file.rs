//! The file itself: where it is, and who else can get at it.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{StoreError, cause::Cause};
use crate::store::make_private;

/// One at a time within a process: closing a file that we made ourselves would undo all locks that SQLite holds on it.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the file and its folder if they are not there; refuses it, or its folder, if others can get at it. Returns its path from the root.
pub(super) fn prepare(path: &Path) -> Result<PathBuf, StoreError> {
    let path = from_root(path)?;
    let cause = Cause::new(&path);
    if let Some(folder) = path.parent() {
        check_folder(folder)?;
    }
    make(&path, &cause)?;
    // What SQLite keeps beside it, from before.
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name: OsString = path.clone().into();
        name.push(end);
        check_file(Path::new(&name))?;
    }
    Ok(path)
}

/// So that a later change of the working directory changes nothing. Only the folder may be reached by symbolic links.
fn from_root(path: &Path) -> Result<PathBuf, StoreError> {
    let name = path.file_name().ok_or_else(|| Cause::new(path).say("this is not the name of a file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unusable =
        |error: std::io::Error| Cause::new(folder).say(&format!("the store's folder cannot be used: {error}"));
    let folder = make_private(folder).and_then(|()| fs::canonicalize(folder)).map_err(unusable)?;
    Ok(folder.join(name))
}

fn make(path: &Path, cause: &Cause) -> Result<(), StoreError> {
    let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => sync_folder(path).map_err(|error| cause.say(&format!("the folder cannot be written: {error}"))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(cause.say(&format!("the file cannot be made: {error}"))),
    }
}

/// So that the name stays after a loss of power.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn check_folder(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;

    let cause = Cause::new(folder);
    let found = fs::metadata(folder).map_err(|error| cause.say(&error.to_string()))?;
    // A user's own group, which many systems make with the user and let write by default, has nobody else in it.
    let group = if found.uid() == found.gid() { 0 } else { 0o020 };
    if found.mode() & (group | 0o002) != 0 {
        // Not even with a sticky bit: they could put a `-wal` there before us.
        return Err(cause.say("others can write to the store's folder: `chmod go-w` it, or make one for it alone"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_folder(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

fn check_file(path: &Path) -> Result<(), StoreError> {
    let cause = Cause::new(path);
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cause.say(&error.to_string())),
    };
    if found.is_symlink() {
        // The files beside it would be somewhere else than those of whoever opens it by its own name.
        return Err(cause.say("this is a symbolic link: name the file itself"));
    }
    if !found.is_file() {
        return Err(cause.say("this is not a file"));
    }
    check_access(&found, &cause)
}

#[cfg(unix)]
fn check_access(found: &fs::Metadata, cause: &Cause) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;

    if found.mode() & 0o027 != 0 {
        return Err(cause.say("others can read or write the file: `chmod 600` it"));
    }
    if found.nlink() > 1 {
        return Err(cause.say("the file has a second name (a hard link), under which nobody would see its lock"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_access(_: &fs::Metadata, _: &Cause) -> Result<(), StoreError> {
    Ok(())
}
