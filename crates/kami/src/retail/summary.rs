//! What a file amounts to.

use std::collections::{BTreeSet, HashSet};

use chrono::NaiveDateTime;
use serde::Serialize;

use super::{
    books::{Books, Kind},
    table::Table,
};

/// The totals of a file. Amounts are in thousandths of a pound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    pub(crate) lines: usize,
    pub(crate) invoices: usize,
    pub(crate) cancelling_invoices: usize,
    pub(crate) cancelling_lines: usize,
    pub(crate) customers: usize,
    /// Lines of invoices that name no customer.
    pub(crate) guest_lines: usize,
    pub(crate) items: usize,
    pub(crate) countries: usize,
    pub(crate) currency: &'static str,
    /// What all lines come to.
    pub(crate) net_minor: i128,
    /// What the lines come to that cancel nothing.
    pub(crate) gross_minor: i128,
    /// Lines that repeat an earlier one in everything. They are taken over like any other.
    pub(crate) duplicate_lines: usize,
    /// The first day, by the shop's own clock.
    pub(crate) first_date: String,
    /// The last day.
    pub(crate) last_date: String,
}

impl Summary {
    pub(super) fn of(table: &Table, books: &Books) -> Self {
        let (refunds, sales): (Vec<_>, Vec<_>) = books.invoices.iter().partition(|i| i.kind == Kind::Refund);
        let minor = |invoices: &[&super::Invoice]| -> i128 {
            invoices.iter().flat_map(|i| &i.lines).map(|line| i128::from(line.amount_minor)).sum()
        };
        let gross_minor = minor(&sales);
        let day = |at: Option<&NaiveDateTime>| at.map(|at| at.date().to_string()).unwrap_or_default();
        let times = || table.time.iter().flatten();
        Self {
            lines: table.invoice.len(),
            invoices: books.invoices.len(),
            cancelling_invoices: refunds.len(),
            cancelling_lines: refunds.iter().map(|invoice| invoice.lines.len()).sum(),
            customers: books
                .invoices
                .iter()
                .filter_map(|i| i.buyer_ref.as_ref())
                .collect::<HashSet<_>>()
                .len(),
            guest_lines: table.customer.iter().filter(|id| id.is_none()).count(),
            items: table.item.iter().flatten().collect::<HashSet<_>>().len(),
            countries: table.country.iter().flatten().collect::<HashSet<_>>().len(),
            currency: "GBM",
            net_minor: gross_minor + minor(&refunds),
            gross_minor,
            duplicate_lines: duplicates(table),
            first_date: day(times().min()),
            last_date: day(times().max()),
        }
    }

    /// In words.
    pub(crate) fn text(&self) -> String {
        let pounds = |minor: i128| {
            let sign = if minor < 0 { "-" } else { "" };
            format!("{sign}{}.{:03}", minor.unsigned_abs() / 1_000, minor.unsigned_abs() % 1_000)
        };
        format!(
            "{} lines in {} invoices, {} of them cancelling ({} lines), {} to {}\n\
             {} customers, {} lines without one; {} items, {} countries\n\
             sold {} and net {} in pounds; {} lines repeat an earlier one",
            self.lines,
            self.invoices,
            self.cancelling_invoices,
            self.cancelling_lines,
            self.first_date,
            self.last_date,
            self.customers,
            self.guest_lines,
            self.items,
            self.countries,
            pounds(self.gross_minor),
            pounds(self.net_minor),
            self.duplicate_lines
        )
    }
}

fn duplicates(table: &Table) -> usize {
    let bits = |values: &[Option<f64>], row: usize| values[row].map(f64::to_bits);
    let mut seen = BTreeSet::new();
    let repeats = (0..table.invoice.len()).filter(|&row| {
        let texts = (&table.invoice[row], &table.item[row], &table.description[row], &table.country[row]);
        let figures = (bits(&table.quantity, row), bits(&table.price, row), bits(&table.customer, row));
        !seen.insert((texts, figures, table.time[row]))
    });
    repeats.count()
}
