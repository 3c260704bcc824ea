#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copies the sample settings to a folder.
set -eu
to=$1
cd "$(dirname "$0")/.."
find settings/samples -type f |
	while read -r file; do
		install -D -m 644 "$file" "$to/$file"
	done
