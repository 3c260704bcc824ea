#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Packages that building and testing need, on Debian and Ubuntu.
#
#   tools/deps.sh                       install what is missing (root or sudo)
#   tools/deps.sh --bench               and what "make bench" compares with; starts no service
#   tools/deps.sh --fuzz                and what "make fuzz" needs
#   tools/deps.sh --list                print the names
#   tools/deps.sh --check LIBRARY...    are the compilers and these pkg-config libraries here?
set -eu

build='gcc make pkg-config clang bpftool protobuf-c-compiler protobuf-compiler
	libc6-dev libbpf-dev libelf-dev libjansson-dev libyaml-dev libssl-dev libevent-dev
	libcurl4-openssl-dev libc-ares-dev libnghttp2-dev libprotobuf-c-dev libsqlite3-dev libcap-dev'
run='ca-certificates curl openssl iproute2 procps util-linux parallel'
tests='libcmocka-dev python3 python3-pytest python3-grpcio python3-protobuf python3-yaml sqlite3 nftables
	dnsmasq-base haproxy qemu-system-x86 busybox-static kmod zstd debian-archive-keyring spin'
lint='git clang-format clang-tidy shellcheck'
bench='nginx libnginx-mod-stream haproxy sniproxy gnuplot-nox'
fuzz='libclang-rt-dev'
services='nginx haproxy sniproxy'

# The compiler's sanitizer libraries come with gcc. Ubuntu ships bpftool inside linux-tools.
if [ -r /etc/os-release ] && grep -q '^ID=ubuntu' /etc/os-release; then
	build=$(printf '%s' "$build" | sed "s/bpftool/linux-tools-common linux-tools-generic/")
fi
[ "$(uname -m)" = x86_64 ] || tests=$(printf '%s' "$tests" | sed 's/qemu-system-x86//')

extra=
# shellcheck disable=SC2086 # words are wanted
packages() { printf '%s\n' $build $run $tests $lint $extra; }

check() {
	missing=
	for tool in "${CC:-gcc}" clang protoc-c pkg-config; do
		command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
	done
	command -v bpftool >/dev/null 2>&1 || [ -x /usr/sbin/bpftool ] || missing="$missing bpftool"
	if command -v pkg-config >/dev/null 2>&1; then
		for library; do
			pkg-config --exists "$library" || missing="$missing $library"
		done
	fi
	[ -z "$missing" ] && return
	echo "Not found:$missing. To install all that is needed: make deps" >&2
	exit 1
}

case "${1-}" in
--check)
	shift
	check "$@"
	exit
	;;
--list)
	packages
	exit
	;;
--bench) extra=$bench ;;
--fuzz) extra=$fuzz ;;
'') ;;
*)
	echo "usage: tools/deps.sh [--bench | --fuzz | --list | --check LIBRARY...]" >&2
	exit 2
	;;
esac

if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
	if (check libbpf jansson yaml-0.1 openssl libevent libevent_openssl libevent_extra libevent_pthreads libcurl \
		libcares libnghttp2 libprotobuf-c sqlite3 libcap) \
		2>/dev/null; then
		echo "This is not a Debian system, but compilers and libraries are here: going on." >&2
		exit 0
	fi
	echo "This is not a Debian system. Please install what these Debian packages hold:" >&2
	packages | tr '\n' ' ' | fold -s -w 78 | sed 's/^/  /' >&2
	echo >&2
	exit 1
fi

missing=
for package in $(packages); do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=$(command -v sudo) || {
		echo "Packages are missing, and only root can install them:$missing" >&2
		exit 1
	}
fi
echo "Installing$missing"
# shellcheck disable=SC2086 # words are wanted
install() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
		--no-install-recommends install $missing
}
# The lists on the machine may be missing or old: fetch them only when they do not do.
install_or_update() {
	install || {
		$sudo apt-get -q update
		install
	}
}
starts=
for service in $services; do
	case " $missing " in
	*" $service "*) starts=yes ;;
	esac
done
[ -n "$starts" ] || {
	install_or_update
	exit
}

# Tests and the benchmark run their peers by themselves. Debian would start them now (unless
# policy-rc.d says no) and at each boot: neither is wanted of what this script has put here.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap '$sudo rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
	$sudo chmod 755 "$policy"
fi
install_or_update
for service in $services; do
	case " $missing " in
	*" $service "*) $sudo update-rc.d "$service" disable >/dev/null 2>&1 || : ;;
	esac
done
