//! Puts card keys on stock: sealed in the vault first, then recorded, chunk by chunk, so that memory stays flat and
//! a crash leaves whole chunks only.

use events::Actor;
use vault::{KeyPut, KeyVerdict};
use vocabulary::{BatchId, CardKey, Money, Sku, Timestamp};

use crate::{Engine, EngineError, operator::OperatorCommand};

/// A batch to import into.
#[derive(Debug, Clone)]
pub struct ImportBatch {
    /// The item.
    pub sku: Sku,
    /// Who supplied the keys.
    pub supplier: Option<String>,
    /// What one key cost.
    pub unit_cost: Option<Money>,
    /// Not to be sold from then on.
    pub sell_until: Option<Timestamp>,
}

/// An import under way. Feed it chunks of at most a few thousand keys.
pub struct ImportReport {
    actor: Actor,
    sku: Sku,
    family: String,
    /// The batch's number.
    pub batch: BatchId,
    /// Keys on stock so far; also the index of the next.
    pub stored: u32,
    /// Keys that were there already.
    pub duplicates: u64,
}

impl Engine {
    /// Begins a batch.
    pub async fn begin_import(
        &self,
        actor: Actor,
        batch: ImportBatch,
        family: String,
    ) -> Result<ImportReport, EngineError> {
        let ImportBatch { sku, supplier, unit_cost, sell_until } = batch;
        let open = OperatorCommand::OpenBatch { sku: sku.clone(), supplier, unit_cost, sell_until };
        let answer = self.operate(actor.clone(), open).await?;
        let batch = answer.batch.ok_or_else(|| EngineError::Broken("a batch without a number".to_owned()))?;
        Ok(ImportReport { actor, sku, family, batch, stored: 0, duplicates: 0 })
    }

    /// Seals a chunk of keys and puts the new ones on stock; returns one verdict per key, in order. Durable on return.
    pub async fn import_chunk(
        &self,
        import: &mut ImportReport,
        keys: &[CardKey],
    ) -> Result<Vec<KeyVerdict>, EngineError> {
        let put = KeyPut {
            sku: &import.sku,
            family: &import.family,
            batch: import.batch,
            first_index: import.stored,
            keys,
        };
        let verdicts = self.vault.put_keys(&self.merchant, put).await.map_err(EngineError::Vault)?;
        let fingerprints: Vec<String> = verdicts
            .iter()
            .filter_map(|verdict| match verdict {
                KeyVerdict::Stored { fingerprint, .. } => Some(fingerprint.clone()),
                KeyVerdict::Duplicate { .. } => None,
            })
            .collect();
        let stored = u32::try_from(fingerprints.len()).unwrap_or(u32::MAX);
        import.duplicates += (verdicts.len() - fingerprints.len()) as u64;
        if stored > 0 {
            let (sku, batch) = (import.sku.clone(), import.batch);
            let command =
                OperatorCommand::ImportKeys { sku, batch, first_index: import.stored, fingerprints };
            let recorded = self.operate(import.actor.clone(), command).await;
            if let Err(EngineError::Rejected(rejection)) = recorded {
                self.vault
                    .discard_keys_from(&self.merchant, batch, import.stored)
                    .await
                    .map_err(EngineError::Vault)?;
                return Err(EngineError::Rejected(rejection));
            }
            recorded?;
            import.stored += stored;
        }
        Ok(verdicts)
    }
}
