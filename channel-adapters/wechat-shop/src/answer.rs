//! What WeChat is told in reply to a push.

use channel::{Ask, Inbound, OrderState, Outcome, RawRequest, Refusal, Reply, Step};

use crate::{
    envelope::Sealer,
    settings::{App, Product},
    verify::{Params, echo},
};

/// The one event whose reply is sealed.
const SEALED: &str = "xpay_subscribe_ios_refund_query_notify";
const YES: &str = r#"{"ErrCode":0,"ErrMsg":"success"}"#;
/// Anything but 0 makes WeChat come again.
const LATER: &str = r#"{"ErrCode":1,"ErrMsg":"later"}"#;

pub(crate) fn answer(app: &App, request: &RawRequest, inbound: &Inbound, outcome: &Outcome) -> Reply {
    if request.method == "GET" {
        return Reply::text(200, &echo(request).unwrap_or_default());
    }
    match app.product {
        // A shop's push is stored; a repeat mends nothing.
        Product::Shop => Reply::text(200, "success"),
        Product::Xpay(_) => {
            let said = if is_done(outcome) { YES } else { LATER };
            let sealed = matches!(&inbound.ask, Ask::Unmapped { kind } if kind == SEALED);
            let body = if sealed { seal(app, request, said) } else { Some(said.to_owned()) };
            body.map_or_else(|| Reply::text(500, ""), |body| Reply::json(200, body))
        }
    }
}

/// A yes to a delivery means that the goods are there for the buyer, so an order that waits for keys is no yet; WeChat
/// is told by a call when they are there.
fn is_done(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Order(view) => !matches!(view.state, OrderState::AwaitingPayment | OrderState::Processing),
        Outcome::Rejected(_) => false,
        Outcome::Accepted { .. } | Outcome::Parked | Outcome::Offers(_) => true,
    }
}

fn seal(app: &App, request: &RawRequest, message: &str) -> Option<String> {
    let params = Params::read(request, "msg_signature").ok()?;
    let sealer = Sealer { token: &app.push_token, key: app.aes_key.expose(), appid: &app.appid };
    let sealed = sealer.seal(message, params.timestamp.parse().ok()?, &params.nonce)?;
    serde_json::to_string(&sealed).ok()
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let status = match refusal.step {
        Step::Signature | Step::Time => 401,
        Step::Size => 413,
        Step::Format | Step::Meaning => 400,
    };
    Reply::text(status, "refused")
}
