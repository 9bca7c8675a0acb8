//! The one place that says yes.

use std::{future::Future, marker::PhantomData, pin::Pin, sync::Arc, time::Duration};

use super::{
    Catalogue, Denial, GuardCx, GuardOf, Limit, LimitState, Permit, Policy, Protected, Requirement, StateMap, UNKNOWN,
    Values,
    ask::{ArgumentGuard, asked, undecided, verdict},
    ledger::{Ledger, Limits},
    slots::{Slot, Slots},
};
use crate::{
    auth::{Caller, ClientAddress},
    clock::Clock,
};

/// What the server decides for every tool that does not decide itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    pub(crate) limit: Option<Limit>,
    pub(crate) timeout: Option<Duration>,
    /// `insecure_no_auth`: there is nobody to ask who someone is.
    pub(crate) no_auth: bool,
}

/// Decides about every call of one server.
pub(crate) struct Gate {
    clock: Clock,
    catalogue: Catalogue,
    defaults: Defaults,
    ledger: Ledger,
    /// Everything that is not a tool call: lists, unknown names, unreadable arguments.
    other: Limits,
    states: Arc<StateMap>,
}

impl Gate {
    pub(crate) fn new(
        clock: Clock,
        catalogue: Catalogue,
        defaults: Defaults,
        failures_per_address: Option<Limit>,
        capacity: usize,
        states: Arc<StateMap>,
    ) -> Self {
        let ledger = Ledger::new(capacity, failures_per_address);
        let other = ledger.bind(defaults.limit.as_slice(), None);
        Self { clock, catalogue, defaults, ledger, other, states }
    }

    /// Reads the policy of `T` from its type, and from nowhere else.
    pub(crate) fn bind<T: Protected>(gate: &Arc<Self>) -> Gated<T> {
        let policy = T::POLICY;
        let own = own_limits(&policy, gate.defaults);
        let floor = policy.group_floor();
        let scopes: Vec<_> = floor.map(|floor| floor.scopes).into_iter().chain([policy.required_scopes()]).collect();
        let rule = Rule {
            is_public: policy.is_public(),
            requirement: Requirement::compile(&scopes, &gate.catalogue),
            limits: gate.ledger.bind(&own, floor),
            slots: policy.max_concurrency().map(|calls| Arc::new(Slots::of_tool(calls))),
            timeout: policy.call_timeout().or(gate.defaults.timeout),
            is_guarded: policy.call_guard().is_some(),
        };
        Gated { gate: Arc::clone(gate), rule, tool: PhantomData }
    }

    /// Charges a caller for something that is not a tool call.
    pub(crate) fn charge_other(&self, caller: &Caller) -> Result<(), Denial> {
        self.ledger.charge(caller, &self.other, self.clock.millis()).map(drop)
    }

    /// Asks the author's rule, which may ask a database. It is paid for ahead and given back for a yes, so that guesses
    /// cost the same one after the other, all at once, and by a caller that does not wait for the answer.
    async fn ask<A>(
        self: Arc<Self>,
        caller: Caller,
        asking: impl Future<Output = Result<A, Denial>>,
    ) -> Result<A, Denial> {
        let paid_at = self.clock.millis();
        self.ledger.charge(&caller, &self.other, paid_at)?;
        let answer = asking.await?;
        self.ledger.give_back(&caller, &self.other, paid_at);
        Ok(answer)
    }

    /// Writes down a failure to authenticate, or a call without credentials.
    pub(crate) fn charge_address(&self, address: ClientAddress) -> Result<(), Denial> {
        self.ledger.charge_failure(address, self.clock.millis())
    }

    /// Whether the next failure of this address would be one too many. Spends nothing.
    pub(crate) fn has_failed_often(&self, address: ClientAddress) -> bool {
        self.ledger.has_failed_often(address, self.clock.millis())
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What holds for whatever is no call that runs, for people.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn limits_line(&self) -> String {
        let text = |limit: Option<Limit>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
        format!(
            "Lists, guesses, bad arguments and refusals of guards: {}. Failures of one address: {}.",
            text(self.defaults.limit),
            text(self.ledger.failure_limit())
        )
    }

    /// The declared scopes and what they imply, for people.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn scope_lines(&self) -> impl Iterator<Item = String> {
        self.catalogue.lines()
    }

