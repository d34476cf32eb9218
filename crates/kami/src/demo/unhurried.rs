//! The channel protocols without their limits on the rate of calls: the pretend platforms are on this
//! machine, and thirty days of calls are made in a few seconds.

use std::sync::{Arc, LazyLock};

use channel::{
    Adapter, CheckPayment, Deliver, Inbound, Manifest, Outcome, Poll, Procure, Proof, Protocol, PushStock,
    RawRequest, ReadBack, Refund, Refusal, Renew, Reply, SettingsError, Verified,
};
use vocabulary::{Account, Timestamp};

use crate::channels;

const CALLS_PER_S: u32 = 1_000_000;

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
    Ok(Arc::new(Unhurried { adapter: (protocol.connect)(account, settings)?, manifest }))
}

/// An adapter in all but its limits.
struct Unhurried {
    adapter: Arc<dyn Adapter>,
    manifest: &'static Manifest,
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
        self.adapter.polls()
    }
    fn renew(&self) -> Option<&dyn Renew> {
        self.adapter.renew()
    }
    fn procure(&self) -> Option<&dyn Procure> {
        self.adapter.procure()
    }
}
