//! The other side of real protocols, for tests, demos and measurements: pretend servers that answer our calls over
//! real sockets on this machine, and drivers that sign requests as the platforms do.
//!
//! Everything here is written from the platforms' documents, and shares no code with the adapters: a mistake made
//! once shows as a disagreement. Each pretend server checks signatures itself, keeps a ledger of what it was told,
//! and misbehaves on demand ([`Fault`]).
//!
//! It knows no adapter, no engine and no log.
//!
//! ```
//! use testkit::{drive, epay::Epay, pretend::{Fault, Pretend, clock_at}};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let now = vocabulary::Timestamp::from_secs(1_767_322_800);
//! let gateway = Pretend::start(Epay::test(), clock_at(now)).await.unwrap();
//! let payment = gateway.with(|epay| epay.pay("CK20260102000001", 2_888));
//! gateway.next(Fault::HangUpAfter);
//! let notice = drive::epay_notify(&Epay::test_account(), &payment);
//! assert_eq!((notice.method, notice.topic.as_str()), ("GET", ""));
//! # });
//! ```
#![warn(missing_docs)]

pub mod accounts;
mod digest;
pub mod douyin;
pub mod drive;
pub mod epay;
mod form;
pub mod goofish;
pub mod jd_card;
pub mod kuaishou;
pub mod nats;
pub mod partner;
pub mod pinduoduo;
pub mod pretend;
pub mod proxy;
pub mod taobao;
pub mod wechat_pay;
pub mod xiaohongshu;

pub use digest::sha256_hex;
pub use pretend::Fault;
