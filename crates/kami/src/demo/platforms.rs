//! The pretend platforms' side of our calls: each listens on a socket of this machine, checks our signature as
//! the real one would, acts on the truth, and now and then misbehaves. Nothing leaves the machine.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use channel::{OutboundRequest, OutboundResponse, TransportFailure};
use engine::Http;
use serde_json::{Value, json};
use testkit::pretend::{Answer, Bookkeeper, Call, Clock, Fault, Platform, Pretend};
use tokio::sync::{mpsc, oneshot};
use vocabulary::Currency;

use super::{
    books::Books,
    catalogue::{
        DOUYIN_HOST, EPAY_HOST, EPAY_KEY, EPAY_PID, ERP_HOST, JD_HOST, KUAISHOU_HOST, PINDUODUO_HOST, Place,
        SUPPLY_HOST, TAOBAO_HOST, WECHAT_PAY_HOST, XIAOHONGSHU_HOST, yuan,
    },
    truth::{SharedTruth, Truth},
    wire,
};
use crate::http_client::HttpClient;

/// How a platform acts on a call; none where it does not understand or believe it.
type Act = fn(&mut Truth, &Call) -> Option<Answer>;

/// The platforms, by the names of their hosts.
const PLATFORMS: [(&str, Act); 10] = [
    (EPAY_HOST, |truth, call| gateway(truth, call).map(|answer| Answer::ok(&answer))),
    (SUPPLY_HOST, |truth, call| goofish_callback(truth, call).map(|answer| Answer::ok(&answer))),
    (ERP_HOST, |truth, call| goofish_erp(truth, call).map(|answer| Answer::ok(&answer))),
    (JD_HOST, |truth, call| jd_callback(truth, call).map(|answer| Answer::ok(&answer))),
    (TAOBAO_HOST, |truth, call| by_the_books(truth, Place::Taobao, call, |books| &mut books.taobao)),
    (PINDUODUO_HOST, |truth, call| by_the_books(truth, Place::Pinduoduo, call, |books| &mut books.pinduoduo)),
    (DOUYIN_HOST, |truth, call| by_the_books(truth, Place::Douyin, call, |books| &mut books.douyin)),
    (XIAOHONGSHU_HOST, |truth, call| {
        by_the_books(truth, Place::Xiaohongshu, call, |books| &mut books.xiaohongshu)
    }),
    (KUAISHOU_HOST, |truth, call| by_the_books(truth, Place::Kuaishou, call, |books| &mut books.kuaishou)),
    (WECHAT_PAY_HOST, |truth, call| by_the_books(truth, Place::Wechat, call, |books| &mut books.wechat_pay)),
];

/// Which calls of a platform go wrong, and how: of this many, the one with this number.
const FAULTS: [(u32, u32, Fault); 4] = [
    (41, 7, Fault::HangUpAfter),
    (41, 17, Fault::ErrorBefore(502)),
    (41, 29, Fault::TooMany(30)),
    (41, 37, Fault::ErrorAfter(500)),
];

/// One platform behind its socket.
struct Pretended {
    host: &'static str,
    act: Act,
    truth: SharedTruth,
}

impl Platform for Pretended {
    fn answer(&mut self, call: &Call, _: bool) -> Answer {
        let mut truth = self.truth.lock();
        truth.calls += 1;
        if let Some(answer) = (self.act)(&mut truth, call) {
            return answer;
        }
        // What a call's query says may be a key of the gateway's.
        truth.faults.push(format!("{} did not understand or believe a call to {}", self.host, call.path));
        Answer { status: 400, body: "{}".to_owned() }
    }

    /// WeChat Pay alone signs what it answers.
    fn headers(&mut self, call: &Call, answer: &Answer, spoil: bool) -> Vec<(&'static str, String)> {
        match self.host {
            WECHAT_PAY_HOST => self.truth.lock().books.wechat_pay.headers(call, answer, spoil),
            _ => Vec::new(),
        }
    }
}

