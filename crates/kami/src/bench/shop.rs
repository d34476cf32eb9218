//! A shop of SKUs on one connected account, set up over the API, and signed orders for it.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::{Clock, SystemClock};
use serde_json::{Value, json};
use vocabulary::Timestamp;

use super::{
    load::Call,
    server::{self, Server},
    wire::{self, Wire},
};

/// Where orders are sent.
pub(crate) const INBOUND: &str = "/v1/in/generic/bench";
/// The price of every SKU, in fen.
const PRICE: i64 = 2_888;
/// A secret for a shop that is thrown away.
const SECRET: &[u8; 32] = b"BENCH-ONLY-shared-secret-32bytes";
/// Bytes of a key file that are sent at once.
const BITE: usize = 256 * 1024;
const YEAR_SECS: i64 = 365 * 24 * 3_600;
/// How many orders share a moment of signing; far less than the five minutes a signature is good for.
const SIGNED_TOGETHER: u32 = 1_000;

/// The shop.
pub(crate) struct Shop {
    token: String,
    skus: u32,
    /// How many keys each SKU was given so far.
    stocked: u64,
    /// How many orders were signed so far.
    signed: u32,
    /// Where orders tell of the last year: how many there will be.
    year: Option<u32>,
}

impl Shop {
    /// Connects the account and defines the SKUs with their prices.
    pub(crate) async fn open(server: &Server, data: &Path, skus: u32) -> anyhow::Result<Self> {
        let shop = Self { token: server::token(data)?, skus, stocked: 0, signed: 0, year: None };
        let secret = format!("whsec_{}", STANDARD.encode(SECRET));
        let account = json!({
            "account": "generic/bench", "name": "Bench", "currency": "CNY",
            "settings": {"secrets": [secret], "return_keys": true, "shortage": "refuse"},
        });
        shop.tell(server, "POST", "/v1/channels", &account).await?;
        let price = json!({"unit_price": {"minor": PRICE, "currency": "CNY"}, "reason": "list"});
        for sku in 0..skus {
            let path = format!("/v1/skus/{}", name(sku));
            shop.tell(server, "PUT", &path, &json!({"name": name(sku), "family": "bench"})).await?;
            shop.tell(server, "PUT", &format!("{path}/prices"), &price).await?;
        }
        Ok(shop)
    }

    /// How many keys were put on stock.
    pub(crate) fn keys(&self) -> u64 {
        self.stocked * u64::from(self.skus)
    }

    /// Sees to it that there are keys for so many more orders.
    pub(crate) async fn stock_for(&mut self, server: &Server, orders: u64) -> anyhow::Result<()> {
        let missing =
            (u64::from(self.signed) + orders).div_ceil(u64::from(self.skus)).saturating_sub(self.stocked);
        if missing == 0 { Ok(()) } else { self.stock(server, missing * u64::from(self.skus)).await }
    }

    /// Puts at least so many more keys on stock, the same number for each SKU.
    pub(crate) async fn stock(&mut self, server: &Server, keys: u64) -> anyhow::Result<()> {
        let each = keys.div_ceil(u64::from(self.skus));
        for sku in 0..self.skus {
            self.import(server, sku, each).await?;
        }
        self.stocked += each;
        Ok(())
    }

    /// Streams a file of new keys to the server.
    async fn import(&self, server: &Server, sku: u32, keys: u64) -> anyhow::Result<()> {
        let line = |n: u64| format!("{:04}-{:012}\n", sku, self.stocked + n);
        let length = keys * line(0).len() as u64;
        let path = format!("/v1/skus/{}/keys", name(sku));
        let bearer = format!("Bearer {}", self.token);
        let headers = [("content-type", "text/plain"), ("authorization", bearer.as_str())];
        let mut wire = Wire::connect(server.address).await?;
        let mut bytes = wire::head("POST", &path, &headers, length);
        for n in 0..keys {
            bytes.extend_from_slice(line(n).as_bytes());
            if bytes.len() >= BITE {
                wire.send(&bytes).await?;
                bytes.clear();
            }
        }
        wire.send(&bytes).await?;
        let answer = wire.receive().await?;
        let summary: Value = serde_json::from_slice(&answer.body).context("the answer to an import")?;
        if answer.status != 200 || summary["stored"].as_u64() != Some(keys) {
            bail!("an import of {keys} keys was answered with {}: {summary}", answer.status);
        }
        Ok(())
    }

