//! Every vector of the fixture file.

use channel_conformance::judge_vectors;
use channel_pinduoduo::PROTOCOL;

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/pinduoduo.json"), &[]);
}
