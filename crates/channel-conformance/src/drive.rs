//! The entry points of the fuzz targets (`fuzz/`), which the suite itself calls too: no bytes may make them panic.

use channel::{
    Adapter, Outcome, RawRequest, Refusal, Step, Verified, cipher,
    sign::{
        der_from_text, digest_matches, rsa_public_key_from_certificate, rsa_public_key_from_spki,
        rsa_public_key_from_text, unix_seconds,
    },
    strict_json,
};
use serde_json::Value;
use vocabulary::Timestamp;

/// When driven requests are received.
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Leads a request through everything an adapter does with it. Its signature is looked at and then taken for good, so
/// that the parser is reached whatever the request is. Panics where the adapter does; nothing else is checked.
pub fn drive(adapter: &dyn Adapter, request: &RawRequest) {
    // How the checks end does not matter here.
    let _ = adapter.verify(request, request.received_at);
    let _ = adapter.signed_text(request);
    adapter.refuse(request, &Refusal::new(Step::Format, "driven", "nothing"));
    let Ok(proof) = digest_matches("driven", "driven") else { return };
    let verified = Verified::new(request, proof);
    if let Ok(inbound) = adapter.parse(&verified) {
        for outcome in [Outcome::Accepted { order: None }, Outcome::Parked] {
            adapter.answer(&verified, &inbound, &outcome);
        }
        crate::meaning(&inbound);
    }
}

/// A request made of any bytes: path, query and headers (`name: value`, joined by `;`) a line each, then the body. It
/// is a `GET` where the body is empty.
pub fn request_of(data: &[u8]) -> RawRequest {
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (topic, query, headers, body) = (text(part()), text(part()), part(), part().to_vec());
    let header = |line: &[u8]| {
        let at = line.iter().position(|byte| *byte == b':')?;
        let value = line.get(at + 1..).unwrap_or_default().trim_ascii();
        Some((text(&line[..at]).trim().to_ascii_lowercase(), value.to_vec()))
    };
    RawRequest {
        method: if body.is_empty() { "GET".into() } else { "POST".into() },
        topic,
        query,
        headers: headers.split(|byte| *byte == b';').filter_map(header).collect(),
        body,
        received_at: NOW,
    }
}

/// Leads bytes through what adapters share: strict JSON, forms, settings, times, keys, ciphers and paddings. Panics
/// where one of them does, or where what was put on does not come off again.
pub fn helpers(data: &[u8]) {
    let strict = strict_json::from_slice::<Value>(data);
    assert!(strict.is_err() || serde_json::from_slice::<Value>(data).is_ok(), "strict JSON that is none");
    let request = request_of(data);
    let _ = RawRequest { body: data.to_vec(), ..request.clone() }.form();
    let _ = request.query_pairs();
    let text = String::from_utf8_lossy(data);
    let _ = strict_json::settings::<Value>(&text);
    let _ = unix_seconds(&text);
    let _ = der_from_text(&text);
    let _ = rsa_public_key_from_text(&text);
    let _ = rsa_public_key_from_spki(data);
    let _ = rsa_public_key_from_certificate(data);
    ciphers(data);
}

fn ciphers(data: &[u8]) {
    let at = data.len().min(32);
    let (key, rest) = data.split_at(at);
    let start = rest.get(..16).unwrap_or_default();
    let _ = cipher::aes_cbc_decrypt(key, start, rest);
    let _ = cipher::aes_ecb_decrypt(key, rest);
    let _ = cipher::aes_256_gcm_open(key, rest.get(..12).unwrap_or_default(), start, rest);
    for block in [0, 1, 16, 32, 255] {
        let _ = cipher::unpad(data, block);
        let padded = cipher::pad(data, block);
        assert!(cipher::unpad(&padded, block.max(1)) == Some(data), "padding of {block} does not come off");
    }
    let padded = cipher::pad(rest, 16);
    if let Some(sealed) = cipher::aes_cbc_encrypt(key, start, &padded) {
        assert!(
            cipher::aes_cbc_decrypt(key, start, &sealed) == Some(padded.clone()),
            "CBC does not come off"
        );
    }
    if let Some(sealed) = cipher::aes_ecb_encrypt(key, &padded) {
        assert!(cipher::aes_ecb_decrypt(key, &sealed) == Some(padded), "ECB does not come off");
    }
}
