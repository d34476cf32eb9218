//! Every channel against the other side of its protocol, over real sockets, on the real log and vault.

#![expect(clippy::unwrap_used, reason = "a test")]

mod epay;
mod generic;
mod jd;
mod sandbox;
mod xianyu;

use channel::Protocol;
use channel_world::World;

static PROTOCOLS: &[Protocol] = &[
    channel_generic::PROTOCOL,
    channel_epay::V1,
    channel_epay::V2,
    channel_xianyu_supply::PROTOCOL,
    channel_xianyu_erp::PROTOCOL,
    channel_jd_game_card::PROTOCOL,
    channel_sandbox::PROTOCOL,
];

async fn open_world() -> World {
    World::open(PROTOCOLS).await
}
