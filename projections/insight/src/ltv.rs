//! What persons will still be worth.

use std::collections::{BTreeMap, BTreeSet};

use events::policy::ModelFitted;
use models::ltv::{BgNbd, GammaGamma, History, Spending};
use projection::{ApplyError, Rows, Value};
use sqlx::SqliteConnection;
use vocabulary::{Account, BuyerId, Currency, MerchantId, Position};

use crate::{
    history::{Purchase, business_day, purchases},
    identity::{Identities, identities},
    marts,
};

/// The model's name in `ModelFitted`.
pub const LTV: &str = "ltv";

const WEEK_DAYS: f64 = 7.0;
const AHEAD_DAYS: f64 = 90.0;

/// A person's purchases, as the model sees them: days with purchases in the currency of their first one.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The person.
    pub id: BuyerId,
    /// Where they first bought.
    pub first_account: Account,
    /// The business month of that, `yyyy-mm`.
    pub cohort_month: String,
    /// The currency.
    pub currency: Currency,
    /// In weeks. `repeats` are days with purchases after the first.
    pub history: History,
    /// The margin of a day with purchases, in minor units, the first one included. Not above 0 where they earned us
    /// nothing.
    pub spending: Spending,
}

/// Persons by id, from their purchases up to the business day of `until_secs`.
pub fn persons(purchases: &[Purchase], until_secs: i64) -> Vec<Person> {
    let until = business_day(until_secs).0;
    let mut by_person: BTreeMap<&BuyerId, Vec<&Purchase>> = BTreeMap::new();
    for purchase in purchases.iter().filter(|it| business_day(it.paid_secs).0 <= until) {
        if let Some(person) = &purchase.person {
            by_person.entry(person).or_default().push(purchase);
        }
    }
    let person = |(id, mut bought): (&BuyerId, Vec<&Purchase>)| {
        bought.sort_by_key(|it| (it.paid_secs, it.order));
        let first = *bought.first()?;
        bought.retain(|it| it.currency == first.currency);
        let days: BTreeSet<i64> = bought.iter().map(|it| business_day(it.paid_secs).0).collect();
        let (begin, last) = (*days.first()?, *days.last()?);
        let count = u32::try_from(days.len()).unwrap_or(u32::MAX);
        let margin: i64 = bought.iter().map(|it| it.margin_minor).sum();
        let weeks = |to: i64| (to - begin) as f64 / WEEK_DAYS;
        Some(Person {
            id: id.clone(),
            first_account: first.account.clone(),
            cohort_month: business_day(first.paid_secs).1,
            currency: first.currency,
            history: History { repeats: count - 1, last: weeks(last), seen: weeks(until) },
            spending: Spending { purchases: count, mean: margin as f64 / f64::from(count) },
        })
    };
    by_person.into_iter().filter_map(person).collect()
}

/// The parameters of a fit: `r`, `alpha`, `a`, `b` in weeks; `p`, `q`, `v` in minor units, where spending could be
/// fitted; and `until_s`, the end of what was seen, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LtvParams {
    /// How often.
    pub often: BgNbd,
    /// How much; without it, what a person earned us on average goes on.
    pub much: Option<GammaGamma>,
    /// The end of what was seen, in seconds since 1970.
    pub until_secs: i64,
}

impl LtvParams {
    /// As they stand in `ModelFitted`.
    pub fn to_params(&self) -> BTreeMap<String, f64> {
        let BgNbd { r, alpha, a, b } = self.often;
        let mut params =
            vec![("r", r), ("alpha", alpha), ("a", a), ("b", b), ("until_s", self.until_secs as f64)];
        if let Some(GammaGamma { p, q, v }) = self.much {
            params.extend([("p", p), ("q", q), ("v", v)]);
        }
        params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// From what stands in `ModelFitted`; the error names what is missing or not above 0.
    pub fn from_params(params: &BTreeMap<String, f64>) -> Result<Self, String> {
        let get = |name: &str| match params.get(name) {
            Some(value) if value.is_finite() && *value > 0.0 => Ok(*value),
            _ => Err(format!("the parameter {name} is missing or not above 0")),
        };
        let often = BgNbd { r: get("r")?, alpha: get("alpha")?, a: get("a")?, b: get("b")? };
        let much = match params.contains_key("p") {
            true => Some(GammaGamma { p: get("p")?, q: get("q")?, v: get("v")? }),
            false => None,
        };
        Ok(Self { often, much, until_secs: get("until_s")? as i64 })
    }

    /// What a purchase of the person is expected to earn, in minor units. Who earned us nothing is not drawn towards
    /// the others.
    fn value(&self, person: &Person) -> f64 {
        match self.much {
            Some(much) if person.spending.mean > 0.0 => much.expected(&person.spending),
            _ => person.spending.mean,
        }
    }
}

/// Computes the rows of `mart_ltv` anew.
pub(crate) async fn refresh(
    merchant: &MerchantId,
    fitted: &ModelFitted,
    position: Position,
    conn: &mut SqliteConnection,
) -> Result<(), ApplyError> {
    let params = LtvParams::from_params(&fitted.params).map_err(|why| ApplyError::event(position, why))?;
    let known = identities(&mut *conn, merchant, fitted.fit_pos).await?;
    let bought = purchases(&mut *conn, merchant, fitted.fit_pos, &known).await?;
    for table in
        ["DELETE FROM mart_ltv WHERE merchant = ?", "DELETE FROM dim_insight_person WHERE merchant = ?"]
    {
        sqlx::query(table).bind(merchant.as_str()).execute(&mut *conn).await?;
    }
    keep_persons(merchant, &known, fitted.fit_pos, position, conn).await?;
    let mut rows = Rows::new(&marts::LTV, merchant);
    for person in persons(&bought, params.until_secs) {
        let expected = params.often.expected(&person.history, AHEAD_DAYS / WEEK_DAYS);
        let margin = (expected * params.value(&person)).round();
        let values = [
            Value::text(&person.id),
            person.first_account.as_str().into(),
            person.cohort_month.into(),
            Value::text(person.currency),
            person.history.repeats.into(),
            person.history.last.into(),
            person.history.seen.into(),
            params.often.p_alive(&person.history).into(),
            expected.into(),
            // Saturates, as all casts to whole numbers do.
            (margin as i64).into(),
            fitted.version.into(),
            fitted.fit_pos.into(),
        ];
        rows.push(position, values);
    }
    rows.write(conn).await
}

/// Keeps who was whom, so that a row leads back to the orders of all of a person's buyers.
async fn keep_persons(
    merchant: &MerchantId,
    known: &Identities,
    fit_pos: Position,
    position: Position,
    conn: &mut SqliteConnection,
) -> Result<(), ApplyError> {
    let mut rows = Rows::new(&marts::PERSON, merchant);
    for (buyer, person) in known.joined() {
        rows.push(position, [buyer.as_str().into(), person.as_str().into(), fit_pos.into()]);
    }
    rows.write(conn).await
}
