//! Orders that were sold, or given back, elsewhere, taken over as history.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use domain::order::{Past, PastKind};
use engine::{OperatorAnswer, OperatorCommand, PAST_ORDERS_MAX, PastOrder};
use events::order::PastLine;
use serde::{Deserialize, Serialize};
use vault::SubjectPut;
use vocabulary::{Account, Currency, Money, Position, Reason, Secret, Timestamp};

use crate::{
    api::{Api, Shared},
    call::Call,
    extract::{parse, read},
    problem::Problem,
};

/// The largest page, in bytes.
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Orders to take over: at most 5000, all or none.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    orders: Vec<Written>,
}

/// An order as its books have it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// `sale`, or `refund` for what came back.
    kind: Kind,
    /// The account it is booked under, `channel/shop`. It need not be connected.
    #[schema(value_type = String, example = "retail/france")]
    account: Account,
    /// Its number there, unique among the account's orders.
    number: String,
    /// When it was booked.
    #[schema(value_type = String)]
    occurred_at: Timestamp,
    /// The currency of its amounts.
    #[schema(value_type = String, example = "GBM")]
    currency: Currency,
    /// What the books call the buyer: becomes a pseudonym, kept sealed.
    #[schema(value_type = Option<String>)]
    buyer_ref: Option<Secret<String>>,
    /// The account within whose buyers that is unique; the order's where not given.
    #[schema(value_type = Option<String>)]
    buyers_of: Option<Account>,
    /// Its lines: 1 to 5000.
    lines: Vec<WrittenLine>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Sale,
    Refund,
}

/// A line as the books have it. A correction, or what came back, has a negative quantity or amount.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct WrittenLine {
    /// What the item is called there.
    item: String,
    /// How many units.
    quantity: i64,
    /// What the line cost, in minor units.
    amount_minor: i64,
}

/// What came of the page.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TakenOver {
    /// The first event; none where every order had been taken over.
    #[schema(value_type = Option<u64>)]
    pub(crate) first_pos: Option<Position>,
    /// The last event, for `min_pos`.
    #[schema(value_type = Option<u64>)]
    pub(crate) last_pos: Option<Position>,
    /// Orders that are new.
    pub(crate) recorded: u64,
    /// Orders that had been taken over before.
    pub(crate) known: u64,
    /// Buyers who are new.
    pub(crate) buyers: u64,
}

/// Takes a page of past orders over, in one step: all of them, or none. An order whose number was taken over with the
/// same content adds nothing, so a page, or a file of pages, can be sent again. They are history: no stock moves, no
/// payment is expected, and they accept nothing but notes. A body has at most 16 MiB.
#[utoipa::path(post, path = "/v1/history/orders", tag = "orders", request_body = Page,
    responses((status = 200, body = TakenOver)))]
pub(crate) async fn take_over(State(api): State<Shared>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut call = match Call::without_body(&mut parts, &api).await {
        Ok(call) => call,
        Err(refused) => return refused,
    };
    let page = async {
        let bytes = read(body, PAGE_BYTES).await?;
        call.keep_digest(&ring::digest::digest(&ring::digest::SHA256, &bytes));
        parse::<Page>(&parts.headers, &bytes)
    };
    match page.await {
        Ok(page) => taken_over(&api, call, page).await.unwrap_or_else(IntoResponse::into_response),
        Err(problem) => problem.into_response(),
    }
}

async fn taken_over(api: &Api, call: Call, page: Page) -> Result<Response, Problem> {
    if page.orders.len() > PAST_ORDERS_MAX {
        let detail = format!("a page has at most {PAST_ORDERS_MAX} orders");
        return Err(Problem::rejected(Reason::InvalidValue, detail));
    }
    let mut people = Vec::new();
    let mut orders = Vec::with_capacity(page.orders.len());
    for written in page.orders {
        let (order, person) = written.read(api)?;
        orders.push(order);
        people.extend(person);
    }
    call.take_over(api, OperatorCommand::TakeOver(orders), people).await
}

impl Written {
    fn read(self, api: &Api) -> Result<(PastOrder, Option<SubjectPut>), Problem> {
        let Self { kind, account, number, occurred_at, currency, buyer_ref, buyers_of, lines } = self;
        let person = match buyer_ref {
            Some(reference) => Some(person(api, &account, buyers_of.as_ref(), reference)?),
            None => None,
        };
        let line = |line: WrittenLine| PastLine {
            item: line.item,
            quantity: line.quantity,
            amount: Money::new(line.amount_minor, currency),
        };
        let past = Past {
            kind: match kind {
                Kind::Sale => PastKind::Sale,
                Kind::Refund => PastKind::Refund,
            },
            account,
            external_no: number,
            lines: lines.into_iter().map(line).collect(),
            buyer: person.as_ref().map(|person| person.buyer.clone()),
        };
        Ok((PastOrder { past, occurred_at }, person))
    }
}

fn person(
    api: &Api,
    account: &Account,
    buyers_of: Option<&Account>,
    reference: Secret<String>,
) -> Result<SubjectPut, Problem> {
    let text = reference.expose();
    if !(1..=128).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        let detail = "buyer_ref has 1 to 128 characters, none of them a control character";
        return Err(Problem::rejected(Reason::InvalidValue, detail));
    }
    let buyer = api.engine.keys().pseudonym(buyers_of.unwrap_or(account).as_str(), text);
    Ok(SubjectPut { buyer, account: account.clone(), reference, details: None })
}

impl From<&OperatorAnswer> for TakenOver {
    fn from(answer: &OperatorAnswer) -> Self {
        let (first_pos, last_pos) = answer.positions.unzip();
        let engine::TakenOver { recorded, known, buyers } = answer.taken_over;
        Self { first_pos, last_pos, recorded, known, buyers }
    }
}
