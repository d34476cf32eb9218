//! Kami (卡密中台): an event-sourced, channel-aware middle platform for merchants who sell card keys.
//!
//! This crate is the binary. It reads the configuration, builds everything, and is the only one that knows which
//! channels and backends there are.

mod bench;
mod channels;
mod cli;
mod cluster;
mod commands;
mod config;
mod demo;
mod http_client;
mod kept_at;
mod log;
mod mirroring;
mod nightly;
mod node;
mod partners;
mod publishing;
mod retail;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::complain(&anyhow::Error::new(error).context("the runtime cannot be started"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            cli::complain(&error);
            ExitCode::FAILURE
        }
    }
}
