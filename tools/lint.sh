#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What can be seen without running anything, of everything in git or about to be, but what is
# generated. TAP on the output: a test for each step. CC and LINT_CFLAGS come from the Makefile.
set -u
: "${LINT_CFLAGS:?make lint sets it}"
cd "$(dirname "$0")/.." || exit
jobs=$(nproc)
failed=0
n=0
here=build/lint
mkdir -p "$here"

files() { # PATTERN...
	git ls-files --cached --others --exclude-standard -- "$@" | grep -v '^vmlinux/' |
		while read -r file; do [ -f "$file" ] && printf '%s\n' "$file"; done
}

steps='format shell python licence headers includes way readmes links paths clang tidy'
step() { # NAME
	n=$((n + 1))
	begin=$(date +%s)
	"$1" >"$here/$1.log" 2>&1 && verdict='ok' || verdict='not ok'
	printf '%s %d - %s (%d s)\n' "$verdict" "$n" "$(what "$1")" $(($(date +%s) - begin))
	if [ "$verdict" != ok ]; then
		failed=1
		head -n 80 "$here/$1.log"
	elif [ "$1" = includes ]; then
		cat "$here/$1.log"
	fi
}

what() { # NAME
	case $1 in
	format) echo 'clang-format: layout' ;;
	shell) echo 'shellcheck: shell scripts' ;;
	python) echo 'Python scripts can be read' ;;
	licence) echo 'each source file names its licence' ;;
	headers) echo 'each header compiles on its own' ;;
	includes) echo 'includes go down only' ;;
	way) echo 'the way of a connection names the files that there are' ;;
	readmes) echo 'each folder tells what it has' ;;
	links) echo 'links between pages lead somewhere' ;;
	paths) echo 'no document or comment names a file that is gone' ;;
	clang) echo 'clang builds all without a warning' ;;
	tidy) echo 'clang-tidy: bugs' ;;
	esac
}

format() { files '*.c' '*.h' | xargs clang-format --dry-run -Werror; }

# Not all of them say by their names that they are shell scripts, or by their first line.
shell() {
	{
		files '*.sh'
		files .ci/run 'tests/*' 'tools/*' | xargs grep -lE '^#!/bin/(ba)?sh'
	} | sort -u | xargs -P "$jobs" -n 8 shellcheck -x -S warning
}

python() {
	{
		files '*.py'
		echo tests/run
	} | xargs python3 -c 'import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name).read(), name)'
}

licence() {
	missing=$(files '*.c' '*.h' '*.py' '*.sh' '*.proto' Makefile tests/run |
		xargs awk 'FNR == 1 { if (name && !found) print name; name = FILENAME; found = 0 }
			FNR <= 3 && /SPDX-License-Identifier/ { found = 1 }
			END { if (!found) print name }')
	[ -z "$missing" ] || {
		printf 'no SPDX line on top: %s\n' "$missing"
		return 1
	}
}

# shellcheck disable=SC2046,SC2086 # words are wanted
headers() { tools/headers.py $(files '*.h') -- ${CC:-gcc} $LINT_CFLAGS; }
includes() { tools/includes.py; }
way() { tools/way.py; }
readmes() { tools/readmes.py; }
links() { tools/links.py; }
paths() { tools/paths.py; }

clang() {
	make --no-print-directory -s -j"$jobs" CC=clang B=build/clang all examples test-programs bench-programs
}

# What needs vmlinux.h is looked at by the compiler alone.
# shellcheck disable=SC2046,SC2086 # words are wanted
tidy() { tools/tidy.py $(files '*.c' | grep -v '\.bpf\.c$') -- $LINT_CFLAGS; }

# shellcheck disable=SC2086 # words are wanted
echo "1..$(set -- $steps && echo $#)"
for name in $steps; do
	step "$name"
done
exit "$failed"
