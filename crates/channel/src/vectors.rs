//! Test vectors: examples that other implementations signed, and what an adapter makes of them.
//!
//! A vector is a JSON object `{name, scheme, keys, input, expected}`. A protocol lists the schemes it knows
//! ([`crate::Protocol::schemes`]); each says which request to us a vector stands for, or what we compute of it.

mod vector;

use serde_json::Value;

use crate::{Adapter, Ask, Inbound, Outcome, Protocol, RawRequest, Refusal, Verified};

pub use vector::{Vector, form, put};

/// Makes the request to us that a vector stands for, and puts the vector's keys into the account's settings. `None`
/// where it stands for none, and is computed only. An error is what the vector lacks.
pub type MakeRequest = fn(&Vector<'_>, &mut Value) -> Result<Option<RawRequest>, String>;
/// Computes what a vector expects: an object of values by their names under `expected`. The settings are the account's.
pub type Compute = fn(&Vector<'_>, &Value) -> Result<Value, String>;

/// How the vectors of one scheme are judged. One of the two functions at least.
#[derive(Clone, Copy)]
pub struct Scheme {
    /// The scheme's name in vectors.
    pub name: &'static str,
    /// The request that a vector stands for.
    pub request: Option<MakeRequest>,
    /// What we compute of it.
    pub compute: Option<Compute>,
}

impl Scheme {
    /// A scheme of requests to us.
    pub const fn request(name: &'static str, request: MakeRequest) -> Self {
        Self { name, request: Some(request), compute: None }
    }
    /// A scheme of texts, signatures or ciphers of ours.
    pub const fn computed(name: &'static str, compute: Compute) -> Self {
        Self { name, request: None, compute: Some(compute) }
    }
    /// The same, with something computed besides.
    pub const fn and_computed(self, compute: Compute) -> Self {
        Self { compute: Some(compute), ..self }
    }

    /// Judges a vector by a protocol's adapter. `settings` are the account's, which the vector's keys are put into.
    /// What was found, or why the vector failed.
    pub fn judge(
        &self,
        protocol: &Protocol,
        settings: &Value,
        vector: &Vector<'_>,
    ) -> Result<String, String> {
        let mut found = None;
        if let Some(make) = self.request {
            let mut settings = settings.clone();
            if let Some(request) = make(vector, &mut settings)? {
                let account = format!("{}/test", protocol.manifest.code);
                let account =
                    account.parse().map_err(|_| "the protocol's code is no channel's".to_owned())?;
                let adapter = (protocol.connect)(account, &settings.to_string());
                let adapter = adapter.map_err(|why| format!("its keys do not connect: {why}"))?;
                found = Some(judge_request(adapter.as_ref(), &request, vector)?);
            }
        }
        // What must be refused has nothing to compute.
        let computes = found.is_none() || vector.accept() != Some(false);
        if let Some(compute) = self.compute.filter(|_| computes) {
            let computed = compare(&compute(vector, settings)?, vector)?;
            found = Some(found.map_or(computed.clone(), |found| format!("{found}; {computed}")));
        }
        found.ok_or_else(|| "it stands for nothing that can be judged".to_owned())
    }
}

fn judge_request(adapter: &dyn Adapter, request: &RawRequest, vector: &Vector<'_>) -> Result<String, String> {
    let accept = vector.accept() != Some(false);
    let proof = match adapter.verify(request, request.received_at) {
        Ok(proof) => proof,
        Err(why) => return refused(adapter, request, &why, vector),
    };
    let verified = Verified::new(request, proof);
    match (adapter.parse(&verified), accept) {
        (Ok(inbound), true) => {
            same_text(adapter.signed_text(request).as_deref(), vector)?;
            same_answer(adapter, &verified, &inbound, vector)?;
            Ok("accepted".to_owned())
        }
        (Ok(inbound), false) if matches!(inbound.ask, Ask::Nothing) => Ok("asks for nothing".to_owned()),
        (Ok(_), false) => Err("must be refused, was accepted".to_owned()),
        // Many vectors are about a signature, over a body that no platform would send.
        (Err(why), true) => {
            same_text(adapter.signed_text(request).as_deref(), vector)?;
            Ok(format!("verified; its meaning is {why}"))
        }
        (Err(why), false) => refused(adapter, request, &why, vector),
    }
}

fn refused(
    adapter: &dyn Adapter,
    request: &RawRequest,
    why: &Refusal,
    vector: &Vector<'_>,
) -> Result<String, String> {
    if vector.accept() != Some(false) {
        return Err(format!("must be accepted, {why}"));
    }
    same_body("the answer", &adapter.refuse(request, why).body, vector)?;
    Ok(why.to_string())
}

fn same_answer(
    adapter: &dyn Adapter,
    verified: &Verified<'_>,
    inbound: &Inbound,
    vector: &Vector<'_>,
) -> Result<(), String> {
    let reply = adapter.answer(verified, inbound, &Outcome::Accepted { order: None });
    same_body("the acknowledgement", &reply.body, vector)
}

fn same_body(what: &str, body: &[u8], vector: &Vector<'_>) -> Result<(), String> {
    match vector.maybe("/expected/ack_body") {
        Some(expected) if expected.as_bytes() != body => {
            Err(format!("{what} is {:?}, not {expected:?}", String::from_utf8_lossy(body)))
        }
        _ => Ok(()),
    }
}

/// Whether the signed text that the adapter shows, with `***` for secrets, is the one the vector names.
fn same_text(shown: Option<&str>, vector: &Vector<'_>) -> Result<(), String> {
    let names = ["/expected/canonical", "/expected/signed_content", "/expected/signed_string"];
    let expected = names.into_iter().find_map(|name| vector.maybe(name));
    let (Some(shown), Some(expected)) = (shown, expected) else { return Ok(()) };
    if reads_as(shown, expected, &vector.keys()) {
        return Ok(());
    }
    Err(format!("the signed text is {shown:?}, not {expected:?}"))
}

/// Whether `expected` is `shown` with a key, nothing, or the stars themselves in place of every `***`.
fn reads_as(shown: &str, expected: &str, keys: &[&str]) -> bool {
    let Some((plain, rest)) = shown.split_once("***") else { return shown == expected };
    let Some(after) = expected.strip_prefix(plain) else { return false };
    let behind = |key: &&str| after.strip_prefix(*key).is_some_and(|after| reads_as(rest, after, keys));
    keys.iter().chain(&["", "***"]).any(behind)
}

/// Holds computed values against those expected under the same names.
fn compare(computed: &Value, vector: &Vector<'_>) -> Result<String, String> {
    let mut same = Vec::new();
    for (name, value) in computed.as_object().into_iter().flatten() {
        match vector.value(&format!("/expected/{name}")) {
            Some(expected) if expected == value => same.push(name.as_str()),
            Some(expected) => return Err(format!("{name} is {value}, not {expected}")),
            None => {}
        }
    }
    match same.is_empty() {
        true => Err(format!("expects nothing of what we compute: {computed}")),
        false => Ok(format!("same {}", same.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_shown_text_reads_as_the_expected_one_with_keys_or_nothing_where_secrets_are() {
        let keys = ["k1", "k2"];
        for (shown, expected) in
            [("a=1***", "a=1k2"), ("a=1***", "a=1"), ("***a***", "k1ak1"), ("a****b***", "a****bk1")]
        {
            assert!(reads_as(shown, expected, &keys), "{shown} {expected}");
        }
        for (shown, expected) in [("a=1***", "a=1k3"), ("a=1***", "a=2k1"), ("***", "x"), ("ab", "a")] {
            assert!(!reads_as(shown, expected, &keys), "{shown} {expected}");
        }
    }

    #[test]
    fn what_is_computed_is_held_against_what_is_expected_and_something_must_be() {
        let json = json!({ "expected": { "sign": "x", "other": 1 } });
        let vector = Vector::new(&json);
        assert_eq!(compare(&json!({ "sign": "x", "more": 2 }), &vector), Ok("same sign".to_owned()));
        assert!(compare(&json!({ "sign": "y" }), &vector).is_err_and(|why| why.contains("not \"x\"")));
        assert!(compare(&json!({ "error": true }), &vector).is_err());
        assert!(compare(&json!({}), &vector).is_err());
    }
}
