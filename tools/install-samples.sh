#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copies the sample and dev settings, without certificates, to a folder.
set -eu
to=$1
cd "$(dirname "$0")/.."
find settings -path settings/systemd -prune -o -path 'settings/dev/certs*' -prune -o \
	-path 'settings/dev/.certs*' -prune -o -name '*certificates.json' -prune -o -type f -print |
	while read -r file; do
		install -D -m 644 "$file" "$to/$file"
	done
