//! The channel protocols without their limits on the rate of calls, and with lists that are read at most three times a day
//! instead of every minute: the pretend platforms are on this machine, and thirty days of calls are made in a few
//! seconds.

use std::sync::{Arc, LazyLock};

use channel::{
    Adapter, CallOutcome, CheckPayment, Deliver, Inbound, Manifest, OutboundRequest, Outcome, Page, Poll,
    Procure, Proof, Protocol, PushStock, RawRequest, ReadBack, Refund, Refusal, Renew, Reply, Response,
    SettingsError, Unable, Verified, Window,
};
use vocabulary::{Account, Timestamp};

use crate::channels;

const CALLS_PER_S: u32 = 1_000_000;
/// How often orders are listed, and how often everything else is.
const ORDERS_EVERY_SECS: u32 = 8 * 3_600;
const OTHERS_EVERY_SECS: u32 = 24 * 3_600;
/// What is asked for at once: a list that is read seldom would else take many calls.
const WINDOW_SECS: u32 = 2 * 86_400;

/// Every protocol of this build, unhurried.
pub(crate) fn protocols() -> &'static [Protocol] {
    static ALL: LazyLock<Vec<Protocol>> = LazyLock::new(|| {
        let pairs = channels::PROTOCOLS.iter().zip(MANIFESTS.iter());
        pairs.map(|(protocol, manifest)| Protocol { manifest, connect: connect_any, ..*protocol }).collect()
    });
    &ALL
}

static MANIFESTS: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
    let unhurried = |protocol: &Protocol| {
        let mut manifest = protocol.manifest.clone();
        manifest.limits.calls_per_s = CALLS_PER_S;
        manifest
    };
    channels::PROTOCOLS.iter().map(unhurried).collect()
});

fn connect_any(account: Account, settings: &str) -> Result<Arc<dyn Adapter>, SettingsError> {
    let found = channels::PROTOCOLS.iter().zip(MANIFESTS.iter());
    let own = found.into_iter().find(|(protocol, _)| protocol.manifest.code == account.channel());
    let (protocol, manifest) =
        own.ok_or_else(|| SettingsError(vec![format!("{} is no protocol", account.channel())]))?;
    let adapter = (protocol.connect)(account, settings)?;
    let names = adapter.polls().into_iter().map(|poll| poll.name()).enumerate();
    let polls = names.map(|(nth, name)| Seldom { adapter: adapter.clone(), nth, name }).collect();
    Ok(Arc::new(Unhurried { adapter, manifest, polls }))
}

/// An adapter in all but its limits.
struct Unhurried {
    adapter: Arc<dyn Adapter>,
    manifest: &'static Manifest,
    polls: Vec<Seldom>,
}

/// A poll of an adapter in all but how often it is made, and how much it asks for at once.
struct Seldom {
    adapter: Arc<dyn Adapter>,
    /// Which of the adapter's polls.
    nth: usize,
    name: &'static str,
}

impl Seldom {
    fn poll(&self) -> Result<&dyn Poll, Unable> {
        self.adapter.polls().into_iter().nth(self.nth).ok_or(Unable("no_such_poll"))
    }
}

impl Poll for Seldom {
    fn name(&self) -> &'static str {
        self.name
    }
    fn every_secs(&self) -> u32 {
        if self.name == "orders" { ORDERS_EVERY_SECS } else { OTHERS_EVERY_SECS }
    }
    fn window_max_secs(&self) -> u32 {
        WINDOW_SECS
    }
    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.poll()?.request(window, now)
    }
    fn interpret(&self, window: &Window, response: Response<'_>, now: Timestamp) -> CallOutcome<Page> {
        match self.poll() {
            Ok(poll) => poll.interpret(window, response, now),
            Err(unable) => CallOutcome::Refused { code: unable.0.to_owned() },
        }
    }
    fn confirm(&self, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.poll()?.confirm(state, now)
    }
    fn interpret_confirm(&self, state: &str, response: Response<'_>) -> CallOutcome<()> {
        match self.poll() {
            Ok(poll) => poll.interpret_confirm(state, response),
            Err(unable) => CallOutcome::Refused { code: unable.0.to_owned() },
        }
    }
}

impl Adapter for Unhurried {
    fn account(&self) -> &Account {
        self.adapter.account()
    }
    fn manifest(&self) -> &'static Manifest {
        self.manifest
    }
    fn verify(&self, request: &RawRequest, now: Timestamp) -> Result<Proof, Refusal> {
        self.adapter.verify(request, now)
    }
    fn signed_text(&self, request: &RawRequest) -> Option<String> {
        self.adapter.signed_text(request)
    }
    fn parse(&self, request: &Verified<'_>) -> Result<Inbound, Refusal> {
        self.adapter.parse(request)
    }
    fn answer(&self, request: &Verified<'_>, inbound: &Inbound, outcome: &Outcome) -> Reply {
        self.adapter.answer(request, inbound, outcome)
    }
    fn refuse(&self, request: &RawRequest, refusal: &Refusal) -> Reply {
        self.adapter.refuse(request, refusal)
    }
    fn deliver(&self) -> Option<&dyn Deliver> {
        self.adapter.deliver()
    }
    fn push_stock(&self) -> Option<&dyn PushStock> {
        self.adapter.push_stock()
    }
    fn read_back(&self) -> Option<&dyn ReadBack> {
        self.adapter.read_back()
    }
    fn check_payment(&self) -> Option<&dyn CheckPayment> {
        self.adapter.check_payment()
    }
    fn refund(&self) -> Option<&dyn Refund> {
        self.adapter.refund()
    }
    fn polls(&self) -> Vec<&dyn Poll> {
        self.polls.iter().map(|poll| poll as &dyn Poll).collect()
    }
    fn renew(&self) -> Option<&dyn Renew> {
        self.adapter.renew()
    }
    fn procure(&self) -> Option<&dyn Procure> {
        self.adapter.procure()
    }
}
