//! Terms and demand of accounts, identities, journeys, what staff looked at, models, and history taken over.

use events::{buyer::*, channel::*, journey::*, order::*, policy::*, staff::*};
use vocabulary::{Currency, Money, Position, Timestamp};

use super::{Labelled, buyer, full, min, order, other, quantity, shop, sku, text};

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

pub(super) fn all() -> Vec<Labelled> {
    [accounts(), identities(), journeys(), staff(), models(), past()].concat()
}

fn accounts() -> Vec<Labelled> {
    let terms = ChannelTermsSet {
        account: shop(),
        kind: ChannelKind::Marketplace,
        commission_bp: 525,
        pay_fee_bp: 60,
        sync_delay_s: 30,
        value_tags: vec![text("信誉保障"), text("售后")],
    };
    let wanted = WantedLine { sku: sku(), quantity: quantity(2) };
    let kinds = [ChannelKind::Social, ChannelKind::Own, ChannelKind::Offline, ChannelKind::Partner];
    let of_kind = |kind: ChannelKind| other(kind.as_str(), ChannelTermsSet { kind, ..terms.clone() });
    let mut all: Vec<Labelled> = kinds.into_iter().map(of_kind).collect();
    all.extend([
        full(terms.clone()),
        min(ChannelTermsSet { value_tags: Vec::new(), ..terms.clone() }),
        full(AttemptRefused {
            account: shop(),
            external_no: text("298547631205"),
            lines: vec![wanted],
            reason: text("out_of_stock"),
        }),
    ]);
    all
}

fn identities() -> Vec<Labelled> {
    let linked = IdentityLinked {
        buyer: buyer(),
        kind: IdentifierKind::VerifiedPhone,
        identifier: text(DIGEST),
        scope: Some(text("own")),
        strength: LinkStrength::Strong,
        evidence: LinkEvidence::Channel { account: shop() },
        last4: Some(text("60303ae22b998861")),
    };
    let proof = LinkEvidence::ProofOfPurchase { order: order() };
    let staff = LinkEvidence::Staff { reason: text("buyer called") };
    let of_kind = |kind: IdentifierKind| {
        let strength = match kind {
            IdentifierKind::PlatformPhone => LinkStrength::SearchOnly,
            IdentifierKind::Email | IdentifierKind::Device | IdentifierKind::Payer => LinkStrength::Medium,
            _ => LinkStrength::Strong,
        };
        other(kind.as_str(), IdentityLinked { kind, strength, ..linked.clone() })
    };
    let kinds = [
        IdentifierKind::UnionId,
        IdentifierKind::OpenId,
        IdentifierKind::PlatformPhone,
        IdentifierKind::Email,
        IdentifierKind::Device,
        IdentifierKind::Payer,
    ];
    let mut all: Vec<Labelled> = kinds.into_iter().map(of_kind).collect();
    all.extend([
        full(linked.clone()),
        min(IdentityLinked { scope: None, last4: None, evidence: proof, ..linked.clone() }),
        other("staff", IdentityLinked { kind: IdentifierKind::Buyer, evidence: staff, ..linked.clone() }),
        full(IdentityUnlinked {
            buyer: buyer(),
            kind: IdentifierKind::VerifiedPhone,
            identifier: text(DIGEST),
            reason: text("号码已转让"),
        }),
    ]);
    all
}

fn journeys() -> Vec<Labelled> {
    let journey = || "journey-7f3k2m".parse().unwrap();
    let touch = TouchRecorded {
        journey: journey(),
        kind: TouchKind::View,
        account: shop(),
        source: text("short-video"),
        content: Some(text("v-20260618")),
        format: Some(text("video")),
        campaign: Some(text("618")),
        buyer: Some(buyer()),
    };
    let kinds = [TouchKind::Click, TouchKind::Chat, TouchKind::Handoff, TouchKind::Quote];
    let of_kind = |kind: TouchKind| other(kind.as_str(), TouchRecorded { kind, ..touch.clone() });
    let mut all: Vec<Labelled> = kinds.into_iter().map(of_kind).collect();
    all.extend([
        full(touch.clone()),
        min(TouchRecorded { content: None, format: None, campaign: None, buyer: None, ..touch.clone() }),
        full(JourneyOrdered { journey: journey(), order: order() }),
    ]);
    all
}

