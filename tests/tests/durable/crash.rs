//! `kill -9` at any moment, again and again: whatever was acknowledged is still so.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::{
    http::{FORM, form, send},
    node::{CLIENT, Folder, Node, add_user, call, refresh},
    person::{Code, Person, Tokens, query},
    random::Random,
};

const KILLS: u32 = 200;
const WORKERS: u64 = 4;
/// So many of those that were judged before are judged again after each kill.
const SAMPLE: usize = 4;

/// What somebody was told about a grant, or was about to be told when the server was killed.
#[derive(Debug, Clone)]
enum Told {
    /// These are its newest tokens, and this is an older one.
    Granted {
        newest: Tokens,
        older: Option<Tokens>,
    },
    /// It was being revoked: all or nothing.
    Revoking(Tokens),
    Revoked(Tokens),
}

/// What somebody was told.
#[derive(Debug, Clone)]
enum Fact {
    Session(Box<Person>),
    Registered(String),
    /// A code that nobody has sent back yet.
    Code(Code),
    Grant(Told),
}

#[derive(Default)]
struct Counts {
    logins: AtomicUsize,
    registrations: AtomicUsize,
    exchanges: AtomicUsize,
    refreshes: AtomicUsize,
    revocations: AtomicUsize,
    unanswered: AtomicUsize,
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// One of those who keep the server busy. What it does is in its hands alone, so it knows what must hold.
struct Worker {
    random: Random,
    user: String,
    person: Option<Person>,
    grants: Vec<Told>,
    /// What holds besides the grants.
    facts: Vec<Fact>,
    counts: Arc<Counts>,
}

impl Worker {
    /// Until the server is gone.
    async fn work(&mut self, at: SocketAddr) {
        while self.one(at).await.is_ok() {}
        count(&self.counts.unanswered);
    }

    async fn one(&mut self, at: SocketAddr) -> io::Result<()> {
        let Some(mut person) = self.person.clone() else { return self.log_in(at).await };
        match self.random.below(20) {
            0 => self.log_in(at).await,
            1 => self.register(at).await,
            2..8 => self.exchange(at, &mut person).await,
            8..16 => self.refresh(at).await,
            16..19 => self.revoke(at).await,
            _ => {
                self.facts.push(Fact::Code(person.code(at).await?));
                Ok(())
            }
        }
    }

    async fn log_in(&mut self, at: SocketAddr) -> io::Result<()> {
        let person = Person::log_in(at, &self.user).await?;
        self.facts.push(Fact::Session(Box::new(person.clone())));
        self.person = Some(person);
        count(&self.counts.logins);
        Ok(())
    }

