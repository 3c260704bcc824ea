#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Fetches the Debian kernels that the VM suite boots, and a newer qemu.
#
#   tools/vm-kernels.sh [--update] 5.10|6.1|6.12|newest|qemu...
#
# A kernel lands in build/vm/kernels/NAME: vmlinuz, modules/ (a tree that
# modprobe takes as its root) and release. qemu lands in build/vm/qemu: the
# emulator alone, which runs with the libraries of Debian 12 (tests/vm/emulator.py
# says why). What is there is kept as it is, so that a second run needs no
# network; --update looks for newer ones.
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
	6.12 | qemu) printf '%s bookworm-backports\n' "$archive" ;;
	newest) printf '%s sid\n' "$archive" ;;
	*) die "$1: not known; there are 5.10, 6.1, 6.12, newest and qemu" ;;
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
		die "cannot fetch $name"
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

# Packages, into $state/root.
download() { # PACKAGE...
	logged apt apt-get download "$@"
	for deb in "$state"/*.deb; do
		dpkg-deb --extract "$deb" "$state/root"
	done
}

prepare() {
	state=$work/apt/$name
	rm -rf "$state"
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/root"
	: >"$state/status"
	sources "$name" >"$state/mirrors"
	sed "s|^|deb [arch=amd64 signed-by=$keyring] |; s|\$| main|" "$state/mirrors" >"$state/sources.list"
	logged apt apt-get update
}

fetch_kernel() {
	wanted=$(packages)
	# shellcheck disable=SC2086 # words are wanted
	download $wanted
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
}

fetch_qemu() {
	download qemu-system-x86 qemu-system-data seabios
	program=$state/root/usr/bin/qemu-system-x86_64
	"$program" --version >"$state/version" 2>>"$state/apt.log" || {
		cat "$state/apt.log" >&2
		die "the qemu of bookworm-backports does not run here"
	}
	new=$state/new
	mkdir "$new"
	mv "$program" "$state/root/usr/share/qemu" "$state/root/usr/share/seabios" "$new"
	sed -n '1s/.*version \([0-9.]*\).*/\1/p' "$state/version" >"$new/release"
	rm -rf "${work:?}/qemu"
	mv "$new" "$work/qemu"
}

update=
[ "${1-}" != --update ] || {
	update=1
	shift
}
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 newest
for name; do
	case $name in
	qemu) here=$work/qemu kind=qemu ;;
	*) here=$work/kernels/$name kind=kernel ;;
	esac
	if [ -n "$update" ] || [ ! -s "$here/release" ]; then
		prepare
		"fetch_$kind"
		rm -rf "$state"
	fi
	printf '%s\t%s\n' "$name" "$(cat "$here/release")"
done
