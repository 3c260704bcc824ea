#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Fetches the Debian kernels that the VM suite boots.
#
#   tools/vm-kernels.sh [--update] 5.10|6.1|6.12|newest...
#
# Each lands in build/vm/kernels/NAME: vmlinuz, modules/ (a tree that modprobe
# takes as its root) and release. One that is there is kept as it is, so that
# a second run needs no network; --update looks for a newer one.
#
# The packages come through apt from the mirror that this machine uses, but
# with a sources list and state of their own under build/vm: nothing on the
# machine changes.
set -eu
cd "$(dirname "$0")/.."
work=$PWD/build/vm
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
PATH=$PATH:/usr/sbin:/sbin
no_mirror=77 # cannot be done here, as for a test that is skipped

die() {
	printf 'vm-kernels: %s\n' "$*" >&2
	exit 1
}

# Where this machine has Debian from: the archive, or its security updates. Works without
# downloaded lists too.
mirror() { # archive|security
	# shellcheck disable=SC2016 # for apt to expand
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(COMPONENT) $(RELEASE)' \
		'Created-By: Packages' | awk -v want="$1" '$2 == "main" &&
			$3 ~ /^(bullseye|bookworm|trixie|forky|sid|stable|oldstable|testing|unstable)/ &&
			($3 ~ /security/) == (want == "security") { print $1; exit }'
}

sources() { # NAME
	archive=$(mirror archive)
	[ -n "$archive" ] || {
		echo "vm-kernels: apt on this machine knows no Debian mirror" >&2
		exit "$no_mirror"
	}
	security=$(mirror security)
	# A mirror that carries the one carries the other beside it.
	: "${security:=${archive%/debian*}/debian-security/}"
	case $1 in
	5.10) printf '%s bullseye-security\n' "$security" ;;
	6.1) printf '%s bookworm\n' "$archive" && printf '%s bookworm-security\n' "$security" ;;
	6.12) printf '%s bookworm-backports\n' "$archive" ;;
	newest) printf '%s sid\n' "$archive" ;;
	*) die "$1: no such kernel; there are 5.10, 6.1, 6.12 and newest" ;;
	esac
}

apt() { # PROGRAM ARGUMENT...
	program=$1
	shift
	(cd "$state" && "$program" -q -o Dir::Etc::SourceList="$state/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$state" -o Dir::State::Lists="$state/lists" \
		-o Dir::State::Status="$state/status" -o Dir::Cache="$state/cache" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o Acquire::Check-Valid-Until=false "$@")
}

logged() {
	"$@" >>"$state/apt.log" 2>&1 || {
		cat "$state/apt.log" >&2
		die "cannot fetch kernel $name"
	}
}

# The packages that make up the kernel which the metapackage stands for: one, or, from 6.17 on,
# its image and modules in packages of their own.
packages() {
	found=$(apt apt-cache depends linux-image-cloud-amd64 |
		awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
	[ -n "$found" ] || die "no kernel package for $name"
	printf '%s\n' "$found"
	apt apt-cache depends "$found" |
		awk '$1 == "Depends:" && $2 ~ /^linux-(binary|modules)-[0-9]/ { print $2 }'
}

fetch() {
	state=$work/apt/$name
	rm -rf "$state"
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/root"
	: >"$state/status"
	sources "$name" >"$state/mirrors"
	sed "s|^|deb [arch=amd64 signed-by=$keyring] |; s|\$| main|" "$state/mirrors" >"$state/sources.list"
	logged apt apt-get update
	wanted=$(packages)
	# shellcheck disable=SC2086 # words are wanted
	logged apt apt-get download $wanted
	for deb in "$state"/*.deb; do
		dpkg-deb --extract "$deb" "$state/root"
	done
	image=$(find "$state/root" -type f -name 'vmlinuz*' | head -n 1)
	modules=$(find "$state/root" -type d -path '*/lib/modules/*' -prune | head -n 1)
	if [ -z "$image" ] || [ -z "$modules" ]; then
		die "no kernel in the packages of $name: $wanted"
	fi
	new=$state/new
	mkdir -p "$new/modules/lib/modules"
	mv "$image" "$new/vmlinuz"
	mv "$modules" "$new/modules/lib/modules"
	basename "$modules" >"$new/release"
	logged depmod -b "$new/modules" "$(cat "$new/release")"
	mkdir -p "$work/kernels"
	rm -rf "${work:?}/kernels/$name"
	mv "$new" "$work/kernels/$name"
	rm -rf "$state"
}

update=
[ "${1-}" != --update ] || {
	update=1
	shift
}
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 newest
for name; do
	if [ -n "$update" ] || [ ! -s "$work/kernels/$name/release" ]; then
		fetch
	fi
	printf '%s\t%s\n' "$name" "$(cat "$work/kernels/$name/release")"
done
