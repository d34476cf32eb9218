//! What the adapters share: strict JSON, forms, times, keys, ciphers and paddings.
#![no_main]

use channel_conformance::helpers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| helpers(data));
