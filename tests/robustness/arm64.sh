#!/bin/sh
# The compiled engine runs on arm64: its test program, cross-compiled with the flags of the
# extension modules, under qemu. On Debian: apt install g++-aarch64-linux-gnu qemu-user
#
#     tests/robustness/arm64.sh
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
flags=$(sed -n '/^UNIX_FLAGS/,/^]/s/.*"\(-[^"]*\)".*/\1/p' setup.py)

# shellcheck disable=SC2086 # the flags are words
aarch64-linux-gnu-g++ $flags -Werror -static -Iskneural/_engine/native \
    tests/robustness/engine_test.cpp -o "$folder/engine_test"
qemu-aarch64 "$folder/engine_test"
