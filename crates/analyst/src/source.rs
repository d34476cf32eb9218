//! What can be asked for by name.

use std::sync::Arc;

use projection::{Column, Gives, Kind, Projection, Table, Trace, View};

use crate::Heading;

/// A table of a read model, or a view over tables.
#[derive(Clone)]
pub struct Source {
    /// The projection that declares it.
    pub projection: Arc<dyn Projection>,
    /// Its name.
    pub name: &'static str,
    /// What one row is, in English.
    pub en: &'static str,
    /// What one row is, in Chinese.
    pub zh: &'static str,
    /// How many columns, from the first, tell rows apart.
    pub key: usize,
    /// The declared columns.
    pub columns: &'static [Column],
    /// The projections it reads, by name.
    pub reads: Vec<&'static str>,
    /// The query of a view; none for a table.
    pub select: Option<&'static str>,
}

impl Source {
    fn of_table(projection: &Arc<dyn Projection>, table: &'static Table) -> Self {
        let Table { name, en, zh, key, columns, .. } = *table;
        let reads = vec![projection.name()];
        Self { projection: projection.clone(), name, en, zh, key, columns, reads, select: None }
    }
    fn of_view(projection: &Arc<dyn Projection>, view: &'static View) -> Self {
        let View { name, en, zh, key, columns, reads, select } = *view;
        let reads = reads.to_vec();
        Self { projection: projection.clone(), name, en, zh, key, columns, reads, select: Some(select) }
    }

    /// The source of that name.
    pub fn find(projections: &[Arc<dyn Projection>], name: &str) -> Option<Self> {
        sources(projections).into_iter().find(|source| source.name == name)
    }

    /// The columns that tell rows apart.
    pub fn key_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns[..self.key.min(self.columns.len())].iter()
    }

    /// Every column of a row: the declared ones, the seconds beside each instant, the last position, and the version
    /// of the projection.
    pub fn headings(&self) -> Vec<Heading> {
        let heading = |name: String, kind| Heading { name, kind };
        let mut all = Vec::new();
        for Column { name, kind, .. } in self.columns {
            all.push(heading((*name).to_owned(), *kind));
            if let (Kind::At, Some(stem)) = (kind, name.strip_suffix("_at")) {
                all.push(heading(format!("{stem}_epoch"), Kind::Int));
            }
        }
        all.push(heading("last_pos".to_owned(), Kind::Int));
        all.push(heading("projector_version".to_owned(), Kind::Int));
        all
    }

    /// How the events behind a row are found: as declared, else by the columns that say it.
    pub(crate) fn trace(&self) -> Option<(Gives, String)> {
        let declared = |trace: &&Trace| trace.of == self.name;
        if let Some(trace) = self.projection.traces().iter().find(declared) {
            return Some((trace.gives, trace.select.to_owned()));
        }
        if self.key_columns().any(|column| column.name == "pos") {
            return Some((Gives::Positions, "SELECT :pos".to_owned()));
        }
        if self.columns.iter().any(|column| column.name == "order_id") {
            return Some((Gives::Orders, "SELECT :order_id".to_owned()));
        }
        // What adds orders up says in its key which.
        let keys: Vec<&str> = self.key_columns().map(|column| column.name).collect();
        let conditions: Vec<&str> =
            ORDERS_OF.iter().filter(|(key, _)| keys.contains(key)).map(|(_, condition)| *condition).collect();
        let orders = format!("SELECT order_id FROM order_row AS o WHERE {}", conditions.join(" AND "));
        (!conditions.is_empty()).then_some((Gives::Orders, orders))
    }
}

/// Which orders a key column stands for.
const ORDERS_OF: &[(&str, &str)] = &[
    ("channel", "o.channel = :channel"),
    ("currency", "o.currency = :currency"),
    ("buyer_id", "o.buyer_id = :buyer_id"),
    ("paid_date", "date(o.paid_at, '+8 hours') = :paid_date"),
    ("hour_at", "substr(o.paid_at, 1, 13) = substr(:hour_at, 1, 13)"),
    ("channel_id", "o.channel = :channel_id"),
    (
        "sku_id",
        "EXISTS (SELECT 1 FROM fct_order_line AS l WHERE l.order_id = o.order_id AND l.sku = :sku_id)",
    ),
    ("sku", "EXISTS (SELECT 1 FROM fct_order_line AS l WHERE l.order_id = o.order_id AND l.sku = :sku)"),
];

/// Every table and view of the projections.
pub fn sources(projections: &[Arc<dyn Projection>]) -> Vec<Source> {
    let mut all = Vec::new();
    for projection in projections {
        all.extend(projection.tables().iter().map(|table| Source::of_table(projection, table)));
        all.extend(projection.views().iter().map(|view| Source::of_view(projection, view)));
    }
    all
}
