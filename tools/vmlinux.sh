#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Regenerates vmlinux/x86/vmlinux.h and vmlinux/arm64/vmlinux.h from the BTF
# inside Debian's kernel packages, so that the types of both architectures
# come from one known kernel and not from the machine at hand.
#
#   tools/vmlinux.sh [x86|arm64]...
#
# The packages come through apt from the mirror that this machine uses, but
# with a sources list and state of their own under build/vmlinux: nothing on
# the machine changes.
set -eu
cd "$(dirname "$0")/.."
release=bookworm
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
work=$PWD/build/vmlinux

# shellcheck disable=SC2016 # apt expands these
# Where this machine has a Debian release from.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT) $(RELEASE)' \
	'Created-By: Packages' | awk '$2 == "Debian" && $3 == "main" && $4 !~ /security/ { print $1; exit }')
[ -n "$mirror" ] || {
	echo "apt on this machine knows no Debian mirror" >&2
	exit 1
}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

apt() { # ARCHITECTURE COMMAND...
	architecture=$1
	shift
	state=$work/$architecture
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$architecture" "$keyring" "$mirror" \
		"$release" >"$state/sources.list"
	(cd "$state" && apt-get -q -o Dir::Etc::SourceList="$state/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$state" -o Dir::State::Lists="$state/lists" \
		-o Dir::State::Status="$state/status" -o Dir::Cache="$state/cache" \
		-o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
		-o APT::Sandbox::User=root -o Acquire::Languages=none "$@")
}

# The newest kernel package that the metapackage stands for.
download() { # ARCHITECTURE
	apt "$1" update >"$work/apt.log" 2>&1 || {
		cat "$work/apt.log" >&2
		exit 1
	}
	package=$(apt "$1" -s -o APT::Install-Recommends=false install "linux-image-cloud-$1" |
		awk '$1 == "Inst" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
	[ -n "$package" ] || {
		echo "no kernel package for $1" >&2
		exit 1
	}
	rm -f "$work/$1"/*.deb
	apt "$1" download "$package" >>"$work/apt.log" 2>&1 || {
		cat "$work/apt.log" >&2
		exit 1
	}
}

generate() { # x86|arm64
	case $1 in
	x86) architecture=amd64 ;;
	arm64) architecture=arm64 ;;
	*)
		echo "usage: tools/vmlinux.sh [x86|arm64]..." >&2
		exit 2
		;;
	esac
	mkdir -p "$work"
	download "$architecture"
	deb=$(echo "$work/$architecture"/*.deb)
	rm -rf "$work/$architecture/root"
	dpkg-deb --extract "$deb" "$work/$architecture/root"
	python3 tools/extract-btf.py "$work/$architecture/root"/boot/vmlinuz-* "$work/$1.btf"
	mkdir -p "vmlinux/$1"
	"$bpftool" btf dump file "$work/$1.btf" format c >"$work/vmlinux.h"
	mv "$work/vmlinux.h" "vmlinux/$1/vmlinux.h"
	printf '%s\t%s %s\n' "vmlinux/$1/vmlinux.h" "$(dpkg-deb --field "$deb" Package)" \
		"$(dpkg-deb --field "$deb" Version)"
}

[ $# -gt 0 ] || set -- x86 arm64
for one; do
	generate "$one"
done
