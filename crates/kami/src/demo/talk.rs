//! Messages to Kami: sent once in quiet times, and again, late and forged in a storm.

use rand::Rng;
use serde_json::Value;

use super::{
    catalogue::Place,
    line::Answer,
    shop::Shop,
    wire::{self, Wire},
};

impl Shop {
    /// Sends a message. `calls` says that Kami may call a platform because of it: then that comes first,
    /// before anything else happens. In a storm the message comes several times, and forged ones before it.
    pub(super) async fn tell(&mut self, wire: Wire, calls: bool) -> anyhow::Result<Answer> {
        if self.storm && self.forged < 120 && self.rng.random_bool(0.08) {
            self.forge(wire.clone().forged()).await?;
        }
        self.sent += 1;
        let answer = self.line.send(&wire).await?;
        if calls {
            self.calm().await?;
        }
        if self.storm && answer.status == 200 && self.rng.random_bool(0.3) {
            let times = self.rng.random_range(1..=3);
            let repeats = self.line.burst(&wire, times).await?;
            self.repeated += repeats.len() as u64;
            self.sent += repeats.len() as u64;
            if repeats.iter().any(|repeat| *repeat != answer) {
                self.truth
                    .fault(format!("a repeat was answered otherwise than the first: {}", answer.excerpt()));
            }
        }
        Ok(answer)
    }

    /// Sends a message that must not be believed.
    pub(super) async fn forge(&mut self, wire: Wire) -> anyhow::Result<()> {
        self.forged += 1;
        self.sent += 1;
        let answer = self.line.send(&wire).await?;
        let body = answer.json();
        let refused = answer.status >= 400
            || [401, 408].contains(&body["code"].as_i64().unwrap_or_default())
            || body["retCode"] == "106";
        if !refused {
            self.truth.fault(format!("a forged message was believed: {}", answer.excerpt()));
        }
        Ok(())
    }

    /// Sends a question, which is never repeated: each look is recorded.
    pub(super) async fn ask(&mut self, wire: Wire) -> anyhow::Result<Answer> {
        self.sent += 1;
        self.line.send(&wire).await
    }

    /// Sends a message of the own site or the counter.
    pub(super) async fn tell_generic(
        &mut self,
        place: Place,
        id: &str,
        message: &Value,
    ) -> anyhow::Result<Answer> {
        if self.storm && self.forged < 120 && self.rng.random_bool(0.08) {
            let stale = self.now().plus_secs(-3_600);
            self.forge(wire::generic(place, id, stale, message)).await?;
        }
        let wire = wire::generic(place, id, self.now(), message);
        let calls =
            message["type"].as_str().is_some_and(|kind| kind != "order.created" && kind != "order.paid");
        self.tell(wire, calls).await
    }
}
