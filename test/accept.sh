#!/usr/bin/env bash
# test/accept.sh NAME TEST…: takes the results of the workbench NAME (test/dev.sh) as the expected output of
# these regression tests.  Read the difference before you commit it.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?name of the workbench}
shift
for test in "$@"; do
	cp "/tmp/statbus-dev-$name/src/results/$test.out" "expected/$test.out"
	git --no-pager diff --stat -- "expected/$test.out"
done
