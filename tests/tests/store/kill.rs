//! Processes that die at any moment.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mcp_runtime::store::Store;

use super::{
    LIST, Room, THING,
    child::{KEPT, Other, TASKS},
    number,
};

const ROUNDS: usize = 200;

/// What each task said last that it had done.
type Acknowledged = BTreeMap<usize, u64>;

/// Good enough to come at different moments.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Lets a moment pass; which one does not matter, only that it is never the same.
    fn moment(&mut self, most: Duration) {
        let until = Instant::now() + Duration::from_micros(self.below(most.as_micros().try_into().unwrap()));
        while Instant::now() < until {
            thread::yield_now();
        }
    }
}

fn note(line: &str, acknowledged: &mut Acknowledged) {
    let (task, n) = line.split_once(' ').unwrap();
    let (task, n) = (task.parse().unwrap(), n.parse().unwrap());
    let before = acknowledged.insert(task, n).unwrap_or(0);
    assert!(n > before, "task {task} said {n} after {before}");
}

/// Two at work; one dies, the other must go on, and dies too.
fn round(room: &Room, dice: &mut Dice, acknowledged: &mut Acknowledged) {
    let mut first = Other::start_from("commit", &room.file(), 0);
    let mut second = Other::start_from("commit", &room.file(), TASKS);
    // Sometimes before there is anything.
    for _ in 0..dice.below(40) {
        note(&first.line(), acknowledged);
    }
    dice.moment(Duration::from_millis(8));
    first.kill();
    first.rest().iter().for_each(|line| note(line, acknowledged));
    for _ in 0..1 + dice.below(10) {
        note(&second.line(), acknowledged);
    }
    dice.moment(Duration::from_millis(3));
    second.kill();
    second.rest().iter().for_each(|line| note(line, acknowledged));
}

/// How far a reader of the list has come, and what it saw last of each task.
#[derive(Default)]
struct Reader {
    after: Option<String>,
    last: BTreeMap<usize, u64>,
}

impl Reader {
    async fn read(&mut self, store: &dyn Store) {
        loop {
            let page = store.list(LIST, "", self.after.as_deref(), 500).await.unwrap();
            for (name, entry) in &page {
                let value = String::from_utf8(entry.value.clone()).unwrap();
                let (task, n) = value.split_once(' ').unwrap();
                let last = self.last.entry(task.parse().unwrap()).or_default();
                *last += 1;
                assert_eq!(last.to_string(), n, "an entry of the list is missing, or there twice");
                self.after = Some(name.clone());
            }
            if page.is_empty() {
                return;
            }
        }
    }
}

async fn assert_all_is_there(store: &dyn Store, acknowledged: &mut Acknowledged, reader: &mut Reader) {
    reader.read(store).await;
    for task in 0..2 * TASKS {
        let said = acknowledged.get(&task).copied().unwrap_or(0);
        let done = number(store, &format!("head {task}")).await;
        // One more may have been done when there was no time left to say so.
        assert!(done == said || done == said + 1, "task {task} said {said}, and {done} is there");
        let expected: Vec<u64> = (done.saturating_sub(KEPT - 1).max(1)..=done).collect();
        for side in ["left", "right"] {
            let prefix = format!("{side} {task} ");
            let found = store.list(THING, &prefix, None, 1_000).await.unwrap();
            let found: Vec<u64> = found.iter().map(|(name, _)| name[prefix.len()..].parse().unwrap()).collect();
            assert_eq!(found, expected, "a commit of task {task} was done by half");
        }
        assert_eq!(reader.last.get(&task).copied().unwrap_or(0), done, "a commit of task {task} was done by half");
        acknowledged.insert(task, done);
    }
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn what_was_acknowledged_outlives_every_kill() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut total = 0;
    // New files too: the process may die while it makes one.
    for life in 0..10 {
        let room = Room::new(&format!("kill-{life}"));
        let (mut acknowledged, mut reader) = (Acknowledged::new(), Reader::default());
        for _ in 0..ROUNDS / 10 {
            round(&room, &mut dice, &mut acknowledged);
            room.assert_sound();
            assert_all_is_there(&room.open().await, &mut acknowledged, &mut reader).await;
        }
        total += acknowledged.values().sum::<u64>();
    }
    println!("{total} commits");
    assert!(total > 1_000, "{total}");
}
