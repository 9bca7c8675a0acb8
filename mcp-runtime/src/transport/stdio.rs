//! stdio: one client that started this process, one message a line.
//!
//! There is no OAuth here (MCP, "Authorization": credentials come from the environment), but the same gate: the caller is
//! whoever the token says that the process was given.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use serde_json::value::RawValue;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{Mutex, mpsc},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use crate::{
    auth::{AuthError, BearerToken, Caller, ClientAddress},
    guard::Denial,
    protocol::{ErrorCode, InitializeParams, Message, PlainParams, Reply, Revision, RpcError},
    server::{Arrival, Outcome, Results, Server, denial_error, unreadable, unsupported_version},
};

/// The longest line, and the most calls at once, that one client may have.
const MAX_LINE_BYTES: u64 = 1024 * 1024;
const MAX_CALLS: usize = 64;
const MAX_ANSWERS_WAITING: usize = 64;

/// How long running calls may take once the input has ended.
const LAST_CALLS: Duration = Duration::from_secs(30);

impl Server {
    /// Serves the process's own client over standard input and output, until the input ends.
    ///
    /// The caller is whoever `token` says, verified by the server's authenticators again for every message; without a
    /// token it is anonymous. Take the token from the environment, not from the command line, which others can read.
    /// Nothing but messages may be written to standard output, so log to standard error.
    ///
    /// ```no_run
    /// # async fn run(server: mcp_runtime::Server) -> std::io::Result<()> {
    /// server.serve_stdio(std::env::var("NOTES_TOKEN").ok()).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// If reading or writing fails.
    pub async fn serve_stdio(&self, token: Option<String>) -> io::Result<()> {
        if self.settings().no_auth {
            tracing::warn!("`insecure_no_auth` is on: whoever started this process may call every tool");
        }
        serve(self.clone(), token, BufReader::new(tokio::io::stdin()), tokio::io::stdout()).await
    }
}

/// The calls that are running, by the id they were sent with.
type Calls = Arc<Mutex<HashMap<String, AbortHandle>>>;

async fn serve(
    server: Server,
    token: Option<String>,
    mut input: impl AsyncBufRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
) -> io::Result<()> {
    let (answers, queue) = mpsc::channel(MAX_ANSWERS_WAITING);
    let writer = tokio::spawn(write_answers(queue, output));
    let mut session = Session { server, token, revision: Revision::V2025_03_26, answers, calls: Calls::default() };
    let mut running = JoinSet::new();
    while let Some(line) = read_line(&mut input).await? {
        while running.try_join_next().is_some() {}
        session.take(line, &mut running).await;
    }
    // No more will be asked, but what was asked may still be read.
    let finish = async { while running.join_next().await.is_some() {} };
    if timeout(LAST_CALLS, finish).await.is_err() {
        running.shutdown().await;
    }
    drop(session);
    let stop = writer.abort_handle();
    match timeout(LAST_CALLS, writer).await {
        Ok(written) => written.unwrap_or(Ok(())),
        Err(_) => {
            stop.abort();
            Err(io::Error::new(io::ErrorKind::TimedOut, "the output is not read"))
        }
    }
}

/// One line without its end; `None` when the input has ended. A line that is too long is an error of the client's that
/// cannot be answered, as its id was never read.
async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line).await?;
    if line.len() as u64 > MAX_LINE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is larger than 1 MiB"));
    }
    Ok((read > 0).then_some(line))
}

async fn write_answers(mut queue: mpsc::Receiver<Vec<u8>>, mut output: impl AsyncWrite + Unpin) -> io::Result<()> {
    while let Some(mut answer) = queue.recv().await {
        answer.push(b'\n');
        output.write_all(&answer).await?;
        output.flush().await?;
    }
    Ok(())
}

struct Session {
    server: Server,
    token: Option<String>,
    /// What `initialize` agreed on; the stateless revision says it in every message.
    revision: Revision,
    answers: mpsc::Sender<Vec<u8>>,
    calls: Calls,
}

