//! One run of the suite: the connected adapter, the genuine cases, and the three ways to judge a request.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use channel::{Adapter, Inbound, RawRequest, Refusal, Step, Verified};
use vocabulary::{Account, Timestamp};

use crate::{
    BodyProof, Case, Report, Slot, Subject, meaning,
    meaning::{ask, asks, defect, is_hint, is_kept},
    report::row_name,
};

/// What a sender sees of a reply.
type StatusAndBody = (u16, Vec<u8>);

/// How a request ended.
pub(crate) enum Verdict {
    Refused(Refusal),
    Accepted(Box<Inbound>),
    Panicked,
}

/// A case, and what it means unharmed.
pub(crate) struct Genuine<'a> {
    pub(crate) case: &'a Case,
    pub(crate) inbound: Inbound,
    pub(crate) meaning: String,
}

/// One run.
pub(crate) struct Run<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) genuine: Vec<Genuine<'a>>,
    /// Replies to requests whose signature failed, by case.
    pub(crate) silent: RefCell<BTreeMap<&'static str, BTreeSet<StatusAndBody>>>,
}

impl<'a> Run<'a> {
    /// Connects the adapter and reads the cases; `None` where that fails already.
    pub(crate) fn start(subject: &'a Subject, report: &mut Report) -> Option<Self> {
        let adapter = connect(subject, &subject.settings, report)?;
        let mut run = Self { subject, adapter, genuine: Vec::new(), silent: RefCell::default() };
        for case in &subject.cases {
            match run.judge(&case.request, case.now) {
                Verdict::Accepted(inbound) => {
                    let meaning = meaning(&inbound);
                    run.genuine.push(Genuine { case, inbound: *inbound, meaning });
                }
                Verdict::Refused(why) => report.valid_refused.push(format!("case {}: {why}", case.name)),
                Verdict::Panicked => report.panics.push(format!("case {}", case.name)),
            }
        }
        report.check(run.signed().count() > 0, || "no signed case was accepted".to_owned());
        report.check(!subject.keys.foreign.is_empty(), || "no foreign key is given".to_owned());
        for one in &run.genuine {
            run.check_sound(report, one.case.name, &one.inbound);
            let nothing = matches!(one.inbound.ask, channel::Ask::Nothing);
            report.check(!one.case.unsigned || nothing, || {
                format!("case {}: an unsigned request means something", one.case.name)
            });
        }
        Some(run)
    }

