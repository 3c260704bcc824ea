#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Certificates for development: a root, an intermediate, and for each name a
# TLS certificate (RSA, SAN DNS NAME and *.NAME.local), a signing certificate
# (NAME-sign, P-256) and a twin of each (-alt: same names, another key, not in
# the directory) to test that fingerprints are pinned. Also writes the
# directory's fingerprints.
#
#   tools/certs.sh [--if-needed] [FOLDER]     FOLDER: settings/dev
#
# A new set replaces the old one as a whole, and two runs at once wait for
# each other.
set -eu
umask 022

names='op-1 op-2 hd-1 hd-2 ls-1 internal-server public-proxy-1.ga private-proxy-1.ga sd-1
	demo-app quic-1 quic-2'

if_needed=
if [ "${1-}" = --if-needed ]; then
	if_needed=1
	shift
fi
case "${1-}" in
-*)
	echo "usage: tools/certs.sh [--if-needed] [FOLDER]" >&2
	exit 2
	;;
esac
[ $# -gt 0 ] || cd "$(dirname "$0")/.."
top=${1:-settings/dev}
mkdir -p "$top/directory"
cd "$top"
exec 9<.
flock -w 120 9 || {
	echo "certs: another run has held the lock for two minutes" >&2
	exit 1
}

list=directory/002_certificates.json

# Good for a day and more, and the directory's fingerprints are theirs?
usable() {
	[ -s "$list" ] || return 1
	openssl x509 -noout -checkend 86400 -in certs/root.crt >/dev/null 2>&1 || return 1
	openssl x509 -noout -checkend 86400 -in certs/intermediate.crt >/dev/null 2>&1 || return 1
	for name in $names; do
		[ -s "certs/$name.key" ] || return 1
		openssl x509 -noout -checkend 86400 -in "certs/$name.crt" >/dev/null 2>&1 || return 1
		grep -q "$(fingerprint "certs/$name.crt")" "$list" || return 1
	done
}

fingerprint() { openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1; }

if [ -n "$if_needed" ] && usable; then
	exit 0
fi

rm -rf .certs.*
new=$(mktemp -d .certs.XXXXXX)
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$new"

key() { # rsa|ec FILE
	case $1 in
	rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$new/$2.key" ;;
	ec) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$new/$2.key" ;;
	esac 2>"$new/log" || {
		cat "$new/log" >&2
		exit 1
	}
	openssl pkey -in "$new/$2.key" -pubout -out "$new/$2.pub"
}

sign() { # FILE CN DAYS EXTENSIONS: from the intermediate
	printf '%s\n' "$4" >"$new/$1.ext"
	openssl req -new -key "$new/$1.key" -subj "/C=DE/O=Testing-Development/CN=$2" \
		-out "$new/$1.csr"
	openssl x509 -req -in "$new/$1.csr" -days "$3" -sha256 -set_serial "0x$(openssl rand -hex 16)" \
		-CA "$new/intermediate.crt" -CAkey "$new/intermediate.key" \
		-extfile "$new/$1.ext" -out "$new/$1.crt" 2>"$new/log" || {
		cat "$new/log" >&2
		exit 1
	}
	cat "$new/intermediate.crt" >>"$new/$1.crt"
}

leaf() { # NAME: four certificates
	group=operators
	[ "$1" = hd-1 ] && group=sd-admin
	for twin in '' -alt; do
		key rsa "$1$twin"
		sign "$1$twin" "$1" 500 "basicConstraints = CA:false
subjectAltName = DNS:$1, DNS:*.$1.local"
		key ec "$1-sign$twin"
		sign "$1-sign$twin" "$1" 500 "basicConstraints = CA:false
keyUsage = critical, digitalSignature
subjectAltName = DNS:$1, URI:iris-name://$1, URI:iris-group://$group"
	done
}

echo "Making development certificates in $top/certs"
key rsa root
openssl req -x509 -new -key "$new/root.key" -sha256 -days 1024 \
	-subj "/C=DE/O=Testing-Development/CN=Testing-Development" \
	-addext 'keyUsage = critical, keyCertSign, cRLSign' -out "$new/root.crt"
key rsa intermediate
openssl req -new -key "$new/intermediate.key" \
	-subj "/C=DE/O=Testing-Development/CN=Testing-Development-Intermediate" \
	-out "$new/intermediate.csr"
cat >"$new/intermediate.ext" <<'END'
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, digitalSignature, cRLSign, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
openssl x509 -req -in "$new/intermediate.csr" -days 600 -sha256 \
	-set_serial "0x$(openssl rand -hex 16)" -CA "$new/root.crt" -CAkey "$new/root.key" \
	-extfile "$new/intermediate.ext" -out "$new/intermediate.crt" 2>/dev/null

for name in $names; do
	leaf "$name"
done

now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
{
	echo '{"records": ['
	comma=
	for name in $names; do
		printf '%s  {"name": "%s", "section": "certificates", "created_at": "%s", "data": [\n' \
			"$comma" "$name" "$now"
		printf '    {"fingerprint": "%s", "key_usage": "encryption"},\n' \
			"$(fingerprint "$new/$name.crt")"
		printf '    {"fingerprint": "%s", "key_usage": "signing"}\n  ]}' \
			"$(fingerprint "$new/$name-sign.crt")"
		comma=',
'
	done
	printf '\n]}\n'
} >"$new/list"
rm -f "$new/log" "$new"/*.ext
chmod 600 "$new"/*.key

# Two renames for the folder: mv cannot exchange two folders in one.
mv "$new/list" ".certs.list.$$"
if [ -e certs ]; then
	mv certs ".certs.old.$$"
fi
mv "$new" certs
mv ".certs.list.$$" "$list"
rm -rf ".certs.old.$$"
