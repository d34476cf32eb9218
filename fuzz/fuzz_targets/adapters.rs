//! Every adapter: its checks, what it says is signed, its parser and its answers. The first byte chooses the protocol, the
//! rest is a request as `channel_conformance::request_of` reads it.
#![no_main]

use std::sync::{Arc, LazyLock};

use channel::{Adapter, Protocol};
use channel_conformance::{drive, request_of};
use libfuzzer_sys::fuzz_target;

/// In the order of their bytes. A new protocol goes to the end, so that found inputs stay what they are.
const PROTOCOLS: &[Protocol] = &[
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

/// Connected once, with the settings of the examples.
static ADAPTERS: LazyLock<Vec<Arc<dyn Adapter>>> =
    LazyLock::new(|| PROTOCOLS.iter().map(connected).collect());

fn connected(protocol: &Protocol) -> Arc<dyn Adapter> {
    let code = protocol.manifest.code;
    let account = match format!("{code}/shop-1").parse() {
        Ok(account) => account,
        Err(why) => panic!("{code} is no channel code: {why}"),
    };
    match (protocol.connect)(account, protocol.example_settings) {
        Ok(adapter) => adapter,
        Err(why) => panic!("the example of {code} does not connect: {why}"),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    drive(ADAPTERS[usize::from(*first) % ADAPTERS.len()].as_ref(), &request_of(rest));
});
