//! The laws every read model obeys, over random histories.

use std::sync::Arc;

use projection::testkit::{check_laws, plausible_history};
use projection_journeys::Journeys;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn rows_depend_on_the_log_alone(
        seed in any::<u64>(),
        events in 1..700_usize,
        cuts in proptest::collection::vec(1..90_usize, 1..6),
    ) {
        let history = plausible_history(seed, events);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let checked = runtime.block_on(check_laws(Arc::new(Journeys), &history, &cuts));
        prop_assert!(checked.is_ok(), "{:?}", checked);
    }
}