    /// Whether everybody is let in, because nobody is asked who they are.
    pub(crate) fn is_open(&self) -> bool {
        self.defaults.no_auth
    }

    pub(crate) fn states(&self) -> &StateMap {
        &self.states
    }
}

/// One policy, ready to be asked.
struct Rule {
    is_public: bool,
    requirement: Requirement,
    limits: Limits,
    slots: Option<Arc<Slots>>,
    timeout: Option<Duration>,
    is_guarded: bool,
}

impl Rule {
    /// Who, then what they were granted. Quotas come after: a caller without rights spends nothing of them.
    fn check(&self, gate: &Gate, caller: &Caller, values: Values<'_>) -> Result<(), Denial> {
        if self.is_public || gate.defaults.no_auth {
            return Ok(());
        }
        match caller {
            Caller::Anonymous(_) => {
                let scopes = self.requirement.challenge(None, values);
                Err(Denial::Unauthenticated { scopes, token_sent: false })
            }
            Caller::Identified(identity, _) if self.requirement.met_by(identity.scopes(), values) => Ok(()),
            Caller::Identified(identity, _) => {
                Err(Denial::MissingScopes { required: self.requirement.challenge(Some(identity.scopes()), values) })
            }
        }
    }
}

/// The gate of one tool.
pub(crate) struct Gated<T: Protected> {
    gate: Arc<Gate>,
    rule: Rule,
    tool: PhantomData<fn() -> T>,
}

/// Why a call was not admitted.
pub(crate) enum NotAdmitted {
    Denied(Denial),
    /// This argument cannot be part of a scope.
    Argument(&'static str),
}

impl From<Denial> for NotAdmitted {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// Proof that the guard that looks at the caller alone has let one request through.
#[derive(Debug)]
pub(crate) struct CallerAsked {
    tool: &'static str,
}

/// What that guard says.
pub(crate) type CallerVerdict = Pin<Box<dyn Future<Output = Result<CallerAsked, Denial>> + Send>>;

/// A call that may run.
pub(crate) struct Admitted<T: Protected> {
    pub(crate) permit: Permit<T>,
    pub(crate) limit: Option<LimitState>,
    /// Held until the call is over.
    pub(crate) slot: Option<Slot>,
}

/// The gate's answer, now or after the author's guard was asked.
pub(crate) enum Decision<'a, T: Protected> {
    Now(Result<Admitted<T>, NotAdmitted>),
    Asking(Pin<Box<dyn Future<Output = Result<Admitted<T>, NotAdmitted>> + Send + 'a>>),
}

impl<T: Protected> Gated<T> {
    /// Whether a call could be admitted now, as far as its arguments are known. Spends nothing, and admits nobody.
    pub(crate) fn test(&self, caller: &Caller, values: Values<'_>) -> Result<(), Denial> {
        self.rule.check(&self.gate, caller, values)?;
        self.room(caller)
    }

    /// Whether there is a guard that looks at nothing but the caller.
    pub(crate) fn has_caller_guard(&self) -> bool {
        matches!(T::GUARD, GuardOf::Caller(_))
    }

    /// Asks the guard that looks at nothing but the caller, if there is one.
    pub(crate) fn ask_caller(&self, caller: &Caller) -> CallerVerdict {
        let asking = match T::GUARD {
            GuardOf::Caller(guard) => guard(self.context(caller)),
            _ => return Box::pin(std::future::ready(Ok(CallerAsked { tool: T::NAME }))),
        };
        let timeout = self.rule.timeout;
        let answer = async move { verdict(asked(T::NAME, timeout, asking).await?) };
        let paid = Arc::clone(&self.gate).ask(caller.clone(), answer);
        Box::pin(async move { paid.await.map(|()| CallerAsked { tool: T::NAME }) })
    }

