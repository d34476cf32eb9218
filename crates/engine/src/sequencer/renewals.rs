//! Renewals of access: when each is due, and what becomes of the new settings.

use std::collections::HashMap;

use domain::channel::Command;
use events::channel::AttemptOutcome;
use vocabulary::{Account, Secret, Timestamp};

use super::{Sequencer, settle, time::timer};
use crate::{
    EngineError,
    adapters::{Adapters, make_adapter, settings_digest},
    effects::{Job, JobKey, JobKind},
    host::lock,
    upkeep::UpkeepStatus,
    work::Staged,
};

/// Settings that ask to be renewed at once again are left alone for so long, in seconds.
const AT_LEAST_SECS: i64 = 60;

/// How one account's renewal stands.
#[derive(Debug, Default)]
struct Renewing {
    due_at: Timestamp,
    not_before: Timestamp,
    failures: u32,
    busy: bool,
}

/// The renewals of the connected accounts.
#[derive(Default)]
pub(super) struct Renewals {
    by_account: HashMap<Account, Renewing>,
    seen: Option<u64>,
}

impl Renewals {
    /// Takes note of adapters that are new: their settings say when they are due.
    pub(super) fn refresh(&mut self, adapters: &Adapters) {
        let changes = adapters.changes();
        if self.seen == Some(changes) {
            return;
        }
        self.seen = Some(changes);
        let mut before = std::mem::take(&mut self.by_account);
        for adapter in adapters.all() {
            let kept = before.remove(adapter.account()).unwrap_or_default();
            let Some(due_at) = adapter.renew().and_then(|renew| renew.due_at()) else { continue };
            self.by_account.insert(adapter.account().clone(), Renewing { due_at, ..kept });
        }
    }
}

impl Sequencer {
    /// The digest of the settings that are to be renewed; none where the account is not connected, or its access is
    /// lost: only a person can help then.
    fn renewable(&self, account: &Account) -> Option<String> {
        let desk = lock(&self.desk);
        let state = desk.channel(account).filter(|state| state.access_lost().is_none())?;
        state.connected().map(|connected| connected.settings_digest.clone())
    }

    fn renewal_at(&self, account: &Account, renewing: &Renewing) -> Option<Timestamp> {
        (!renewing.busy && self.renewable(account).is_some())
            .then(|| renewing.due_at.max(renewing.not_before))
    }

    /// When the next renewal is due.
    pub(super) fn next_renewal(&self) -> Option<Timestamp> {
        self.renewals
            .by_account
            .iter()
            .filter_map(|(account, renewing)| self.renewal_at(account, renewing))
            .min()
    }

    /// Starts the renewals that are due.
    pub(super) async fn start_renewals(&mut self, now: Timestamp) -> Result<(), EngineError> {
        self.renewals.refresh(&self.adapters);
        let all = self.renewals.by_account.iter();
        let due =
            all.filter(|(account, renewing)| self.renewal_at(account, renewing).is_some_and(|at| at <= now));
        let mut due: Vec<Account> = due.map(|(account, _)| account.clone()).collect();
        due.sort_unstable();
        let mut jobs = Vec::new();
        for account in due {
            let Some(digest) = self.renewable(&account) else { continue };
            let Some(renewing) = self.renewals.by_account.get_mut(&account) else { continue };
            renewing.busy = true;
            jobs.push(Job {
                key: JobKey::Renew(account.clone()),
                account,
                kind: JobKind::Renew(digest),
                attempts: renewing.failures,
                unknown: false,
                not_before: Timestamp::default(),
                ticket: 0,
            });
        }
        if jobs.is_empty() {
            return Ok(());
        }
        self.commit(&timer("renewal"), Staged { jobs, ..Staged::default() }).await
    }

    /// A renewal ended: the new settings are sealed and used, or somebody must be told.
    pub(super) async fn renewed(
        &mut self,
        job: &Job,
        replaces: String,
        outcome: &AttemptOutcome,
        settings: Option<Secret<String>>,
        staged: &mut Staged,
    ) -> Result<(), EngineError> {
        let problem = match (outcome, settings) {
            (AttemptOutcome::Done, Some(settings)) => {
                self.use_settings(job, replaces, settings, staged).await?
            }
            (AttemptOutcome::Done, None) => Some("no_settings".to_owned()),
            (AttemptOutcome::Refused { code } | AttemptOutcome::Abandoned { code }, _) => {
                self.lost(job, code).await?;
                Some(code.clone())
            }
            (AttemptOutcome::RetryAfter { code, .. } | AttemptOutcome::Unknown { code }, _) => {
                Some(code.clone())
            }
        };
        let now = self.now();
        let retry_at = self.retry_at(outcome, job.attempts.saturating_add(1));
        let Some(renewing) = self.renewals.by_account.get_mut(&job.account) else { return Ok(()) };
        renewing.busy = false;
        if problem.is_some() {
            renewing.failures = renewing.failures.saturating_add(1);
            renewing.not_before = retry_at;
        } else {
            renewing.failures = 0;
            renewing.not_before = now.plus_secs(AT_LEAST_SECS);
        }
        let (what, failures) = ("renew".to_owned(), renewing.failures);
        self.board.write(&job.account, UpkeepStatus { what, fetched_until: None, failures, problem });
        Ok(())
    }

    /// Puts renewed settings to use, unless the account was set up anew meanwhile. Returns what is wrong with them.
    async fn use_settings(
        &mut self,
        job: &Job,
        replaces: String,
        settings: Secret<String>,
        staged: &mut Staged,
    ) -> Result<Option<String>, EngineError> {
        let account = job.account.clone();
        let adapter = match make_adapter(self.protocols, &account, settings.expose()) {
            Ok(adapter) => adapter,
            Err(error) => {
                tracing::error!(channel.account = %account, %error, "renewed settings are not usable");
                self.lost(job, "unusable_settings").await?;
                return Ok(Some("unusable_settings".to_owned()));
            }
        };
        let next_at = adapter.renew().and_then(|renew| renew.due_at());
        let settings_digest = settings_digest(&settings);
        let stream = account.stream();
        let renewal = Command::RecordRenewal { account: account.clone(), replaces, settings_digest, next_at };
        if let Err(rejection) = settle(self.hosts.channels.execute(&stream, renewal).await)? {
            tracing::warn!(channel.account = %account, %rejection, "renewed settings are not used");
            return Ok(None);
        }
        self.adapters.put(adapter, &settings);
        staged.settings.push((account, settings));
        Ok(None)
    }

    async fn lost(&mut self, job: &Job, code: &str) -> Result<(), EngineError> {
        let (account, code) = (job.account.clone(), code.to_owned());
        self.settle_channel(job, Command::RecordAccessLost { account, code }).await
    }
}
