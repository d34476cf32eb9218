//! What the demo's shop sells, where, and under which settings: the same for every seed, so that only what
//! happens differs from seed to seed.

use std::fmt;

use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::{
    channel::{ChannelKind, ChannelTermsSet},
    sku::SkuDefined,
};
use serde_json::{Value, json};
use testkit::{douyin, kuaishou, pinduoduo, taobao, wechat_pay, xiaohongshu};
use vocabulary::{Account, Currency, KeyKind, Money, Timestamp};

/// When the shop opens: midnight of 1 January 2026 in Beijing.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_767_196_800);
/// A day, in seconds.
pub(crate) const DAY: i64 = 86_400;
/// The member of staff who keeps the stock.
pub(crate) const KEEPER: &str = "wang";
/// The member of staff who answers buyers.
pub(crate) const SUPPORT: &str = "lin";

/// The payment gateway's account.
pub(crate) const GATEWAY: &str = "epay-v1/main";
/// WeChat Pay's account.
pub(crate) const WECHAT_PAY: &str = "wechat-pay/main";
/// The account that hears what happens to orders on Xianyu, and is told stock.
pub(crate) const XIANYU_ERP: &str = "xianyu-erp/main";

/// The keys and names that the pretend platforms and we have agreed on. They open nothing outside this
/// process.
pub(crate) const OWN_SECRET: &[u8; 32] = b"demo-own-site-shared-secret-0001";
pub(crate) const POS_SECRET: &[u8; 32] = b"demo-counter-shared-secret-00002";
pub(crate) const WECHAT_SECRET: &[u8; 32] = b"demo-wechat-shared-secret-000003";
pub(crate) const EPAY_PID: &str = "1001";
pub(crate) const EPAY_KEY: &str = "DemoEpayKey0123456789abcdef01234";
pub(crate) const SUPPLY_APP_ID: i64 = 510_000_000_000_001;
pub(crate) const SUPPLY_APP_SECRET: &str = "demoSupplyAppSecret0123456789abc";
pub(crate) const SUPPLY_MCH_ID: &str = "2333";
pub(crate) const SUPPLY_MCH_SECRET: &str = "demoSupplyMchSecret0123456789abc";
pub(crate) const ERP_APP_KEY: i64 = 410_000_000_000_001;
pub(crate) const ERP_APP_SECRET: &str = "demoErpSecretdemoErpSecret000001";
pub(crate) const JD_CUSTOMER: i64 = 14_156_143;
pub(crate) const JD_KEY: &str = "demojdkeydemojdkeydemojdkey00001";

/// The pretend platforms' hosts. The names exist nowhere: calls to them go to sockets of this machine.
pub(crate) const EPAY_HOST: &str = "pay.demo.test";
pub(crate) const SUPPLY_HOST: &str = "open.goofish.test";
pub(crate) const ERP_HOST: &str = "erp.goofish.test";
pub(crate) const JD_HOST: &str = "card.jd.test";
pub(crate) const WECHAT_PAY_HOST: &str = "pay.wechat.test";
pub(crate) const TAOBAO_HOST: &str = "top.taobao.test";
pub(crate) const PINDUODUO_HOST: &str = "open.pinduoduo.test";
pub(crate) const DOUYIN_HOST: &str = "open.douyin.test";
pub(crate) const XIAOHONGSHU_HOST: &str = "ark.xiaohongshu.test";
pub(crate) const KUAISHOU_HOST: &str = "open.kuaishou.test";

/// Where a buyer buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// The own site: reserve, pay at the gateway, pick the keys up.
    Own,
    /// The counter: paid in cash, the reply carries the keys.
    Pos,
    /// Xianyu: goofish buys from us for its buyer.
    Xianyu,
    /// JD's game cards: the reply carries the keys, or a call-back does later.
    Jd,
    /// The mini program in WeChat: as the own site, and paid through WeChat Pay.
    Wechat,
    /// Taobao's e-tickets: a notice wants codes, which are handed in by a call.
    Taobao,
    /// Pinduoduo: a frame says that an order changed, which is read back; vouchers are sent.
    Pinduoduo,
    /// Douyin: a push says that an order changed, which is read back; coupons are sent.
    Douyin,
    /// Xiaohongshu: a push says that an order changed, which is read back; the text of the cards is sent.
    Xiaohongshu,
    /// Kuaishou's e-tickets: a call wants codes, the order is read back, the codes are handed in.
    Kuaishou,
}

