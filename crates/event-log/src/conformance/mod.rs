//! The suite every backend passes.
//!
//! A backend says how a log is opened ([`Backend`]) and names the suite once in its tests; every case becomes
//! a test of its own:
//!
//! ```text
//! struct InOneFile;
//! impl Backend for InOneFile { /* … */ }
//! event_log::conformance_suite!(InOneFile);
//! ```
//!
//! A case panics where the log breaks the contract. Cases never wait for a clock, and each has a place of its
//! own.
#![expect(clippy::unwrap_used, reason = "a suite of tests: a failure is a panic")]

mod atomicity;
mod fencing;
mod following;
mod inbox;
mod log;
mod numbers;
mod scribe;
mod snapshots;

pub use atomicity::*;
pub use fencing::*;
pub use following::*;
pub use inbox::*;
pub use log::*;
pub use numbers::*;
pub use scribe::{Contents, Scribe, contents, merchant, message, number, stream};
pub use snapshots::*;

use crate::EventLog;

/// How logs of a backend come to be, for the suite.
pub trait Backend: Sync {
    /// The log.
    type Log: EventLog;
    /// Where one log is kept: a directory, a database. Dropping it may remove what is kept.
    type Place: Send + Sync;

    /// A place without a log.
    fn place(&self) -> impl Future<Output = Self::Place> + Send;
    /// Opens the log of a place, making it the first time.
    fn open(&self, place: &Self::Place) -> impl Future<Output = Self::Log> + Send;
    /// Closes a log in good order, so that its place can be opened again.
    fn close(&self, log: &Self::Log) -> impl Future<Output = ()> + Send;
}

/// Makes a test of every case of the suite, for the backend that the expression is.
#[macro_export]
macro_rules! conformance_suite {
    ($backend:expr) => {
        $crate::conformance_suite! { $backend =>
            an_unclaimed_merchant_has_no_head_and_no_events
            positions_run_from_1_to_n_without_a_gap
            an_event_reads_back_as_it_was_stored
            the_hash_chain_of_what_is_read_holds
            a_page_starts_after_a_position_and_keeps_its_limit
            a_stream_reads_in_the_order_of_its_versions
            several_streams_read_each_in_its_order
            merchants_do_not_see_each_other
            merchants_are_listed_by_name
            reopening_keeps_everything

            a_taken_stream_version_leaves_nothing_of_any_part
            a_taken_message_id_leaves_nothing_of_any_part
            a_taken_dedupe_key_leaves_nothing_of_any_part
            a_taken_number_leaves_nothing_of_any_part
            a_wrong_expected_position_leaves_nothing_of_any_part
            positions_that_do_not_follow_are_refused
            an_event_of_another_merchant_is_refused
            an_append_of_nothing_changes_nothing
            a_log_goes_on_after_a_refusal
            parts_of_one_merchant_follow_each_other

            each_claim_raises_the_epoch_by_one
            racing_claims_get_different_epochs
            an_earlier_epoch_cannot_append
            a_merchant_that_nobody_claimed_takes_no_append
            of_racing_appends_at_one_position_one_is_stored
            no_event_of_an_earlier_epoch_follows_a_claim

            a_watcher_starts_at_the_head
            a_watcher_is_told_of_each_append
            a_refused_append_tells_nobody
            a_reader_that_saw_a_position_has_seen_all_before_it
            a_reader_sees_all_parts_of_an_append_or_none
            the_position_at_an_instant_is_the_last_recorded_by_then

            a_message_reads_back_as_it_was_stored
            a_message_without_events_is_stored_and_checked_all_the_same
            messages_are_found_by_their_dedupe_keys
            a_dedupe_key_is_unique_in_its_merchant_only
            messages_without_a_dedupe_key_do_not_collide
            messages_are_listed_newest_first
            messages_are_listed_by_account_verdict_and_time
            messages_are_listed_by_the_events_they_caused
            messages_are_counted_by_span_account_and_verdict
            counting_messages_is_what_reading_them_all_gives

            numbers_are_found_by_kind_namespace_and_number
            many_numbers_are_found_at_once
            a_number_is_unique_in_its_kind_and_namespace_only
            a_channels_own_texts_may_hold_any_character

            a_snapshot_replaces_the_one_before
            a_large_snapshot_reads_back_as_it_was_saved
        }
    };
    ($backend:expr => $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$case(&$backend).await;
            }
        )*
    };
}
