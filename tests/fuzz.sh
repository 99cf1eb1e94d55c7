#!/usr/bin/env bash
# fuzz.sh MINUTES: the property tests of everything that reads what users send, over and over with new random cases.
# The first input that breaks one ends it and is shown, made small.
set -euo pipefail
minutes=$1
export PROPTEST_CASES=${PROPTEST_CASES:-20000}

fuzz() { # NAME CARGO-TARGET… -- FILTERS
	local name=$1 end=$((SECONDS + 60 * minutes)) rounds=0
	shift
	while ((SECONDS < end)); do
		cargo test --locked --quiet "$@" >target/fuzz.log 2>&1 || { cat target/fuzz.log; exit 1; }
		grep -q "[1-9][0-9]* passed" target/fuzz.log || { echo "fuzz.sh: $name has no tests"; exit 1; }
		rounds=$((rounds + 1))
	done
	echo "$name: $rounds rounds of $PROPTEST_CASES cases a test"
}

fuzz decode --test imaging -- random_bytes_never_panic a_damaged_file
fuzz jpeg --lib -- imaging::jpeg::tests
fuzz parameters --lib -- http::params::tests::no_pairs http::params::tests::what_is_taken http::inference::tests::no_document
fuzz multipart --lib -- http::multipart::tests::no_body http::multipart::tests::no_damaged http::multipart::tests::what_is_sent
