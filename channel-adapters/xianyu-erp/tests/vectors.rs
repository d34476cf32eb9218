//! Every vector of the fixture file.

use channel_conformance::judge_vectors;
use channel_xianyu_erp::PROTOCOL;

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    // The other schemes are those of the supply interface.
    judge_vectors(
        &[PROTOCOL],
        include_str!("../fixtures/xianyu.json"),
        &["xianyu-supply-md5", "xianyu-supply-body-md5"],
    );
}
