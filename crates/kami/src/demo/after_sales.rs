//! Money back: how buyers ask for it on each platform, what staff answer, and how the platform says it is
//! paid.

use engine::OperatorCommand;
use serde_json::json;

use super::{
    books::refund_number,
    catalogue::{Place, SUPPORT, yuan},
    shop::{Shop, Step},
    truth::{OrderNo, Sale},
    wire,
};

/// Goofish's order type of card keys.
const CARD: i64 = 2;

impl Shop {
    fn known(&self, order: &OrderNo) -> Sale {
        self.truth.lock().sales.get(order).cloned().unwrap_or_default()
    }

    /// A buyer asks for the money back. Before anything was handed over Kami agrees at once; later staff
    /// must.
    pub(super) async fn ask_back(&mut self, order: OrderNo) -> anyhow::Result<()> {
        let sale = self.known(&order);
        if sale.paid == 0 || sale.refunded > 0 {
            return Ok(());
        }
        match order.0 {
            Place::Own | Place::Wechat => self.ask_back_on_site(order, &sale).await,
            Place::Pos => self.part_back_at_counter(&order, &sale).await,
            Place::Xianyu => self.ask_back_on_xianyu(order, &sale).await,
            Place::Jd => Ok(()),
            Place::Taobao | Place::Pinduoduo | Place::Douyin | Place::Xiaohongshu | Place::Kuaishou => {
                self.ask_back_at(order).await
            }
        }
    }

    async fn ask_back_on_site(&mut self, order: OrderNo, sale: &Sale) -> anyhow::Result<()> {
        let (place, number) = (order.0, order.1.clone());
        let message = json!({ "type": "order.refund_requested", "data": {
            "external_order_id": number, "refund_id": format!("RF-{number}"), "reason": "buyer_request" } });
        let answer = self.tell_generic(place, &format!("refund-asked-{number}"), &message).await?;
        if answer.status != 200 {
            self.truth.fault(format!("a wish for a refund was not taken: {}", answer.excerpt()));
            return Ok(());
        }
        if sale.keys.is_empty() {
            self.plan_in(600..3_600, Step::PaidBack(order));
        } else {
            let agree = self.chance(0.65);
            self.plan_in(3_600..6 * 3_600, Step::AnswerBack(order, agree));
        }
        Ok(())
    }

    /// At the counter a part goes back in cash; the buyer keeps the keys.
    async fn part_back_at_counter(&mut self, order: &OrderNo, sale: &Sale) -> anyhow::Result<()> {
        let (place, number) = (order.0, order.1.as_str());
        let (refund, part) = (format!("PART-{number}"), sale.total / 4);
        let agree = OperatorCommand::Refund {
            order: Self::order(place, number)?,
            refund: Some(refund.clone()),
            amount: Some(yuan(part)),
            reason: "goodwill".to_owned(),
        };
        self.must(SUPPORT, agree).await?;
        self.must(SUPPORT, OperatorCommand::SettleRefund { order: Self::order(place, number)?, refund })
            .await?;
        self.went_back(order, part);
        Ok(())
    }

    async fn ask_back_on_xianyu(&mut self, order: OrderNo, sale: &Sale) -> anyhow::Result<()> {
        let number = order.1.clone();
        if self.chance(0.4) {
            // Goofish decides by itself, and only says that the order changed.
            if let Some(sale) = self.truth.lock().sale(Place::Xianyu, &number) {
                sale.erp = (23, 5, sale.total);
                sale.refunded = sale.total;
            }
            return self.changed(&number).await;
        }
        let at = self.now();
        let message = json!({ "order_no": number, "order_type": CARD, "refund_amount": sale.total,
            "refund_reason": "买错了", "apply_time": at.secs() });
        let answer = self.tell(wire::supply("order/refund/apply", at, &message), true).await?;
        if answer.json()["code"] != 0 {
            self.truth.fault(format!("a wish for a refund was not taken: {}", answer.excerpt()));
            return Ok(());
        }
        let agree = self.chance(0.7);
        self.plan_in(3_600..6 * 3_600, Step::AnswerBack(order, agree));
        Ok(())
    }

    /// Staff answer a wish for a refund. Where the order was paid at the gateway, Kami has it pay the money
    /// back.
    pub(super) async fn answer_back(&mut self, order: OrderNo, agree: bool) -> anyhow::Result<()> {
        let (place, number) = (order.0, order.1.as_str());
        let refund = match place {
            Place::Xianyu => format!("refund:{number}"),
            Place::Own | Place::Wechat | Place::Pos | Place::Jd => format!("RF-{number}"),
            Place::Taobao | Place::Pinduoduo | Place::Douyin | Place::Xiaohongshu | Place::Kuaishou => {
                refund_number(place, number)
            }
        };
        let named = Self::order(place, number)?;
        if !agree {
            let reason = "the key was used".to_owned();
            self.must(SUPPORT, OperatorCommand::RefuseRefund { order: named, refund, reason }).await?;
            let now = self.now();
            if place.keeps_books() {
                self.truth.lock().books.turn_down(place, number, now);
            }
            return Ok(());
        }
        let (refund, reason) = (Some(refund), "agreed with the buyer".to_owned());
        self.must(SUPPORT, OperatorCommand::Refund { order: named, refund, amount: None, reason }).await?;
        if place == Place::Xianyu {
            self.plan_in(600..7_200, Step::PaidBack(order));
        }
        Ok(())
    }

    /// The platform paid the money back.
    pub(super) async fn paid_back(&mut self, order: OrderNo) -> anyhow::Result<()> {
        let sale = self.known(&order);
        let (place, number) = (order.0, order.1.as_str());
        match place {
            Place::Own | Place::Wechat => {
                let message = json!({ "type": "order.refunded",
                    "data": { "external_order_id": number, "refund_id": format!("RF-{number}") } });
                let answer = self.tell_generic(place, &format!("refunded-{number}"), &message).await?;
                if answer.status != 200 {
                    self.truth.fault(format!("a refund was not taken: {}", answer.excerpt()));
                }
            }
            Place::Xianyu => {
                let at = self.now();
                let message = json!({ "order_no": number, "order_type": CARD, "refund_amount": sale.total,
                    "refund_reason": "买错了", "refund_time": at.secs() });
                let answer = self.tell(wire::supply("order/refund/notify", at, &message), true).await?;
                if answer.text(&["result"]) != "success" {
                    self.truth.fault(format!("a refund was not taken: {}", answer.excerpt()));
                }
            }
            // Nobody is told: staff see it in the platform's console, and write it down.
            Place::Jd
            | Place::Pos
            | Place::Taobao
            | Place::Pinduoduo
            | Place::Douyin
            | Place::Xiaohongshu
            | Place::Kuaishou => {
                let (order, refund) = (Self::order(place, number)?, "backorder".to_owned());
                self.must(SUPPORT, OperatorCommand::SettleRefund { order, refund }).await?;
            }
        }
        self.went_back(&order, sale.total - sale.refunded);
        Ok(())
    }

    fn went_back(&mut self, order: &OrderNo, fen: i64) {
        if let Some(sale) = self.truth.lock().sales.get_mut(order) {
            sale.refunded += fen;
        }
    }
}
