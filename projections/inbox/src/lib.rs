//! Read model of what came in: messages of channels, counted by account, five minutes and verdict.
//!
//! No event says that a message was refused, so nothing here is folded: the rows are counted from the log's inbox, up
//! to any instant ([`projection::Views::tally`]). What a message was about is sealed and is not counted; a repeat is
//! answered from what is stored, leaves no message of its own, and is in the process's metrics alone.
#![warn(missing_docs)]

use async_trait::async_trait;
use projection::{
    ApplyError, Column, Event, Fold, InboxTally, Kind, Projection, Table, Tallies, Trace, Value, View,
};
use sqlx::SqliteConnection;
use vocabulary::MerchantId;

use Kind::{At, Int, Real, Text};

/// How long a span is.
const EVERY_SECS: u32 = 300;

static SPAN: Table = Table {
    name: "fct_inbox_span",
    en: "Messages of one account with one verdict that came in within five minutes; calls of token holders are under api/….",
    zh: "一个账号在五分钟内收到的、同一结论的消息；令牌持有者的调用在 api/… 下。",
    key: 3,
    columns: &[
        Column::new("from_at", At, "When the five minutes begin.", "时段开始。"),
        Column::new("channel_id", Text, "Where they came in.", "接收账号。"),
        Column::new(
            "verdict",
            Text,
            "accepted, rejected, refused, parked or conflict.",
            "结论：accepted、rejected、refused、parked、conflict。",
        ),
        Column::new("messages_count", Int, "How many.", "消息数。"),
        Column::new("first_at", At, "When the first one came in.", "首条时间。"),
        Column::new("last_at", At, "When the last one came in.", "末条时间。"),
        Column::new("caused_count", Int, "How many of them led to events.", "引发事件的消息数。"),
        Column::new(
            "lag_ms_sum",
            Int,
            "For those, milliseconds from coming in to the first event, in all.",
            "其从接收到首个事件入库的毫秒数之和。",
        ),
        Column::new("lag_ms_max", Int, "For those, the longest such time.", "其中最长者（毫秒）。"),
    ],
    indexes: &[(&["from_epoch"], "")],
    clustered: false,
};

static HEALTH: View = View {
    name: "mart_webhook_health",
    en: "What came in on one account within five minutes, and how it went. Five minutes without a message have no row.",
    zh: "一个渠道账号五分钟内收到的消息及处理情况；无消息的时段没有行。",
    key: 2,
    columns: &[
        Column::new("channel_id", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new("from_at", At, "When the five minutes begin.", "时段开始。"),
        Column::new(
            "received",
            Int,
            "Messages that came in; repeats are not counted.",
            "收到的消息（不含重复）。",
        ),
        Column::new("verified", Int, "Of these, those whose sender was proved.", "验证通过的消息。"),
        Column::new("accepted", Int, "Verified, and acted on.", "已处理。"),
        Column::new("rejected", Int, "Verified, and the answer was no.", "业务拒绝。"),
        Column::new("failed", Int, "Not verified, or not understood.", "未通过验证或无法解析。"),
        Column::new("parked", Int, "Verified, of a kind we do not know.", "未知类型，已搁置。"),
        Column::new("conflicts", Int, "A known number with other content.", "编号重复而内容不同。"),
        Column::new("caused", Int, "Messages that led to events.", "引发事件的消息。"),
        Column::new(
            "handle_lag_ms",
            Real,
            "Mean time from coming in to the first event being on disk, in milliseconds.",
            "从接收到首个事件落盘的平均毫秒数。",
        )
        .nullable(),
        Column::new("handle_lag_max_ms", Int, "The longest such time.", "其中最长毫秒数。"),
        Column::new(
            "silence_s",
            Int,
            "Seconds without any message before the first one of these.",
            "此前无消息的秒数。",
        )
        .nullable(),
    ],
    reads: &["inbox"],
    select: "WITH spans AS (
  SELECT merchant, channel_id, from_at, SUM(messages_count) AS received,
         SUM(CASE WHEN verdict = 'refused' THEN 0 ELSE messages_count END) AS verified,
         SUM(CASE WHEN verdict = 'accepted' THEN messages_count ELSE 0 END) AS accepted,
         SUM(CASE WHEN verdict = 'rejected' THEN messages_count ELSE 0 END) AS rejected,
         SUM(CASE WHEN verdict = 'refused' THEN messages_count ELSE 0 END) AS failed,
         SUM(CASE WHEN verdict = 'parked' THEN messages_count ELSE 0 END) AS parked,
         SUM(CASE WHEN verdict = 'conflict' THEN messages_count ELSE 0 END) AS conflicts,
         SUM(caused_count) AS caused, SUM(lag_ms_sum) AS lag_ms_sum, MAX(lag_ms_max) AS handle_lag_max_ms,
         MIN(first_epoch) AS first_epoch, MAX(last_epoch) AS last_epoch, MAX(last_pos) AS last_pos
  FROM fct_inbox_span WHERE channel_id NOT LIKE 'api/%' GROUP BY merchant, channel_id, from_at
)
SELECT *, CASE WHEN caused > 0 THEN 1.0 * lag_ms_sum / caused END AS handle_lag_ms,
       first_epoch - LAG(last_epoch) OVER (PARTITION BY merchant, channel_id ORDER BY from_at) AS silence_s
FROM spans",
};

static TABLES: [&Table; 1] = [&SPAN];
static VIEWS: [&View; 1] = [&HEALTH];
/// The messages themselves are in the inbox; of events, the last one that any of them led to.
static TRACES: [Trace; 2] = [
    Trace::positions("fct_inbox_span", "SELECT :last_pos WHERE :last_pos > 0"),
    Trace::positions("mart_webhook_health", "SELECT :last_pos WHERE :last_pos > 0"),
];

fn row(tally: &InboxTally) -> [Value; 9] {
    [
        tally.from.into(),
        tally.account.as_str().into(),
        tally.verdict.as_str().into(),
        Value::count(tally.messages),
        tally.first_at.into(),
        tally.last_at.into(),
        Value::count(tally.caused),
        Value::count(tally.lag_ms_sum),
        Value::count(tally.lag_ms_max),
    ]
}

/// The read model.
#[derive(Debug, Default, Clone, Copy)]
pub struct Inbox;

impl Projection for Inbox {
    fn name(&self) -> &'static str {
        "inbox"
    }
    fn version(&self) -> u32 {
        1
    }
    fn tables(&self) -> &'static [&'static Table] {
        &TABLES
    }
    fn views(&self) -> &'static [&'static View] {
        &VIEWS
    }
    fn traces(&self) -> &'static [Trace] {
        &TRACES
    }
    fn tallies(&self) -> Option<Tallies> {
        Some(Tallies { table: &SPAN, every_secs: EVERY_SECS, row })
    }
    fn start(&self, _: &MerchantId) -> Box<dyn Fold> {
        Box::new(Nothing)
    }
}

/// It folds no event.
struct Nothing;

#[async_trait]
impl Fold for Nothing {
    async fn load(&mut self, _: &[Event], _: &mut SqliteConnection) -> Result<(), ApplyError> {
        Ok(())
    }
    fn fold(&mut self, _: &[Event]) -> Result<(), ApplyError> {
        Ok(())
    }
    async fn write(&mut self, _: &mut SqliteConnection) -> Result<(), ApplyError> {
        Ok(())
    }
}
