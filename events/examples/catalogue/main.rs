//! Prints the reference page of all event types: `cargo run -p events --example catalogue`.

mod page;

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(page::page().as_bytes())
}
