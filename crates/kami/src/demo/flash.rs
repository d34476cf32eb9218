//! Flash sales: more buyers than keys, on every platform at once.

use engine::OperatorCommand;
use rand::Rng;
use vocabulary::Timestamp;

use super::{
    Profile,
    catalogue::{FLASH_ITEM, ITEMS, KEEPER, Place, START, account},
    shop::{Shop, Step},
};

impl Shop {
    /// One sale: 5,000 keys, 20,000 buyers within four minutes, and every fault that messages can have.
    pub(super) async fn plan_one_sale(&mut self) -> anyhow::Result<Timestamp> {
        self.import(FLASH_ITEM, 5_000 - self.lot(FLASH_ITEM), "keys-and-more").await?;
        self.storm = true;
        self.plan_buyers(20_000, 240);
        Ok(START.plus_secs(3 * 3_600))
    }

    /// More buyers than keys within four minutes, with units set aside for the own site and a ceiling for
    /// Xianyu.
    pub(super) async fn flash_sale(&mut self) -> anyhow::Result<()> {
        let available = self.available(FLASH_ITEM).await?;
        let floor = u64::from(available / 5);
        self.quotas([floor, 0, floor / 4], Some(floor * 2), "flash sale").await?;
        self.restocking.insert(FLASH_ITEM);
        self.plan_in(12 * 3_600..14 * 3_600, Step::Restock(FLASH_ITEM));
        self.plan_buyers(available * 2, 240);
        Ok(())
    }

    fn plan_buyers(&mut self, count: u32, secs: i64) {
        // Where nothing but the sale is played, everybody buys where the answer is a yes or a no.
        let only = self.profile == Profile::Flash;
        for _ in 0..count {
            let place = match self.rng.random_range(0..100) {
                0..40 => Place::Own,
                40..65 => Place::Xianyu,
                65..85 if only => Place::Jd,
                65..72 => Place::Douyin,
                72..78 => Place::Taobao,
                78..85 => Place::Jd,
                _ => Place::Pos,
            };
            self.plan_in(0..secs, Step::Buy(place, FLASH_ITEM, 1));
        }
    }

    /// Floors of the own site, Xianyu and the counter, and Xianyu's ceiling, for the item of the flash sale.
    pub(super) async fn quotas(
        &mut self,
        floors: [u64; 3],
        cap: Option<u64>,
        reason: &str,
    ) -> anyhow::Result<()> {
        let places = [(Place::Own, None), (Place::Xianyu, cap), (Place::Pos, None)];
        for ((place, cap), floor) in places.into_iter().zip(floors) {
            let command = OperatorCommand::SetQuota {
                sku: ITEMS[FLASH_ITEM].sku.parse()?,
                account: account(place.account())?,
                floor,
                cap,
                reason: reason.to_owned(),
            };
            self.must(KEEPER, command).await?;
        }
        Ok(())
    }
}
