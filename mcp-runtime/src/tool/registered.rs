//! A tool behind its gate, its types forgotten.

use std::{future::ready, sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    CallContext, CallSite, Requirements, Tool, ToolFuture, ToolInfo,
    arguments::ArgumentError,
    schema::{input_schema, output_schema, problems},
};
use crate::{
    auth::Caller,
    guard::{Denial, Gate, Gated, LimitState, Policy},
    protocol::{Id, Meta, RpcError},
};

/// A tool that does not know its gate yet.
pub(crate) trait Bind: Send {
    fn name(&self) -> &'static str;
    fn info(&self) -> ToolInfo;
    fn policy(&self) -> Policy;
    fn requirements(&self, needs: &mut Requirements);
    /// What is wrong with the schema of the arguments.
    fn problems(&self) -> Vec<String>;
    fn bind(self: Box<Self>, gate: &Arc<Gate>) -> Box<dyn Registered>;
}

pub(crate) struct Unbound<T: Tool>(Arc<T::Receiver>);

impl<T: Tool> Unbound<T> {
    pub(crate) fn new(receiver: Arc<T::Receiver>) -> Self {
        Self(receiver)
    }
}

impl<T: Tool> Bind for Unbound<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn info(&self) -> ToolInfo {
        T::INFO
    }

    fn policy(&self) -> Policy {
        T::POLICY
    }

    fn requirements(&self, needs: &mut Requirements) {
        (T::INJECT.requirements)(needs);
    }

    fn problems(&self) -> Vec<String> {
        problems::<T>()
    }

    fn bind(self: Box<Self>, gate: &Arc<Gate>) -> Box<dyn Registered> {
        Box::new(Bound::<T> { gated: Gate::bind(gate), receiver: self.0 })
    }
}

/// A tool that can be asked and called, whatever its types.
pub(crate) trait Registered: Send + Sync {
    fn name(&self) -> &'static str;
    fn info(&self) -> ToolInfo;
    fn input_schema(&self) -> Value;
    fn output_schema(&self) -> Option<Value>;
    /// How long one call may take; `None` is for ever.
    fn timeout(&self) -> Option<Duration>;
    /// Whether this caller could call the tool now. Spends nothing, and admits nobody.
    fn test(&self, caller: &Caller) -> Result<Option<LimitState>, Denial>;
    /// Reads a whole message, and starts the call if message, arguments and gate agree.
    fn call_message<'a, 'b>(&'a self, body: &'b str, input: CallInput<'a, '_>) -> Started<'a, 'b>;
    /// Starts a call with arguments that were cut out of a message.
    fn call_arguments<'a>(
        &'a self,
        arguments: Option<&str>,
        caller: &Caller,
        site: CallSite<'a>,
    ) -> Result<Running<'a>, Refusal>;
}

/// What comes with a message that was said to be a call of this tool.
pub(crate) struct CallInput<'a, 'v> {
    pub(crate) caller: &'v Caller,
    pub(crate) site: CallSite<'a>,
    /// Compares the message with what was announced for it.
    pub(crate) verify: &'v dyn Fn(&Head<'_>) -> Result<(), RpcError>,
}

/// What a message says of itself beside its arguments.
pub(crate) struct Head<'b> {
    pub(crate) method: Option<&'b str>,
    pub(crate) name: Option<&'b str>,
    pub(crate) meta: Option<&'b Meta<'b>>,
}

/// What became of a message.
pub(crate) enum Started<'a, 'b> {
    /// It could not be read in one pass. Reading it piece by piece tells why.
    Unreadable,
    /// It is not what was announced.
    Mismatch(Id<'b>, RpcError),
    Denied(Id<'b>, Denial),
    Running(Id<'b>, Running<'a>),
}

/// A call that was admitted.
pub(crate) struct Running<'a> {
    pub(crate) future: ToolFuture<'a>,
    pub(crate) limit: Option<LimitState>,
}

/// Why a call was not started.
pub(crate) enum Refusal {
    Arguments(ArgumentError),
    Denied(Denial),
}

struct Bound<T: Tool> {
    gated: Gated<T>,
    receiver: Arc<T::Receiver>,
}

impl<T: Tool> Bound<T> {
    /// The only way into a tool's body.
    fn run<'a>(&'a self, caller: &Caller, arguments: T::Args, site: CallSite<'a>) -> Result<Running<'a>, Denial> {
        let (permit, limit) = self.gated.admit(caller, arguments)?;
        let context = CallContext::new(T::NAME, permit.caller().clone(), site);
        let future = match (T::INJECT.inject)(&context) {
            Ok(injected) => T::run(&self.receiver, permit, injected),
            Err(error) => Box::pin(ready(Err(error))) as ToolFuture<'a>,
        };
        Ok(Running { future, limit })
    }
}

impl<T: Tool> Registered for Bound<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn info(&self) -> ToolInfo {
        T::INFO
    }

    fn input_schema(&self) -> Value {
        input_schema::<T>()
    }

    fn output_schema(&self) -> Option<Value> {
        output_schema::<T>()
    }

    fn timeout(&self) -> Option<Duration> {
        self.gated.timeout()
    }

    fn test(&self, caller: &Caller) -> Result<Option<LimitState>, Denial> {
        self.gated.test(caller)
    }

    fn call_message<'a, 'b>(&'a self, body: &'b str, input: CallInput<'a, '_>) -> Started<'a, 'b> {
        let Ok(message) = T::ARGUMENTS.parse_message(body) else { return Started::Unreadable };
        let (Some(id), Some(params), false) = (message.id, message.params, message.is_response) else {
            return Started::Unreadable;
        };
        let head = Head { method: message.method.as_deref(), name: Some(&params.name), meta: params.meta.as_ref() };
        if let Err(error) = (input.verify)(&head) {
            return Started::Mismatch(id, error);
        }
        match self.run(input.caller, params.arguments, input.site) {
            Ok(running) => Started::Running(id, running),
            Err(denial) => Started::Denied(id, denial),
        }
    }

    fn call_arguments<'a>(
        &'a self,
        arguments: Option<&str>,
        caller: &Caller,
        site: CallSite<'a>,
    ) -> Result<Running<'a>, Refusal> {
        let arguments = T::ARGUMENTS.parse_arguments(arguments).map_err(Refusal::Arguments)?;
        self.run(caller, arguments, site).map_err(Refusal::Denied)
    }
}
