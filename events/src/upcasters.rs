//! Old event shapes, lifted step by step to the newest when they are read. Stored events are never rewritten.

use serde_json::Value;

/// One step: the shape of `type_name` at version `from` becomes the shape at `from + 1`.
#[derive(Clone, Copy)]
pub struct Upcaster {
    /// The event type.
    pub type_name: &'static str,
    /// The version the step starts at.
    pub from: u16,
    /// The step itself; it must accept every payload ever written at that version.
    pub lift: fn(Value) -> Value,
}

/// A set of steps.
pub struct Upcasters(pub Vec<Upcaster>);

impl Upcasters {
    /// Applies the steps from version `from` up to `to`. A version without a step changes nothing: its only
    /// difference was an optional field.
    pub fn lift(&self, type_name: &str, from: u16, to: u16, mut payload: Value) -> Value {
        for version in from..to {
            if let Some(step) = self.0.iter().find(|s| s.type_name == type_name && s.from == version) {
                payload = (step.lift)(payload);
            }
        }
        payload
    }
}

/// The steps this build ships.
pub fn shipped() -> &'static Upcasters {
    static SHIPPED: Upcasters = Upcasters(Vec::new());
    &SHIPPED
}

#[cfg(test)]
mod tests;
