#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Format, static analysis, shell and Python scripts. Everything in git or
# about to be, but what is generated.
set -u
cd "$(dirname "$0")/.." || exit
jobs=$(nproc)
failed=0

files() { # PATTERN...
	git ls-files --cached --others --exclude-standard -- "$@" | grep -v '^vmlinux/' |
		while read -r file; do [ -f "$file" ] && printf '%s\n' "$file"; done
}
step() { # NAME COMMAND...
	printf '  %-8s %s\n' LINT "$1"
	shift
	"$@" || failed=1
}

format() { files '*.c' '*.h' | xargs clang-format --dry-run -Werror; }

# What needs vmlinux.h is looked at by the compiler alone.
user_code() { files '*.c' | grep -v '\.bpf\.c$'; }

tidy() {
	make --no-print-directory -s generated || return
	# shellcheck disable=SC2016 # expanded by the inner shell
	user_code | xargs -P "$jobs" -n 4 sh -c 'clang-tidy --quiet "$@" -- -std=gnu11 \
		-D_GNU_SOURCE -I. -Ibuild/gen' sh >build/tidy.log 2>/dev/null || {
		grep -E 'error:' -A 3 build/tidy.log | head -n 80
		return 1
	}
}

shell() {
	files '*.sh' .ci/run 'tests/*' 'tools/*' | sort -u |
		while read -r file; do
			if head -n 1 "$file" | grep -q '^#!/bin/.*sh'; then printf '%s\n' "$file"; fi
		done | xargs shellcheck -x -S warning
}

python() {
	files '*.py' tests/run | while read -r file; do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || return
	done
}

# Every source file names its licence.
licence() {
	missing=$(files '*.c' '*.h' '*.py' '*.sh' '*.proto' Makefile tests/run |
		while read -r file; do
			head -n 3 "$file" | grep -q SPDX-License-Identifier || printf '%s\n' "$file"
		done)
	[ -z "$missing" ] || {
		printf 'no SPDX line on top: %s\n' "$missing"
		return 1
	}
}

step clang-format format
step shellcheck shell
step python python
step licence licence
step includes tools/includes.py
step way tools/way.py
step readmes tools/readmes.py
step links tools/links.py
step clang-tidy tidy
exit "$failed"