    async fn register(&mut self, at: SocketAddr) -> io::Result<()> {
        let body = format!(r#"{{"redirect_uris":["{}"],"token_endpoint_auth_method":"none"}}"#, crate::node::REDIRECT);
        let answer = send(at, "POST", "/register", &[("Content-Type", "application/json")], &body).await?;
        assert_eq!(answer.status, 201, "{answer:?}");
        self.facts.push(Fact::Registered(answer.json()["client_id"].as_str().unwrap().to_owned()));
        count(&self.counts.registrations);
        Ok(())
    }

    async fn exchange(&mut self, at: SocketAddr, person: &mut Person) -> io::Result<()> {
        let code = person.code(at).await?;
        let newest = Tokens::of(&code.redeem(at).await?);
        self.grants.push(Told::Granted { newest, older: None });
        count(&self.counts.exchanges);
        Ok(())
    }

    /// Whoever hears nothing may ask again with the same token: the grant stays as it was told.
    async fn refresh(&mut self, at: SocketAddr) -> io::Result<()> {
        let Some(number) = self.some_grant() else { return Ok(()) };
        let Told::Granted { newest, .. } = self.grants[number].clone() else { return Ok(()) };
        let next = Tokens::of(&refresh(at, &newest.refresh).await?);
        assert_ne!(next.refresh, newest.refresh);
        self.grants[number] = Told::Granted { newest: next, older: Some(newest) };
        count(&self.counts.refreshes);
        Ok(())
    }

    async fn revoke(&mut self, at: SocketAddr) -> io::Result<()> {
        let Some(number) = self.some_grant() else { return Ok(()) };
        let Told::Granted { newest, .. } = self.grants[number].clone() else { return Ok(()) };
        self.grants[number] = Told::Revoking(newest.clone());
        let token = if self.random.below(2) == 0 { &newest.refresh } else { &newest.access };
        let fields = [("client_id", CLIENT), ("token", token)];
        let answer = send(at, "POST", "/revoke", &[FORM], &form(&fields)).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.grants[number] = Told::Revoked(newest);
        count(&self.counts.revocations);
        Ok(())
    }

    fn some_grant(&mut self) -> Option<usize> {
        (!self.grants.is_empty()).then(|| self.random.below(self.grants.len()))
    }

    /// Everything it was told, for the judge. What it holds on to begins anew now and then.
    fn hand_over(&mut self) -> Vec<Fact> {
        if self.random.below(8) == 0 {
            self.person = None;
        }
        self.grants.drain(..).map(Fact::Grant).chain(self.facts.drain(..)).collect()
    }
}

impl Fact {
    /// Asserts that it holds, and says what holds from now on.
    async fn judge(self, at: SocketAddr) -> Self {
        match self {
            Self::Session(mut person) => {
                person.code(at).await.unwrap();
                Self::Session(person)
            }
            Self::Registered(client) => {
                let challenge = mcp_runtime::oauth::pkce::challenge_of("x");
                let path = format!("/authorize?{}", query(&client, &challenge));
                let answer = send(at, "GET", &path, &[], "").await.unwrap();
                assert!(answer.header("location").contains("/login?"), "{client}: {answer:?}");
                Self::Registered(client)
            }
            Self::Code(code) => {
                let newest = Tokens::of(&code.redeem(at).await.unwrap());
                Self::Grant(Told::Granted { newest, older: None })
            }
            Self::Grant(told) => Self::Grant(told.judge(at).await),
        }
    }
}

impl Told {
    async fn judge(self, at: SocketAddr) -> Self {
        match self {
            Self::Granted { newest, older } => {
                for tokens in [Some(&newest), older.as_ref()].into_iter().flatten() {
                    let answer = call(at, "read_note", Some(&tokens.access)).await.unwrap();
                    assert_eq!(answer.status, 200, "an access token that was given out: {answer:?}");
                }
                let next = Tokens::of(&refresh(at, &newest.refresh).await.unwrap());
                Self::Granted { newest: next, older: Some(newest) }
            }
            Self::Revoked(tokens) => {
                assert_eq!(goodness(at, &tokens).await, (false, false), "it was revoked");
                Self::Revoked(tokens)
            }
            Self::Revoking(tokens) => {
                let (access, refresh) = goodness(at, &tokens).await;
                assert_eq!(access, refresh, "it is revoked by half");
                Self::Revoking(tokens)
            }
        }
    }
}

/// Whether the access token is accepted, and the refresh token.
async fn goodness(at: SocketAddr, tokens: &Tokens) -> (bool, bool) {
    let called = call(at, "read_note", Some(&tokens.access)).await.unwrap();
    assert!([200, 401].contains(&called.status), "{called:?}");
    let refreshed = refresh(at, &tokens.refresh).await.unwrap();
    assert!(refreshed.status == 200 || refreshed.error() == "invalid_grant", "{refreshed:?}");
    (called.status == 200, refreshed.status == 200)
}

async fn judge_all(at: SocketAddr, facts: Vec<Fact>) -> Vec<Fact> {
    let queue = Arc::new(Mutex::new(facts));
    let mut judges = JoinSet::new();
    for _ in 0..4 {
        let queue = Arc::clone(&queue);
        judges.spawn(async move {
            let mut judged = Vec::new();
            loop {
                let Some(fact) = queue.lock().unwrap().pop() else { return judged };
                judged.push(fact.judge(at).await);
            }
        });
    }
    judges.join_all().await.into_iter().flatten().collect()
}

fn assert_whole(folder: &Folder) {
    let file = Connection::open(folder.file()).unwrap();
    let found: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
async fn what_was_acknowledged_holds_after_kill_9() {
    let begin = Instant::now();
    let folder = Folder::new();
    for number in 0..WORKERS {
        add_user(folder.store().await, &format!("user{number}")).await;
    }
    let counts = Arc::new(Counts::default());
    let mut random = Random::new();
    println!("{random:?}");
    let mut workers: Vec<Worker> = (0..WORKERS)
        .map(|number| Worker {
            random: random.fork(),
            user: format!("user{number}"),
            person: None,
            grants: Vec::new(),
            facts: Vec::new(),
            counts: Arc::clone(&counts),
        })
        .collect();
    let mut known: Vec<Fact> = Vec::new();
    let mut node = Node::there(&folder, false);
    for kill in 0..KILLS {
        let at = node.address;
        let mut load = JoinSet::new();
        for mut worker in workers.drain(..) {
            load.spawn(async move {
                worker.work(at).await;
                worker
            });
        }
        // Nothing is waited for: any moment will do.
        tokio::time::sleep(Duration::from_millis(10 + random.below(120) as u64)).await;
        node.kill();
        workers = load.join_all().await;
        if kill % 10 == 0 {
            assert_whole(&folder);
        }
        // Everything else is recovered by the server itself.
        node = Node::there(&folder, false);
        let mut due: Vec<Fact> = workers.iter_mut().flat_map(Worker::hand_over).collect();
        for _ in 0..SAMPLE.min(known.len()) {
            due.push(known.swap_remove(random.below(known.len())));
        }
        known.extend(judge_all(node.address, due).await);
    }
    let facts = known.len();
    judge_all(node.address, known).await;
    node.kill();
    assert_whole(&folder);
    report(&counts, facts, begin.elapsed());
}

fn report(counts: &Counts, facts: usize, took: Duration) {
    let Counts { logins, registrations, exchanges, refreshes, revocations, unanswered } = counts;
    let all =
        [logins, registrations, exchanges, refreshes, revocations, unanswered].map(|it| it.load(Ordering::Relaxed));
    let [logins, registrations, exchanges, refreshes, revocations, unanswered] = all;
    println!(
        "{KILLS} kills in {took:.0?}: {logins} logins, {registrations} registrations, {exchanges} exchanges, {refreshes} \
         refreshes, {revocations} revocations, {unanswered} unanswered; {facts} facts"
    );
    assert!(all.iter().all(|count| *count > 20), "there was no load");
}
