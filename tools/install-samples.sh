#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copies the sample settings and units to a folder.
set -eu
to=$1
cd "$(dirname "$0")/.."
find settings/samples settings/systemd -type f |
	while read -r file; do
		install -D -m 644 "$file" "$to/$file"
	done
