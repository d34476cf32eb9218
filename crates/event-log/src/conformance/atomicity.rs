//! Cases about what is refused: it leaves nothing, of any part, in any table.

use vocabulary::Position;

use super::{Backend, Scribe, contents, message, number};
use crate::{Append, EventLog, LogError, NumberKind};

/// Two merchants whose logs hold one part each, and what an append must not do to them.
struct Pair<L> {
    log: L,
    acme: Scribe,
    zeta: Scribe,
}

impl<L: EventLog> Pair<L> {
    async fn of<B: Backend<Log = L>>(backend: &B, place: &B::Place) -> Self {
        let log = backend.open(place).await;
        let mut acme = Scribe::claim(&log, "acme").await;
        let mut zeta = Scribe::claim(&log, "zeta").await;
        let parts = [full(&mut acme, "first"), full(&mut zeta, "first")];
        log.append(&parts).await.unwrap();
        Self { log, acme, zeta }
    }

    /// Appends a sound part of one merchant and one of the other that `spoil` made unsound, in both orders (alone
    /// where the log does not span merchants: the sound part before it would stand for itself).
    /// Neither may leave anything; afterwards a sound append must pass. Returns one of the refusals.
    async fn refuses(mut self, spoil: impl Fn(&mut Append)) -> LogError {
        let before = self.stored().await;
        let sound = full(&mut self.acme.clone(), "second");
        let mut unsound = full(&mut self.zeta.clone(), "second");
        spoil(&mut unsound);
        let first = self.log.append(&[unsound.clone(), sound.clone()]).await;
        assert!(first.is_err(), "an unsound part before a sound one was stored");
        assert!(self.stored().await == before, "a refused append left something");
        let parts = if self.log.spans_merchants() { vec![sound, unsound] } else { vec![unsound] };
        let refusal = self.log.append(&parts).await;
        assert!(self.stored().await == before, "a refused append left something of the part before it");

        let parts = [full(&mut self.acme, "second"), full(&mut self.zeta, "second")];
        self.log.append(&parts).await.unwrap();
        refusal.expect_err("an unsound part after a sound one was stored")
    }

    async fn stored(&self) -> impl PartialEq + use<L> {
        let keys =
            ["first", "second"].map(|name| (NumberKind::Order, "sandbox/shop-1".to_owned(), name.to_owned()));
        let numbers = self.log.find_numbers(&self.acme.merchant, &keys).await.unwrap();
        let others = self.log.find_numbers(&self.zeta.merchant, &keys).await.unwrap();
        let [acme, zeta] = [&self.acme.merchant, &self.zeta.merchant];
        (contents(&self.log, acme).await, contents(&self.log, zeta).await, numbers, others)
    }
}

/// A part with something for every table.
fn full(scribe: &mut Scribe, name: &str) -> Append {
    let mut part = scribe.part(&[("order-1", 2), ("pool-a", 1)]);
    part.inbox.push(message(name, 1));
    part.numbers.push(number(NumberKind::Order, "sandbox/shop-1", name, 1));
    part
}

fn assert_collision(refusal: &LogError) {
    assert!(matches!(refusal, LogError::Collision(_)), "{refusal:?}");
}

/// Stream and version are unique.
pub async fn a_taken_stream_version_leaves_nothing_of_any_part<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    let spoil = |part: &mut Append| part.events[1].version = vocabulary::StreamVersion(0);
    assert_collision(&pair.refuses(spoil).await);
}

/// Message ids are unique.
pub async fn a_taken_message_id_leaves_nothing_of_any_part<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    let spoil = |part: &mut Append| part.inbox[0].message = message("first", 1).message;
    assert_collision(&pair.refuses(spoil).await);
}

