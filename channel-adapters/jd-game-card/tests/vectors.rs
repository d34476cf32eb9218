//! Every vector of the fixture file.

use channel_conformance::judge_vectors;
use channel_jd_game_card::PROTOCOL;

#[test]
fn every_vector_of_the_file_is_judged_by_the_protocols_own_schemes() {
    // The other schemes are those of JD's other platforms.
    judge_vectors(
        &[PROTOCOL],
        include_str!("../fixtures/jd.json"),
        &["jd-jos-md5", "jd-general-trade-md5", "jd-general-trade-aes-256-ecb"],
    );
}
