//! What protection costs: a guarded `tools/call` (RS256 token, scope, quota, header checks, structured output)
//! beside plain axum that parses the same body and sends the same answer.
//!
//! Each server is a process of its own on one core, the load comes from another; 32 connections with keep-alive;
//! rounds alternate. The last line is the ratio of their medians in calls per second.

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
    // `cargo test --benches` runs this too; there it only has to work.
    let short = std::env::args().any(|argument| argument == "--test");
    let (rounds, round) = if short { (1, Duration::from_millis(100)) } else { (ROUNDS, ROUND) };
    let (mut plain, mut guarded) = (Measured::start("plain"), Measured::start("guarded"));
    for number in 0..=rounds {
        // The first round warms up and does not count.
        for server in [&mut plain, &mut guarded] {
            server.round(round, number > 0);
        }
    }
    for server in [&plain, &guarded] {
        println!("{server}");
    }
    println!("ratio {:.2}", guarded.median() / plain.median());
}

struct Measured {
    name: &'static str,
    process: Child,
    ready: load::Ready,
    rates: Vec<f64>,
    /// Processor seconds per call, of the server alone.
    costs: Vec<f64>,
}

impl Measured {
    fn start(name: &'static str) -> Self {
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
        let ready = load::Ready::parse(&line);
        Self { name, process, ready, rates: Vec::new(), costs: Vec::new() }
    }

    fn round(&mut self, length: Duration, counts: bool) {
        let before = processor_seconds(self.process.id());
        let rate = load::run(&self.ready, length);
        let calls = rate * length.as_secs_f64();
        if counts {
            self.rates.push(rate);
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
        write!(f, "{:8} {:9.0} calls/s, {cost:5.2} µs of processor per call", self.name, self.median())
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

/// User and system time of a process so far; 0 where there is no `/proc`.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