    /// Whether this caller may call the tool with some arguments. Says nothing about quotas and guards.
    pub(crate) fn is_open_to(&self, caller: &Caller) -> bool {
        let granted = |scopes| self.rule.requirement.possible_with(scopes);
        self.rule.is_public
            || self.gate.defaults.no_auth
            || caller.identity().is_some_and(|identity| granted(identity.scopes()))
    }

    /// Decides, charges, and proves it.
    pub(crate) fn admit<'a>(
        &'a self,
        caller: &Caller,
        args: T::Args,
        caller_asked: Option<&CallerAsked>,
    ) -> Decision<'a, T> {
        if let Err(refusal) = self.check(caller, &args) {
            return Decision::Now(Err(refusal));
        }
        match T::GUARD {
            GuardOf::None if !self.rule.is_guarded => Decision::Now(self.charge(caller, args)),
            GuardOf::Caller(_) if caller_asked.is_some_and(|asked| asked.tool == T::NAME) => {
                Decision::Now(self.charge(caller, args))
            }
            // A guard that is named and not there, or that was not asked, has not said yes.
            GuardOf::None | GuardOf::Caller(_) => Decision::Now(Err(undecided().into())),
            GuardOf::Arguments(guard) => self.ask_about(guard, caller.clone(), args),
        }
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.rule.timeout
    }

    fn ask_about<'a>(&'a self, guard: ArgumentGuard<T::Args>, caller: Caller, args: T::Args) -> Decision<'a, T> {
        // Calls that would be refused anyway do not get to the author's rule.
        if let Err(denial) = self.room(&caller) {
            return Decision::Now(Err(denial.into()));
        }
        let asking = guard(self.context(&caller), args);
        let answer = async move {
            let (answer, args) = asked(T::NAME, self.rule.timeout, asking).await?;
            verdict(answer).map(|()| args)
        };
        let paid = Arc::clone(&self.gate).ask(caller.clone(), answer);
        Decision::Asking(Box::pin(async move {
            let args = paid.await?;
            self.charge(&caller, args)
        }))
    }

    /// Rights, then whether the arguments can be part of scopes, then rights for these very arguments.
    fn check(&self, caller: &Caller, args: &T::Args) -> Result<(), NotAdmitted> {
        if !self.rule.requirement.has_arguments() {
            return Ok(self.rule.check(&self.gate, caller, UNKNOWN)?);
        }
        let values = |at| Some(T::scope_value(args, at));
        if let Some(name) = self.rule.requirement.unfit_argument(&values) {
            self.rule.check(&self.gate, caller, UNKNOWN)?;
            return Err(NotAdmitted::Argument(name));
        }
        Ok(self.rule.check(&self.gate, caller, &values)?)
    }

    fn charge(&self, caller: &Caller, args: T::Args) -> Result<Admitted<T>, NotAdmitted> {
        let slot = self.rule.slots.as_ref().map(|slots| slots.take(caller)).transpose()?;
        let limit = self.gate.ledger.charge(caller, &self.rule.limits, self.gate.clock.millis())?;
        Ok(Admitted { permit: Permit::issue(caller.clone(), args), limit, slot })
    }

    /// Whether a slot and every quota have room now.
    fn room(&self, caller: &Caller) -> Result<(), Denial> {
        self.rule.slots.as_ref().map_or(Ok(()), |slots| slots.test(caller))?;
        self.gate.ledger.test(caller, &self.rule.limits, self.gate.clock.millis())
    }

    fn context(&self, caller: &Caller) -> GuardCx {
        GuardCx::new(T::NAME, caller.clone(), Arc::clone(&self.gate.states))
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("defaults", &self.defaults).finish_non_exhaustive()
    }
}

/// The limits of a tool itself: its own, or the server's default if neither it nor its group says anything.
pub(crate) fn own_limits(policy: &Policy, defaults: Defaults) -> Vec<Limit> {
    let group = policy.group_floor().map_or(&[][..], |floor| floor.limits);
    match policy.rate_limits() {
        [] if group.is_empty() => defaults.limit.into_iter().collect(),
        own => own.to_vec(),
    }
}
