//! What is handed out, and which outcomes are taken.

use channel::RefundJob;
use events::channel::AttemptOutcome;
use vocabulary::{Currency, Money, OrderId};

use super::*;
use crate::{
    effects::{JobKey, JobKind, wire::HandedOut},
    ports::ManualClock,
};

const EPOCH: Epoch = Epoch(3);
/// The term of the worker that most tests are about.
const TERM: u64 = 7;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn account(name: &str) -> Account {
    name.parse().unwrap()
}

/// A refund: what costs money when it is made twice.
fn refund(n: u128, shop: &str, not_before: Timestamp) -> Job {
    let money = Money::new(100, Currency::CNY);
    let job = RefundJob {
        external_no: format!("A-{n}"),
        txn: None,
        refund: format!("R-{n}"),
        amount: money,
        total: money,
        reason: "refund".to_owned(),
        asked_by_channel: false,
        memo: None,
        order_memo: None,
    };
    let key = JobKey::Refund(OrderId::from_uuid(uuid::Uuid::from_u128(n)), format!("R-{n}"));
    let (account, kind) = (account(shop), JobKind::Refund(job));
    Job { key, account, kind, attempts: 0, unknown: false, not_before, ticket: 0 }
}

/// The calls of an owner, who has these jobs.
fn outside(jobs: impl IntoIterator<Item = Job>) -> Outside {
    let clock = Arc::new(ManualClock::at(at(100)));
    let outside = Outside::new("shop".to_owned(), EPOCH, Arc::default(), clock, Arc::default());
    jobs.into_iter().for_each(|job| outside.put(job));
    outside
}

fn question(term: u64, turn: u64, have: &[u64]) -> Take {
    Take { term, epoch: Some(EPOCH), turn, have: have.to_vec(), at_most: 64 }
}

/// What is handed out upon a question, without waiting.
fn handed(outside: &Outside, take: &Take) -> Vec<Job> {
    match outside.look(take, outside.clock.now(), true) {
        Ok(Answer::Calls(calls)) => calls.into_iter().map(|HandedOut { job, .. }| job).collect(),
        _ => panic!("nothing was handed out"),
    }
}

fn tickets(jobs: &[Job]) -> Vec<u64> {
    jobs.iter().map(|job| job.ticket).collect()
}

/// How a job went that was handed out.
fn outcome(job: &Job) -> Tell {
    Tell {
        term: TERM,
        epoch: EPOCH,
        ticket: job.ticket,
        key: job.key.clone(),
        attempt: job.attempts + 1,
        outcome: AttemptOutcome::Done,
        heard: None,
    }
}

fn is_taken(outside: &Outside, tell: &Tell) -> bool {
    matches!(outside.told(tell), Told::Awaited(_))
}

#[test]
fn a_call_is_handed_out_once_when_it_is_due_and_again_where_the_answer_got_lost() {
    let outside = outside([refund(1, "toy/a", at(0)), refund(2, "toy/a", at(200))]);
    assert_eq!(tickets(&handed(&outside, &question(TERM, 1, &[]))), [1]);
    assert!(handed(&outside, &question(TERM, 2, &[1])).is_empty());
    let again = handed(&outside, &question(TERM, 3, &[]));
    assert_eq!(tickets(&again), [1]);
    assert!(!again[0].unknown, "it never had it, so it never called");
}

#[test]
fn a_question_that_the_worker_waits_for_no_more_gets_nothing() {
    let outside = outside([]);
    assert!(handed(&outside, &question(TERM, 2, &[])).is_empty());
    outside.put(refund(1, "toy/a", at(0)));
    assert!(handed(&outside, &question(TERM, 1, &[])).is_empty());
    assert_eq!(tickets(&handed(&outside, &question(TERM, 3, &[]))), [1]);
}

