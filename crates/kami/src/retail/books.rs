//! Rows into invoices.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Europe::London;
use serde::Serialize;

use super::{RetailError, table::Table};

/// Prices are counted in thousandths.
const THOUSANDTHS: f64 = 1_000.0;
/// How far a number may be from a whole one for being it: no price comes near.
const NEARLY: f64 = 1e-4;
/// What is too large for a price or a quantity.
const LARGE: f64 = 1e12;

/// The invoices of a file, in the order in which it names them first.
pub(crate) struct Books {
    pub(crate) invoices: Vec<Invoice>,
}

/// An invoice as it is taken over.
#[derive(Debug, Serialize)]
pub(crate) struct Invoice {
    pub(crate) kind: Kind,
    /// `retail/<country>`.
    pub(crate) account: Arc<str>,
    pub(crate) number: Arc<str>,
    /// When it was written, in UTC.
    pub(crate) occurred_at: String,
    /// Pounds in thousandths.
    pub(crate) currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) buyer_ref: Option<String>,
    /// A customer is the same in every country.
    pub(crate) buyers_of: &'static str,
    pub(crate) lines: Vec<Line>,
    #[serde(skip)]
    written_at: NaiveDateTime,
}

/// Which way the money went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Sale,
    Refund,
}

/// A line of an invoice.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) item: Arc<str>,
    pub(crate) quantity: i64,
    pub(crate) amount_minor: i64,
}

impl Books {
    pub(super) fn of(table: &Table) -> Result<Self, RetailError> {
        let mut invoices: Vec<Invoice> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        let mut shops = Shops::default();
        for row in 0..table.invoice.len() {
            let (invoice, line) = read(table, row, &mut shops)?;
            match places.get(&invoice.number) {
                None => {
                    places.insert(invoice.number.clone(), invoices.len());
                    invoices.push(Invoice { lines: vec![line], ..invoice });
                }
                Some(place) => invoices[*place].add(invoice, line, row)?,
            }
        }
        if invoices.is_empty() {
            return Err(RetailError::Empty);
        }
        for invoice in &mut invoices {
            invoice.occurred_at = utc(invoice.written_at).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        }
        Ok(Self { invoices })
    }
}

impl Invoice {
    /// Another row of the same invoice. Its time is that of its earliest line.
    fn add(&mut self, again: Self, line: Line, row: usize) -> Result<(), RetailError> {
        if (&self.account, &self.buyer_ref) != (&again.account, &again.buyer_ref) {
            let what = format!("invoice {} names another country or customer than before", self.number);
            return Err(RetailError::row(row, what));
        }
        self.written_at = self.written_at.min(again.written_at);
        self.lines.push(line);
        Ok(())
    }
}

/// The invoice of a row, without lines, and the row's line.
fn read(table: &Table, row: usize, shops: &mut Shops) -> Result<(Invoice, Line), RetailError> {
    let number = text(&table.invoice, row, "InvoiceNo")?;
    let item = text(&table.item, row, "StockCode")?;
    let quantity = whole(present(&table.quantity, row, "Quantity")?, row, "Quantity is not a whole number")?;
    let price = present(&table.price, row, "UnitPrice")? * THOUSANDTHS;
    let price = whole(price, row, "UnitPrice has more than three decimals")?;
    let amount_minor =
        quantity.checked_mul(price).ok_or_else(|| RetailError::row(row, "the amount is out of range"))?;
    let customer = table.customer.get(row).copied().flatten();
    let customer = customer.map(|id| whole(id, row, "CustomerID is not a whole number")).transpose()?;
    let invoice = Invoice {
        kind: if number.starts_with(['C', 'c']) { Kind::Refund } else { Kind::Sale },
        account: shops.account(&text(&table.country, row, "Country")?, row)?,
        number,
        occurred_at: String::new(),
        currency: "GBM",
        buyer_ref: customer.map(|id| id.to_string()),
        buyers_of: "retail/customers",
        lines: Vec::new(),
        written_at: present(&table.time, row, "InvoiceDate")?,
    };
    Ok((invoice, Line { item, quantity, amount_minor }))
}

fn present<T: Clone>(values: &[Option<T>], row: usize, name: &str) -> Result<T, RetailError> {
    let value = values.get(row).cloned().flatten();
    value.ok_or_else(|| RetailError::row(row, format!("{name} is missing")))
}

fn text(values: &[Option<Arc<str>>], row: usize, name: &str) -> Result<Arc<str>, RetailError> {
    let text = present(values, row, name)?;
    if (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    let what = format!("{name} has 1 to 200 characters, none of them a control character");
    Err(RetailError::row(row, what))
}

fn whole(value: f64, row: usize, otherwise: &str) -> Result<i64, RetailError> {
    let rounded = value.round();
    // A number that is none is in no range.
    if rounded.abs() < LARGE && (value - rounded).abs() < NEARLY {
        return Ok(rounded as i64);
    }
    Err(RetailError::row(row, otherwise))
}

/// The instant at which the clock of a shop in London showed this. Of an hour that comes twice it is the first; in the
/// hour that is left out in spring the clock was not put forward yet.
fn utc(local: NaiveDateTime) -> DateTime<Utc> {
    London.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// The account of each country, and the country of each account: no two countries share one.
#[derive(Default)]
struct Shops {
    accounts: BTreeMap<Arc<str>, Arc<str>>,
}

impl Shops {
    fn account(&mut self, country: &Arc<str>, row: usize) -> Result<Arc<str>, RetailError> {
        if let Some(account) = self.accounts.get(country) {
            return Ok(account.clone());
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let account: Arc<str> = format!("retail/{}", country.chars().map(plain).collect::<String>()).into();
        let is_free = !self.accounts.values().any(|taken| *taken == account);
        if !is_free || account.parse::<vocabulary::Account>().is_err() {
            return Err(RetailError::row(row, format!("country {country} gives no shop of its own")));
        }
        self.accounts.insert(country.clone(), account.clone());
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> String {
        utc(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()).to_rfc3339()
    }

    #[test]
    fn the_clock_of_the_shop_is_londons() {
        assert_eq!(at("2010-12-01 08:26"), "2010-12-01T08:26:00+00:00");
        assert_eq!(at("2011-06-01 08:26"), "2011-06-01T07:26:00+00:00");
        assert_eq!(at("2011-10-30 01:30"), "2011-10-30T00:30:00+00:00", "the first of two");
        assert_eq!(at("2011-03-27 01:30"), "2011-03-27T01:30:00+00:00", "an hour that was not there");
    }

    #[test]
    fn numbers_are_whole_or_refused() {
        assert_eq!(whole(0.001 * THOUSANDTHS, 0, "no").unwrap(), 1);
        assert_eq!(whole(-11_062.06 * THOUSANDTHS, 0, "no").unwrap(), -11_062_060);
        for wrong in [0.5, f64::NAN, f64::INFINITY, 1e15] {
            assert_eq!(whole(wrong, 6, "no").unwrap_err().to_string(), "row 7: no");
        }
    }

    #[test]
    fn countries_become_shops_of_their_own() {
        let mut shops = Shops::default();
        let mut shop = |country: &str| shops.account(&country.into(), 0).map(|account| account.to_string());
        assert_eq!(shop("United Kingdom").unwrap(), "retail/united-kingdom");
        assert_eq!(shop("United Kingdom").unwrap(), "retail/united-kingdom");
        assert!(shop("united-kingdom").is_err(), "it would be the same shop");
        assert!(shop("").is_err());
    }
}
