#!/bin/sh
# Builds a fuzz target with the toolchain that is there, stable or not, and runs it.
#
#   fuzz/run.sh TARGET [options of libFuzzer] [files to run again]
#
# RUSTC_BOOTSTRAP=1 lets a stable compiler take -Zsanitizer; the rest is what `cargo fuzz` would pass.
# KAMI_FUZZ_SANITIZER= (empty) builds without AddressSanitizer.
set -eu
cd "$(dirname "$0")"
name=$1
shift
sanitizer=${KAMI_FUZZ_SANITIZER-address}
coverage=-Cllvm-args=-sanitizer-coverage
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module $coverage-level=4 $coverage-inline-8bit-counters $coverage-pc-table \
$coverage-trace-compares -Ccodegen-units=1 ${sanitizer:+-Zsanitizer=$sanitizer}"
export RUSTFLAGS RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --target "$host" --bin "$name"
mkdir -p "corpus/$name" "artifacts/$name" "seeds/$name"
again=no
for argument; do case $argument in -*) ;; *) again=yes ;; esac; done
# Files are run as they are; without any, new inputs are made of the corpus and the seeds.
[ "$again" = yes ] || set -- "$@" "corpus/$name" "seeds/$name"
exec "${CARGO_TARGET_DIR:-target}/$host/release/$name" -artifact_prefix="artifacts/$name/" "$@"