    /// The signed cases.
    pub(crate) fn signed(&self) -> impl Iterator<Item = &Genuine<'a>> {
        self.genuine.iter().filter(|one| !one.case.unsigned)
    }

    /// Whether a row is to be run.
    pub(crate) fn wants(&self, row: u8) -> bool {
        !self.subject.excused.iter().any(|(excused, _)| *excused == row)
    }

    /// Signs a request with our key.
    pub(crate) fn sign(&self, request: &RawRequest) -> Option<RawRequest> {
        (self.subject.sign)(request, self.subject.keys.ours)
    }

    /// Sets a field the request already has, and signs it with our key.
    pub(crate) fn with(&self, slot: Option<Slot>, request: &RawRequest, value: &str) -> Option<RawRequest> {
        let slot = slot?;
        slot.get(request)?;
        self.sign(&slot.set(request, value)?)
    }

    /// Verifies and parses a request that is received at `now`.
    pub(crate) fn judge(&self, request: &RawRequest, now: Timestamp) -> Verdict {
        let mut request = request.clone();
        request.received_at = now;
        let read = || {
            let proof = self.adapter.verify(&request, now)?;
            self.adapter.parse(&Verified::new(&request, proof))
        };
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(inbound)) => Verdict::Accepted(Box::new(inbound)),
            Ok(Err(refusal)) => Verdict::Refused(refusal),
            Err(_) => Verdict::Panicked,
        }
    }

    /// The request must be refused.
    pub(crate) fn must_refuse(
        &self,
        report: &mut Report,
        row: u8,
        one: &Genuine<'_>,
        what: &str,
        request: &RawRequest,
    ) {
        self.must_refuse_at(report, row, one, what, request, one.case.now);
    }

    /// The request, received at `now`, must be refused.
    pub(crate) fn must_refuse_at(
        &self,
        report: &mut Report,
        row: u8,
        one: &Genuine<'_>,
        what: &str,
        request: &RawRequest,
        now: Timestamp,
    ) {
        if !self.wants(row) {
            return;
        }
        report.ran(row);
        let label = || format!("row {row} ({}; {what}) on {}", row_name(row), one.case.name);
        match self.judge(request, now) {
            Verdict::Refused(refusal) => self.remember(one, request, &refusal, now),
            Verdict::Accepted(seen) => {
                report.forged_accepted.push(format!("{}: {}", label(), ask(&seen.ask)));
            }
            Verdict::Panicked => report.panics.push(label()),
        }
    }

    /// The request must be refused, kept for a person, or ask for what was asked without looking at what is wrong.
    pub(crate) fn must_not_count(
        &self,
        report: &mut Report,
        row: u8,
        one: &Genuine<'_>,
        what: &str,
        request: &RawRequest,
    ) {
        let harmless = |seen: &Inbound| is_kept(&seen.ask) || asks(&seen.ask) == asks(&one.inbound.ask);
        match self.judge(request, one.case.now) {
            Verdict::Accepted(seen) if self.wants(row) && harmless(&seen) => report.ran(row),
            _ => self.must_refuse(report, row, one, what, request),
        }
    }

    /// What is wrong with a request that was made from a genuine one without the key, and was accepted; `None` where
    /// it means the same, or its body is tied to nothing and means no more than it may.
    pub(crate) fn harm(&self, one: &Genuine<'_>, request: &RawRequest, seen: &Inbound) -> Option<String> {
        let read = meaning(seen);
        if read == one.meaning {
            return None;
        }
        let may_differ = match self.subject.body {
            BodyProof::Signed => false,
            BodyProof::Hint => is_hint(&seen.ask),
            BodyProof::Secret => true,
        };
        if may_differ && request.body != one.case.request.body { defect(seen) } else { Some(read) }
    }

    /// The request must be refused, or mean exactly what the genuine one means.
    pub(crate) fn must_be_harmless(
        &self,
        report: &mut Report,
        row: u8,
        one: &Genuine<'_>,
        what: &str,
        request: &RawRequest,
    ) {
        if !self.wants(row) {
            return;
        }
        report.ran(row);
        let label = || format!("row {row} ({}; {what}) on {}", row_name(row), one.case.name);
        match self.judge(request, one.case.now) {
            Verdict::Refused(refusal) => self.remember(one, request, &refusal, one.case.now),
            Verdict::Accepted(seen) => {
                let harm = self.harm(one, request, &seen);
                report.forged_accepted.extend(harm.map(|harm| format!("{}: {harm}", label())));
            }
            Verdict::Panicked => report.panics.push(label()),
        }
    }

    /// The genuine request must be accepted; gives back what was read.
    pub(crate) fn must_accept(
        &self,
        report: &mut Report,
        row: u8,
        one: &Genuine<'_>,
        request: &RawRequest,
        now: Timestamp,
    ) -> Option<Inbound> {
        if !self.wants(row) {
            return None;
        }
        report.ran(row);
        let label = || format!("row {row} ({}) on {}", row_name(row), one.case.name);
        match self.judge(request, now) {
            Verdict::Accepted(seen) => {
                self.check_sound(report, one.case.name, &seen);
                return Some(*seen);
            }
            Verdict::Refused(why) => report.valid_refused.push(format!("{}: {why}", label())),
            Verdict::Panicked => report.panics.push(label()),
        }
        None
    }

    /// A correctly signed request with a changed fact: refused, or read soundly and never as a mere repeat.
    pub(crate) fn read_changed(
        &self,
        report: &mut Report,
        row: u8,
        one: &Genuine<'_>,
        request: &RawRequest,
    ) -> Option<Inbound> {
        if !self.wants(row) {
            return None;
        }
        report.ran(row);
        match self.judge(request, one.case.now) {
            Verdict::Accepted(seen) => {
                self.check_sound(report, one.case.name, &seen);
                let repeat =
                    seen.id.is_some() && seen.id == one.inbound.id && seen.content == one.inbound.content;
                if repeat && ask(&seen.ask) != ask(&one.inbound.ask) {
                    report.forged_accepted.push(format!(
                        "row {row} ({}) on {}: same id and content, other meaning: {}",
                        row_name(row),
                        one.case.name,
                        ask(&seen.ask)
                    ));
                }
                Some(*seen)
            }
            Verdict::Refused(_) => None,
            Verdict::Panicked => {
                report.panics.push(format!("row {row} ({}) on {}", row_name(row), one.case.name));
                None
            }
        }
    }

    fn check_sound(&self, report: &mut Report, name: &str, inbound: &Inbound) {
        let defect = defect(inbound);
        report.check(defect.is_none(), || format!("{name}: {}", defect.unwrap_or_default()));
        let declared = self.adapter.manifest().inbound.contains(&inbound.kind);
        report.check(declared, || format!("{name}: {:?} is not declared in the manifest", inbound.kind));
    }

    fn remember(&self, one: &Genuine<'_>, request: &RawRequest, refusal: &Refusal, now: Timestamp) {
        let comparable = request.topic == one.case.request.topic && request.method == one.case.request.method;
        if refusal.step == Step::Signature && comparable && now == one.case.now {
            let mut request = request.clone();
            request.received_at = now;
            let reply = self.adapter.refuse(&request, refusal);
            self.silent.borrow_mut().entry(one.case.name).or_default().insert((reply.status, reply.body));
        }
    }
}

/// Connects an adapter for a made-up shop.
pub(crate) fn connect(subject: &Subject, settings: &str, report: &mut Report) -> Option<Arc<dyn Adapter>> {
    let code = subject.protocol.manifest.code;
    let account: Account = match format!("{code}/shop-1").parse() {
        Ok(account) => account,
        Err(why) => {
            report.other.push(format!("the code {code:?} is no channel code: {why}"));
            return None;
        }
    };
    match (subject.protocol.connect)(account.clone(), settings) {
        Ok(adapter) => {
            report.check(*adapter.account() == account, || "the adapter names another account".to_owned());
            report.check(adapter.manifest() == subject.protocol.manifest, || {
                "the adapter names another manifest".to_owned()
            });
            Some(adapter)
        }
        Err(why) => {
            report.other.push(format!("the settings do not connect: {why}"));
            None
        }
    }
}
