//! Measures how many keys a second the vault stores, opens and tells as duplicates.
//!
//! `cargo run --release -p vault --example put_rate -- [keys] [keys per call]`
#![expect(clippy::print_stdout, reason = "printing is what a measuring program is for")]

use std::time::Instant;

use vault::{KeyPut, Vault, VaultOptions, VaultPlace};
use vocabulary::{BatchId, CardKey, KeyRef, MerchantId, Secret, Sku};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u32>());
    let total = numbers.next().transpose()?.unwrap_or(500_000);
    let chunk = numbers.next().transpose()?.unwrap_or(5_000);
    let folder = tempfile::tempdir()?;
    let (place, kek_file) = (VaultPlace::File(folder.path().join("vault.db")), folder.path().join("kek"));
    let vault = Vault::open(VaultOptions { place, kek_file, seed: Some([1; 32]) }).await?;
    let merchant: MerchantId = "acme".parse()?;
    let sku: Sku = "steam-50".parse()?;
    let keys: Vec<CardKey> = (0..total)
        .map(|n| u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .map(|n| CardKey { code: Secret::new(format!("{n:016X}")), pin: None, expires_on: None })
        .collect();
    let put = |batch, first_index, keys| {
        vault.put_keys(&merchant, KeyPut { sku: &sku, family: "steam", batch, first_index, keys })
    };

    let report = |what: &str, since: Instant| {
        println!("{what}: {:.0} keys/s", f64::from(total) / since.elapsed().as_secs_f64());
    };
    let since = Instant::now();
    let mut first = 0;
    for part in keys.chunks(chunk as usize) {
        put(BatchId(1), first, part).await?;
        first += u32::try_from(part.len())?;
    }
    report("stored", since);

    let since = Instant::now();
    for part in keys.chunks(chunk as usize) {
        put(BatchId(2), 0, part).await?;
    }
    report("told as duplicates", since);

    let since = Instant::now();
    let refs: Vec<KeyRef> = (0..total).map(|index| KeyRef { batch: BatchId(1), index, use_no: 0 }).collect();
    for part in refs.chunks(chunk as usize) {
        vault.open_keys(&merchant, part).await?;
    }
    report("opened", since);

    let messages = vault.ensure_merchant(&merchant).await?;
    let body = [b'x'; 1_000];
    let since = Instant::now();
    for _ in 0..total {
        messages.seal("msg-1/request", &body);
    }
    report("sealed (messages of 1000 bytes)", since);
    vault.close().await;
    Ok(())
}
