//! What protection costs: a guarded `tools/call` (RS256 token, one of two scopes, three limits, header checks, structured
//! output) beside plain axum that parses the same body and sends the same answer; the same with a token of the built-in
//! authorization server in the same process; and what a million callers cost.
//!
//! Each server is a process of its own on one core, the load comes from another; 32 connections with keep-alive;
//! rounds alternate. The last lines are the ratios of their medians: calls per second, the 99th percentile of latency
//! (each beside plain axum), and of one server with a million callers beside the same with a thousand.

mod load;
mod servers;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--serve"), Some(which)) => servers::serve(&which),
        _ => compare(),
    }
}

fn compare() {
    // `cargo test --benches` runs this too; there it only has to work. `cargo bench` says that it is one.
    let short = !std::env::args().any(|argument| argument == "--bench");
    let (rounds, round) = if short { (1, Duration::from_millis(100)) } else { (ROUNDS, ROUND) };
    let servers = ["plain", "guarded", "embedded"].map(|name| Measured::start(name, 1));
    let [plain, guarded, embedded] = side_by_side(servers, rounds, round);
    let (few, many) = (1_000, if short { 5_000 } else { 1_000_000 });
    let callers = [few, many].map(|callers| {
        let mut server = Measured::start("callers", callers);
        server.meet_everybody();
        server
    });
    let [few, many] = side_by_side(callers, rounds, round);
    println!("ratio {:.2}", guarded.median() / plain.median());
    println!("p99 ratio {:.2}", median(&guarded.slowest) / median(&plain.slowest));
    println!("embedded ratio {:.2}", embedded.median() / plain.median());
    println!("embedded p99 ratio {:.2}", median(&embedded.slowest) / median(&plain.slowest));
    println!("callers ratio {:.2}", median(&many.costs) / median(&few.costs));
}

/// Rounds of each, one after the other, beginning with another one each time. The first warms up and does not count.
fn side_by_side<const N: usize>(mut servers: [Measured; N], rounds: usize, round: Duration) -> [Measured; N] {
    for number in 0..=rounds {
        (0..N).for_each(|turn| servers[(number + turn) % N].round(round, number > 0));
    }
    servers.iter().for_each(|server| println!("{server}"));
    servers
}

struct Measured {
    name: &'static str,
    process: Child,
    load: load::Load,
    rates: Vec<f64>,
    /// The 99th percentile of each round, in microseconds.
    slowest: Vec<f64>,
    /// Processor seconds per call, of the server alone.
    costs: Vec<f64>,
}

impl Measured {
    fn start(name: &'static str, callers: u32) -> Self {
        let this = std::env::current_exe().expect("this program has a path");
        // Without `taskset` the system places the processes, and the figures are less steady.
        let pinned = Command::new("taskset").args(["-c", "0", "true"]).status().is_ok_and(|status| status.success());
        let mut command = if pinned { Command::new("taskset") } else { Command::new(&this) };
        if pinned {
            command.args(["-c", "0"]).arg(&this);
        }
        let mut process = command
            .args(["--serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let load = load::Load::new(&line, callers);
        Self { name, process, load, rates: Vec::new(), slowest: Vec::new(), costs: Vec::new() }
    }

    /// Every caller calls once.
    fn meet_everybody(&mut self) {
        let empty = memory(self.process.id());
        load::once_each(&self.load);
        let full = memory(self.process.id());
        println!("{} callers: {:.0} MiB, {:.0} MiB before they came", self.load.callers(), full, empty);
    }

    fn round(&mut self, length: Duration, counts: bool) {
        let before = processor_seconds(self.process.id());
        let answered = load::run(&self.load, length);
        let calls = answered.rate * length.as_secs_f64();
        if counts {
            self.rates.push(answered.rate);
            self.slowest.push(answered.p99_micros);
            self.costs.push((processor_seconds(self.process.id()) - before) / calls);
        }
    }

    fn median(&self) -> f64 {
        median(&self.rates)
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cost = median(&self.costs) * 1e6;
        let (name, callers, rate, p99) = (self.name, self.load.callers(), self.median(), median(&self.slowest));
        write!(
            f,
            "{name:8} {callers:8} callers {rate:9.0} calls/s, p99 {p99:5.0} µs, {cost:5.2} µs of processor per call"
        )
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        // The server ends when its input does.
        if let Some(mut input) = self.process.stdin.take() {
            let _ = input.write_all(b"\n");
        }
        let _ = self.process.wait();
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// What a process has in memory, in MiB; 0 where there is no `/proc`.
fn memory(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// User and system time of a process so far; 0 where there is no `/proc`.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