impl Place {
    /// All of them with their share of the buyers, in per cent.
    pub(crate) const SHARES: [(Self, u32); 10] = [
        (Self::Own, 21),
        (Self::Taobao, 14),
        (Self::Jd, 12),
        (Self::Pinduoduo, 11),
        (Self::Xianyu, 10),
        (Self::Douyin, 9),
        (Self::Wechat, 8),
        (Self::Pos, 5),
        (Self::Xiaohongshu, 5),
        (Self::Kuaishou, 5),
    ];

    /// The account that its orders belong to.
    pub(crate) const fn account(self) -> &'static str {
        match self {
            Self::Own => "generic/own",
            Self::Pos => "generic/pos",
            Self::Xianyu => "xianyu-supply/main",
            Self::Jd => "jd-game-card/main",
            Self::Wechat => "generic/wechat",
            Self::Taobao => "taobao/main",
            Self::Pinduoduo => "pinduoduo/main",
            Self::Douyin => "douyin/main",
            Self::Xiaohongshu => "xiaohongshu/main",
            Self::Kuaishou => "kuaishou/main",
        }
    }
    /// The place whose orders belong to an account.
    pub(crate) fn of(account: &str) -> Option<Self> {
        Self::SHARES.into_iter().map(|(place, _)| place).find(|place| place.account() == account)
    }
    /// The place that gave an order of its own site this number.
    pub(crate) fn of_site(number: &str) -> Self {
        if number.starts_with("WX-") { Self::Wechat } else { Self::Own }
    }
    /// Per cent of the list price.
    const fn per_cent(self) -> i64 {
        match self {
            Self::Own | Self::Pos | Self::Wechat => 100,
            Self::Xianyu | Self::Pinduoduo => 98,
            Self::Jd => 102,
            Self::Taobao | Self::Douyin | Self::Kuaishou => 101,
            Self::Xiaohongshu => 103,
        }
    }
    /// Whether it only says that an order changed, and is then asked.
    pub(crate) const fn keeps_books(self) -> bool {
        matches!(self, Self::Taobao | Self::Pinduoduo | Self::Douyin | Self::Xiaohongshu | Self::Kuaishou)
    }
    /// Whether Kami's answer to an order says whether it is taken.
    pub(crate) const fn answers_at_once(self) -> bool {
        matches!(self, Self::Own | Self::Pos | Self::Xianyu | Self::Jd)
    }
    /// Whether it has a price of its own, and names for the items that are its own.
    pub(crate) const fn is_foreign(self) -> bool {
        !matches!(self, Self::Own | Self::Pos | Self::Wechat)
    }
    /// What sort of place it is, what it keeps of a sale and what taking the payment costs, in hundredths of a per cent,
    /// and how long it takes until a stock figure is shown, in seconds.
    const fn terms(self) -> (ChannelKind, u32, u32, u32) {
        match self {
            Self::Own => (ChannelKind::Own, 0, 120, 1),
            Self::Wechat => (ChannelKind::Own, 0, 60, 1),
            Self::Pos => (ChannelKind::Offline, 0, 0, 1),
            Self::Xianyu => (ChannelKind::Marketplace, 160, 0, 60),
            Self::Jd => (ChannelKind::Marketplace, 500, 0, 30),
            Self::Taobao => (ChannelKind::Marketplace, 200, 60, 30),
            Self::Pinduoduo => (ChannelKind::Marketplace, 60, 60, 60),
            Self::Douyin => (ChannelKind::Social, 300, 60, 60),
            Self::Xiaohongshu => (ChannelKind::Social, 500, 70, 120),
            Self::Kuaishou => (ChannelKind::Social, 300, 60, 60),
        }
    }
    /// What it costs and is good for.
    pub(crate) fn terms_set(self) -> anyhow::Result<ChannelTermsSet> {
        let (kind, commission_bp, pay_fee_bp, sync_delay_s) = self.terms();
        let account = account(self.account())?;
        Ok(ChannelTermsSet { account, kind, commission_bp, pay_fee_bp, sync_delay_s, value_tags: Vec::new() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.account())
    }
}

