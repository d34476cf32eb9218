//! Read model of buyers: everything that happened with one person, on all channels, in one list.
//!
//! Orders whose channel does not say who buys are on nobody's timeline.
#![warn(missing_docs)]

mod fold;
mod query;

use projection::{Column, Fold, Kind, Projection, Table};
use vocabulary::MerchantId;

pub use query::{Moment, Page, timeline};

static TIMELINE: Table = Table {
    name: "fct_timeline",
    en: "One thing that happened with one buyer.",
    zh: "某买家的一件事。",
    key: 2,
    columns: &[
        Column::new("buyer_id", Kind::Text, "The buyer's pseudonym.", "买家匿名编号。").fixed(),
        Column::new("pos", Kind::Int, "The place of its event in the log.", "日志位置。").fixed(),
        Column::new("occurred_at", Kind::At, "When it happened, by the reporter's clock.", "发生时间。")
            .fixed(),
        Column::new("channel", Kind::Text, "The account, channel/shop.", "渠道账号。").fixed(),
        Column::new(
            "kind",
            Kind::Text,
            "order, payment, delivery, view, replacement, refund, claim, search, change or identity.",
            "类别：order、payment、delivery、view、replacement、refund、claim、search、change、identity。",
        )
        .fixed(),
        Column::new(
            "ref_id",
            Kind::Text,
            "Our id of the order, or the buyer's pseudonym.",
            "订单号或买家编号。",
        )
        .fixed(),
        Column::new("title_en", Kind::Text, "What it says, in English.", "英文说明。").fixed(),
        Column::new("title_zh", Kind::Text, "What it says, in Chinese.", "中文说明。").fixed(),
        Column::new("amount_fen", Kind::Int, "The amount, in minor units.", "金额（分）。")
            .nullable()
            .fixed(),
        Column::new("currency", Kind::Text, "Its currency.", "币种。").nullable().fixed(),
    ],
    indexes: &[(&["ref_id"], "kind = 'order'")],
    clustered: false,
};

static TABLES: [&Table; 1] = [&TIMELINE];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Timeline;

impl Projection for Timeline {
    fn name(&self) -> &'static str {
        "timeline"
    }
    fn version(&self) -> u32 {
        2
    }
    fn tables(&self) -> &'static [&'static Table] {
        &TABLES
    }
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold> {
        Box::new(fold::TimelineFold::new(merchant))
    }
}
