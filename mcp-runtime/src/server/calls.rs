//! `tools/call`: from a message to what came of it.

use serde_json::{json, value::RawValue};

use super::{
    Arrival, CallOutcome, Core, Outcome,
    core::{verify_head, verify_param},
    failure,
    observe::Watch,
    outcome::{challenge, denial_error},
};
use crate::{
    caught::catch,
    guard::{CallerAsked, Denial, UNKNOWN},
    protocol::{CallParams, ErrorCode, Id, Message, RpcError, brief},
    tool::{Beginning, CallInput, CallToolResult, Compare, Head, Mirrored, Refusal, Registered, Running, Started},
};

impl Core {
    /// Answers a message that was announced as a call of this tool; `None` if it could not be read in one pass.
    pub(super) async fn call_announced<'b>(
        &self,
        body: &'b str,
        tool: &dyn Registered,
        arrival: Arrival<'_>,
    ) -> Option<Outcome<'b>> {
        let verify = |head: &Head<'_>| verify_head(head, arrival);
        let compare = |header: &str, says: Option<Mirrored<'_>>| verify_param(header, says, arrival);
        let input = self.input(arrival, arrival.caller_asked, &verify, &compare);
        let mut watch = self.observer.watch(arrival.caller, None);
        watch.tool(Some(tool.name()));
        match catch(|| tool.call_message(body, input)) {
            Some(Started::Unreadable) => {
                watch.forget();
                None
            }
            Some(Started::Mismatch(id, error)) => {
                watch.forget();
                Some(self.refuse(Some(id), error, arrival))
            }
            Some(Started::Begun(id, beginning)) => {
                watch.id(&id);
                Some(self.follow(id, tool, beginning, arrival, watch).await)
            }
            // The call may have been charged, so it is not tried again.
            None => {
                let id = Message::parse(body).ok().and_then(|message| message.id);
                Some(self.broke(id, tool, arrival, watch))
            }
        }
    }

    /// Answers a call whose parameters have not been looked at.
    pub(super) async fn call<'b>(&self, id: Id<'b>, params: Option<&'b RawValue>, arrival: Arrival<'_>) -> Outcome<'b> {
        let params = match CallParams::parse(params.map_or("{}", RawValue::get)) {
            Ok(params) => params,
            Err(error) => {
                return self.refuse(Some(id), RpcError::new(ErrorCode::InvalidParams, brief(&error)), arrival);
            }
        };
        let mut watch = self.observer.watch(arrival.caller, Some(&id));
        let Some(tool) = self.tool(&params.name, arrival.caller) else { return self.unknown(id, arrival, watch) };
        watch.tool(Some(tool.name()));
        // Rights first: what is wrong with the arguments of a tool is nothing to tell to those who may not call it.
        if let Err(denial) = tool.test(arrival.caller, UNKNOWN) {
            return self.deny(id, denial, arrival, watch);
        }
        let now;
        let asked = match arrival.caller_asked {
            // From the headers; the body has been compared with them.
            Some(asked) => asked,
            None => match tool.ask_caller(arrival.caller).await {
                Ok(asked) => {
                    now = asked;
                    &now
                }
                Err(denial) => return self.deny(id, denial, arrival, watch),
            },
        };
        let verify = |_: &Head<'_>| Ok(());
        let compare = |header: &str, says: Option<Mirrored<'_>>| verify_param(header, says, arrival);
        let input = self.input(arrival, Some(asked), &verify, &compare);
        match catch(|| tool.call_arguments(params.arguments.map(RawValue::get), input)) {
            Some(beginning) => self.follow(id, tool, beginning, arrival, watch).await,
            None => self.broke(Some(id), tool, arrival, watch),
        }
    }

    fn input<'a, 'v>(
        &'a self,
        arrival: Arrival<'a>,
        caller_asked: Option<&'v CallerAsked>,
        verify: &'v dyn Fn(&Head<'_>) -> Result<(), RpcError>,
        compare: &'v Compare<'v>,
    ) -> CallInput<'a, 'v>
    where
        'a: 'v,
    {
        let (caller, site) = (arrival.caller, self.site(arrival));
        CallInput { caller, caller_asked, site, verify, compare }
    }

    /// Waits for the author's rule, if it is asked, and for the body, if it may run; no longer than it may take.
    async fn follow<'b>(
        &self,
        id: Id<'b>,
        tool: &dyn Registered,
        beginning: Beginning<'_>,
        arrival: Arrival<'_>,
        mut watch: Watch<'_>,
    ) -> Outcome<'b> {
        let decided = match beginning {
            Beginning::Decided(decided) => decided,
            Beginning::Asking(asking) => match crate::caught::caught(asking).await {
                Some(decided) => decided,
                None => Ok(Running::broken()),
            },
        };
        match decided {
            Ok(Running { future, limit }) => {
                watch.admitted(limit);
                let ended = failure::settle(tool.name(), tool.timeout(), future).await;
                watch.end(&ended.outcome);
                Outcome::Reply(self.results.call(id, arrival.revision, &ended.result), limit)
            }
            Err(Refusal::Mismatch(error)) => {
                watch.forget();
                self.refuse(Some(id), error, arrival)
            }
            Err(Refusal::Denied(denial)) => self.deny(id, denial, arrival, watch),
            Err(Refusal::Arguments(error)) => self.correct(id, &error.to_string(), arrival, watch),
            Err(Refusal::ScopeValue(name)) => {
                let text = format!("invalid argument `{name}`: expected 1 to 64 of `A-Z a-z 0-9 _ . ~ -`");
                self.correct(id, &text, arrival, watch)
            }
        }
    }

    /// Tells a model what is wrong with its arguments. One that guesses is told, but may not guess for ever.
    fn correct<'b>(&self, id: Id<'b>, text: &str, arrival: Arrival<'_>, watch: Watch<'_>) -> Outcome<'b> {
        if let Err(denial) = self.gate.charge_other(arrival.caller) {
            watch.end(&CallOutcome::Denied(&denial));
            return self.denied(id, denial, arrival);
        }
        watch.end(&CallOutcome::InvalidArguments);
        let result = CallToolResult::error(text);
        Outcome::Reply(self.results.call(id, arrival.revision, &result), None)
    }

    /// The answer for a name that does not exist, or may not be known.
    fn unknown<'b>(&self, id: Id<'b>, arrival: Arrival<'_>, watch: Watch<'_>) -> Outcome<'b> {
        let stranger = if self.hides_from(arrival.caller) { Err(Denial::stranger()) } else { Ok(()) };
        match stranger.and_then(|()| self.may_guess(arrival.caller)) {
            Ok(()) => {
                watch.end(&CallOutcome::UnknownTool);
                Outcome::unknown_tool(id)
            }
            Err(denial) => {
                watch.end(&CallOutcome::Denied(&denial));
                self.denied(id, denial, arrival)
            }
        }
    }

    /// The answer to a call that is denied.
    fn deny<'b>(&self, id: Id<'b>, denial: Denial, arrival: Arrival<'_>, watch: Watch<'_>) -> Outcome<'b> {
        watch.end(&CallOutcome::Denied(&denial));
        self.denied(id, denial, arrival)
    }

    /// A denial as this server tells it.
    pub(crate) fn denied<'b>(&self, id: Id<'b>, denial: Denial, arrival: Arrival<'_>) -> Outcome<'b> {
        if !self.tells_in_band(&denial) {
            return Outcome::Denied(Some(id), denial);
        }
        let error = denial_error(&denial);
        let mut meta = json!({"denial": error.data});
        if let Some(challenge) = challenge(&denial, self.metadata_url.as_deref()) {
            meta["mcp/www_authenticate"] = json!([challenge]);
        }
        let result = CallToolResult::error(error.message);
        Outcome::Reply(self.results.denied_call(id, arrival.revision, &result, meta), None)
    }

    /// The answer where the author's code panicked before the body could run. Whoever can bring that about pays for it.
    fn broke<'b>(
        &self,
        id: Option<Id<'b>>,
        tool: &dyn Registered,
        arrival: Arrival<'_>,
        watch: Watch<'_>,
    ) -> Outcome<'b> {
        let charged = self.gate.charge_other(arrival.caller);
        match (id, charged) {
            (None, _) => {
                watch.end(&CallOutcome::Broke);
                Outcome::error(None, ErrorCode::Internal, "internal error")
            }
            (Some(id), Ok(())) => {
                watch.end(&CallOutcome::Broke);
                Outcome::Reply(self.results.call(id, arrival.revision, &failure::panicked(tool.name())), None)
            }
            (Some(id), Err(denial)) => self.deny(id, denial, arrival, watch),
        }
    }
}
