//! `assert_policies!`: written once, compared after, and readable when it fails.

use std::{fs, panic::catch_unwind, path::Path};

use mcp_runtime::{
    Server, Visibility,
    auth::StaticTokens,
    guard::{GuardCx, Refused},
    testing::assert_policies,
    tool, tools, toolset,
};

async fn owns(_: &GuardCx, _project: &str) -> Result<(), Refused> {
    Ok(())
}

/// Anybody.
#[tool(public)]
async fn hello() {}

/// The owner.
#[tool(
    scopes = any("project:{project}:write", "admin"),
    rate_limit("20/s", burst = 50, per = client),
    rate_limit = "1000/d",
    concurrency = 4,
    guard = owns(project),
    timeout = "5s"
)]
async fn rename(project: String) {
    drop(project);
}

struct Files;

#[toolset(prefix = "files_", scopes = "files:read", rate_limit("100/h", per = global), timeout = "30s")]
impl Files {
    /// Reads.
    #[tool]
    async fn read(&self) {}

    /// Writes.
    #[tool(scopes = "files:write", timeout = "1m", rate_limit = "5/m")]
    async fn write(&self) {}
}

fn server(visibility: Visibility) -> Server {
    Server::builder("files", "1.0")
        .visibility(visibility)
        .scope("files:read", "Read files")
        .scope("files:write", "Write files")
        .scope("project:{project}:write", "Change a project")
        .scope("admin", "Everything")
        .implies(["files:read", "files:write", "project:{project}:write"])
        .auth(StaticTokens::new().token("wQ7hYp3mZ0tRk9cLxV5nBg", "alice", ["admin"]))
        .tools(tools![hello, rename])
        .tools(Files)
        .build()
        .expect("a sound server")
}

/// The pinned file is the specification of the columns.
#[test]
fn the_file_says_what_the_server_does() {
    assert_policies!(server(Visibility::Advertise), "policies/POLICY.md");
}

#[test]
fn a_change_of_protection_fails_and_is_named() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/POLICY.md")).unwrap();
    let changed = text.replace("| 5/m, ", "| 50/m, ").replace("Visibility: Advertise", "Visibility: Hidden");
    assert_ne!(text, changed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("changed.md");
    fs::write(&path, &changed).unwrap();
    let failure = catch_unwind(|| {
        mcp_runtime::testing::__compare_policies(&server(Visibility::Advertise), path.to_str().unwrap());
    });
    let message = *failure.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("\n- * Visibility: Hidden. Denials: Status.\n"), "{message}");
    assert!(message.contains("\n+ * Visibility: Advertise. Denials: Status.\n"), "{message}");
    assert!(
        message.contains("| 50/m, 100/h per global shared |") && message.contains("| 5/m, 100/h per global shared |")
    );
    assert!(message.contains("UPDATE_POLICIES=1"), "{message}");
    assert!(!message.contains("files_read"), "what did not change is not shown: {message}");
    assert_eq!(fs::read_to_string(&path).unwrap(), changed, "a failing test changes nothing");
}

#[test]
fn the_first_run_writes_the_file() {
    // Where `CI` is set a missing file is a failure instead; both are asserted, whichever holds here.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("first.md");
    let _ = fs::remove_file(&path);
    let compare = || mcp_runtime::testing::__compare_policies(&server(Visibility::Advertise), path.to_str().unwrap());
    if std::env::var_os("CI").is_some() {
        let message = *catch_unwind(compare).unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("is missing"), "{message}");
        assert!(!path.exists());
    } else {
        compare();
        assert!(fs::read_to_string(&path).unwrap().contains("| rename "));
        compare();
    }
}
