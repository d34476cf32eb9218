//! Calls to goofish: read an order, publish stock.

use channel::{CallOutcome, Inbound, OutboundRequest, PushStock, ReadBack, Response, StockJob, Unable};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::Timestamp;

use crate::{
    detail::Detail,
    inbound::is_order_no,
    settings::Settings,
    status::{CallStatus, call_status},
    verify,
};

/// The most the platform shows in stock.
const STOCK_MAX: u64 = 9_999;

fn post<T: Serialize>(
    settings: &Settings,
    path: &str,
    body: &T,
    now: Timestamp,
) -> Result<OutboundRequest, Unable> {
    let body = serde_json::to_vec(body).map_err(|_| Unable("unwritable_body"))?;
    Ok(signed_post(settings, path, body, now))
}

pub(crate) fn signed_post(settings: &Settings, path: &str, body: Vec<u8>, now: Timestamp) -> OutboundRequest {
    let timestamp = now.secs().to_string();
    let sign = verify::signature(settings, &body, &timestamp);
    let seller = settings.seller_id.map(|id| format!("&seller_id={id}")).unwrap_or_default();
    OutboundRequest {
        method: "POST",
        url: format!(
            "{}{path}?appid={}&timestamp={timestamp}{seller}&sign={sign}",
            settings.base_url, settings.app_key
        ),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body,
    }
}

#[derive(Deserialize)]
struct Coded {
    code: Option<i64>,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    data: T,
}

fn unreadable<T>() -> CallOutcome<T> {
    CallOutcome::Unknown { code: "unreadable_answer".into() }
}

/// The body of a response that says yes, or how the call ended instead.
fn accepted<'a, T>(response: Response<'a>) -> Result<&'a [u8], CallOutcome<T>> {
    if let Some(outcome) = CallOutcome::from_transport(response) {
        return Err(outcome);
    }
    let Ok(response) = response else { return Err(CallOutcome::Unknown { code: "no_answer".into() }) };
    if response.status != 200 {
        return Err(CallOutcome::Refused { code: format!("http_{}", response.status) });
    }
    let Ok(coded) = serde_json::from_slice::<Coded>(&response.body) else { return Err(unreadable()) };
    // One published sample shows the detail without an envelope; then there is no code to say no with.
    let code = coded.code.unwrap_or(0);
    match call_status(code) {
        CallStatus::Ok => Ok(&response.body),
        CallStatus::Busy => Err(CallOutcome::RetryAfter { secs: 0, code: code.to_string() }),
        CallStatus::Refused => Err(CallOutcome::Refused { code: code.to_string() }),
    }
}

fn enveloped_or_bare<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let enveloped = serde_json::from_slice::<Enveloped<T>>(body).map(|e| e.data);
    enveloped.or_else(|_| serde_json::from_slice(body)).ok()
}

#[derive(Serialize)]
struct OrderNo<'a> {
    order_no: &'a str,
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_order_no(external_no) {
            return Err(Unable("bad_order_no"));
        }
        post(self, "/api/open/order/detail", &OrderNo { order_no: external_no }, now)
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let body = match accepted(response) {
            Ok(body) => body,
            Err(outcome) => return outcome,
        };
        match enveloped_or_bare::<Detail>(body) {
            // An answer about another order must not move this one.
            Some(detail) if detail.order_no != external_no => {
                CallOutcome::Refused { code: "foreign_order".into() }
            }
            Some(detail) => CallOutcome::Done(detail.messages(self.deliver_orders)),
            None => CallOutcome::Refused { code: "unreadable_detail".into() },
        }
    }
}

#[derive(Serialize)]
struct Stock {
    product_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sku_items: Vec<SkuStock>,
}

#[derive(Serialize)]
struct SkuStock {
    sku_id: u64,
    stock: u64,
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|n: &u64| plain && *n > 0).ok_or(Unable("item_is_no_goofish_product"))
        };
        let stock = job.available.min(STOCK_MAX);
        let body = match job.item.split_once('/') {
            None => Stock { product_id: number(&job.item)?, stock: Some(stock), sku_items: Vec::new() },
            Some((product, sku)) => Stock {
                product_id: number(product)?,
                stock: None,
                sku_items: vec![SkuStock { sku_id: number(sku)?, stock }],
            },
        };
        post(self, "/api/open/product/edit/stock", &body, now)
    }

    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        match accepted(response) {
            // A stock call is always answered in an envelope; a body without one is not goofish speaking.
            Ok(body) if serde_json::from_slice::<Coded>(body).is_ok_and(|c| c.code.is_some()) => {
                CallOutcome::Done(())
            }
            Ok(_) => unreadable(),
            Err(outcome) => outcome,
        }
    }
}
