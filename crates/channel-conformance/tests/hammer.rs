//! The hammer's own proof, and the fuzz targets' entry points on a stable toolchain.

#[allow(dead_code, reason = "each test uses a part of the toys")]
mod toy;

use channel_conformance::{drive, hammer, helpers, request_of};
use rand::{Rng, SeedableRng, rngs::StdRng};

#[test]
fn an_adapter_in_order_stands_any_seed() {
    for seed in 0..20 {
        let report = hammer(&toy::subject("none"), seed, 100);
        assert!(report.is_clean(), "{report}");
        assert!(report.checks >= 100, "{report}");
    }
}

#[test]
fn the_hammer_finds_planted_faults_and_names_the_round() {
    let report = hammer(&toy::subject("panics on bad UTF-8"), 1, 500);
    assert!(report.panics.iter().any(|finding| finding.starts_with("round ")), "{report}");
    let report = hammer(&toy::subject("looks at the signature's shape only"), 1, 500);
    assert!(report.forged_accepted.iter().any(|finding| finding.contains(" of seed 1 on paid")), "{report}");
    let report = hammer(&toy::subject("ids are long"), 1, 500);
    assert!(report.other.iter().any(|finding| finding.contains("too long")), "{report}");
}

#[test]
fn the_same_seed_finds_the_same() {
    let again = || hammer(&toy::subject("looks at the signature's shape only"), 7, 200).to_string();
    assert_eq!(again(), again());
}

#[test]
fn no_bytes_make_the_shared_helpers_or_an_adapter_panic() {
    let mut rng = StdRng::seed_from_u64(3);
    let adapter = toy::adapter();
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..rng.random_range(0..200)).map(|_| rng.random()).collect();
        helpers(&bytes);
        drive(adapter.as_ref(), &request_of(&bytes));
    }
}

#[test]
fn a_request_is_made_of_four_parts() {
    let request = request_of(b"notify\nsign=1\nContent-Type: application/json;X-A:b\n{\"a\":\n1}");
    assert_eq!((request.method.as_str(), request.topic.as_str()), ("POST", "notify"));
    assert_eq!((request.query.as_str(), request.body.as_slice()), ("sign=1", &b"{\"a\":\n1}"[..]));
    let headers = [("content-type", "application/json"), ("x-a", "b")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    assert_eq!(request.headers, headers);
    assert_eq!(request_of(b"").method, "GET");
}
