//! Our calls, and how they are signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{OutboundRequest, Unable, sign::hmac_sha256};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vocabulary::Timestamp;

use crate::{settings::Merchant, verify::SCHEME};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A part of a path or query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// What a call's signature is made over.
fn canonical(method: &str, path: &str, timestamp: &str, nonce: &str, body: &str) -> String {
    format!("{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n")
}

impl Merchant {
    /// A signed call. `path` is absolute, with its query, exactly as it is to be sent.
    pub(crate) fn call(
        &self,
        method: &'static str,
        path: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<OutboundRequest, Unable> {
        let timestamp = now.secs().to_string();
        let nonce = self.nonce(&canonical(method, path, &timestamp, "", body));
        let authorization = self.authorization(method, path, &timestamp, &nonce, body)?;
        let mut headers = vec![
            ("accept", "application/json".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("user-agent", "kami".to_owned()),
            ("authorization", authorization),
        ];
        if let Some(id) = self.public_key_id() {
            headers.push(("wechatpay-serial", id.to_owned()));
        }
        Ok(OutboundRequest {
            method,
            url: format!("{}{path}", self.base_url),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            body: body.as_bytes().to_vec(),
        })
    }

    /// 32 hex digits that nobody can guess; equal calls at one second have equal ones, which does no harm.
    fn nonce(&self, text: &str) -> String {
        let mut nonce = hex::encode_upper(hmac_sha256(self.apiv3_key.expose().as_bytes(), text.as_bytes()));
        nonce.truncate(32);
        nonce
    }

    fn authorization(
        &self,
        method: &str,
        path: &str,
        timestamp: &str,
        nonce: &str,
        body: &str,
    ) -> Result<String, Unable> {
        let text = canonical(method, path, timestamp, nonce, body);
        let signature = self.signer.sign_sha256(text.as_bytes()).ok_or(Unable("cannot_sign"))?;
        let (mchid, serial, signature) = (&self.mchid, &self.serial_no, STANDARD.encode(signature));
        Ok(format!(
            "{SCHEME} mchid=\"{mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{timestamp}\",serial_no=\"{serial}\""
        ))
    }
}

#[cfg(test)]
mod tests {
    use channel::sign::{RsaSigner, der_from_text};
    use serde_json::Value;

    use super::*;

    fn vectors(scheme: &str) -> Vec<Value> {
        let all: Value = serde_json::from_str(include_str!("../fixtures/wechat-pay.json")).unwrap();
        let found: Vec<Value> =
            all.as_array().unwrap().iter().filter(|vector| vector["scheme"] == scheme).cloned().collect();
        assert!(!found.is_empty(), "{scheme}");
        found
    }

    fn text(value: &Value) -> &str {
        value.as_str().unwrap()
    }

    fn canonical_of(vector: &Value) -> String {
        let input = &vector["input"];
        let timestamp = input["timestamp"].to_string();
        let (method, path) = (text(&input["method"]), text(&input["url"]));
        canonical(method, path, &timestamp, text(&input["nonce_str"]), text(&input["body"]))
    }

    #[test]
    fn calls_are_signed_as_other_implementations_sign_them() {
        for vector in vectors("wechatpay-v3-request-canonical") {
            assert_eq!(canonical_of(&vector), text(&vector["expected"]["canonical"]));
        }
        for vector in vectors("wechatpay-v3-request-sign") {
            let (keys, input, expected) = (&vector["keys"], &vector["input"], &vector["expected"]);
            assert_eq!(canonical_of(&vector), text(&expected["canonical"]));
            let mut merchant = Merchant::read(include_str!("example.json")).unwrap();
            let der = der_from_text(text(&keys["private_key_pem"])).unwrap();
            merchant.signer = RsaSigner::from_pkcs8(der.expose()).unwrap();
            merchant.mchid = text(&keys["mchid"]).to_owned();
            merchant.serial_no = text(&keys["serial_no"]).to_owned();
            let timestamp = input["timestamp"].to_string();
            let (method, path) = (text(&input["method"]), text(&input["url"]));
            let header = merchant
                .authorization(method, path, &timestamp, text(&input["nonce_str"]), text(&input["body"]))
                .unwrap();
            let (scheme, pairs) = header.split_once(' ').unwrap();
            assert_eq!(scheme, text(&expected["authorization_schema"]));
            let params = expected["authorization_params"].as_object().unwrap();
            assert_eq!(pairs.split(',').count(), params.len());
            for (name, value) in params {
                assert!(pairs.contains(&format!("{name}=\"{}\"", text(value))), "{name}");
            }
        }
    }
}
