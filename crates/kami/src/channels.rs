//! The list of channel protocols and of read models: the one place that knows them all.

use std::sync::Arc;

use channel::Protocol;
use projection::Projection;

/// Every channel protocol this build speaks. A new channel adds one line here and one in `Cargo.toml`.
pub(crate) static PROTOCOLS: &[Protocol] = &[
    channel_generic::PROTOCOL,
    channel_declarative::PROTOCOL,
    channel_taobao::PROTOCOL,
    channel_jd_game_card::PROTOCOL,
    channel_jd_general_trade::PROTOCOL,
    channel_pinduoduo::PROTOCOL,
    channel_douyin::PROTOCOL,
    channel_kuaishou::PROTOCOL,
    channel_xiaohongshu::PROTOCOL,
    channel_wechat_shop::SHOP,
    channel_wechat_shop::XPAY,
    channel_youzan::PROTOCOL,
    channel_xianyu_supply::PROTOCOL,
    channel_xianyu_erp::PROTOCOL,
    channel_agiso::PROTOCOL,
    channel_dujiao_next::PROTOCOL,
    channel_acg_faka::PROTOCOL,
    channel_shopify::PROTOCOL,
    channel_woocommerce::PROTOCOL,
    channel_telegram::PROTOCOL,
    channel_wechat_pay::PROTOCOL,
    channel_alipay::PROTOCOL,
    channel_epay::V1,
    channel_epay::V2,
    channel_stripe::PROTOCOL,
    channel_paypal::PROTOCOL,
    channel_bepusdt::PROTOCOL,
    channel_sandbox::PROTOCOL,
];

/// Every read model this build keeps.
pub(crate) fn projections() -> Vec<Arc<dyn Projection>> {
    vec![
        // They fold side by side and are written in this order: the one that folds longest comes last.
        Arc::new(projection_inbox::Inbox),
        Arc::new(projection_journeys::Journeys),
        Arc::new(projection_quotas::Quotas),
        Arc::new(projection_insight::Insight),
        Arc::new(projection_sales::Sales),
        Arc::new(projection_people::People),
        Arc::new(projection_timeline::Timeline),
        Arc::new(projection_orders::Orders),
        // It has views only.
        Arc::new(projection_marts::Marts),
    ]
}
