//! Card coupons, handed over with `coupons.syncV2`.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use serde::Serialize;
use vocabulary::{CardKey, Timestamp};

use crate::{
    call::{accepted, post},
    settings::{GrantTime, Settings},
    wire::{Id, beijing},
};

/// "Not used yet".
const UNUSED: u8 = 2;

#[derive(Serialize)]
struct Coupons<'a> {
    order_id: &'a str,
    cert_list: Vec<Coupon<'a>>,
}

#[derive(Serialize)]
struct Coupon<'a> {
    out_cert_id: String,
    cert_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cert_key: Option<&'a str>,
    grant_time: &'a str,
    status: u8,
}

impl<'a> Coupon<'a> {
    fn of(key: &'a CardKey, out_cert_id: String, grant_time: &'a str) -> Self {
        let cert_key = key.pin.as_ref().map(|pin| pin.expose().as_str());
        Self { out_cert_id, cert_no: key.code.expose(), cert_key, grant_time, status: UNUSED }
    }
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let number = Id::read(&job.external_no).ok_or(Unable("bad_order_no"))?.0;
        // The time of a repeat must be that of the first, or Douyin takes it for other data.
        let grant_time = match self.grant_time {
            GrantTime::UnixSeconds => job.fulfilled_at.secs().to_string(),
            GrantTime::Beijing => beijing(job.fulfilled_at),
        };
        let keys = job.lines.iter().flat_map(|line| &line.keys);
        let cert_list: Vec<Coupon<'_>> = keys
            .enumerate()
            .map(|(at, key)| Coupon::of(key, format!("{}-{at}", job.idempotency_key), &grant_time))
            .collect();
        if cert_list.is_empty() {
            return Err(Unable("no_keys"));
        }
        post(self, "/coupons/syncV2", &Coupons { order_id: &number, cert_list }, now)
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        match accepted(response) {
            Ok(_) => CallOutcome::Done(()),
            Err(outcome) => outcome,
        }
    }

    /// A request that was acted on is answered with `000008`, which counts as done.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
