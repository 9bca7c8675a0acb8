//! Where values come from: files, `.env`, the code.

use std::ffi::OsString;

use super::*;

#[test]
fn a_file_that_cannot_be_read_is_said_so_and_never_shown() {
    let folder = Folder::new();
    let around = all(&[&LOGIN, &OIDC[..2]]);
    let binary = folder.write("binary", b"hunter2\xff\xfe");
    let large = folder.write("large", "hunter2".repeat(4_000));
    let empty = folder.write("empty", "\n");
    let lines = folder.write("lines", "hunter2\nhunter3\n");
    for (path, what) in [
        ("/nowhere/hunter2", "cannot be read"),
        (folder.0.to_str().unwrap(), "cannot be read"),
        (&binary, "not UTF-8"),
        (&large, "more than"),
        (&empty, "is empty"),
        (&lines, "line breaks"),
        ("", "is empty"),
    ] {
        let (_, problems) = read(&all(&[&around, &[("OIDC_CLIENT_SECRET_FILE", path)]]));
        assert!(problems[0].starts_with("`OIDC_CLIENT_SECRET") && problems[0].contains(what), "{path}: {problems:?}");
        assert!(!problems.concat().contains("hunter"), "{problems:?}");
    }
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStringExt;

    let bytes = OsString::from_vec(b"hunter2\xff".to_vec());
    let (_, problems) = read_env(&Env::of([("MCP_BIND", bytes.clone())]));
    assert_eq!(problems, ["`MCP_BIND` is not UTF-8 text: set it again"]);
    assert_eq!(read_env(&Env::of([("SOMETHING", bytes)])).1, Vec::<String>::new());
}

#[test]
fn a_dotenv_file_fills_in_what_is_not_set_and_only_if_asked() {
    let folder = Folder::new();
    let path = folder.write(".env", "# ours\nMCP_BIND=127.0.0.1:1\nexport MCP_TRUSTED_PROXIES='loopback'\n");
    let env = || Env::of([("MCP_BIND", "127.0.0.1:2")]);
    let (config, problems) = read_env(&env().with_dotenv(&path));
    assert_eq!((config.bind.port(), config.proxies.is_some(), problems), (2, true, vec![]));
    assert_eq!(read_env(&Env::of([("X", "y")]).with_dotenv(&path)).0.bind.port(), 1);
    assert!(read_env(&env()).0.proxies.is_none());
    // Deployments have none.
    assert_eq!(read_env(&env().with_dotenv(folder.path("nowhere"))).1, Vec::<String>::new());
    let bad = folder.write("bad", "MCP_BIND=127.0.0.1:1\nJWT_SECRET_KEY='hunter2\n");
    let (_, problems) = read_env(&env().with_dotenv(bad));
    assert!(problems[0].contains("after `MCP_BIND`") && !problems.concat().contains("hunter2"), "{problems:?}");
}

#[test]
fn the_environment_wins_over_the_code() {
    let env = || Env::of([("MCP_BIND", "127.0.0.1:2")]).or("MCP_BIND", "127.0.0.1:1");
    assert_eq!(read_env(&env()).0.bind.port(), 2);
    assert_eq!(read_env(&Env::of([("X", "y")]).or("MCP_BIND", "127.0.0.1:1")).0.bind.port(), 1);
    // A default that is wrong is wrong.
    assert_eq!(read_env(&Env::of([("X", "y")]).or("MCP_BIND", "nowhere")).1.len(), 1);
    // Also where the environment has it from a file.
    let folder = Folder::new();
    let file = folder.write("bind", "127.0.0.1:3\n");
    let env = Env::of([("MCP_BIND_FILE", &*file)]).or("MCP_BIND", "127.0.0.1:1");
    assert_eq!(read_env(&env).0.bind.port(), 3);
}

#[test]
fn the_public_url_is_guessed_on_this_machine_only() {
    let url = |bind: &str| {
        let (config, problems) = read(&all(&[&JWT, &[("MCP_BIND", bind)]]));
        (config.public_url, problems.len())
    };
    assert_eq!(url("127.0.0.1:8123"), (Some("http://127.0.0.1:8123/mcp".into()), 0));
    assert_eq!(url("[::1]:8123"), (Some("http://[::1]:8123/mcp".into()), 0));
    // On some port, on all addresses, on another name of this machine.
    for bind in ["127.0.0.1:0", "0.0.0.0:80", "[::]:80", "192.0.2.1:80", "127.0.0.2:80"] {
        assert_eq!(url(bind), (None, 1), "{bind}");
    }
    // Nobody logs in, so it does not matter.
    assert_eq!(read(&[("MCP_BIND", "127.0.0.1:0")]).0.public_url, None);
    let server = builder().public_url("http://127.0.0.1:1/mcp").from(Env::of(JWT)).unwrap().build().unwrap();
    assert!(server.summary().contains("http://127.0.0.1:1/mcp"));
    let said = [("MCP_PUBLIC_URL", "http://127.0.0.1:2/mcp")];
    let server = builder().public_url("http://127.0.0.1:1/mcp").from(Env::of(all(&[&JWT, &said]))).unwrap().build();
    assert!(server.unwrap().summary().contains("http://127.0.0.1:2/mcp"));
    let late = builder().from(Env::of(JWT)).unwrap().public_url("http://127.0.0.1:1/mcp").build().unwrap_err();
    assert!(late.to_string().contains("comes after `.from_env()`"), "{late}");
}