/// Calls that wait to be let through, one after another.
pub(crate) type Waiting = mpsc::UnboundedReceiver<oneshot::Sender<()>>;

/// The platforms' sockets, and the way to them: their names exist nowhere, so calls to them are sent to this machine.
pub(crate) struct Platforms {
    servers: BTreeMap<&'static str, (Pretend<Pretended>, AtomicU32)>,
    client: HttpClient,
    truth: SharedTruth,
    /// Where calls ask to be let through; none where they need not.
    gate: Option<mpsc::UnboundedSender<oneshot::Sender<()>>>,
}

impl Platforms {
    /// Platforms that a call only reaches when it is let through.
    pub(crate) async fn gated(truth: SharedTruth, clock: Clock) -> anyhow::Result<(Self, Waiting)> {
        let (ask, waiting) = mpsc::unbounded_channel();
        let platforms = Self::open(truth, clock).await?;
        Ok((Self { gate: Some(ask), ..platforms }, waiting))
    }
    /// Platforms that always answer.
    pub(crate) async fn open(truth: SharedTruth, clock: Clock) -> anyhow::Result<Self> {
        let mut servers = BTreeMap::new();
        for (host, act) in PLATFORMS {
            let platform = Pretended { host, act, truth: truth.clone() };
            servers.insert(host, (Pretend::start(platform, clock.clone()).await?, AtomicU32::new(0)));
        }
        Ok(Self { servers, client: HttpClient::to_this_machine()?, truth, gate: None })
    }
}

