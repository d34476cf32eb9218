//! The laws every read model obeys, over random histories, the rows of the views included.

use projection::testkit::{check_laws_of_all, plausible_history};
use proptest::prelude::*;

use crate::support;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn rows_of_views_depend_on_the_log_alone(
        seed in any::<u64>(),
        events in 1..700_usize,
        cuts in proptest::collection::vec(1..120_usize, 1..6),
    ) {
        let history = plausible_history(seed, events);
        let checked = support::run(check_laws_of_all(&support::all(), &history, &cuts));
        prop_assert!(checked.is_ok(), "{:?}", checked);
    }
}
