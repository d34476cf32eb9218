//! What staff do for the shop to have something to sell: items, accounts, prices, keys.

use anyhow::Context;
use engine::{ImportBatch, OperatorCommand};
use events::Actor;
use rand::Rng;
use vault::KeyVerdict;
use vocabulary::{CardKey, KeyKind, Secret};

use super::{
    Profile,
    catalogue::{self, ITEMS, Item, KEEPER, LATE_ITEM, Place, account, connections, yuan},
    shop::{Shop, Step},
};

impl Shop {
    /// Sets the shop up: items, accounts, listings, prices, first keys.
    pub(crate) async fn open(&mut self) -> anyhow::Result<()> {
        for item in &ITEMS {
            self.must(KEEPER, OperatorCommand::DefineSku(item.definition()?)).await?;
        }
        for (name, title, orders_of, settings) in connections(self.profile != Profile::Flash) {
            // A gateway is there for the place whose orders it takes payments for.
            if !self.is_open(orders_of.unwrap_or(name)) {
                continue;
            }
            let connection = engine::Connection {
                account: account(name)?,
                name: title.to_owned(),
                currency: vocabulary::Currency::CNY,
                orders_of: orders_of.map(account).transpose()?,
                settings: Secret::new(settings.to_string()),
            };
            self.world.engine().connect(Actor::staff(KEEPER), connection).await.context("an account")?;
        }
        for place in self.places() {
            self.must(KEEPER, OperatorCommand::SetTerms(place.terms_set()?)).await?;
        }
        for (n, item) in ITEMS.iter().enumerate() {
            for place in self.places() {
                if place.is_foreign() && item.is_sold_at(place) {
                    self.list_item(place.account(), &item.listed(place), item).await?;
                }
            }
            self.list_item(catalogue::XIANYU_ERP, &item.product.to_string(), item).await?;
            self.set_price(n, item.price, "list").await?;
            if n != LATE_ITEM {
                self.restock(n).await?;
            }
        }
        Ok(())
    }

    /// Where the shop sells. A flash sale alone is played where the answer is a yes or a no.
    fn places(&self) -> Vec<Place> {
        let all = Place::SHARES.into_iter().map(|(place, _)| place);
        all.filter(|place| self.profile != Profile::Flash || place.answers_at_once()).collect()
    }

    /// Whether orders can be placed for an account.
    pub(super) fn is_open(&self, account: &str) -> bool {
        self.places().iter().any(|place| place.account() == account)
    }

    async fn list_item(&mut self, name: &str, listed: &str, item: &Item) -> anyhow::Result<()> {
        let (account, sku) = (account(name)?, item.sku.parse().context("a SKU")?);
        self.must(KEEPER, OperatorCommand::MapListing { account, item: listed.to_owned(), sku }).await?;
        Ok(())
    }

    /// Sets an item's list price, and what follows from it on the platforms.
    pub(super) async fn set_price(&mut self, item: usize, fen: i64, reason: &str) -> anyhow::Result<()> {
        self.list[item] = fen;
        let foreign = self.places().into_iter().filter(|place| place.is_foreign());
        for place in std::iter::once(None).chain(foreign.map(Some)) {
            let command = OperatorCommand::SetPrice {
                sku: ITEMS[item].sku.parse().context("a SKU")?,
                account: place.map(|place| account(place.account())).transpose()?,
                unit_price: yuan(Item::price_at(fen, place.unwrap_or(Place::Own))),
                valid_from: None,
                valid_until: None,
                reason: reason.to_owned(),
            };
            self.must(KEEPER, command).await?;
        }
        Ok(())
    }

    /// About what is sold of an item in eight days.
    pub(super) fn lot(&self, item: usize) -> u32 {
        let weights: u32 = ITEMS.iter().map(|item| item.weight).sum();
        let share = self.profile.visits_a_day() * 8 * ITEMS[item].weight / weights;
        share.max(20).div_ceil(ITEMS[item].kind.uses())
    }

    pub(super) async fn restock(&mut self, item: usize) -> anyhow::Result<()> {
        self.restocking.remove(&item);
        let suppliers = ["keys-and-more", "north-wind", "card-house"];
        let supplier = suppliers[self.rng.random_range(0..suppliers.len())];
        self.import(item, self.lot(item), supplier).await?;
        Ok(())
    }

    /// Puts keys on stock; returns the batch.
    pub(super) async fn import(
        &mut self,
        item: usize,
        count: u32,
        supplier: &str,
    ) -> anyhow::Result<vocabulary::BatchId> {
        let goods = &ITEMS[item];
        let codes: Vec<(String, Option<String>)> = (0..count)
            .map(|_| (self.code(goods), (goods.kind == KeyKind::Pair).then(|| self.digits(6))))
            .collect();
        let batch = ImportBatch {
            sku: goods.sku.parse().context("a SKU")?,
            supplier: Some(supplier.to_owned()),
            unit_cost: Some(yuan(goods.cost)),
            sell_until: None,
        };
        let world = self.world.clone();
        let engine = world.engine();
        let mut import = engine
            .begin_import(Actor::staff(KEEPER), batch, goods.family.to_owned())
            .await
            .context("an import")?;
        let keys: Vec<CardKey> = codes
            .iter()
            .map(|(code, pin)| {
                let pin = pin.clone().map(Secret::new);
                CardKey { code: Secret::new(code.clone()), pin, expires_on: None }
            })
            .collect();
        // The truth must know the keys before waiting orders are given them.
        for (index, (code, pin)) in (0..).zip(&codes) {
            self.truth.lock().imported(code, pin.as_deref(), (import.batch, index));
        }
        let mut verdicts = Vec::new();
        for chunk in keys.chunks(2_000) {
            verdicts.extend(engine.import_chunk(&mut import, chunk).await.context("an import")?);
        }
        if verdicts.iter().any(|verdict| matches!(verdict, KeyVerdict::Duplicate { .. })) {
            self.truth.fault("a fresh key was taken for a duplicate".to_owned());
        }
        self.left[item] += i64::from(count * goods.kind.uses());
        self.calm().await?;
        Ok(import.batch)
    }

    fn code(&mut self, item: &Item) -> String {
        const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        let mut part = || -> String {
            (0..5).map(|_| char::from(ALPHABET[self.rng.random_range(0..ALPHABET.len())])).collect()
        };
        let parts = [part(), part(), part()];
        format!("{}-{}", item.family[..2].to_uppercase(), parts.join("-"))
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.rng.random_range(0..10))).collect()
    }

    /// Something was sold: when little is left, more is ordered.
    pub(super) fn sold(&mut self, item: usize, quantity: u32) {
        self.left[item] -= i64::from(quantity);
        if self.left[item] * 6 < i64::from(self.lot(item) * ITEMS[item].kind.uses()) {
            self.reorder(item, 4 * 3_600..8 * 3_600);
        }
    }

    /// More of an item is ordered, unless it is already.
    pub(super) fn reorder(&mut self, item: usize, secs: std::ops::Range<i64>) {
        if self.profile != Profile::Flash && self.restocking.insert(item) {
            self.plan_in(secs, Step::Restock(item));
        }
    }
}
