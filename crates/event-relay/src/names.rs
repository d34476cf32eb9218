//! What a merchant's events are called on NATS.

use events::RecordedEvent;
use vocabulary::{MerchantId, Position};

/// The JetStream stream that holds a merchant's events, for example `kami-main`. Nothing else may be published there.
pub fn stream(merchant: &MerchantId) -> String {
    format!("kami-{merchant}")
}

/// What the stream listens to: every event of the merchant, for example `kami.main.>`.
pub fn subjects(merchant: &MerchantId) -> String {
    format!("kami.{merchant}.>")
}

/// Where an event is published: `kami.<merchant>.<kind of stream>.<type>`, for example `kami.main.order.OrderPlaced`.
/// There are about as many subjects as event types, since a server keeps books on each.
pub fn subject(event: &RecordedEvent) -> String {
    format!("kami.{}.{}.{}", event.merchant, token(event.stream.kind()), token(&event.type_name))
}

/// The id of an event among everybody's: `<merchant>:<position>`.
pub fn id(merchant: &MerchantId, position: Position) -> String {
    format!("{merchant}:{position}")
}

/// A text as one token of a subject, in which dots, stars, angles and spaces mean something.
fn token(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    match text {
        "" => "_".to_owned(),
        text => text.chars().map(safe).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_token_of_a_subject_has_no_character_that_means_something_there() {
        assert_eq!(token("OrderPlaced"), "OrderPlaced");
        assert_eq!(token("a.b *>"), "a_b___");
        assert_eq!(token(""), "_");
    }
}
