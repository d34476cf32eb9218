//! The messages that the pretend platforms send, signed as each protocol demands; and their side of the
//! checks of what we send them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use channel::{legacy_sign::md5_hex, sign::hmac_sha256};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use testkit::drive::Signed;
use vocabulary::Timestamp;

use super::catalogue::{
    EPAY_KEY, ERP_APP_KEY, ERP_APP_SECRET, GATEWAY, JD_CUSTOMER, JD_KEY, OWN_SECRET, POS_SECRET, Place,
    SUPPLY_APP_ID, SUPPLY_APP_SECRET, SUPPLY_MCH_ID, SUPPLY_MCH_SECRET, WECHAT_SECRET, XIANYU_ERP,
};

/// A message as it goes over the wire.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) method: &'static str,
    /// The path and the query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    fn post(path: String, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { method: "POST", path, headers, body }
    }

    /// What a pretend platform of the testkit sends to an account.
    pub(crate) fn to(account: &str, signed: Signed) -> Self {
        let path = signed.url(&format!("/v1/in/{account}"));
        Self { method: signed.method, path, headers: signed.headers, body: signed.body }
    }

    /// The same with a change that the signature does not cover. Where it covers no body, it is changed itself; and
    /// where the address is the secret, that is.
    pub(crate) fn forged(mut self) -> Self {
        if self.path.contains("/eticket/") {
            self.path = self.path.replace("Secret", "Guess");
            return self;
        }
        if let Some((_, sign)) = self.headers.iter_mut().find(|(name, _)| *name == "sign") {
            *sign = md5_hex(sign.as_bytes());
            return self;
        }
        match self.method {
            "GET" => self.path.push_str("&extra=1"),
            _ if self.headers.iter().any(|(_, value)| value.ends_with("urlencoded")) => {
                self.body.extend_from_slice(b"&extra=1");
            }
            _ => self.body.push(b' '),
        }
        self
    }
}

/// A message of the own site, the mini program or the counter.
pub(crate) fn generic(place: Place, id: &str, at: Timestamp, message: &Value) -> Wire {
    let secret = match place {
        Place::Pos => POS_SECRET,
        Place::Wechat => WECHAT_SECRET,
        _ => OWN_SECRET,
    };
    let body = message.to_string().into_bytes();
    let sent_at = at.secs().to_string();
    let content = [id.as_bytes(), b".", sent_at.as_bytes(), b".", &body].concat();
    let signature = format!("v1,{}", STANDARD.encode(hmac_sha256(secret, &content)));
    let mut wire = Wire::post(format!("/v1/in/{place}"), "application/json", body);
    wire.headers.extend([
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", sent_at),
        ("webhook-signature", signature),
    ]);
    wire
}

/// The gateway's word that something is paid.
pub(crate) fn epay(fields: &[(&str, &str)]) -> Wire {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let canonical: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let sign = md5_hex(format!("{}{EPAY_KEY}", canonical.join("&")).as_bytes());
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut query: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    query.push(format!("sign={sign}&sign_type=MD5"));
    let path = format!("/v1/in/{GATEWAY}?{}", query.join("&"));
    Wire { method: "GET", path, headers: Vec::new(), body: Vec::new() }
}

/// The signature of the supply interface.
pub(crate) fn supply_sign(body: &[u8], timestamp: &str) -> String {
    let text = format!(
        "{SUPPLY_APP_ID},{SUPPLY_APP_SECRET},{},{timestamp},{SUPPLY_MCH_ID},{SUPPLY_MCH_SECRET}",
        md5_hex(body)
    );
    md5_hex(text.as_bytes())
}

/// A call of goofish's supply interface, for example `order/purchase/create`.
pub(crate) fn supply(interface: &str, at: Timestamp, message: &Value) -> Wire {
    let body = message.to_string().into_bytes();
    let timestamp = at.secs().to_string();
    let sign = supply_sign(&body, &timestamp);
    let account = Place::Xianyu;
    let query = format!("mch_id={SUPPLY_MCH_ID}&timestamp={timestamp}&sign={sign}");
    Wire::post(format!("/v1/in/{account}/goofish/{interface}?{query}"), "application/json", body)
}

/// The signature of the ERP platform.
pub(crate) fn erp_sign(body: &[u8], timestamp: &str) -> String {
    md5_hex(format!("{ERP_APP_KEY},{},{timestamp},{ERP_APP_SECRET}", md5_hex(body)).as_bytes())
}

/// A push of goofish's ERP platform that an order changed.
pub(crate) fn erp_order(at: Timestamp, message: &Value) -> Wire {
    let body = message.to_string().into_bytes();
    let timestamp = at.secs().to_string();
    let sign = erp_sign(&body, &timestamp);
    let query = format!("appid={ERP_APP_KEY}&timestamp={timestamp}&sign={sign}");
    Wire::post(format!("/v1/in/{XIANYU_ERP}/order?{query}"), "application/json", body)
}

/// JD's signature of a form, whose fields are in the order of their names.
pub(crate) fn jd_sign(data: &str, timestamp: &str) -> String {
    md5_hex(format!("customerId={JD_CUSTOMER}&data={data}&timestamp={timestamp}&{JD_KEY}").as_bytes())
}

/// A call of JD's, for example `card/order`.
pub(crate) fn jd(interface: &str, at: Timestamp, message: &Value) -> Wire {
    let data = STANDARD.encode(message.to_string());
    let timestamp = at.plus_secs(8 * 3600).to_utc().format("%Y%m%d%H%M%S").to_string();
    let sign = jd_sign(&data, &timestamp);
    let encoded = utf8_percent_encode(&data, NON_ALPHANUMERIC);
    let form = format!("customerId={JD_CUSTOMER}&data={encoded}&timestamp={timestamp}&sign={sign}");
    let account = Place::Jd;
    Wire::post(
        format!("/v1/in/{account}/{interface}"),
        "application/x-www-form-urlencoded",
        form.into_bytes(),
    )
}