impl Session {
    /// Takes one line: cancels, or starts answering beside what already runs.
    async fn take(&mut self, line: Vec<u8>, running: &mut JoinSet<()>) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let message = match std::str::from_utf8(&line).map(Message::parse) {
            Ok(Ok(message)) => message,
            Ok(Err(error)) => return self.send(Reply::error(None, &unreadable(&error))).await,
            Err(_) => {
                let error = RpcError::new(ErrorCode::Parse, "the line is not UTF-8");
                return self.send(Reply::error(None, &error)).await;
            }
        };
        if message.method.as_deref() == Some("notifications/cancelled") {
            return self.cancel(message.params).await;
        }
        let revision = match self.revision_of(&message) {
            Ok(revision) => revision,
            Err(error) => return self.send(Reply::error(message.id, &error)).await,
        };
        let id = message.id.map(|id| id.as_str().to_owned());
        let mut calls = self.calls.lock().await;
        let twice = id.as_ref().is_some_and(|id| calls.contains_key(id));
        if twice || running.len() >= MAX_CALLS {
            drop(calls);
            let error = if twice {
                RpcError::new(ErrorCode::InvalidRequest, "a request with this id is running")
            } else {
                RpcError::new(ErrorCode::RateLimited, "64 calls are running; wait for one of them")
            };
            return self.send(Reply::error(message.id, &error)).await;
        }
        let task = running.spawn(answer_line(
            self.server.clone(),
            self.token.clone(),
            revision,
            line,
            self.answers.clone(),
            Arc::clone(&self.calls),
            id.clone(),
        ));
        if let Some(id) = id {
            calls.insert(id, task);
        }
    }

    /// Which rules a message plays by: what it says itself, else what `initialize` agreed on.
    fn revision_of(&mut self, message: &Message<'_, &RawValue>) -> Result<Revision, RpcError> {
        let params = message.params.map_or("{}", RawValue::get);
        if message.method.as_deref() == Some("initialize") && message.id.is_some() {
            let asked = serde_json::from_str::<InitializeParams<'_>>(params).ok();
            let asked = asked.and_then(|params| Revision::parse(&params.protocol_version));
            self.revision = asked.filter(|revision| !revision.is_stateless()).unwrap_or(Revision::NEWEST_LEGACY);
            return Ok(self.revision);
        }
        let meta = serde_json::from_str::<PlainParams<'_>>(params).ok().and_then(|params| params.meta);
        match meta.and_then(|meta| meta.version) {
            None if message.method.as_deref() == Some("server/discover") => Ok(Revision::V2026_07_28),
            None => Ok(self.revision),
            Some(version) => Revision::parse(&version).ok_or_else(|| unsupported_version(&version)),
        }
    }

    async fn cancel(&self, params: Option<&RawValue>) {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Cancelled<'a> {
            #[serde(borrow)]
            request_id: &'a RawValue,
        }
        let Some(Ok(cancelled)) = params.map(|params| serde_json::from_str::<Cancelled<'_>>(params.get())) else {
            return;
        };
        if let Some(call) = self.calls.lock().await.remove(cancelled.request_id.get()) {
            call.abort();
        }
    }

    async fn send(&self, reply: Reply) {
        // If the writer has ended, so has the client.
        let _ = self.answers.send(reply.into_bytes()).await;
    }
}

/// Answers one message and takes itself off the list.
async fn answer_line(
    server: Server,
    token: Option<String>,
    revision: Revision,
    line: Vec<u8>,
    answers: mpsc::Sender<Vec<u8>>,
    calls: Calls,
    id: Option<String>,
) {
    let text = String::from_utf8_lossy(&line);
    if let Some(message) = answer(&server, token.as_deref(), revision, &text, &answers).await {
        let _ = answers.send(message.into_bytes()).await;
    }
    if let Some(id) = id {
        calls.lock().await.remove(&id);
    }
}

async fn answer(
    server: &Server,
    token: Option<&str>,
    revision: Revision,
    text: &str,
    answers: &mpsc::Sender<Vec<u8>>,
) -> Option<Reply> {
    let caller = match identify(server, token).await {
        Ok(caller) => caller,
        Err(denial) => {
            let id = Message::parse(text).ok().and_then(|message| message.id);
            return id.map(|id| Reply::error(Some(id), &denial_error(&denial)));
        }
    };
    let arrival = Arrival {
        revision,
        caller: &caller,
        announced: None,
        caller_asked: None,
        #[cfg(feature = "http")]
        http: None,
    };
    match server.core().answer(text, arrival).await {
        Outcome::Listen(id) => {
            // Nothing ever changes, so all there is to say is said now.
            let _ = answers.send(Results::acknowledged(id).into_bytes()).await;
            Some(server.core().results.listened(id))
        }
        outcome => outcome.into_reply(),
    }
}