/// Something for sale.
pub(crate) struct Item {
    pub(crate) sku: &'static str,
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    pub(crate) kind: KeyKind,
    /// What it is good for, in fen.
    face: Option<i64>,
    /// The list price of one, in fen.
    pub(crate) price: i64,
    /// What one costs us, in fen.
    pub(crate) cost: i64,
    /// How much it is wanted, against the others.
    pub(crate) weight: u32,
    /// Its number on goofish.
    pub(crate) product: u64,
}

const fn item(sku: &'static str, name: &'static str, family: &'static str, price: i64, weight: u32) -> Item {
    let (kind, face, product) = (KeyKind::OneShot, None, 0);
    Item { sku, name, family, kind, face, price, cost: price * 90 / 100, weight, product }
}

/// The item that goes on sale on day 11, with a first batch that turns out bad.
pub(crate) const LATE_ITEM: usize = 4;
/// The item of the flash sales.
pub(crate) const FLASH_ITEM: usize = 1;
/// The item of which somebody buys all there is.
pub(crate) const SCARCE_ITEM: usize = 2;
/// The item of which JD wants more than there will be.
pub(crate) const DEAR_ITEM: usize = 5;

/// The eight items, in four families.
pub(crate) static ITEMS: [Item; 8] = [
    Item {
        face: Some(5_000),
        product: 9_001,
        ..item("steam-50", "Steam 充值卡 50 元 / Steam CNY 50", "steam", 4_880, 28)
    },
    Item {
        face: Some(10_000),
        product: 9_002,
        ..item("steam-100", "Steam 充值卡 100 元 / Steam CNY 100", "steam", 9_700, 18)
    },
    Item {
        face: Some(10_000),
        product: 9_003,
        ..item("switch-100", "任天堂点卡 100 元 / Nintendo CNY 100", "nintendo", 9_580, 9)
    },
    Item { product: 9_004, ..item("iqiyi-30", "爱奇艺月卡 / iQIYI 30 days", "video", 1_980, 18) },
    Item { product: 9_005, ..item("youku-90", "优酷季卡 / Youku 90 days", "video", 5_400, 11) },
    Item {
        product: 9_006,
        ..item("office-1y", "办公套件一年 / Office suite, 1 year", "software", 19_900, 4)
    },
    Item {
        kind: KeyKind::Reusable { use_limit: 5 },
        product: 9_007,
        ..item("antivirus-5", "杀毒软件五用户 / Antivirus, 5 seats", "software", 3_900, 6)
    },
    Item {
        kind: KeyKind::Pair,
        face: Some(20_000),
        product: 9_008,
        ..item("gift-200", "礼品卡 200 元(卡号+密码)/ Gift card CNY 200", "gift", 19_600, 8)
    },
];

impl Item {
    /// Its definition.
    pub(crate) fn definition(&self) -> anyhow::Result<SkuDefined> {
        Ok(SkuDefined {
            sku: self.sku.parse().context("a SKU")?,
            name: self.name.to_owned(),
            family: self.family.to_owned(),
            key_kind: self.kind,
            face_value: self.face.map(yuan),
        })
    }
    /// What the place calls it.
    pub(crate) fn listed(&self, place: Place) -> String {
        match place {
            Place::Own | Place::Pos | Place::Wechat => self.sku.to_owned(),
            Place::Xianyu => format!("KM-{}", self.sku),
            Place::Jd => format!("JD-{}", self.sku),
            Place::Taobao => self.num_iid().to_string(),
            Place::Pinduoduo => format!("{}/{}", self.goods(), self.goods() + 1),
            Place::Douyin => format!("DY-{}", self.sku),
            Place::Xiaohongshu => format!("66f0a1b2c3d4e5f60000{}", self.product),
            Place::Kuaishou => format!("88839067{}", self.product),
        }
    }
    /// Its number on Taobao.
    pub(crate) const fn num_iid(&self) -> i64 {
        520_813_240_000 + self.product as i64
    }
    /// Its number on Pinduoduo.
    pub(crate) const fn goods(&self) -> i64 {
        711_452_340_000 + self.product as i64
    }
    /// Whether the place sells it: an e-ticket of Taobao's has one code, and no password beside it.
    pub(crate) fn is_sold_at(&self, place: Place) -> bool {
        place != Place::Taobao || self.kind != KeyKind::Pair
    }
    /// What one costs at a place at a list price, in fen.
    pub(crate) const fn price_at(list: i64, place: Place) -> i64 {
        list * place.per_cent() / 100
    }
}

