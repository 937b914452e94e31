#!/usr/bin/env bash
# `npm test`: builds, puts the real debuggers and sshd below .tools, runs every test, and ends with the one line
# `N passed, N failed`, counted from tap's own raw result. Arguments are passed to tap: test files, for instance.
set -uo pipefail
cd "$(dirname "$0")/../.."

npm run --silent build || exit 1
bash test/support/install.sh || exit 1

raw=.tap/result.tap
mkdir -p .tap
rm -f "$raw"
npx tap --no-color --reporter=terse --output-file="$raw" "$@"
status=$?
# The reporter leaves the cursor in the middle of a line, and the closing line must stand alone.
echo
node test/support/count.mjs "$raw" "$status"
