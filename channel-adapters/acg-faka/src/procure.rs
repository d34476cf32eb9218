//! Buying from a shop. A repeated number is refused and nothing can be asked by it: an answer that is lost is lost,
//! and a person must look.

use channel::{
    CallOutcome, OutboundRequest, Procure, ProcureJob, ProcureState, Procured, Response, TransportFailure,
    Unable,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;
use vocabulary::{CardKey, Currency, Money, Secret, Timestamp};

use crate::{cards, inbound::is_code, settings::Buy, verify};

#[derive(Deserialize)]
struct Envelope {
    code: i64,
    msg: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    secret: Option<String>,
    #[serde(rename = "tradeNo")]
    trade_no: Option<String>,
    /// Yuan, of all that was asked about; a number or a text.
    price: Option<Box<RawValue>>,
}

impl Buy {
    fn call(&self, path: &str, fields: &[(&str, &str)]) -> OutboundRequest {
        let own = [
            ("app_id", self.credentials.app_id.as_str()),
            ("app_key", self.credentials.app_key.expose().as_str()),
        ];
        let all = || own.iter().chain(fields).copied();
        let sign = verify::signature(&self.credentials, all());
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut form: Vec<String> = all().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        form.push(format!("sign={sign}"));
        OutboundRequest {
            method: "POST",
            url: format!("{}/shared/commodity/{path}", self.base_url),
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            body: form.join("&").into_bytes(),
        }
    }

    /// The cards of an answer. No card may be lost, so text that cannot be told apart is kept in one piece where one
    /// card was bought, and line by line where several were.
    fn cards(&self, secret: &str, quantity: u32) -> Vec<CardKey> {
        let cards = cards::read(secret, self.pin_separator.as_deref());
        if quantity == 1 && cards.len() > 1 {
            let code = Secret::new(secret.trim().to_owned());
            return vec![CardKey { code, pin: None, expires_on: None }];
        }
        cards
    }

    /// A purchase that the shop says is made.
    fn purchase(&self, job: &ProcureJob, data: Option<Data>) -> CallOutcome<Procured> {
        let Some(data) = data else { return unknown("no_data") };
        let keys = self.cards(data.secret.as_deref().unwrap_or_default(), job.quantity);
        // Bought, and delivered by hand later.
        let state = if keys.is_empty() { ProcureState::Accepted } else { ProcureState::Keys(keys) };
        let reference = data.trade_no.filter(|number| is_trade_no(number));
        CallOutcome::Done(Procured { our_no: job.our_no.clone(), reference, state })
    }
}

impl Procure for Buy {
    /// What the shop would charge us for all of them.
    fn quote(&self, job: &ProcureJob, _: u32, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let asked = item(job).map(|(code, race)| {
            let num = job.quantity.to_string();
            self.call("valuation", &[("code", code), ("num", &num), ("race", race), ("card_id", "0")])
        });
        Some(asked)
    }

    fn interpret_quote(&self, _: &ProcureJob, _: u32, response: Response<'_>) -> CallOutcome<Option<Money>> {
        match read(response) {
            Ok(Envelope { code: 200, data: Some(Data { price: Some(price), .. }), .. }) => {
                match Money::from_major_text(price.get().trim_matches('"'), Currency::CNY) {
                    Ok(price) => CallOutcome::Done(Some(price)),
                    Err(_) => CallOutcome::Refused { code: "unreadable_price".to_owned() },
                }
            }
            Ok(Envelope { code: 200, .. }) => CallOutcome::Refused { code: "no_price".to_owned() },
            Ok(Envelope { code, .. }) => CallOutcome::Refused { code: format!("code_{code}") },
            Err(outcome) => outcome,
        }
    }

    fn request(&self, job: &ProcureJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let (code, race) = item(job)?;
        let num = job.quantity.to_string();
        let fields = [
            ("shared_code", code),
            ("contact", self.contact.as_str()),
            ("num", num.as_str()),
            ("card_id", "0"),
            ("device", "0"),
            ("password", ""),
            ("race", race),
            ("request_no", job.our_no.as_str()),
        ];
        Ok(self.call("trade", &fields))
    }

    fn interpret(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        let envelope = match read(response) {
            Ok(envelope) => envelope,
            Err(outcome) => return outcome,
        };
        match envelope.code {
            200 => self.purchase(job, envelope.data),
            // The number was used: the first purchase was made, and its cards are with whoever got that answer.
            _ if says_number_was_used(envelope.msg.as_deref()) => unknown("request_no_exists"),
            code => CallOutcome::Refused { code: format!("code_{code}") },
        }
    }

    /// "The request ID already exists" is all that a repeat gets.
    fn repeat_is_safe(&self) -> bool {
        false
    }

    /// A purchase without cards is asked about by the shop's number; one without that number cannot be.
    fn ask(
        &self,
        _: &ProcureJob,
        reference: Option<&str>,
        _: Timestamp,
    ) -> Option<Result<OutboundRequest, Unable>> {
        let number = reference?;
        if !is_trade_no(number) {
            return Some(Err(Unable("reference_is_no_trade_no")));
        }
        Some(Ok(self.call("query", &[("tradeNo", number)])))
    }

    fn interpret_ask(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        let envelope = match read(response) {
            Ok(envelope) => envelope,
            Err(outcome) => return outcome,
        };
        match envelope.code {
            200 => self.purchase(job, envelope.data),
            // The question failed; that says nothing of the purchase.
            code => unknown(&format!("code_{code}")),
        }
    }
}

/// The item is the shop's code, and its kind (race) behind a slash where it has one.
fn item(job: &ProcureJob) -> Result<(&str, &str), Unable> {
    let (code, race) = job.item.split_once('/').unwrap_or((&job.item, ""));
    if !is_code(code) || race.contains('&') || race.chars().any(char::is_control) {
        return Err(Unable("item_is_no_code"));
    }
    Ok((code, race))
}

/// The envelope, or what is known without one. Only what certainly never reached the shop's program is no purchase.
fn read<T>(response: Response<'_>) -> Result<Envelope, CallOutcome<T>> {
    let response = match response {
        Ok(response) => response,
        Err(TransportFailure::NotSent) => {
            return Err(CallOutcome::RetryAfter { secs: 0, code: "not_sent".into() });
        }
        Err(TransportFailure::NoAnswer) => return Err(unknown("no_answer")),
    };
    let code = format!("http_{}", response.status);
    match response.status {
        200 => serde_json::from_slice(&response.body).map_err(|_| unknown("unreadable_answer")),
        429 => Err(CallOutcome::RetryAfter { secs: response.retry_after.unwrap_or(0), code }),
        // Turned away by a firewall or a server that has no such address.
        301 | 302 | 307 | 308 | 401 | 403 | 404 | 405 | 413 => Err(CallOutcome::Refused { code }),
        _ => Err(unknown(&code)),
    }
}

fn unknown<T>(code: &str) -> CallOutcome<T> {
    CallOutcome::Unknown { code: code.to_owned() }
}

/// In the source's words, and in those of its translations that were seen.
fn says_number_was_used(message: Option<&str>) -> bool {
    let message = message.unwrap_or_default().to_lowercase();
    (message.contains("request id") || message.contains("request_no") || message.contains("请求"))
        && (message.contains("exist") || message.contains("存在"))
}

fn is_trade_no(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
