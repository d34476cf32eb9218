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
pub(crate) fn canonical(method: &str, path: &str, timestamp: &str, nonce: &str, body: &str) -> String {
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

    pub(crate) fn authorization(
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