/// An amount in fen.
pub(crate) fn yuan(fen: i64) -> Money {
    Money::new(fen, Currency::CNY)
}

/// An account by its name.
pub(crate) fn account(name: &str) -> anyhow::Result<Account> {
    name.parse().with_context(|| format!("the account {name}"))
}

/// The accounts to connect, in order: name, what people call it, whose order numbers it shares, its settings.
pub(crate) fn connections(jd_waits: bool) -> Vec<(&'static str, &'static str, Option<&'static str>, Value)> {
    let generic = |secret: &[u8; 32], return_keys: bool| {
        let secret = format!("whsec_{}", STANDARD.encode(secret));
        json!({ "secrets": [secret], "return_keys": return_keys, "reserve_secs": 900, "shortage": "refuse" })
    };
    let at = |host: &str| format!("https://{host}");
    let epay = json!({ "base_url": format!("https://{EPAY_HOST}/"), "pid": EPAY_PID, "key": EPAY_KEY,
        "confirm_by_query": true, "refunds": true });
    let supply = json!({ "app_id": SUPPLY_APP_ID, "app_secret": SUPPLY_APP_SECRET, "mch_id": SUPPLY_MCH_ID,
        "mch_secret": SUPPLY_MCH_SECRET, "callback_prefixes": [format!("https://{SUPPLY_HOST}/")] });
    let erp = json!({ "app_key": ERP_APP_KEY, "app_secret": ERP_APP_SECRET, "base_url": at(ERP_HOST),
        "deliver_orders": false });
    let jd = json!({ "customer_id": JD_CUSTOMER, "private_key": JD_KEY, "async_when_short": jd_waits,
        "base_url": at(JD_HOST) });
    let place = |place: Place, title, settings| (place.account(), title, None, settings);
    vec![
        place(Place::Own, "官网 / Own site", generic(OWN_SECRET, false)),
        place(Place::Pos, "门店 / Counter", generic(POS_SECRET, true)),
        (GATEWAY, "易支付 / Payment gateway", Some(Place::Own.account()), epay),
        place(Place::Xianyu, "闲鱼货源 / Xianyu supply", supply),
        (XIANYU_ERP, "闲鱼管家 / Xianyu ERP", Some(Place::Xianyu.account()), erp),
        place(Place::Jd, "京东点卡 / JD game cards", jd),
        place(Place::Taobao, "淘宝 / Taobao", taobao::settings(&at(TAOBAO_HOST))),
        place(Place::Pinduoduo, "拼多多 / Pinduoduo", pinduoduo::settings(&at(PINDUODUO_HOST))),
        place(Place::Douyin, "抖音 / Douyin", douyin::settings(&at(DOUYIN_HOST))),
        place(
            Place::Xiaohongshu,
            "小红书 / Xiaohongshu",
            xiaohongshu::settings(&at(XIAOHONGSHU_HOST), &push_path()),
        ),
        place(Place::Kuaishou, "快手 / Kuaishou", kuaishou::settings(&at(KUAISHOU_HOST))),
        place(Place::Wechat, "微信小程序 / WeChat mini program", generic(WECHAT_SECRET, false)),
        (
            WECHAT_PAY,
            "微信支付 / WeChat Pay",
            Some(Place::Wechat.account()),
            wechat_pay::settings(&at(WECHAT_PAY_HOST), true),
        ),
    ]
}

/// The path that Xiaohongshu pushes to, which it signs.
pub(crate) fn push_path() -> String {
    format!("/v1/in/{}", Place::Xiaohongshu)
}