/// De-duplication keys are unique, also within one append.
pub async fn a_taken_dedupe_key_leaves_nothing_of_any_part<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    let spoil = |part: &mut Append| part.inbox[0].dedupe_key = message("first", 1).dedupe_key;
    assert_collision(&pair.refuses(spoil).await);

    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    let spoil = |part: &mut Append| {
        let mut twin = part.inbox[0].clone();
        twin.message = message("twin", 1).message;
        part.inbox.push(twin);
    };
    assert_collision(&pair.refuses(spoil).await);
}

/// Numbers are unique, whichever order they stand for, also within one append.
pub async fn a_taken_number_leaves_nothing_of_any_part<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    let taken = |part: &mut Append| part.numbers[0] = number(NumberKind::Order, "sandbox/shop-1", "first", 9);
    assert_collision(&pair.refuses(taken).await);

    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    let twice = |part: &mut Append| part.numbers.push(part.numbers[0].clone());
    assert_collision(&pair.refuses(twice).await);
}

/// A writer that believes in another end is told where the end is.
pub async fn a_wrong_expected_position_leaves_nothing_of_any_part<B: Backend>(backend: &B) {
    for wrong in [0, 2, 4, 1_000] {
        let place = backend.place().await;
        let pair = Pair::of(backend, &place).await;
        let refusal = pair
            .refuses(|part| {
                part.expected_position = Position(wrong);
                (wrong + 1..).zip(&mut part.events).for_each(|(n, event)| event.position = Position(n));
            })
            .await;
        let LogError::WrongPosition { merchant, expected, current } = refusal else { panic!("{refusal:?}") };
        assert_eq!((merchant.as_str(), expected, current), ("zeta", Position(wrong), Position(3)));
    }
}

/// Positions are the sequencer's work; a hole or a repeat in them is its fault, and must not reach the log.
pub async fn positions_that_do_not_follow_are_refused<B: Backend>(backend: &B) {
    for positions in [[4, 5, 7], [5, 6, 7], [4, 4, 5], [3, 4, 5], [6, 5, 4]] {
        let place = backend.place().await;
        let pair = Pair::of(backend, &place).await;
        pair.refuses(|part| {
            positions.iter().zip(&mut part.events).for_each(|(n, event)| event.position = Position(*n));
        })
        .await;
    }
}

/// So is an event in the wrong merchant's part.
pub async fn an_event_of_another_merchant_is_refused<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    pair.refuses(|part| part.events[2].merchant = super::merchant("acme")).await;
}

/// No parts, or parts without content, are stored at once.
pub async fn an_append_of_nothing_changes_nothing<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let pair = Pair::of(backend, &place).await;
    let before = contents(&pair.log, &pair.acme.merchant).await;
    pair.log.append(&[]).await.unwrap();
    pair.log.append(&[pair.acme.part_of(Position(3), Vec::new())]).await.unwrap();
    assert_eq!(contents(&pair.log, &pair.acme.merchant).await, before);
}

/// One bad append does not fail its neighbours.
pub async fn a_log_goes_on_after_a_refusal<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let mut pair = Pair::of(backend, &place).await;
    for _ in 0..20 {
        let mut unsound = pair.acme.clone().part(&[("order-1", 1)]);
        unsound.inbox.push(message("first", 1));
        assert_collision(&pair.log.append(&[unsound]).await.unwrap_err());
        pair.acme.write(&pair.log, &[("order-1", 1)]).await;
    }
    assert_eq!(contents(&pair.log, &pair.acme.merchant).await.events.len(), 23);
}

/// Two parts of one merchant in one append are two steps of its log.
pub async fn parts_of_one_merchant_follow_each_other<B: Backend>(backend: &B) {
    let place = backend.place().await;
    let mut pair = Pair::of(backend, &place).await;
    let parts = [pair.acme.part(&[("order-1", 1)]), pair.acme.part(&[("order-1", 2)])];
    let swapped = [parts[1].clone(), parts[0].clone()];
    assert!(pair.log.append(&swapped).await.is_err(), "steps were stored in the wrong order");
    pair.log.append(&parts).await.unwrap();
    assert_eq!(contents(&pair.log, &pair.acme.merchant).await.events.len(), 6);
}
