//! Every vector of the protocol, accepted and refused, by its own schemes.

use channel_conformance::judge_vectors;
use channel_sandbox::PROTOCOL;

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    judge_vectors(&[PROTOCOL], include_str!("../fixtures/vectors.json"), &[]);
}
