//! I10: no two live keys of one family have the same fingerprint.

use std::collections::{BTreeMap, HashMap};

use events::{Fact, pool::KeysImported};
use vocabulary::{BatchId, Sku};

use crate::{
    keys::Keys,
    report::{At, Findings, Invariant},
};

/// The fingerprints of one merchant's keys.
#[derive(Default)]
pub(crate) struct Fingerprints {
    families: BTreeMap<Sku, u32>,
    names: BTreeMap<String, u32>,
    /// The newest key by family and fingerprint.
    keys: HashMap<(u32, u128), (BatchId, u32)>,
}

impl Fingerprints {
    /// Call before `keys` takes the fact in.
    pub(crate) fn fact(&mut self, fact: &Fact, keys: &Keys, at: At<'_>, findings: &mut Findings) {
        match fact {
            Fact::SkuDefined(e) => {
                let family = self.family(&e.family);
                let before = self.families.insert(e.sku.clone(), family);
                if before.is_some_and(|before| before != family) {
                    let message =
                        format!("{} changed its family: its earlier keys are compared in the old one", e.sku);
                    findings.warn(message);
                }
            }
            Fact::KeysImported(e) => self.import(e, keys, at, findings),
            _ => {}
        }
    }

    fn import(&mut self, imported: &KeysImported, keys: &Keys, at: At<'_>, findings: &mut Findings) {
        let Some(family) = self.families.get(&imported.sku).copied() else {
            let message = format!("keys of {} come in, but the item is not defined", imported.sku);
            return findings.violation(Invariant::I10, at, message);
        };
        for (index, text) in (imported.first_index..).zip(&imported.fingerprints) {
            let key = (imported.batch, index);
            let Some(fingerprint) = parse(text) else {
                let message = format!("the fingerprint of {}-{index} is not 32 hex digits", imported.batch);
                findings.violation(Invariant::I10, at, message);
                continue;
            };
            if let Some((batch, place)) = self.keys.insert((family, fingerprint), key)
                && (batch == imported.batch && place >= imported.first_index || keys.is_live(batch, place))
            {
                let message = format!("key {}-{index} is the same as key {batch}-{place}", imported.batch);
                findings.violation(Invariant::I10, at, message);
            }
        }
    }

    fn family(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        *self.names.entry(name.to_owned()).or_insert(next)
    }
}

fn parse(text: &str) -> Option<u128> {
    (text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| u128::from_str_radix(text, 16).ok())?
}
