//! The tables.

use projection::{Column, Kind, Table};

use Kind::{At, Flag, Int, Json, Text};

pub(crate) static SKU: Table = Table {
    name: "sku_row",
    en: "One sellable item, as the fold keeps it; `dim_sku` is for reading.",
    zh: "一个可售商品（折叠用，查询请用 dim_sku）。",
    key: 1,
    columns: &[
        Column::new("sku", Text, "The item.", "SKU。"),
        Column::new("name", Text, "The name people see.", "名称。"),
        Column::new("family", Text, "The product family.", "商品系列。"),
        Column::new("use_limit", Int, "How many buyers one key serves.", "每张卡密可售次数。"),
        Column::new("face_value_fen", Int, "The value printed on the card, in minor units.", "面值（分）。")
            .nullable(),
        Column::new("currency", Text, "The currency of the face value.", "面值币种。").nullable(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static STOCK: Table = Table {
    name: "ops_stock",
    en: "The stock of one item, as of the last event that touched it.",
    zh: "一个 SKU 的库存（截至最近相关事件）。",
    key: 1,
    columns: &[
        Column::new("sku", Text, "The item.", "SKU。"),
        Column::new("sellable_count", Int, "Units that can be sold.", "可售件数。"),
        Column::new(
            "shared_count",
            Int,
            "Sellable units not set aside for any account.",
            "未被保底占用的可售件数。",
        ),
        Column::new("reserved_count", Int, "Units held for unpaid orders.", "预留件数。"),
        Column::new("quarantined_count", Int, "Units in stock kept from sale.", "隔离件数。"),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static QUOTA: Table = Table {
    name: "quota_row",
    en: "What one account may sell of one item, as the fold keeps it; `ops_quota` is for reading.",
    zh: "一个渠道账号对一个 SKU 的配额（折叠用，查询请用 ops_quota）。",
    key: 2,
    columns: &[
        Column::new("sku", Text, "The item.", "SKU。"),
        Column::new("channel", Text, "The account, channel/shop.", "渠道账号。"),
        Column::new(
            "is_set",
            Flag,
            "A quota was set; without one it shares what nobody set aside.",
            "是否设置了配额。",
        ),
        Column::new("floor_count", Int, "Units set aside for it when the quota was set.", "保底件数。"),
        Column::new(
            "cap_count",
            Int,
            "Units it may sell in all from then on; none means no limit.",
            "上限件数，空为不限。",
        )
        .nullable(),
        Column::new(
            "taken_count",
            Int,
            "Units held or sold since then, less those given back.",
            "设置以来占用件数。",
        ),
        Column::new("floor_left_count", Int, "Units still set aside for it.", "剩余保底件数。"),
        Column::new("cap_left_count", Int, "Units below its upper limit.", "距上限剩余件数。").nullable(),
        Column::new("held_count", Int, "Units held now for its unpaid orders.", "当前预留件数。"),
        Column::new(
            "sold_count",
            Int,
            "Units bound to its paid orders and not given back, ever.",
            "累计售出件数。",
        ),
        Column::new("available_count", Int, "Units it may sell now.", "当前可售件数。"),
        Column::new("out_at", At, "Since when it can sell none.", "断货开始时间。").nullable(),
        Column::new("out_pos", Int, "The event since which.", "断货开始的事件位置。").nullable(),
        Column::new("set_pos", Int, "The event that set the quota.", "设置配额的事件位置。").nullable(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static KEY_POOL: Table = Table {
    name: "batch_row",
    en: "One batch of keys: where its units are, as the fold keeps it; `dim_batch` and `ops_key_pool` are for reading.",
    zh: "一个卡密批次的各状态件数（折叠用，查询请用 dim_batch 与 ops_key_pool）。",
    key: 1,
    columns: &[
        Column::new("batch_id", Int, "The batch.", "批次号。"),
        Column::new("sku", Text, "The item.", "SKU。"),
        Column::new("supplier", Text, "Who supplied it.", "供应商。").nullable(),
        Column::new("unit_cost_fen", Int, "What one key cost, in minor units.", "单张成本（分）。")
            .nullable(),
        Column::new("currency", Text, "The currency of the cost.", "成本币种。").nullable(),
        Column::new("sell_until_at", At, "Not sold from then on.", "停售时间。").nullable(),
        Column::new("opened_at", At, "When it was begun.", "建批时间。"),
        Column::new("use_limit", Int, "How many units each key is.", "每张卡密的件数。"),
        Column::new("is_quarantined", Flag, "The whole batch is kept from sale.", "是否整批隔离。"),
        Column::new("imported_count", Int, "Units that came in.", "入库件数。"),
        Column::new("available_count", Int, "Units in stock and not kept from sale.", "可售件数。"),
        Column::new("quarantined_count", Int, "Units in stock kept from sale.", "隔离件数。"),
        Column::new("reserved_count", Int, "Units held for unpaid orders.", "预留件数。"),
        Column::new(
            "allocated_count",
            Int,
            "Units bound to paid orders, not delivered.",
            "已分配未发货件数。",
        ),
        Column::new("delivered_count", Int, "Units with buyers.", "已发货件数。"),
        Column::new("revoked_count", Int, "Delivered units declared void.", "已作废件数。"),
        Column::new("voided_count", Int, "Units taken out of stock for good.", "已下架件数。"),
        Column::new(
            "bad_count",
            Int,
            "Units among the revoked and voided that did not work.",
            "已作废与已下架中的坏卡件数。",
        ),
    ],
    indexes: &[(&["sku", "batch_id"], "")],
    clustered: true,
};

pub(crate) static KEY: Table = Table {
    name: "ops_key",
    en: "One unit (a key, or one use of a reusable key) that something happened to; others are untouched in stock, or in quarantine with their whole batch.",
    zh: "一件卡密（仅记录有过变动的；其余未动，在库或随整批隔离）。",
    key: 3,
    columns: &[
        Column::new("batch_id", Int, "The batch.", "批次号。"),
        Column::new("key_index", Int, "The key's place in its batch, from 0.", "批内序号，从 0 起。"),
        Column::new("use_no", Int, "Which use of the key, from 0.", "第几次使用，从 0 起。"),
        Column::new("sku", Text, "The item.", "SKU。").fixed(),
        Column::new(
            "state",
            Text,
            "in_stock, quarantined, reserved, allocated, delivered, revoked or voided.",
            "状态。",
        ),
        Column::new("channel", Text, "The account it is held or was sold for.", "渠道账号。").nullable(),
        Column::new("order_id", Text, "The order it is held or was sold for.", "订单号。").nullable(),
        Column::new("line", Int, "The order's line, from 0.", "订单行号。").nullable(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static STOCKOUT: Table = Table {
    name: "fct_stockout",
    en: "One time in which one account was unable to sell one item. It is noticed at the next event of the item's stock.",
    zh: "一个渠道账号对一个 SKU 的一段断货（由该 SKU 的下一库存事件察觉）。",
    key: 3,
    columns: &[
        Column::new("sku_id", Text, "The item.", "SKU。").fixed(),
        Column::new("channel_id", Text, "The account.", "渠道账号。").fixed(),
        Column::new("from_pos", Int, "The event with which it began.", "开始的事件位置。").fixed(),
        Column::new("from_at", At, "When it began.", "开始时间。").fixed(),
        Column::new("to_at", At, "When it ended; none while it lasts.", "结束时间，持续中为空。").nullable(),
        Column::new(
            "cause",
            Text,
            "pool: nothing was in stock; quota: what was there was not for this account.",
            "原因：pool 无库存，quota 配额用尽。",
        )
        .fixed(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static PUBLISHED: Table = Table {
    name: "ops_published",
    en: "The stock figure that a channel shows for one of its items.",
    zh: "渠道某商品当前展示的库存。",
    key: 2,
    columns: &[
        Column::new("channel_id", Text, "The account.", "渠道账号。"),
        Column::new("item", Text, "The channel's item id.", "渠道商品编号。"),
        Column::new("sku_id", Text, "Our item.", "SKU。"),
        Column::new("wanted_count", Int, "The figure we sent last.", "最近发送的库存。"),
        Column::new("published_count", Int, "The figure the channel confirmed last.", "渠道最近确认的库存。")
            .nullable(),
        Column::new("published_at", At, "When.", "确认时间。").nullable(),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static LISTING: Table = Table {
    name: "dim_listing",
    en: "One item of an account, and which of ours it stands for.",
    zh: "渠道账号的一个商品及其对应的 SKU。",
    key: 2,
    columns: &[
        Column::new("channel_id", Text, "The account.", "渠道账号。"),
        Column::new("item", Text, "The channel's item.", "渠道商品。"),
        Column::new("sku_id", Text, "Ours; none once it stands for nothing.", "对应 SKU；解除后为空。")
            .nullable(),
        Column::new("changed_at", At, "When that was last changed.", "最近变更时间。"),
    ],
    indexes: &[],
    clustered: true,
};

pub(crate) static PURCHASE: Table = Table {
    name: "ops_purchase",
    en: "Keys bought from one supplier, from the wish to what came of it.",
    zh: "向供应商采购卡密的一笔采购单（从发起到结果）。",
    key: 1,
    columns: &[
        Column::new("purchase", Text, "Our number, which the supplier gets.", "我方采购单号。"),
        Column::new("sku_id", Text, "The item that the keys are for.", "SKU。"),
        Column::new("channel_id", Text, "The account at the supplier.", "供应商渠道账号。"),
        Column::new("item", Text, "The supplier's item id.", "供应商商品编号。"),
        Column::new("quantity_count", Int, "Keys asked for.", "采购件数。"),
        Column::new(
            "max_price_fen",
            Int,
            "What all of them may cost at most, in minor units.",
            "总价上限（分）。",
        ),
        Column::new("currency", Text, "The currency of the limit.", "上限币种。"),
        Column::new("batch_id", Int, "The batch kept free for them.", "预留的批次号。"),
        Column::new("state", Text, "requested, accepted, keys, failed or for_a_person.", "状态。"),
        Column::new(
            "code",
            Text,
            "Why nothing was bought, or why a person must look.",
            "失败或需人工处理的原因代码。",
        )
        .nullable(),
        Column::new("keys_count", Int, "Keys that came and are in stock.", "已入库件数。"),
        Column::new("requested_at", At, "When it was asked for.", "发起时间。"),
        Column::new("ended_at", At, "When it ended, as far as it did.", "结束时间。").nullable(),
        Column::new("first_pos", Int, "The event that asked for it.", "发起事件的位置。"),
        Column::new("purchase_json", Json, "All that is known of it.", "采购单全部内容。"),
    ],
    indexes: &[(&["first_pos"], "")],
    clustered: true,
};
