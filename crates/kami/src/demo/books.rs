//! The books of the platforms that only say that something changed, and are then asked what. They are the pretend
//! platforms of the adapters' own tests; here buyers use them, and what they say of it is sent to Kami.

use std::str::FromStr;

use serde_json::Value;
use testkit::{
    douyin::{self, Douyin},
    drive::Signed,
    kuaishou::{self, Kuaishou},
    pinduoduo::{self, Pinduoduo},
    pretend::Bookkeeper,
    taobao::{Eticket, Taobao, Trade},
    wechat_pay::WechatPay,
    xiaohongshu::{self, Xiaohongshu},
};
use vocabulary::Timestamp;

use super::catalogue::{Item, Place, push_path, yuan};

/// All of them.
pub(crate) struct Books {
    pub(crate) taobao: Taobao,
    pub(crate) pinduoduo: Pinduoduo,
    pub(crate) douyin: Douyin,
    pub(crate) xiaohongshu: Xiaohongshu,
    pub(crate) kuaishou: Kuaishou,
    pub(crate) wechat_pay: WechatPay,
}

impl Default for Books {
    fn default() -> Self {
        let mut kuaishou = Kuaishou::default();
        kuaishou.lists = true;
        Self {
            taobao: Taobao::default(),
            pinduoduo: Pinduoduo::default(),
            douyin: Douyin::default(),
            xiaohongshu: Xiaohongshu::default(),
            kuaishou,
            wechat_pay: WechatPay::test(),
        }
    }
}

/// An order that a buyer paid at a platform.
pub(crate) struct Bought<'a> {
    pub(crate) number: &'a str,
    pub(crate) item: &'a Item,
    pub(crate) quantity: u32,
    /// What it cost, in fen.
    pub(crate) fen: i64,
    pub(crate) buyer: u32,
}

/// What a platform says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Paid,
    WantsMoneyBack,
}

/// A platform's number of its nth order.
pub(crate) fn order_number(place: Place, n: u32) -> String {
    match place {
        Place::Taobao => format!("30412876{n:011}"),
        Place::Pinduoduo => format!("260101-{n:015}"),
        Place::Douyin => (4_837_328_000_000_000_000 + i64::from(n)).to_string(),
        Place::Kuaishou => (2_607_602_200_000_000 + i64::from(n)).to_string(),
        _ => format!("P768291112{n:08}"),
    }
}

/// The platform's number of a refund of an order: an order has one at most.
pub(crate) fn refund_number(place: Place, order: &str) -> String {
    let serial = serial(order);
    match place {
        Place::Taobao => format!("90{serial:010}"),
        Place::Pinduoduo => (30_000_000_000 + serial).to_string(),
        Place::Douyin => (7_291_234_000_000_000_000 + serial).to_string(),
        Place::Kuaishou => (10_900_000_000 + serial).to_string(),
        _ => format!("R48898481{serial:08}"),
    }
}

