//! The laws every read model obeys, and those of persons, over random histories of links.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deeds;

use std::sync::Arc;

use deeds::{Deed, Kept, deed, kept, record};
use persons::Partition;
use projection::testkit::{check_laws, plausible_history};
use projection_people::People;
use proptest::prelude::*;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_depend_on_the_log_alone(
        deeds in proptest::collection::vec(deed(), 1..120),
        cuts in proptest::collection::vec(1..25_usize, 1..6),
    ) {
        let history = record(&deeds);
        let checked = block_on(check_laws(Arc::new(People), &history, &cuts));
        prop_assert!(checked.is_ok(), "{:?}", checked);
    }

    #[test]
    fn histories_without_links_obey_the_laws_too(seed in any::<u64>(), events in 1..300_usize) {
        let checked = block_on(check_laws(Arc::new(People), &plausible_history(seed, events), &[17, 40]));
        prop_assert!(checked.is_ok(), "{:?}", checked);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The persons that were made step by step are those that the links which hold make when they are taken in anew,
    /// in whatever order they are read.
    #[test]
    fn i1_persons_are_a_function_of_the_links_that_hold(
        deeds in proptest::collection::vec(deed(), 1..150),
        shuffle in any::<u64>(),
    ) {
        let Kept { persons, mut links, .. } = block_on(kept(&deeds));
        // Any order: by a hash of the position.
        links.sort_by_key(|(position, _)| position.0.wrapping_mul(shuffle | 1));
        let anew = Partition::of(links);
        let age = deeds::by_age(&persons);
        for (buyer, (person, _)) in &persons {
            let together = anew.together(buyer);
            prop_assert_eq!(Some(person), together.iter().min_by_key(|one| age[one]), "of {}", buyer);
        }
    }

    /// What a link joined is apart again when it is taken back: every person and every other link is as before.
    #[test]
    fn i3_a_link_that_is_taken_back_leaves_what_was_before(
        deeds in proptest::collection::vec(deed(), 1..80),
        (one, other, value) in (0..12_u8, 0..12_u8, 0..6_u8),
    ) {
        let before = block_on(kept(&deeds));
        let mut longer = deeds.clone();
        for (kind, value) in [(1, value), (2, other), (3, value)] {
            let link = Deed::Link { buyer: one, kind, value };
            // A link that held before is not the one that is taken back.
            if !deeds::holds(&deeds, &link) {
                longer.extend([link, Deed::Unlink { buyer: one, kind, value }]);
            }
        }
        let after = block_on(kept(&longer));
        for (buyer, (person, _)) in &before.persons {
            prop_assert_eq!(person, &after.persons[buyer].0, "of {}", buyer);
        }
        prop_assert_eq!(before.standings, after.standings);
    }
}
