//! The suite's own proof: an adapter in order passes, and each planted fault is found.

#[allow(dead_code, reason = "each test uses a part of the toys")]
mod toy;

use channel_conformance::{BodyProof, Report, examine};

fn findings(fault: &str) -> Report {
    examine(&toy::subject(fault))
}

#[test]
fn an_adapter_in_order_passes_and_every_row_ran_or_is_excused() {
    let report = findings("none");
    assert!(report.is_clean(), "{report}");
    assert!(report.checks > 2_000, "{report}");
    assert!(report.to_string().contains("0 forged accepted, 0 valid refused, 0 panics"), "{report}");
}

/// Each fault shows up in the list of findings it belongs to, under the check that is meant to find it.
fn all_found(faults: &[(&str, &str)], list: fn(&Report) -> &Vec<String>) {
    for (fault, words) in faults {
        let report = findings(fault);
        let found = list(&report).iter().any(|finding| finding.contains(words));
        assert!(found, "the fault {fault:?} was not found by {words:?}: {report}");
    }
}

#[test]
fn forged_requests_that_an_adapter_accepts_are_found() {
    let faults = [
        ("accepts everything", "row 21 "),
        ("accepts everything", "row 26 "),
        ("looks at the signature's shape only", "row 8 "),
        ("looks at the signature's shape only", "row 32 "),
        ("looks at the signature's shape only", "a mutation of"),
        ("does not check the time", "row 39 "),
        ("wide window", "row 40 "),
        ("compares a prefix", "row 24 "),
        ("takes an empty signature", "row 22 "),
        ("takes the first of two headers", "row 23 "),
        ("takes the signature from the query", "row 35 "),
        ("algorithm from the message", "row 31 "),
        ("another merchant's key", "row 27 "),
        ("last of two keys wins", "row 14 "),
        ("quantity is clamped", "row 47 "),
        ("content is the order number", "row 44 "),
        ("NUL is let through", "row 11 "),
        ("an unsigned header counts", "of header 2 of paid changed by"),
        ("case is forgiven", "of the body of paid changed by 0x20"),
        ("a broken time passes", "of paid under a foreign key"),
    ];
    all_found(&faults, |report| &report.forged_accepted);
}

#[test]
fn genuine_requests_that_an_adapter_refuses_are_found() {
    let faults = [
        ("narrow window", "row 107 "),
        ("forgets the older key", "row 109 "),
        ("upper-case hex is refused", "row 104 "),
        ("unknown fields are refused", "row 101 "),
        ("emoji are refused", "row 112 "),
        ("header names are compared by case", "row 103 "),
        ("a repeat has a new id", "row 108 "),
    ];
    all_found(&faults, |report| &report.valid_refused);
}

#[test]
fn panics_are_found() {
    let faults = [("panics on bad UTF-8", "row 12 "), ("panics on settings", "settings with fault")];
    all_found(&faults, |report| &report.panics);
}

#[test]
fn everything_else_is_found() {
    let faults = [
        ("the amount is rounded", "row 44 "),
        ("the currency is assumed", "row 45 "),
        ("unknown kinds are paid", "an unknown kind"),
        ("tells why", "tell why"),
        ("tells why", "different replies"),
        ("shows the secret", "holds a secret"),
        ("answers differ", "two answers"),
        ("a refusal looks like success", "looks like success"),
        ("declares what it has not", "the manifest declares"),
        ("a time-out is done", "a time-out is not Unknown"),
        ("a limit is final", "429"),
        ("garbage is success", "is taken for success"),
        ("settings errors show the secret", "the error shows a secret"),
        ("unknown settings are accepted", "an unknown field: were accepted"),
        ("a query is no query", "is not declared in the manifest"),
        ("ids are long", "too long"),
    ];
    all_found(&faults, |report| &report.other);
}

#[test]
fn a_row_that_could_not_run_must_be_excused() {
    let mut subject = toy::subject("none");
    subject.excused = &[];
    assert!(examine(&subject).to_string().contains("row 46 (another merchant's order) ran on no case"));
    subject = toy::subject("none");
    subject.fields.quantity = None;
    assert!(examine(&subject).to_string().contains("row 47 (quantity out of range) ran on no case"));
}

#[test]
fn a_subject_without_a_genuine_case_does_not_pass() {
    let mut subject = toy::subject("none");
    subject.cases.clear();
    assert!(!examine(&subject).is_clean());
}

/// What was found of a gateway whose fields are joined in clear, and nothing but row 34 may have found it.
fn moved_borders(separated: bool, looks_at: &str) -> Vec<String> {
    let found = examine(&toy::joined::subject(separated, looks_at)).forged_accepted;
    assert!(found.iter().all(|finding| finding.starts_with("row 34 ")), "{found:?}");
    found
}

#[test]
fn a_field_that_was_swallowed_by_its_neighbour_is_found() {
    assert_eq!(moved_borders(true, "names and values"), Vec::<String>::new());
    for (looks_at, words) in [("values", "swallowed by a name"), ("names", "swallowed by a value")] {
        let found = moved_borders(true, looks_at);
        assert!(found.iter().any(|finding| finding.contains(words)), "{looks_at}: {found:?}");
        assert!(found.iter().all(|finding| finding.contains(words)), "{looks_at}: {found:?}");
    }
}

#[test]
fn bytes_that_change_sides_between_name_and_value_are_found() {
    let found = moved_borders(false, "names and values");
    for words in ["shifted into the value", "shifted into the name"] {
        assert!(found.iter().any(|finding| finding.contains(words)), "{words}: {found:?}");
    }
}

/// The toy reads orders, which are more than hints.
#[test]
fn a_body_that_nothing_signs_may_only_hint_unless_the_sender_is_believed() {
    let mut subject = toy::subject("looks at the signature's shape only");
    let of_the_body =
        |report: &Report| report.forged_accepted.iter().any(|it| it.contains(" of the body of paid "));
    assert!(of_the_body(&examine(&subject)));
    subject.body = BodyProof::Hint;
    assert!(of_the_body(&examine(&subject)));
    subject.body = BodyProof::Secret;
    let report = examine(&subject);
    assert!(!of_the_body(&report), "{report}");
    assert!(report.forged_accepted.iter().any(|it| it.contains("row 26 ")), "{report}");
}
