#!/usr/bin/env bash
# make fuzz: every libFuzzer target for FUZZ_SECONDS (20) each, with the sanitizers.
set -euo pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/lib.sh"
need_packages make
command -v clang >/dev/null || need_packages clang
version=$(clang --version | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
need_packages "libclang-rt-$version-dev"
exec make --no-print-directory -C "$STATBUS_TOP/test/fuzz" fuzz