/// The n that an order's number was made of.
fn serial(number: &str) -> i64 {
    let from = number.len().saturating_sub(8);
    number.get(from..).and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

fn integer<N: FromStr + Default>(text: &str) -> N {
    text.parse().unwrap_or_default()
}

impl Books {
    /// How many of an item a platform shows as in stock. Kuaishou is told no figures and sells on.
    pub(crate) fn in_stock(&self, place: Place, item: &Item) -> i64 {
        let listed = item.listed(place);
        let figure = match place {
            Place::Taobao => self.taobao.stock.get(&listed).copied(),
            Place::Pinduoduo => self.pinduoduo.stock.get(&listed).copied(),
            Place::Douyin => self.douyin.stock.get(&listed).map(|(figure, _)| *figure),
            Place::Kuaishou => Some(i64::MAX),
            _ => self.xiaohongshu.stock.get(&listed).map(|(figure, _)| *figure),
        };
        figure.unwrap_or_default()
    }

    /// A buyer pays at a platform, which shows less of the item from then on.
    pub(crate) fn sell(&mut self, place: Place, bought: &Bought<'_>, now: Timestamp) {
        let Bought { number, item, quantity, fen, buyer } = *bought;
        let (count, pay) = (i64::from(quantity), yuan(fen).to_major_text());
        let listed = item.listed(place);
        match place {
            Place::Taobao => {
                let paid_at = beijing(now);
                let (num_iid, buyer) = (item.num_iid(), format!("AA-tb-{buyer:05}"));
                let trade = Trade {
                    num_iid,
                    sku_id: String::new(),
                    eticket: true,
                    buyer,
                    ..Trade::paid(count, &pay)
                };
                let trade = Trade { pay_time: paid_at.clone(), modified: paid_at, ..trade };
                self.taobao.trades.insert(number.to_owned(), trade);
                self.taobao.stock.entry(listed).and_modify(|figure| *figure -= count);
            }
            Place::Pinduoduo => {
                let order = pinduoduo::Order::paid(item.goods(), item.goods() + 1, count, &pay);
                let order = pinduoduo::Order { paid_at: now.secs(), updated: now.secs(), ..order };
                self.pinduoduo.orders.insert(number.to_owned(), order);
                self.pinduoduo.stock.entry(listed).and_modify(|figure| *figure -= count);
            }
            Place::Douyin => {
                let order = douyin::Order {
                    status: 2,
                    paid: fen,
                    quantity: count,
                    code: listed.clone(),
                    buyer: format!("dy-{buyer:05}"),
                    paid_at: now.secs(),
                    after_sale: None,
                    update_time: now.secs(),
                };
                self.douyin.orders.insert(integer(number), order);
                self.douyin.stock.entry(listed).and_modify(|(figure, _)| *figure -= count);
            }
            Place::Kuaishou => {
                let at = now.secs() * 1_000;
                let order = kuaishou::Order {
                    status: 30,
                    paid: fen,
                    quantity: count,
                    sku: listed,
                    buyer: format!("ks-{buyer:05}"),
                    paid_at: at,
                    codes: Vec::new(),
                    changed: at,
                };
                self.kuaishou.pass(now);
                self.kuaishou.orders.insert(integer(number), order);
            }
            _ => {
                let at = now.secs() * 1_000;
                let order = xiaohongshu::Order {
                    status: 4,
                    after_sales_status: 1,
                    paid: fen,
                    quantity: count,
                    sku: listed.clone(),
                    buyer: format!("xhs-{buyer:05}"),
                    paid_at: at,
                    content: None,
                    updated: at,
                };
                self.xiaohongshu.pass(now);
                self.xiaohongshu.orders.insert(number.to_owned(), order);
                self.xiaohongshu.stock.entry(listed).and_modify(|(figure, _)| *figure -= count);
            }
        }
    }

    /// A buyer asks a platform for the money back.
    pub(crate) fn want_back(&mut self, place: Place, order: &str, now: Timestamp) {
        let refund = refund_number(place, order);
        match place {
            Place::Taobao => self.taobao.want_back(&refund, order, now),
            Place::Pinduoduo => self.pinduoduo.want_back(integer(&refund), order, now),
            Place::Douyin => self.douyin.want_back(integer(&refund), integer(order), now.secs()),
            Place::Kuaishou => {
                self.kuaishou.pass(now);
                self.kuaishou.want_back(integer(&refund), integer(order));
            }
            _ => {
                self.xiaohongshu.pass(now);
                self.xiaohongshu.want_back(&refund, order);
            }
        }
    }

    /// Staff turn a refund down, on the platform's own pages.
    pub(crate) fn turn_down(&mut self, place: Place, order: &str, now: Timestamp) {
        let refund = refund_number(place, order);
        match place {
            Place::Taobao => self.taobao.turn_down(&refund, order, now),
            Place::Pinduoduo => self.pinduoduo.turn_down(integer(&refund), now),
            Place::Douyin => self.douyin.turn_down(integer(&refund), now.secs()),
            Place::Kuaishou => {
                self.kuaishou.pass(now);
                self.kuaishou.turn_down(integer(&refund));
            }
            _ => {
                self.xiaohongshu.pass(now);
                self.xiaohongshu.turn_down(&refund);
            }
        }
    }

    /// What a platform sends because an order changed. `message` is a number that no message had before.
    pub(crate) fn says(
        &mut self,
        place: Place,
        order: &str,
        change: Change,
        message: u32,
        now: Timestamp,
    ) -> Signed {
        let refund = refund_number(place, order);
        match (place, change) {
            (Place::Taobao, _) => {
                let trade = self.taobao.trades.get(order);
                let (num_iid, num) = trade.map_or((0, 0), |trade| (trade.num_iid, trade.num));
                let token = format!("tok{:08}", serial(order));
                let eticket = Eticket { tid: order, num_iid, outer_iid: None, num, token: &token };
                eticket.notice(if change == Change::Paid { "send" } else { "cancel" }, now)
            }
            (Place::Pinduoduo, Change::Paid) => {
                pinduoduo::frame(i64::from(message), "pdd_trade_TradeConfirmed", order, now)
            }
            (Place::Pinduoduo, Change::WantsMoneyBack) => {
                pinduoduo::frame(i64::from(message), "pdd_refund_RefundCreated", order, now)
            }
            (Place::Douyin, Change::Paid) => douyin::push(&[self.douyin.trade("101", integer(order))]),
            (Place::Douyin, Change::WantsMoneyBack) => {
                douyin::push(&[self.douyin.refund("200", integer(&refund))])
            }
            (Place::Kuaishou, Change::Paid) => self.kuaishou.send(integer(order)),
            (Place::Kuaishou, Change::WantsMoneyBack) => {
                self.kuaishou.pass(now);
                self.kuaishou.refund_push("kwaishop_aftersales_addRefund", integer(&refund))
            }
            (_, change) => {
                self.xiaohongshu.pass(now);
                let push: Value = match change {
                    Change::Paid => self.xiaohongshu.order_push(order),
                    Change::WantsMoneyBack => {
                        self.xiaohongshu.after_sale_push("msg_after_sale_create", &refund)
                    }
                };
                xiaohongshu::push(&push_path(), &[push], now)
            }
        }
    }

    /// Calls that a platform did not believe, all platforms together.
    pub(crate) fn forged_calls(&self) -> u32 {
        self.taobao.forged_calls()
            + self.pinduoduo.forged_calls()
            + self.douyin.forged_calls()
            + self.xiaohongshu.forged_calls()
            + self.kuaishou.forged_calls()
            + self.wechat_pay.forged_calls()
    }
}

/// Beijing's time as Taobao writes it.
fn beijing(at: Timestamp) -> String {
    at.plus_secs(8 * 3_600).to_utc().format("%Y-%m-%d %H:%M:%S").to_string()
}
