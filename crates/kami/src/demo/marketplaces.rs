//! How somebody buys on Xianyu and JD, which buy from us in turn.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::Rng;
use serde_json::{Value, json};

use super::{
    catalogue::{ITEMS, Place, SUPPLY_HOST, yuan},
    line::Answer,
    platforms::{jd_code, supply_code},
    shop::{Shop, Step},
    wire,
};

impl Shop {
    pub(super) async fn buy_on_xianyu(&mut self, item: usize, quantity: u32) -> anyhow::Result<()> {
        let number = format!("19290638{:011}", self.number());
        let total = self.sale(Place::Xianyu, &number, item, quantity);
        let message = json!({ "order_no": number, "goods_no": ITEMS[item].listed(Place::Xianyu),
            "buy_quantity": quantity, "max_amount": total,
            "notify_url": format!("https://{SUPPLY_HOST}/api/open/callback/virtual/order/notify/{number}"),
            "biz_order_no": "" });
        let wire = wire::supply("order/purchase/create", self.now(), &message);
        let answer = self.tell(wire, false).await?;
        let body = answer.json();
        if body["code"] != 0 {
            // 1101 is what a shop hears whose sales are stopped.
            let (short, stopped) = (body["code"] == 1102, body["code"] == 1101);
            self.turned_down(Place::Xianyu, item, short, &answer, stopped);
            return Ok(());
        }
        self.accepted(Place::Xianyu, &number, true);
        for card in body["data"]["card_items"].as_array().into_iter().flatten() {
            self.truth.lock().handed(Place::Xianyu, &number, &supply_code(card).unwrap_or_default());
        }
        if let Some(sale) = self.truth.lock().sale(Place::Xianyu, &number) {
            sale.erp.0 = 22;
        }
        match self.rng.random_range(0..100) {
            0..4 => self.plan_in(1_800..48 * 3_600, Step::AskBack((Place::Xianyu, number))),
            4..40 => self.plan_in(60..7_200, Step::Changed(number)),
            _ => {}
        }
        Ok(())
    }

    /// Returns the order's number.
    pub(super) async fn buy_on_jd(&mut self, item: usize, quantity: u32) -> anyhow::Result<String> {
        let number = format!("2036{:08}", self.number());
        let buyer = self.some_buyer();
        let total = self.sale(Place::Jd, &number, item, quantity);
        if self.chance(0.4) {
            let asked = self.jd_purchase(item, quantity, total);
            self.ask(wire::jd("precheck", self.now(), &asked)).await?;
        }
        let mut order = self.jd_purchase(item, quantity, total);
        order["orderId"] = json!(number);
        order["pin"] = json!(format!("jd-buyer-{buyer:05}"));
        let answer = self.tell(wire::jd("card/order", self.now(), &order), false).await?;
        let code = answer.text(&["retCode"]);
        if code != "100" {
            let (short, stopped) = (code == "110", code == "109");
            self.turned_down(Place::Jd, item, short, &answer, stopped);
            return Ok(number);
        }
        self.accepted(Place::Jd, &number, true);
        let cards = jd_cards(&answer);
        for card in &cards {
            self.truth.lock().handed(Place::Jd, &number, &jd_code(&number, card).unwrap_or_default());
        }
        if cards.is_empty() {
            self.reorder(item, 3_600..3 * 3_600);
            self.plan_in(1_200..3_600, Step::AskState(number.clone(), 0));
        } else if self.chance(0.05) {
            self.plan_in(600..86_400, Step::AskState(number.clone(), 20));
        }
        Ok(number)
    }

    pub(super) fn jd_purchase(&self, item: usize, quantity: u32, total: i64) -> Value {
        json!({ "skuId": 1_000_000 + item, "outId": ITEMS[item].listed(Place::Jd),
            "buyNum": quantity.to_string(),
            "totalPrice": yuan(total).to_major_text() })
    }

    /// JD asks how an order stands, until it is clear. An order that failed is paid back to its buyer.
    pub(super) async fn ask_state(&mut self, number: String, tries: u32) -> anyhow::Result<()> {
        let answer = self.ask(wire::jd("card/query", self.now(), &json!({ "orderId": number }))).await?;
        let state = jd_data(&answer);
        for card in state["cardinfos"].as_array().into_iter().flatten() {
            self.truth.lock().handed(Place::Jd, &number, &jd_code(&number, card).unwrap_or_default());
        }
        match state["orderStatus"].as_i64() {
            Some(0) => {}
            Some(1) if tries < 20 => self.plan_in(3_600..4 * 3_600, Step::AskState(number, tries + 1)),
            Some(1) => self.truth.fault(format!("{}:{number} was never fulfilled", Place::Jd)),
            Some(2) => self.plan_in(60..600, Step::PaidBack((Place::Jd, number))),
            _ => self.truth.fault(format!(
                "{}:{number} could not be asked for: {}",
                Place::Jd,
                answer.excerpt()
            )),
        }
        Ok(())
    }

    /// Goofish pushes that an order changed; Kami reads it back.
    pub(super) async fn changed(&mut self, number: &str) -> anyhow::Result<()> {
        let sale = self.truth.lock().sale(Place::Xianyu, number).cloned().unwrap_or_default();
        let at = self.now();
        let push = json!({ "seller_id": 1, "user_name": "demo", "order_no": number, "order_type": 7,
            "order_status": sale.erp.0, "refund_status": sale.erp.1, "modify_time": at.secs(),
            "product_id": ITEMS[sale.item].product, "item_id": 0 });
        let answer = self.tell(wire::erp_order(at, &push), true).await?;
        if answer.text(&["result"]) != "success" {
            self.truth.fault(format!("a push was not taken: {}", answer.excerpt()));
        }
        Ok(())
    }
}

/// The data of JD's envelope.
fn jd_data(answer: &Answer) -> Value {
    let bytes = STANDARD.decode(answer.text(&["data"])).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn jd_cards(answer: &Answer) -> Vec<Value> {
    jd_data(answer)["cardinfos"].as_array().cloned().unwrap_or_default()
}
