//! The suite passes a plain log in memory, and tells each faulty one apart: a checker that never fails proves
//! nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod memory;

use event_log::conformance as suite;
use memory::{Fault, InMemory};

event_log::conformance_suite!(InMemory(Fault::None));

/// Runs a case on a log with a fault; the case must fail.
macro_rules! is_told_apart {
    ($($test:ident: $fault:ident by $case:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let run = tokio::spawn(async { suite::$case(&InMemory(Fault::$fault)).await });
            let ended = run.await;
            assert!(ended.is_err_and(|error| error.is_panic()), "the case passed a faulty log");
        }
    )*};
}

is_told_apart! {
    a_log_that_ignores_epochs_fails: IgnoresEpochs by an_earlier_epoch_cannot_append;
    a_log_that_ignores_positions_fails:
        IgnoresPositions by a_wrong_expected_position_leaves_nothing_of_any_part;
    a_log_that_ignores_positions_fails_a_race:
        IgnoresPositions by of_racing_appends_at_one_position_one_is_stored;
    a_log_that_accepts_holes_fails: AcceptsHoles by positions_that_do_not_follow_are_refused;
    a_log_that_accepts_strangers_fails: AcceptsHoles by an_event_of_another_merchant_is_refused;
    a_log_that_stores_parts_one_by_one_fails:
        StoresPartsOneByOne by a_taken_stream_version_leaves_nothing_of_any_part;
    a_log_that_shows_parts_one_by_one_fails:
        StoresPartsOneByOne by a_reader_sees_all_parts_of_an_append_or_none;
    a_log_that_shows_parts_of_a_merchant_one_by_one_fails:
        SplitsWhatItSpans by a_reader_sees_all_parts_of_an_append_or_none;
    a_log_that_shows_later_events_first_fails:
        ShowsLaterEventsFirst by a_reader_that_saw_a_position_has_seen_all_before_it;
    a_log_that_forgets_unique_numbers_fails:
        ForgetsUniqueNumbers by a_taken_number_leaves_nothing_of_any_part;
    a_log_that_forgets_unique_keys_fails:
        ForgetsUniqueDedupeKeys by a_taken_dedupe_key_leaves_nothing_of_any_part;
    a_log_that_forgets_unique_versions_fails:
        ForgetsUniqueVersions by a_taken_stream_version_leaves_nothing_of_any_part;
    a_log_that_tells_before_it_stores_fails:
        TellsBeforeItStores by a_refused_append_tells_nobody;
    a_log_that_tells_nobody_fails: TellsNobody by a_watcher_is_told_of_each_append;
    a_log_that_forgets_fails: ForgetsOnReopening by reopening_keeps_everything;
    a_log_that_reads_too_much_fails: ReadsOneTooMany by a_page_starts_after_a_position_and_keeps_its_limit;
    a_log_that_lists_oldest_first_fails: ListsOldestFirst by messages_are_listed_newest_first;
    a_log_that_counts_from_the_wrong_instant_fails:
        CountsFromTheWrongInstant by the_position_at_an_instant_is_the_last_recorded_by_then;
    a_log_that_counts_later_messages_fails:
        CountsWhatComesLater by messages_are_counted_by_span_account_and_verdict;
    a_log_that_adds_snapshots_fails: AddsSnapshots by a_snapshot_replaces_the_one_before;
}