async fn identify(server: &Server, token: Option<&str>) -> Result<Caller, Denial> {
    let Some(token) = token else { return Ok(Caller::Anonymous(ClientAddress::LOCAL)) };
    let bad = || Denial::Unauthenticated { scopes: Vec::new(), token_sent: true };
    let token = BearerToken::new(token).ok_or_else(bad)?;
    match server.core().verifier.authenticate(&token).await {
        Ok(identity) => Ok(Caller::Identified(identity, ClientAddress::LOCAL)),
        Err(AuthError::Unavailable { retry_after } | AuthError::Crowded { retry_after }) => {
            Err(Denial::Unavailable { retry_after })
        }
        Err(AuthError::Invalid { .. } | AuthError::Expired) => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::{Value, json};
    use tokio::io::{DuplexStream, duplex};

    use crate::{
        auth::StaticTokens,
        guard::{Policy, ScopeExpr},
    };

    const SECRET: &str = "wQ7hYp3mZ0tRk9cLxV5nBg";

    enum Echo {}

    // By hand, because the macro writes `::mcp_runtime`, which is not this crate's name for itself.
    impl crate::guard::Protected for Echo {
        const NAME: &'static str = "echo";
        const POLICY: Policy = Policy::admitted().scopes(ScopeExpr::Scope("talk"));
        type Args = (String,);
    }

    impl crate::Tool for Echo {
        type Receiver = ();
        type Injected = ();
        type Output = String;
        const INFO: crate::ToolInfo = crate::ToolInfo::new("Says it again.", file!(), line!());
        const ARGUMENTS: crate::__private::Arguments<(String,)> = crate::__private::args1(
            &[crate::__private::ArgSpec::new("text", "")],
            (crate::__private::ArgRules::new(),),
        );
        const INJECT: crate::__private::Injector<()> = crate::__private::inject0();
        const OUTPUT: crate::__private::OutputOf<String> = crate::__private::output();

        fn run<'a>(_: &'a Arc<()>, permit: crate::guard::Permit<Self>, (): ()) -> crate::__private::ToolFuture<'a> {
            let (text,) = permit.into_args();
            crate::__private::finish(
                async move {
                    if text == "wait" {
                        std::future::pending::<()>().await;
                    }
                    text
                },
                Self::OUTPUT,
            )
        }
    }

    /// Starts a server; returns the client's ends.
    fn start(token: Option<&str>) -> (DuplexStream, BufReader<DuplexStream>, tokio::task::JoinHandle<io::Result<()>>) {
        let auth = StaticTokens::new().token(SECRET, "alice", ["talk"]);
        let server =
            Server::builder("echo", "1.0").tools(crate::Tools::new().add::<Echo>()).auth(auth).build().unwrap();
        let (client_in, server_in) = duplex(1 << 16);
        let (server_out, client_out) = duplex(1 << 16);
        let token = token.map(str::to_owned);
        let task = tokio::spawn(serve(server, token, BufReader::new(server_in), server_out));
        (client_in, BufReader::new(client_out), task)
    }

    async fn ask(client: &mut (DuplexStream, BufReader<DuplexStream>), message: &Value) -> Value {
        client.0.write_all(format!("{message}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        client.1.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn call(id: u32, text: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": text}}})
    }

    #[tokio::test]
    async fn a_client_with_a_token_calls_and_one_without_does_not() {
        let (input, output, task) = start(Some(SECRET));
        let mut alice = (input, output);
        let hello =
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}});
        assert_eq!(ask(&mut alice, &hello).await["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(ask(&mut alice, &call(1, "hi")).await["result"]["content"][0]["text"], "hi");
        let mut modern = call(2, "ho");
        modern["params"]["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}});
        assert_eq!(ask(&mut alice, &modern).await["result"]["resultType"], "complete");
        drop(alice);
        task.await.unwrap().unwrap();

        for token in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAA")] {
            let (input, output, _task) = start(token);
            assert_eq!(ask(&mut (input, output), &call(1, "hi")).await["error"]["code"], 401);
        }
    }

    #[tokio::test]
    async fn what_was_asked_before_the_input_ended_is_answered() {
        let (mut input, mut output, task) = start(Some(SECRET));
        input.write_all(format!("{}\n", call(1, "last")).as_bytes()).await.unwrap();
        drop(input);
        let mut line = String::new();
        output.read_line(&mut line).await.unwrap();
        assert!(line.contains("last"), "{line}");
        task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_full_house_can_still_be_cancelled() {
        let (input, output, _task) = start(Some(SECRET));
        let mut alice = (input, output);
        for id in 0..64 {
            alice.0.write_all(format!("{}\n", call(id, "wait")).as_bytes()).await.unwrap();
        }
        assert_eq!(ask(&mut alice, &call(64, "more")).await["error"]["code"], 429);
        assert_eq!(ask(&mut alice, &call(7, "twice")).await["error"]["code"], -32600);
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
        alice.0.write_all(format!("{cancel}\n").as_bytes()).await.unwrap();
        // The place is free as soon as the cancelled call has ended.
        let answer = loop {
            let answer = ask(&mut alice, &call(65, "now")).await;
            if answer["error"]["code"] != 429 {
                break answer;
            }
        };
        assert_eq!(answer["result"]["content"][0]["text"], "now");
    }

    #[tokio::test]
    async fn a_cancelled_call_is_not_answered_and_others_go_on() {
        let (input, output, _task) = start(Some(SECRET));
        let mut alice = (input, output);
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
        alice.0.write_all(format!("{}\n{cancel}\n", call(1, "wait")).as_bytes()).await.unwrap();
        let answer = ask(&mut alice, &call(2, "next")).await;
        assert_eq!((&answer["id"], &answer["result"]["content"][0]["text"]), (&json!(2), &json!("next")));
        assert_eq!(ask(&mut alice, &json!("not a message")).await["error"]["code"], -32600);
    }
}