#[async_trait]
impl Http for Platforms {
    async fn send(
        &self,
        request: &OutboundRequest,
        timeout: Duration,
    ) -> Result<OutboundResponse, TransportFailure> {
        if let Some(gate) = &self.gate {
            let (let_through, passed) = oneshot::channel();
            // Who stands at the gate is gone only when the world ends.
            gate.send(let_through).map_err(|_| TransportFailure::NotSent)?;
            passed.await.map_err(|_| TransportFailure::NotSent)?;
        }
        let rest = request.url.strip_prefix("https://").unwrap_or_default();
        let (host, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let Some((server, calls)) = self.servers.get(host) else {
            self.truth.fault(format!("a call to {host} was made, which is no platform"));
            return Err(TransportFailure::NotSent);
        };
        let number = calls.fetch_add(1, Ordering::Relaxed);
        if let Some((_, _, fault)) = FAULTS.into_iter().find(|(of, nth, _)| number % of == *nth) {
            server.next(fault);
        }
        let here = OutboundRequest { url: format!("{}/{rest}", server.url()), ..request.clone() };
        self.client.send(&here, timeout).await
    }
}

/// A platform that keeps books of its own acts by them.
fn by_the_books<P: Bookkeeper>(
    truth: &mut Truth,
    place: Place,
    call: &Call,
    of: fn(&mut Books) -> &mut P,
) -> Option<Answer> {
    let books = of(&mut truth.books);
    let forged = books.forged_calls();
    let answer = books.answer(call, false);
    let believed = books.forged_calls() == forged;
    let news = books.news();
    truth.heard(place, news);
    believed.then_some(answer)
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

fn json_of(call: &Call) -> Option<Value> {
    serde_json::from_slice(&call.body).ok()
}

/// How an order stands, or pay it back.
fn gateway(truth: &mut Truth, call: &Call) -> Option<Value> {
    let refund = value(&call.query, "act") == "refund";
    let fields = if refund { call.form() } else { call.query.clone() };
    let known = value(&fields, "pid") == EPAY_PID && value(&fields, "key") == EPAY_KEY;
    if !known || call.path != "/api.php" {
        return None;
    }
    if refund {
        let money = vocabulary::Money::from_major_text(value(&fields, "money"), Currency::CNY).ok()?;
        let txn = value(&fields, "trade_no");
        let (number, bill) = truth.bills.iter_mut().find(|(_, bill)| bill.txn == txn)?;
        let number = number.clone();
        bill.refunded += money.minor;
        if bill.refunded > bill.paid {
            truth.faults.push(format!("the gateway was to pay back more than {number} cost"));
        }
        truth.sale(Place::Own, &number)?.refunded += money.minor;
        return Some(json!({ "code": 1, "msg": "ok" }));
    }
    let number = value(&fields, "out_trade_no");
    Some(match truth.bills.get(number) {
        Some(bill) => json!({ "code": 1, "pid": EPAY_PID, "trade_no": bill.txn, "out_trade_no": number,
            "money": yuan(bill.paid).to_major_text(), "status": if bill.refunded > 0 { 2 } else { 1 } }),
        None => json!({ "code": -1, "msg": "no such order" }),
    })
}

/// The result of an order that goofish bought.
fn goofish_callback(truth: &mut Truth, call: &Call) -> Option<Value> {
    let sign = wire::supply_sign(&call.body, value(&call.query, "timestamp"));
    let result = json_of(call).filter(|_| sign == value(&call.query, "sign"))?;
    let number = result["order_no"].as_str()?;
    for card in result["card_items"].as_array().into_iter().flatten() {
        truth.handed(Place::Xianyu, number, &supply_code(card)?);
    }
    Some(json!({ "code": 0, "msg": "OK" }))
}

/// The code of a card as goofish shows it: a pair has a number and a password, any other key is the password.
pub(crate) fn supply_code(card: &Value) -> Option<String> {
    let number = card["card_no"].as_str().filter(|text| !text.is_empty());
    number.or(card["card_pwd"].as_str()).map(str::to_owned)
}

/// An order read back, or a stock figure taken.
fn goofish_erp(truth: &mut Truth, call: &Call) -> Option<Value> {
    let sign = wire::erp_sign(&call.body, value(&call.query, "timestamp"));
    let asked = json_of(call).filter(|_| sign == value(&call.query, "sign"))?;
    if call.path == "/api/open/product/edit/stock" {
        truth.figures.insert(asked["product_id"].as_u64()?, asked["stock"].as_u64()?);
        return Some(json!({ "code": 0, "msg": "OK", "data": {} }));
    }
    let number = asked["order_no"].as_str()?.to_owned();
    let at: i64 = value(&call.query, "timestamp").parse().ok()?;
    let sale = truth.sale(Place::Xianyu, &number)?;
    let (order_status, refund_status, refunded) = sale.erp;
    let data = json!({ "order_no": number, "order_status": order_status, "order_type": 7,
        "refund_status": refund_status, "pay_amount": sale.total, "refund_amount": refunded,
        "refund_time": if refunded > 0 { at } else { 0 }, "update_time": at });
    Some(json!({ "code": 0, "msg": "OK", "data": data }))
}

/// The result of an order that JD could not be answered at once.
fn jd_callback(truth: &mut Truth, call: &Call) -> Option<Value> {
    let form = call.form();
    let (data, timestamp) = (value(&form, "data"), value(&form, "timestamp"));
    if call.path != "/api/cardApi.action" || wire::jd_sign(data, timestamp) != value(&form, "sign") {
        return None;
    }
    // GBK, but for Chinese words the same as UTF-8; and those words do not matter here.
    let bytes = STANDARD.decode(data).ok()?;
    let result: Value = serde_json::from_str(&String::from_utf8_lossy(&bytes)).ok()?;
    let number = result["orderId"].as_str()?;
    for card in result["cardinfos"].as_array().into_iter().flatten() {
        truth.handed(Place::Jd, number, &jd_code(number, card)?);
    }
    Some(json!({ "retCode": "100", "retMessage": "" }))
}

/// The code of a card as JD shows it: where its number is made of the order's, the password is the key.
pub(crate) fn jd_code(order: &str, card: &Value) -> Option<String> {
    let number = card["cardno"].as_str()?;
    let made_up = number.starts_with(&format!("{order}-"));
    if made_up { card["cardpass"].as_str().map(str::to_owned) } else { Some(number.to_owned()) }
}