    async fn tell(&self, server: &Server, method: &str, path: &str, body: &Value) -> anyhow::Result<()> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let answer = server.ask(method, path, &headers, body.to_string().as_bytes()).await?;
        if answer.status != 200 {
            bail!(
                "{method} {path} was answered with {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        Ok(())
    }

    /// From now on orders name their buyers, four to a buyer, and happened over the last year, so many in all.
    pub(crate) fn tell_a_year(&mut self, orders: u64) {
        self.year = Some(u32::try_from(orders).unwrap_or(u32::MAX).max(1));
    }

    /// What the account calls the buyer of an order.
    pub(crate) fn buyer(&self, order: u32) -> String {
        format!("open-id-{:08}", order % (self.year.unwrap_or(4) / 4).max(1))
    }

    /// A note on an order: one more event of its history.
    pub(crate) fn note(&self, order: u32, id: &str, text: &str) -> Call {
        self.call(order, "POST", &format!("/v1/orders/{id}/note"), &json!({ "text": text }).to_string())
    }

    /// What is read at an address.
    pub(crate) fn get(&self, order: u32, path: &str) -> Call {
        self.call(order, "GET", path, "")
    }

    fn call(&self, order: u32, method: &str, path: &str, body: &str) -> Call {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let mut bytes = wire::head(method, path, &headers, body.len() as u64);
        bytes.extend_from_slice(body.as_bytes());
        Call { order, bytes: bytes.into() }
    }

    /// A question for an order by any of its names, which waits until the read models contain a position.
    pub(crate) fn find(&self, order: u32, text: &str, min_pos: Option<u64>) -> Call {
        self.call(order, "POST", "/v1/find", &json!({ "text": text, "min_pos": min_pos }).to_string())
    }

    /// The part of an order's message that tells of the last year.
    fn told(&self, n: u32, now: Timestamp) -> String {
        let Some(orders) = self.year else { return String::new() };
        let left = i64::from(orders.saturating_sub(n)) * YEAR_SECS / i64::from(orders);
        format!(r#","buyer_ref":"{}","occurred_at":"{}""#, self.buyer(n), now.plus_secs(-left))
    }

    /// Signs paid orders of one unit each, over the SKUs in turn. To be sent within minutes.
    pub(crate) fn orders(&mut self, count: u64) -> Vec<Call> {
        let mut now = SystemClock.now();
        let mut calls = Vec::new();
        for n in 0..count {
            if n % u64::from(SIGNED_TOGETHER) == 0 {
                now = SystemClock.now();
            }
            calls.push(Call { order: self.signed, bytes: self.order(self.signed, now) });
            self.signed += 1;
        }
        calls
    }

    fn order(&self, n: u32, now: Timestamp) -> Arc<[u8]> {
        let sku = name(n % self.skus);
        let body = format!(
            r#"{{"type":"order.paid","timestamp":"{now}","data":{{"external_order_id":"{number}","sku":"{sku}","quantity":1,"amount_minor":{PRICE},"currency":"CNY"{told}}}}}"#,
            number = number(n),
            told = self.told(n, now),
        );
        let (id, at) = (format!("msg-{n:09}"), now.secs().to_string());
        let content = [id.as_bytes(), b".", at.as_bytes(), b".", body.as_bytes()].concat();
        let signature = format!("v1,{}", STANDARD.encode(channel::sign::hmac_sha256(SECRET, &content)));
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let mut bytes = wire::head("POST", INBOUND, &headers, body.len() as u64);
        bytes.extend_from_slice(body.as_bytes());
        bytes.into()
    }
}

fn name(sku: u32) -> String {
    format!("bench-{sku:04}")
}

/// The channel's number of an order.
pub(crate) fn number(order: u32) -> String {
    format!("B-{order:09}")
}