fn staff() -> Vec<Labelled> {
    let run = QueryRun {
        text: text("SELECT count(*) FROM fct_order WHERE channel = ?"),
        digest: text(DIGEST),
        as_of: Position(12_296),
        end: QueryEnd::Done,
        rows: 1,
    };
    let none = |end| QueryRun { end, rows: 0, ..run.clone() };
    vec![
        other("refused", none(QueryEnd::Refused)),
        other("failed", none(QueryEnd::Failed)),
        other("over_budget", none(QueryEnd::OverBudget)),
        full(run),
        full(SearchRun { kinds: vec![text("phone")], digest: text(DIGEST), orders: vec![order()] }),
        full(ExportMade {
            views: vec![text("fct_order")],
            format: text("parquet"),
            as_of: Position(12_296),
            rows: 1_477,
            order: None,
        }),
        other(
            "order",
            ExportMade {
                views: vec![text("order_history")],
                format: text("json"),
                as_of: Position(12_296),
                rows: 9,
                order: Some(order()),
            },
        ),
    ]
}

fn models() -> Vec<Labelled> {
    let params = [("r", 0.243), ("alpha", 4.414), ("a", 0.793), ("b", 2.426)];
    let lost = SalesLost {
        sku: sku(),
        account: shop(),
        from: Timestamp::parse_rfc3339("2026-06-18T02:15:00Z").unwrap(),
        until: Timestamp::parse_rfc3339("2026-06-18T06:40:00Z").unwrap(),
        cause: text("out_of_stock"),
        model_version: 1,
        fit_pos: Position(12_500),
        refused_units: 3,
        substituted_units: 1,
        expected_units: 7.25,
        quantiles: [2.0, 6.0, 10.0],
        margin: Some(Money::new(5_280, Currency::CNY)),
    };
    let subscription = SubscriptionSet {
        subscription: text("erp"),
        url: text("https://erp.example/kami"),
        event_types: vec![text("order.paid"), text("order.delivered")],
        secrets_digest: "ab".repeat(32),
    };
    vec![
        full(subscription.clone()),
        min(SubscriptionSet { event_types: Vec::new(), ..subscription }),
        full(SubscriptionEnded { subscription: text("erp"), reason: text("the contract is over") }),
        full(ModelFitted {
            model: text("ltv"),
            version: 1,
            fit_pos: Position(12_296),
            rows: 2_357,
            params: params.into_iter().map(|(name, value)| (text(name), value)).collect(),
        }),
        full(ForecastIssued {
            sku: sku(),
            account: shop(),
            origin: text("2026-06-17"),
            model_version: 1,
            fit_pos: Position(12_296),
            censored_hours: 3,
            days: vec![ForecastDay {
                day: text("2026-06-18"),
                mean: 40.0,
                quantiles: [27.0, 32.0, 39.0, 47.0, 54.0, 59.0],
            }],
        }),
        full(ForecastScored {
            sku: sku(),
            account: shop(),
            origin: text("2026-06-17"),
            day: text("2026-06-18"),
            actual: 44.0,
            pinball: 1.75,
            covered: true,
        }),
        full(lost.clone()),
        min(SalesLost { margin: None, ..lost }),
    ]
}

fn past() -> Vec<Labelled> {
    let pounds = |minor| Money::new(minor, Currency::GBM);
    let line = |quantity, minor| PastLine { item: text("85123A"), quantity, amount: pounds(minor) };
    let sold = PastOrderRecorded {
        order: order(),
        account: "retail/united-kingdom".parse().unwrap(),
        external_no: text("536365"),
        lines: vec![line(6, 15_300)],
        total: pounds(15_300),
        buyer: Some(buyer()),
    };
    let returned = PastRefundRecorded {
        order: order(),
        account: "retail/united-kingdom".parse().unwrap(),
        external_no: text("C536379"),
        lines: vec![line(-1, -27_500)],
        total: pounds(27_500),
        buyer: Some(buyer()),
    };
    vec![
        full(ClaimAttempted {
            proof: text("card_key"),
            matched: true,
            client: text("60303ae22b998861"),
            day: text("2026-06-18"),
        }),
        full(sold.clone()),
        min(PastOrderRecorded { buyer: None, ..sold }),
        full(returned.clone()),
        min(PastRefundRecorded { buyer: None, ..returned }),
    ]
}
