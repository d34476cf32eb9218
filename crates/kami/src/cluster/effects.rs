//! The door of a node at which workers ask for the calls to make of the merchants it serves, and tell how they ended.

use std::sync::Arc;

use cluster::{
    AskError, Asked, Bus, Door,
    wire::{self, Cover},
};
use futures::StreamExt;
use vault::Vault;

use super::{
    desk::Desk,
    sealed::{EFFECTS, Opener},
};

/// Answers workers, for ever.
pub(super) async fn hand_out(bus: Bus, vault: Arc<Vault>, desk: Desk) {
    let opener = Opener::new(EFFECTS, vault);
    let Ok(questions) = bus.requests(Door::Effects).await else {
        tracing::error!("workers cannot ask this node for calls");
        return;
    };
    let mut questions = std::pin::pin!(questions);
    while let Some(asked) = questions.next().await {
        let (opener, desk) = (opener.clone(), desk.clone());
        // A worker has one question open per merchant, and as many outcomes as its accounts make calls at once.
        tokio::spawn(async move {
            if let Err(error) = answer(&opener, &desk, asked).await {
                tracing::debug!(%error, "an answer could not be given to a worker");
            }
        });
    }
}

async fn answer(opener: &Opener, desk: &Desk, asked: Asked) -> Result<(), AskError> {
    let Ok((cover, sealed)) = wire::read::<Cover>(&asked.payload) else { return asked.not_mine().await };
    let Some(held) = desk.holder_of(&cover.merchant) else { return asked.not_mine().await };
    let Some(received) = opener.open(cover, &sealed).await else { return asked.not_mine().await };
    match held.answer_worker(&received.plain).await {
        Some(answer) => asked.answer(&received.seal_answer(&answer)).await,
        None => asked.not_mine().await,
    }
}
