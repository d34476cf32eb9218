//! Taking keys out of Agiso's card warehouse (91卡券), by hand-pick.

use channel::{CallOutcome, OutboundRequest, Procure, ProcureJob, ProcureState, Procured, Response, Unable};
use serde_json::Value;
use vocabulary::{CardKey, Secret, Timestamp};

use crate::{answer, inbound::is_number, settings::Settings};

impl Procure for Settings {
    /// Nothing is charged: the cards are the merchant's own.
    fn quote(&self, _: &ProcureJob, _: u32, _: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        None
    }

    /// The item is the warehouse's kind of cards (`cpkId`).
    fn request(&self, job: &ProcureJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_number(&job.item) {
            return Err(Unable("item_is_no_cpk_id"));
        }
        let num = job.quantity.to_string();
        let fields = [
            ("cpkId", job.item.as_str()),
            ("num", num.as_str()),
            ("handPickOrderId", job.our_no.as_str()),
            // The cards themselves, and no link to them.
            ("buildCpd", "false"),
        ];
        Ok(self.call("/acpr/CardPwd/HandPick", &fields, now))
    }

    fn interpret(&self, job: &ProcureJob, response: Response<'_>) -> CallOutcome<Procured> {
        let answer = match answer::read(response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        // The warehouse let them go: whatever came is kept, and nothing is no answer.
        match answer.get("data").and_then(cards).filter(|cards| !cards.is_empty()) {
            Some(cards) => CallOutcome::Done(Procured {
                our_no: job.our_no.clone(),
                reference: None,
                state: ProcureState::Keys(cards),
            }),
            None => CallOutcome::Unknown { code: "no_cards".into() },
        }
    }

    /// Not documented, and no question can be asked: a person looks.
    fn repeat_is_safe(&self) -> bool {
        false
    }
}

/// `CardPwdArr[]{c,p,d}`: number, password, end. A card without a password has only its number.
fn cards(data: &Value) -> Option<Vec<CardKey>> {
    let list = data.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case("cardpwdarr"))?.1;
    list.as_array()?.iter().map(card).collect()
}

fn card(card: &Value) -> Option<CardKey> {
    let text = |name: &str| {
        let text = card.get(name).and_then(Value::as_str).unwrap_or_default().trim();
        (!text.is_empty()).then(|| Secret::new(text.to_owned()))
    };
    let (code, pin) = match (text("c"), text("p")) {
        (Some(code), pin) => (code, pin),
        (None, Some(password)) => (password, None),
        (None, None) => return None,
    };
    // Its form is not documented; the day alone is read, where it is one.
    let day = card.get("d").and_then(Value::as_str).and_then(|text| text.get(..10));
    let expires_on = day.and_then(|day| day.parse::<chrono::NaiveDate>().ok());
    Some(CardKey { code, pin, expires_on })
}
