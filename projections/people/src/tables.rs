//! The tables.

use projection::{Column, Kind, Table, View};

use Kind::{Flag, Int, Text};

pub(crate) static EDGE: Table = Table {
    name: "dim_identity_edge",
    en: "One identifier that was linked to a buyer, and whether it joins them to others.",
    zh: "关联到买家的一个标识，以及它是否起到合并作用。",
    key: 1,
    columns: &[
        Column::new(
            "valid_from_pos",
            Int,
            "The position of the event that linked it.",
            "建立关联的事件位置。",
        ),
        Column::new(
            "person_id",
            Text,
            "The buyer's person; none once the link has ended.",
            "所属自然人；关联结束后为空。",
        )
        .nullable(),
        Column::new("buyer_id", Text, "The buyer's pseudonym.", "买家匿名编号。").fixed(),
        Column::new(
            "id_kind",
            Text,
            "The sort of identifier: verified_phone, union_id, open_id, …",
            "标识类型。",
        )
        .fixed(),
        Column::new(
            "id_hash",
            Text,
            "A keyed digest of the identifier; of sort buyer the other buyer's pseudonym.",
            "标识的带密钥摘要；类型为 buyer 时是对方买家编号。",
        )
        .fixed(),
        Column::new(
            "scope",
            Text,
            "The app or shop it means something in; none: everywhere.",
            "作用域；空表示商户内通用。",
        )
        .nullable()
        .fixed(),
        Column::new(
            "strength",
            Text,
            "strong, medium or search_only.",
            "强度：strong、medium、search_only。",
        )
        .fixed(),
        Column::new(
            "standing",
            Text,
            "joined, noted (it joins nothing), in_review, quarantined or ended.",
            "状态：joined、noted、in_review、quarantined、ended。",
        ),
        Column::new("source", Text, "Where it is known from: channel, proof_of_purchase or staff.", "来源。")
            .fixed(),
        Column::new("source_ref", Text, "The account or the order that shows it.", "来源账号或订单。")
            .nullable()
            .fixed(),
        Column::new(
            "last4_hash",
            Text,
            "A keyed digest of a phone's last four digits.",
            "手机尾号的带密钥摘要。",
        )
        .nullable()
        .fixed(),
        Column::new(
            "evidence_pos",
            Int,
            "The position of the event that led to the link.",
            "证据事件的位置。",
        )
        .fixed(),
        Column::new(
            "valid_to_pos",
            Int,
            "The position of the event that ended it; none while it holds.",
            "结束关联的事件位置；有效时为空。",
        )
        .nullable(),
    ],
    indexes: &[
        (&["buyer_id"], ""),
        (&["id_hash"], ""),
        (&["last4_hash"], "valid_to_pos IS NULL AND last4_hash IS NOT NULL"),
        (&["person_id"], "person_id IS NOT NULL"),
    ],
    clustered: false,
};

pub(crate) static BUYER: Table = Table {
    name: "dim_buyer_person",
    en: "Which person a buyer is. Orders keep the buyer; join the person when reading.",
    zh: "买家对应的自然人。订单只记买家，读取时再关联自然人。",
    key: 1,
    columns: &[
        Column::new("buyer_id", Text, "The buyer's pseudonym.", "买家匿名编号。"),
        Column::new(
            "person_id",
            Text,
            "The pseudonym of the person's oldest buyer.",
            "自然人编号，即其最早买家的编号。",
        ),
        Column::new("channel", Text, "The account they were first seen on.", "首次出现的渠道账号。")
            .nullable(),
        Column::new(
            "since_pos",
            Int,
            "The position of the first event that names the buyer.",
            "首个相关事件的位置。",
        )
        .fixed(),
    ],
    indexes: &[(&["person_id"], "")],
    clustered: false,
};

pub(crate) static PERSON: View = View {
    name: "dim_person",
    en: "One person, by what joins their buyers.",
    zh: "一个自然人。",
    key: 1,
    columns: &[
        Column::new("person_id", Text, "The pseudonym of their oldest buyer.", "自然人编号，即其最早买家的编号。"),
        Column::new("buyers_count", Int, "Their buyers.", "买家数。"),
        Column::new("channels_count", Int, "Accounts they were first seen on.", "首次出现的渠道账号数。"),
        Column::new("since_pos", Int, "The position of the first event that names one.", "首个相关事件的位置。"),
        Column::new("is_in_review", Flag, "A link of theirs waits for a person to look.", "是否有待审核的关联。"),
        Column::new("is_quarantined", Flag, "A link of theirs is quarantined.", "是否有被隔离的关联。"),
    ],
    reads: &["people"],
    select: "SELECT merchant, person_id, COUNT(*) AS buyers_count, COUNT(DISTINCT channel) AS channels_count,
       MIN(since_pos) AS since_pos,
       EXISTS (SELECT 1 FROM dim_identity_edge AS e WHERE e.merchant = b.merchant AND e.person_id = b.person_id
               AND e.standing = 'in_review') AS is_in_review,
       EXISTS (SELECT 1 FROM dim_identity_edge AS e WHERE e.merchant = b.merchant AND e.person_id = b.person_id
               AND e.standing = 'quarantined') AS is_quarantined,
       MAX(last_pos) AS last_pos
FROM dim_buyer_person AS b GROUP BY merchant, person_id",
};
