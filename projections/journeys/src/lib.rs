//! Read model of journeys: every touch, and the orders that journeys led to.
//!
//! Rows only come; none ever changes. A journey names nobody but by pseudonym.
#![warn(missing_docs)]

mod fold;

use projection::{Column, Fold, Kind, Projection, Table};
use vocabulary::MerchantId;

use Kind::{At, Int, Text};

static TOUCH: Table = Table {
    name: "fct_touch",
    en: "One touch: somebody was in contact with us on an account.",
    zh: "一次触点：某人在某渠道账号与我方接触。",
    key: 2,
    columns: &[
        Column::new("journey_id", Text, "The journey.", "旅程编号。").fixed(),
        Column::new("pos", Int, "The place of its event in the log.", "日志位置。").fixed(),
        Column::new("occurred_at", At, "When it happened, by the reporter's clock.", "发生时间。").fixed(),
        Column::new("recorded_at", At, "When we recorded it.", "记录时间（我方时钟）。").fixed(),
        Column::new(
            "kind",
            Text,
            "view, click, chat, handoff or quote.",
            "类别：view、click、chat、handoff、quote。",
        )
        .fixed(),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。").fixed(),
        Column::new("source", Text, "Where they came from.", "来源。").fixed(),
        Column::new("content", Text, "What they saw, by the merchant's own number.", "内容编号。")
            .nullable()
            .fixed(),
        Column::new("format", Text, "What sort of content that is.", "内容形式。").nullable().fixed(),
        Column::new("campaign", Text, "The campaign it belongs to.", "活动。").nullable().fixed(),
        Column::new("buyer_id", Text, "The buyer's pseudonym, where the channel says who.", "买家匿名编号。")
            .nullable()
            .fixed(),
    ],
    indexes: &[(&["occurred_at"], ""), (&["buyer_id"], "buyer_id IS NOT NULL")],
    clustered: false,
};

static JOURNEY_ORDER: Table = Table {
    name: "fct_journey_order",
    en: "One order that a journey led to.",
    zh: "旅程促成的一个订单。",
    key: 2,
    columns: &[
        Column::new("journey_id", Text, "The journey.", "旅程编号。").fixed(),
        Column::new("pos", Int, "The place of its event in the log.", "日志位置。").fixed(),
        Column::new("order_id", Text, "Our id of the order.", "我方订单号。").fixed(),
        Column::new("occurred_at", At, "When it was ordered, by the channel's clock.", "下单时间。").fixed(),
    ],
    indexes: &[(&["order_id"], "")],
    clustered: false,
};

static TABLES: [&Table; 2] = [&TOUCH, &JOURNEY_ORDER];

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Journeys;

impl Projection for Journeys {
    fn name(&self) -> &'static str {
        "journeys"
    }
    fn version(&self) -> u32 {
        1
    }
    fn tables(&self) -> &'static [&'static Table] {
        &TABLES
    }
    fn start(&self, merchant: &MerchantId) -> Box<dyn Fold> {
        Box::new(fold::JourneysFold::new(merchant))
    }
}
