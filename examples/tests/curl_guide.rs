//! `docs/curl.md` does what it says: its blocks are run in one shell, and answer what stands below them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const GUIDE: &str = include_str!("../../docs/curl.md");

/// Where the guide's server listens; here it is any free port.
const ADDR: &str = "127.0.0.1:8000";

/// A block of commands, and what it prints.
struct Step {
    commands: String,
    prints: Option<String>,
}

/// The blocks of the guide, in order.
fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = GUIDE.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```").filter(|language| !language.is_empty()) else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        match (language, steps.last_mut()) {
            ("sh", _) => steps.push(Step { commands: block, prints: None }),
            ("text", Some(step)) if step.prints.is_none() => step.prints = Some(block),
            _ => panic!("a block of `{language}` that belongs to no command: {block}"),
        }
    }
    steps
}

/// Whether a line is as the guide says; `…` stands for anything.
fn is_line(said: &str, line: &str) -> bool {
    let mut parts = said.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether lines are as the guide says; a line that is only `…` stands for any number of them.
fn are_lines(said: &[&str], lines: &[&str]) -> bool {
    match (said, lines) {
        ([], lines) => lines.is_empty(),
        (["…", said @ ..], _) => (0..=lines.len()).any(|from| are_lines(said, &lines[from..])),
        ([first, said @ ..], [line, lines @ ..]) => is_line(first, line) && are_lines(said, lines),
        _ => false,
    }
}

/// A directory of its own, and the server; both end with it.
struct Place {
    dir: PathBuf,
    server: Child,
    addr: String,
}

impl Place {
    /// Starts the server with the words of the guide's first block.
    fn start(command: &str) -> Self {
        let words = command.strip_prefix("cargo run --bin quickstart -- ").expect("the first block starts the server");
        let dir = std::env::temp_dir().join(format!("curl-guide-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_quickstart"))
            .args(words.split(' '))
            .args(["--addr", "127.0.0.1:0", "--data"])
            .arg(dir.join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        // Read to its end, so that the server never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let place = Self { dir, server, addr: first.replace("Listening on http://", "").replace("/mcp", "") };
        assert!(place.addr.starts_with("127.0.0.1:"), "the quickstart said: {first}");
        place
    }

    fn script(&self, steps: &[Step]) -> String {
        // What the guide starts with cargo is there already; it is told where the server and its data are.
        let mut script = format!(
            "set -eu\ncd '{}'\ncargo() {{\n  [ \"${{*:1:4}}\" = 'run -q --bin quickstart' ]\n  \
             '{}' \"${{@:5}}\" --addr '{}' --data ./data\n}}\n",
            self.dir.display(),
            env!("CARGO_BIN_EXE_quickstart"),
            self.addr
        );
        for (number, step) in steps.iter().enumerate() {
            script += &format!("{{\n{}\n}} >out.{number} 2>&1\n", step.commands.replace(ADDR, &self.addr));
        }
        script
    }

    fn printed(&self, number: usize) -> String {
        let printed = fs::read_to_string(self.dir.join(format!("out.{number}"))).unwrap_or_default();
        printed
            .replace(&self.addr, ADDR)
            .replace(&self.addr.replace(':', "%3A"), &ADDR.replace(':', "%3A"))
            .replace('\r', "")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
#[ignore = "needs bash, curl and openssl"]
fn the_guide_does_what_it_says() {
    let mut steps = steps();
    let start = steps.remove(0);
    let place = Place::start(&start.commands);
    let ended = Command::new("bash")
        .args(["-c", &place.script(&steps)])
        .env("NO_PROXY", "127.0.0.1")
        // No settings of whoever runs this.
        .env("CURL_HOME", Path::new("/nonexistent"))
        .status()
        .unwrap();
    let mut wrong = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let printed = place.printed(number);
        let said: Vec<_> = step.prints.as_deref().unwrap_or_default().lines().map(str::trim_end).collect();
        let lines: Vec<_> = printed.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        if !are_lines(&said, &lines) {
            wrong.push(format!("\n$ {}\n-- should print\n{}\n-- printed\n{printed}", step.commands, said.join("\n")));
        }
    }
    assert!(wrong.is_empty() && ended.success(), "bash ended with {ended}{}", wrong.concat());
}

#[test]
fn what_differs_is_seen() {
    assert!(is_line("a…c…", "abbcd") && is_line("a", "a") && is_line("…", ""));
    assert!(!is_line("a…c", "abcd") && !is_line("a", "ab") && !is_line("a…c…", "ab") && !is_line("b…", "ab"));
    assert!(are_lines(&["a", "…", "c"], &["a", "b", "b", "c"]) && are_lines(&["a", "…", "c"], &["a", "c"]));
    assert!(!are_lines(&["a", "…", "c"], &["a", "b"]) && !are_lines(&["a"], &["a", "b"]) && !are_lines(&["a"], &[]));
    assert!(steps().len() > 10 && steps().iter().filter(|step| step.prints.is_some()).count() > 10);
}
