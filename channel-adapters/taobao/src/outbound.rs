//! Calls: read a trade and its refund, publish stock.

use channel::{CallOutcome, Inbound, OutboundRequest, PushStock, ReadBack, Response, StockJob, Unable};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Timestamp;

use crate::{
    api::{Parts, either, refused},
    refund::detail,
    settings::Settings,
    trade::{FIELDS, Trade},
    wire::is_id,
};

/// The most the platform is told to be in stock.
const STOCK_MAX: u64 = 1_000_000;

#[derive(Deserialize)]
struct TradeAnswer {
    trade: Trade,
}

/// A trade, out of an answer.
pub(crate) fn trade_of<T>(parts: &Parts, tid: &str) -> Result<Trade, CallOutcome<T>> {
    let TradeAnswer { trade } = parts.part("trade_fullinfo_get_response")?;
    // An answer about another trade must not move this one.
    if trade.tid.0 != tid { Err(refused("foreign_trade")) } else { Ok(trade) }
}

impl Settings {
    pub(crate) fn trade_request(&self, tid: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_id(tid) {
            return Err(Unable("bad_tid"));
        }
        let params = vec![("fields", FIELDS.to_owned()), ("tid", tid.to_owned())];
        Ok(self.call("taobao.trade.fullinfo.get", params, now))
    }
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.trade_request(external_no, now)
    }

    /// The state is the refund's number.
    fn next(&self, _: &str, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.refund_request(state, now)
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        either(Parts::of(response).and_then(|parts| {
            if parts.has("refund_get_response") {
                let message = detail(&parts, external_no)?.message();
                return Ok(
                    message.map_or_else(|| refused("unreadable_refund"), |one| CallOutcome::Done(vec![one]))
                );
            }
            let trade = trade_of(&parts, external_no)?;
            // A trade whose buyer asks for the money back is left until that is settled: keys handed out now are
            // lost. Should the request be turned down, the next reading takes the trade.
            Ok(match trade.refund_id() {
                Some(refund) => CallOutcome::Next { state: refund.to_owned() },
                None => CallOutcome::Done(trade.messages(self)),
            })
        }))
    }
}

#[derive(Deserialize)]
struct StockAnswer {
    #[serde(rename = "item")]
    _item: IgnoredAny,
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let (item, sku) = match job.item.split_once('/') {
            Some((item, sku)) => (item, Some(sku)),
            None => (job.item.as_str(), None),
        };
        if !is_id(item) || !sku.is_none_or(is_id) {
            return Err(Unable("item_is_no_number"));
        }
        let mut params = vec![
            ("num_iid", item.to_owned()),
            ("quantity", job.available.min(STOCK_MAX).to_string()),
            // 1: the figure replaces the one before it.
            ("type", "1".to_owned()),
        ];
        params.extend(sku.map(|sku| ("sku_id", sku.to_owned())));
        Ok(self.call("taobao.item.quantity.update", params, now))
    }

    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        either(Parts::of(response).and_then(|parts| {
            let _answer: StockAnswer = parts.part("item_quantity_update_response")?;
            Ok(CallOutcome::Done(()))
        }))
    }
}
