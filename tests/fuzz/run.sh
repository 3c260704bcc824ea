#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Fuzzes what "make fuzz" has built, one program after the other.
#
#   tests/fuzz/run.sh FOLDER MINUTES PROGRAM...
#
# FOLDER takes the corpus of each, which the next run goes on with, and what broke one of them: an
# input that can be given to the program as its argument. Exit status 1 if there is any.
set -eu

folder=$1
minutes=$2
shift 2
status=0
seconds=$(awk -v minutes="$minutes" -v n=$# 'BEGIN {s = int(minutes * 60 / n); print s < 1 ? 1 : s}')

for program; do
	name=${program##*/fuzz_}
	mkdir -p "$folder/corpus/$name" "$folder/broken"
	echo "$name: $seconds s"
	longest=4096
	[ "$name" = proxy_header ] && longest=70000
	"$program" -max_total_time="$seconds" -max_len=$longest -len_control=50 -timeout=10 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="$folder/broken/$name-" \
		"$folder/corpus/$name" "$folder/seeds/$name" >"$folder/$name.log" 2>&1 || {
		status=1
		echo "$name: broken, see $folder/$name.log"
	}
	grep -E 'number_of_executed_units|ERROR|Test unit written' "$folder/$name.log" || :
	echo "$name: $(find "$folder/corpus/$name" -type f | wc -l) inputs kept"
done
exit $status