#[test]
fn what_an_earlier_worker_had_is_in_doubt_for_the_next_and_the_earlier_one_gets_nothing_more() {
    let outside = outside([refund(1, "toy/a", at(0)), refund(2, "toy/a", at(0))]);
    let mut one = question(TERM, 1, &[]);
    one.at_most = 1;
    assert_eq!(tickets(&handed(&outside, &one)), [1]);
    let next = handed(&outside, &question(TERM + 1, 1, &[]));
    let doubts: Vec<_> = next.iter().map(|job| (job.ticket, job.unknown)).collect();
    assert_eq!(doubts, [(1, true), (2, false)], "only the one that was handed out may have been called");
    let late = outside.look(&question(TERM, 2, &[1]), at(100), true);
    assert!(matches!(late, Ok(Answer::OtherWorker)));
}

#[test]
fn an_outcome_is_taken_once_and_only_of_the_worker_the_epoch_and_the_attempt_that_are_awaited() {
    let outside = outside([refund(1, "toy/a", at(0)), refund(2, "toy/a", at(0))]);
    let waiting = Job { ticket: 1, ..refund(1, "toy/a", at(0)) };
    assert!(!is_taken(&outside, &outcome(&waiting)), "nobody has been handed it");
    let jobs = handed(&outside, &question(TERM, 1, &[]));
    let told = outcome(&jobs[0]);
    for wrong in [
        Tell { epoch: Epoch(2), ..outcome(&jobs[0]) },
        Tell { epoch: Epoch(4), ..outcome(&jobs[0]) },
        Tell { term: TERM - 1, ..outcome(&jobs[0]) },
        Tell { term: TERM + 1, ..outcome(&jobs[0]) },
        Tell { attempt: 2, ..outcome(&jobs[0]) },
        Tell { key: jobs[1].key.clone(), ..outcome(&jobs[0]) },
        Tell { ticket: 9, ..outcome(&jobs[0]) },
    ] {
        assert!(!is_taken(&outside, &wrong));
    }
    assert!(is_taken(&outside, &told));
    assert!(!is_taken(&outside, &told), "told again, because the answer to it got lost");
    handed(&outside, &question(TERM + 1, 1, &[]));
    assert!(!is_taken(&outside, &outcome(&jobs[1])), "the next worker has it");
    assert!(is_taken(&outside, &Tell { term: TERM + 1, ..outcome(&jobs[1]) }));
}

#[test]
fn an_account_that_does_not_answer_leaves_room_for_the_others() {
    let stuck = (1..=u128::from(200_u8)).map(|n| refund(n, "toy/stuck", at(0)));
    let outside = outside(stuck.chain([refund(900, "toy/well", at(0))]));
    let mut has = tickets(&handed(&outside, &question(TERM, 1, &[])));
    has.extend(tickets(&handed(&outside, &question(TERM, 2, &has))));
    assert_eq!(has.len(), OF_ONE_ACCOUNT + 1);
    assert!(has.contains(&201), "the other account's");
    assert!(handed(&outside, &question(TERM, 3, &has)).is_empty());
}

#[test]
fn an_owner_that_hands_over_hands_nothing_out_and_takes_what_comes() {
    let outside = outside([refund(1, "toy/a", at(0))]);
    let jobs = handed(&outside, &question(TERM, 1, &[]));
    outside.close();
    outside.put(refund(2, "toy/a", at(0)));
    assert!(handed(&outside, &question(TERM, 2, &[1])).is_empty());
    assert!(is_taken(&outside, &outcome(&jobs[0])));
}

#[test]
fn a_worker_that_knows_another_owner_is_told_the_epoch_and_given_nothing() {
    let outside = outside([refund(1, "toy/a", at(0))]);
    for epoch in [None, Some(Epoch(2)), Some(Epoch(4))] {
        let take = Take { epoch, ..question(TERM, 1, &[]) };
        assert!(matches!(outside.look(&take, at(100), true), Ok(Answer::OtherEpoch(EPOCH))));
    }
    assert_eq!(tickets(&handed(&outside, &question(TERM, 1, &[]))), [1]);
}
