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
        ("/nowhere/hunter2", "cannot be read: there is no such file"),
        ("'/nowhere/hunter2'", "is in quotes"),
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
    // Its quotes were understood: those that are left are meant. Those of the process were not.
    let quoted = folder.write("quoted", "OIDC_LABEL=\"'Sales'\"\nOIDC_CLIENT_ID='a b'\n");
    let labelled = |label: &str| {
        let around = all(&[&LOGIN, &OIDC, &[("OIDC_LABEL", label)]]);
        read_env(&Env::of(around.into_iter().filter(|(_, value)| !value.is_empty())).with_dotenv(&quoted)).1
    };
    assert_eq!(labelled(""), Vec::<String>::new());
    assert_eq!(labelled("'Sales'"), ["`OIDC_LABEL` is in quotes, which are part of it: remove them"]);
}

/// The one problem there is with a file, beside variables of which others would be missing.
fn problem_with(text: impl AsRef<[u8]>) -> String {
    let folder = Folder::new();
    let env = Env::of([("OIDC_ISSUER", "https://login.example.com")]).with_dotenv(folder.write(".env", text));
    let error = builder().from(env).unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
    assert!(!error.to_string().contains("hunter"), "{error}");
    error.problems()[0].replace(folder.0.to_str().unwrap(), "")
}

#[test]
fn a_dotenv_file_that_cannot_be_read_is_the_only_problem() {
    for (text, line) in [
        ("hunter2", 1),
        ("\u{feff}hunter2\n", 1),
        ("MCP_ADMIT=email-domain:hunter.example and claim:groups=hunter", 1),
        ("A=1\nMCP_ADMIT=email-domain:hunter.example and claim:groups=hunter\nMCP_GRANTS='*'\n", 2),
        ("A=1\r\n\r\n  # it's a comment\r\n \t\r\nexport B='2'\r\nJWT_SECRET_KEY=hunter 2\r\nC=3\r\n", 6),
        ("A=1\nJWT_SECRET_KEY='hunter2\nB=2\n# hunter\n\nC=3", 2),
        ("A=1 # it's fine\n\nJWT_SECRET_KEY=\"hunter2\nB=2\nC=3", 3),
        ("A='1\n2\n3'\nB=\"hun$ter2\"\nC=3\n", 4),
        ("A='1'\n\nB=hun\\ter2\nC=3\n", 3),
        ("A='1'\nB=${hunter\nC=3\n", 2),
        ("A='1'\n=hunter2\nC=3\n", 2),
    ] {
        let said = problem_with(text);
        assert!(said.starts_with(&format!("`/.env` cannot be read in line {line}, ")), "{text:?}: {said}");
        assert!(said.contains("go in single quotes"), "{said}");
    }
    // Lines longer than any buffer are one line.
    let long = format!("A='{}'\nB='{}'\nhunter2\n", "a".repeat(40_000), "b".repeat(8_192));
    assert!(problem_with(long).contains("in line 3,"));
    assert!(problem_with(b"A=1\nB=hunter\xff\n").contains("not UTF-8"));
    assert!(problem_with("# hunter\n".repeat(40_000)).contains("more than"));
    let folder = Folder::new();
    let error = builder().from(Env::of([("MCP_BIND", "nowhere")]).with_dotenv(&folder.0)).unwrap_err();
    assert!(error.problems().len() == 1 && error.to_string().contains("cannot be read"), "{error}");
}

#[test]
fn a_value_of_a_dotenv_file_is_not_cut_off_silently() {
    let folder = Folder::new();
    let read = |text: &str| {
        let path = folder.write(".env", text);
        read_env(&Env::of(all(&[&LOGIN, &OIDC[..2]])).with_dotenv(path)).1
    };
    for text in [
        "OIDC_CLIENT_SECRET=hunter2 #3",
        "OIDC_CLIENT_SECRET=hunter2  #3\n",
        "A=1\n\nOIDC_CLIENT_SECRET=hunter2\t# hunter\n",
        "export OIDC_CLIENT_SECRET = hunter2 # 'hunter'",
    ] {
        let line = if text.starts_with('A') { 3 } else { 1 };
        let problems = read(text);
        let start = format!("`OIDC_CLIENT_SECRET` is cut off at ` #` in line {line} of ");
        assert!(problems.len() == 1 && problems[0].starts_with(&start), "{text:?}: {problems:?}");
        assert!(!problems[0].contains("hunter"), "{problems:?}");
    }
    for whole in [
        "OIDC_CLIENT_SECRET='hunter2' # ours",
        "OIDC_CLIENT_SECRET=\"hunter2\" # ours",
        "OIDC_CLIENT_SECRET=hunter2#3",
        "OIDC_LABEL=Sales\\ #3\nOIDC_CLIENT_SECRET=hunter2",
        "# ours # of us\nOIDC_CLIENT_SECRET=hunter2\nANOTHER=program # of theirs",
    ] {
        assert_eq!(read(whole), Vec::<String>::new(), "{whole:?}");
    }
    for empty in ["OIDC_CLIENT_SECRET= # hunter2", "OIDC_CLIENT_SECRET=# hunter #2"] {
        assert_eq!(read(empty), ["`OIDC_CLIENT_SECRET` is empty: give it a value, or unset it"]);
    }
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
