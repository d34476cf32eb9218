//! Every vector of the fixture file.

use channel_conformance::judge_vectors;
use channel_taobao::PROTOCOL;

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    // The queue is taken by HTTP; the frames of its long connection are not spoken.
    judge_vectors(
        &[PROTOCOL],
        include_str!("../fixtures/taobao.json"),
        &["top-tmc-frame-encode", "top-tmc-frame-decode"],
    );
}
