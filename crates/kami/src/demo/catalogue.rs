//! What the demo's shop sells, where, and under which settings: the same for every seed, so that only what
//! happens differs from seed to seed.

use std::fmt;

use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::sku::SkuDefined;
use serde_json::{Value, json};
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
/// The account that hears what happens to orders on Xianyu, and is told stock.
pub(crate) const XIANYU_ERP: &str = "xianyu-erp/main";

/// The keys and names that the pretend platforms and we have agreed on. They open nothing outside this
/// process.
pub(crate) const OWN_SECRET: &[u8; 32] = b"demo-own-site-shared-secret-0001";
pub(crate) const POS_SECRET: &[u8; 32] = b"demo-counter-shared-secret-00002";
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
}

impl Place {
    /// All of them with their share of the buyers, in per cent.
    pub(crate) const SHARES: [(Self, u32); 4] =
        [(Self::Own, 40), (Self::Xianyu, 25), (Self::Jd, 21), (Self::Pos, 14)];

    /// The account that its orders belong to.
    pub(crate) const fn account(self) -> &'static str {
        match self {
            Self::Own => "generic/own",
            Self::Pos => "generic/pos",
            Self::Xianyu => "xianyu-supply/main",
            Self::Jd => "jd-game-card/main",
        }
    }
    /// The place whose orders belong to an account.
    pub(crate) fn of(account: &str) -> Option<Self> {
        Self::SHARES.into_iter().map(|(place, _)| place).find(|place| place.account() == account)
    }
    /// Per cent of the list price.
    const fn per_cent(self) -> i64 {
        match self {
            Self::Own | Self::Pos => 100,
            Self::Xianyu => 98,
            Self::Jd => 102,
        }
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
            Place::Own | Place::Pos => self.sku.to_owned(),
            Place::Xianyu => format!("KM-{}", self.sku),
            Place::Jd => format!("JD-{}", self.sku),
        }
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
    let epay = json!({ "base_url": format!("https://{EPAY_HOST}/"), "pid": EPAY_PID, "key": EPAY_KEY,
        "confirm_by_query": true, "refunds": true });
    let supply = json!({ "app_id": SUPPLY_APP_ID, "app_secret": SUPPLY_APP_SECRET, "mch_id": SUPPLY_MCH_ID,
        "mch_secret": SUPPLY_MCH_SECRET, "callback_prefixes": [format!("https://{SUPPLY_HOST}/")] });
    let erp = json!({ "app_key": ERP_APP_KEY, "app_secret": ERP_APP_SECRET,
        "base_url": format!("https://{ERP_HOST}"), "deliver_orders": false });
    let jd = json!({ "customer_id": JD_CUSTOMER, "private_key": JD_KEY, "async_when_short": jd_waits,
        "base_url": format!("https://{JD_HOST}") });
    vec![
        (Place::Own.account(), "官网 / Own site", None, generic(OWN_SECRET, false)),
        (Place::Pos.account(), "门店 / Counter", None, generic(POS_SECRET, true)),
        (GATEWAY, "易支付 / Payment gateway", Some(Place::Own.account()), epay),
        (Place::Xianyu.account(), "闲鱼货源 / Xianyu supply", None, supply),
        (XIANYU_ERP, "闲鱼管家 / Xianyu ERP", Some(Place::Xianyu.account()), erp),
        (Place::Jd.account(), "京东点卡 / JD game cards", None, jd),
    ]
}
