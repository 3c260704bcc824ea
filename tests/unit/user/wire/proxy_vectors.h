/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers of the PROXY protocol as products send them: HAProxy's were recorded,
 * the others are made as their documents say. Also the first inputs of fuzzing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define SIGNATURE   "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
#define ZEROS_12    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define UNIX_PATH \
	"/run/passage" ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12
#define LONGEST_ADDRESS "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static const struct proxy_vector {
	const char *who;
	const char *source, *destination; /* NULL: it tells none */
	const char *authority, *unique_id;
	const uint8_t *bytes;
	size_t length;
} proxy_vectors[] = {
	{"HAProxy 2.6, send-proxy", "127.0.0.1:45460", "127.0.0.1:50191", "", "",
	 BYTES("PROXY TCP4 127.0.0.1 127.0.0.1 45460 50191\r\n")},
	{"Envoy, version 1", "[2001:db8::b]:8", "[2001:db8:1::]:2", "", "",
	 BYTES("PROXY TCP6 2001:db8::b 2001:db8:1:: 8 2\r\n")},
	{"the longest of TCP6", "[" LONGEST_ADDRESS "]:65535", "[" LONGEST_ADDRESS "]:65535", "",
	 "", BYTES("PROXY TCP6 " LONGEST_ADDRESS " " LONGEST_ADDRESS " 65535 65535\r\n")},
	{"UNKNOWN", NULL, NULL, "", "", BYTES("PROXY UNKNOWN\r\n")},
	{"UNKNOWN with addresses, the longest", NULL, NULL, "", "",
	 BYTES("PROXY UNKNOWN " LONGEST_ADDRESS " " LONGEST_ADDRESS " 65535 65535\r\n")},
	{"UNKNOWN with something", NULL, NULL, "", "", BYTES("PROXY UNKNOWN ffff::1 2\r\n")},
	{"HAProxy 2.6, send-proxy-v2", "127.0.0.1:32960", "127.0.0.1:36643", "", "",
	 BYTES(SIGNATURE "\x21\x11\x00\x0c"
			 "\x7f\x00\x00\x01\x7f\x00\x00\x01\x80\xc0\x8f\x23")},
	{"HAProxy 2.6, send-proxy-v2-ssl-cn with all about TLS", "127.0.0.1:46310",
	 "127.0.0.1:49969", "", "",
	 BYTES(SIGNATURE "\x21\x11\x00\x55"
			 "\x7f\x00\x00\x01\x7f\x00\x00\x01\xb4\xe6\xc3\x31"
			 "\x20\x00\x46"
			 "\x07\x00\x00\x00\x00"
			 "\x21\x00\x07"
			 "TLSv1.3"
			 "\x22\x00\x04"
			 "hd-1"
			 "\x25\x00\x07"
			 "RSA2048"
			 "\x24\x00\x0a"
			 "RSA-SHA256"
			 "\x23\x00\x16"
			 "TLS_AES_256_GCM_SHA384")},
	{"HAProxy 2.6, proxy-v2-options crc32c,unique-id,authority", "127.0.0.1:44464",
	 "127.0.0.1:57315", "a_b.example.org", "7F000001:ADB0_7F000001:DFE3_6B0A2ED9_0003:2357",
	 BYTES(SIGNATURE "\x21\x11\x00\x56"
			 "\x7f\x00\x00\x01\x7f\x00\x00\x01\xad\xb0\xdf\xe3"
			 "\x03\x00\x04\xe9\x76\x47\x22"
			 "\x02\x00\x0f"
			 "a_b.example.org"
			 "\x05\x00\x2e"
			 "7F000001:ADB0_7F000001:DFE3_6B0A2ED9_0003:2357")},
	{"HAProxy 2.6, all of this together", "127.0.0.1:40224", "127.0.0.1:44519",
	 "a_b.example.org", "7F000001:9D20_7F000001:ADE7_6B0A2ED9_0004:2357",
	 BYTES(SIGNATURE "\x21\x11\x00\x9f"
			 "\x7f\x00\x00\x01\x7f\x00\x00\x01\x9d\x20\xad\xe7"
			 "\x03\x00\x04\x2e\xaf\xbc\x5b"
			 "\x02\x00\x0f"
			 "a_b.example.org"
			 "\x05\x00\x2e"
			 "7F000001:9D20_7F000001:ADE7_6B0A2ED9_0004:2357"
			 "\x20\x00\x46"
			 "\x07\x00\x00\x00\x00"
			 "\x21\x00\x07"
			 "TLSv1.3"
			 "\x22\x00\x04"
			 "hd-1"
			 "\x25\x00\x07"
			 "RSA2048"
			 "\x24\x00\x0a"
			 "RSA-SHA256"
			 "\x23\x00\x16"
			 "TLS_AES_256_GCM_SHA384")},
	{"HAProxy 2.6, a health check", NULL, NULL, "", "", BYTES(SIGNATURE "\x20\x00\x00\x00")},
	{"HAProxy 2.6, a health check with a checksum", NULL, NULL, "", "",
	 BYTES(SIGNATURE "\x20\x00\x00\x07"
			 "\x03\x00\x04\xa9\xb8\x7e\x8f")},
	{"AWS NLB, a VPC endpoint and padding", "192.0.2.10:52286", "198.51.100.7:443", "", "",
	 BYTES(SIGNATURE "\x21\x11\x00\x54"
			 "\xc0\x00\x02\x0a\xc6\x33\x64\x07\xcc\x3e\x01\xbb"
			 "\x03\x00\x04\x04\x8f\x86\x98"
			 "\xea\x00\x17"
			 "\x01"
			 "vpce-0123456789abcdef0"
			 "\x04\x00\x24" ZEROS_12 ZEROS_12 ZEROS_12)},
	{"AWS NLB, IPv6", "[2001:db8::a]:52286", "[2001:db8:1::7]:443", "", "",
	 BYTES(SIGNATURE "\x21\x21\x00\x2b"
			 "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x20\x01"
			 "\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\xcc\x3e\x01\xbb"
			 "\x03\x00\x04\xc7\x0b\xd7\x4f")},
	{"Google Cloud, a Private Service Connect id", "192.0.2.11:40001", "198.51.100.7:443", "",
	 "",
	 BYTES(SIGNATURE "\x21\x11\x00\x17"
			 "\xc0\x00\x02\x0b\xc6\x33\x64\x07\x9c\x41\x01\xbb"
			 "\xe0\x00\x08\x01\x23\x45\x67\x89\xab\xcd\xef")},
	{"Azure, a private endpoint", "192.0.2.12:40002", "198.51.100.7:443", "", "",
	 BYTES(SIGNATURE "\x21\x11\x00\x14"
			 "\xc0\x00\x02\x0c\xc6\x33\x64\x07\x9c\x42\x01\xbb"
			 "\xee\x00\x05\x01\x78\x56\x34\x12")},
	{"Envoy, TLVs passed on", "[2001:db8::b]:773", "[2001:db8:1::8]:513", "_x.example.org",
	 "\x06\x07",
	 BYTES(SIGNATURE "\x21\x21\x00\x47"
			 "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b\x20\x01"
			 "\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x03\x05\x02\x01"
			 "\x01\x00\x02"
			 "h2"
			 "\x02\x00\x0e"
			 "_x.example.org"
			 "\x05\x00\x02\x06\x07"
			 "\xd3\x00\x05"
			 "envoy")},
	{"Envoy, a health check", NULL, NULL, "", "", BYTES(SIGNATURE "\x20\x00\x00\x00")},
	{"a UDP client, of a network namespace", "192.0.2.13:40003", "198.51.100.7:443", "", "",
	 BYTES(SIGNATURE "\x21\x12\x00\x13"
			 "\xc0\x00\x02\x0d\xc6\x33\x64\x07\x9c\x43\x01\xbb"
			 "\x30\x00\x04"
			 "blue")},
	{"UDP over IPv6", "[2001:db8::c]:40004", "[2001:db8:1::9]:443", "", "",
	 BYTES(SIGNATURE
	       "\x21\x22\x00\x24"
	       "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0c\x20\x01\x0d\xb8"
	       "\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x9c\x44\x01\xbb")},
	{"UNSPEC, nothing else", NULL, NULL, "", "", BYTES(SIGNATURE "\x21\x00\x00\x00")},
	{"UNSPEC, TLVs and a checksum", NULL, NULL, "example.org", "",
	 BYTES(SIGNATURE "\x21\x00\x00\x15"
			 "\x02\x00\x0b"
			 "example.org"
			 "\x03\x00\x04\x2d\x23\xa9\x51")},
	{"a UNIX stream", NULL, NULL, "unix.example.org", "",
	 BYTES(SIGNATURE "\x21\x31\x00\xeb" UNIX_PATH UNIX_PATH "\x02\x00\x10"
			 "unix.example.org")},
};
