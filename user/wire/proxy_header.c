// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/proxy_header.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define VERSION_LOCAL  0x20
#define VERSION_PROXY  0x21
#define FAMILY_UNSPEC  0x00
#define FAMILY_TCP4    0x11
#define FAMILY_TCP6    0x21
#define TYPE_AUTHORITY 0x02
#define TYPE_UNIQUE_ID 0x05
#define TCP4_BYTES     12
#define TCP6_BYTES     36

static const uint8_t signature[12] = {13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10};

static void as_v6(const struct addr *addr, struct in6_addr *ret)
{
	if (addr->sa.ss_family == AF_INET6) {
		*ret = ((const struct sockaddr_in6 *)&addr->sa)->sin6_addr;
		return;
	}
	memset(ret, 0, sizeof(*ret));
	ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
	memcpy(&ret->s6_addr[12], &((const struct sockaddr_in *)&addr->sa)->sin_addr, 4);
}

static bool as_v4(const struct addr *addr, struct in_addr *ret)
{
	struct in6_addr v6;

	as_v6(addr, &v6);
	memcpy(ret, &v6.s6_addr[12], 4);
	return IN6_IS_ADDR_V4MAPPED(&v6);
}

static uint16_t port_of(const struct addr *addr)
{
	return addr->sa.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&addr->sa)->sin6_port
					      : ((const struct sockaddr_in *)&addr->sa)->sin_port;
}

/* Both ends in the same family: IPv4 where both have one, else IPv6 (with mapped addresses). */
static bool both_v4(const struct proxy_header *header, struct in_addr *source,
		    struct in_addr *destination)
{
	return as_v4(&header->source, source) && as_v4(&header->destination, destination);
}

static size_t put(uint8_t *to, size_t at, const void *bytes, size_t n)
{
	memcpy(to + at, bytes, n);
	return at + n;
}

static size_t put_tlv(uint8_t *to, size_t at, uint8_t type, const void *bytes, size_t n)
{
	if (n == 0)
		return at;
	to[at++] = type;
	to[at++] = (uint8_t)(n >> 8);
	to[at++] = (uint8_t)n;
	return put(to, at, bytes, n);
}

size_t proxy_header_write_v2(const struct proxy_header *header, uint8_t ret[PROXY_HEADER_MAX])
{
	uint16_t source_port, destination_port;
	struct in_addr from4, to4;
	struct in6_addr from6, to6;
	size_t at = put(ret, 0, signature, sizeof(signature)) + 4;

	ret[12] = header->has_addresses ? VERSION_PROXY : VERSION_LOCAL;
	ret[13] = FAMILY_UNSPEC;
	if (header->has_addresses) {
		source_port = port_of(&header->source);
		destination_port = port_of(&header->destination);
		if (both_v4(header, &from4, &to4)) {
			ret[13] = FAMILY_TCP4;
			at = put(ret, at, &from4, sizeof(from4));
			at = put(ret, at, &to4, sizeof(to4));
		} else {
			ret[13] = FAMILY_TCP6;
			as_v6(&header->source, &from6);
			as_v6(&header->destination, &to6);
			at = put(ret, at, &from6, sizeof(from6));
			at = put(ret, at, &to6, sizeof(to6));
		}
		at = put(ret, at, &source_port, sizeof(source_port));
		at = put(ret, at, &destination_port, sizeof(destination_port));
	}
	at = put_tlv(ret, at, TYPE_AUTHORITY, header->authority, strlen(header->authority));
	at = put_tlv(ret, at, TYPE_UNIQUE_ID, header->unique_id, header->unique_length);
	ret[14] = (uint8_t)((at - PROXY_V2_FIXED) >> 8);
	ret[15] = (uint8_t)(at - PROXY_V2_FIXED);
	return at;
}

size_t proxy_header_write_v1(const struct proxy_header *header, uint8_t ret[PROXY_HEADER_MAX])
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	struct in_addr from4, to4;
	struct in6_addr from6, to6;
	const char *family = "TCP4";

	if (!header->has_addresses)
		return (size_t)snprintf((char *)ret, PROXY_HEADER_MAX, "PROXY UNKNOWN\r\n");
	if (both_v4(header, &from4, &to4)) {
		inet_ntop(AF_INET, &from4, from, sizeof(from));
		inet_ntop(AF_INET, &to4, to, sizeof(to));
	} else {
		family = "TCP6";
		as_v6(&header->source, &from6);
		as_v6(&header->destination, &to6);
		inet_ntop(AF_INET6, &from6, from, sizeof(from));
		inet_ntop(AF_INET6, &to6, to, sizeof(to));
	}
	return (size_t)snprintf((char *)ret, PROXY_HEADER_MAX, "PROXY %s %s %s %u %u\r\n", family,
				from, to, ntohs(port_of(&header->source)),
				ntohs(port_of(&header->destination)));
}

static void set_v4(struct addr *addr, const void *ip, const void *port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&addr->sa;

	memset(addr, 0, sizeof(*addr));
	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, ip, 4);
	memcpy(&in->sin_port, port, 2);
	addr->len = sizeof(*in);
}

static void set_v6(struct addr *addr, const void *ip, const void *port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr->sa;

	memset(addr, 0, sizeof(*addr));
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, ip, 16);
	memcpy(&in6->sin6_port, port, 2);
	addr->len = sizeof(*in6);
}

static int parse_tlvs(const uint8_t *bytes, size_t length, struct proxy_header *ret)
{
	while (length > 0) {
		if (length < 3)
			return -EBADMSG;
		size_t n = (size_t)bytes[1] << 8 | bytes[2];
		const uint8_t *value = bytes + 3;
		if (n > length - 3)
			return -EBADMSG;
		if (bytes[0] == TYPE_AUTHORITY) {
			if (n > PROXY_NAME_MAX || memchr(value, '\0', n))
				return -EBADMSG;
			memcpy(ret->authority, value, n);
			ret->authority[n] = '\0';
		} else if (bytes[0] == TYPE_UNIQUE_ID) {
			if (n > PROXY_UNIQUE_MAX)
				return -EBADMSG;
			memcpy(ret->unique_id, value, n);
			ret->unique_length = n;
		}
		bytes += 3 + n;
		length -= 3 + n;
	}
	return 0;
}

static int parse_v2(const uint8_t *bytes, size_t length, struct proxy_header *ret)
{
	if (length < PROXY_V2_FIXED)
		return 0;
	size_t rest = (size_t)bytes[14] << 8 | bytes[15], used = 0;
	if (rest + PROXY_V2_FIXED > PROXY_HEADER_MAX)
		return -EBADMSG;
	if (length < PROXY_V2_FIXED + rest)
		return 0;
	if (bytes[12] != VERSION_LOCAL && bytes[12] != VERSION_PROXY)
		return -EBADMSG;
	const uint8_t *a = bytes + PROXY_V2_FIXED;
	if (bytes[13] == FAMILY_TCP4)
		used = TCP4_BYTES;
	else if (bytes[13] == FAMILY_TCP6)
		used = TCP6_BYTES;
	if (used > rest)
		return -EBADMSG;
	if (bytes[12] == VERSION_PROXY && used == TCP4_BYTES) {
		set_v4(&ret->source, a, a + 8);
		set_v4(&ret->destination, a + 4, a + 10);
	} else if (bytes[12] == VERSION_PROXY && used == TCP6_BYTES) {
		set_v6(&ret->source, a, a + 32);
		set_v6(&ret->destination, a + 16, a + 34);
	}
	ret->has_addresses = bytes[12] == VERSION_PROXY && used > 0;
	/* Of another family nothing is known about where its TLVs begin. */
	if (used > 0 || bytes[13] == FAMILY_UNSPEC) {
		int r = parse_tlvs(a + used, rest - used, ret);
		if (r < 0)
			return r;
	}
	return (int)(PROXY_V2_FIXED + rest);
}

static int parse_v1_addresses(const char *line, struct proxy_header *ret)
{
	char family[8], from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	unsigned from_port, to_port;
	struct in6_addr from_ip, to_ip;
	int end = -1;

	if (sscanf(line, "PROXY %7s %45s %45s %5u %5u%n", family, from, to, &from_port, &to_port,
		   &end) != 5 ||
	    line[end] != '\0' || from_port > UINT16_MAX || to_port > UINT16_MAX)
		return -EBADMSG;
	bool four = strcmp(family, "TCP4") == 0;
	if (!four && strcmp(family, "TCP6") != 0)
		return -EBADMSG;
	int af = four ? AF_INET : AF_INET6;
	if (inet_pton(af, from, &from_ip) != 1 || inet_pton(af, to, &to_ip) != 1)
		return -EBADMSG;
	uint16_t from_net = htons((uint16_t)from_port), to_net = htons((uint16_t)to_port);
	void (*set)(struct addr *, const void *, const void *) = four ? set_v4 : set_v6;
	set(&ret->source, &from_ip, &from_net);
	set(&ret->destination, &to_ip, &to_net);
	ret->has_addresses = true;
	return 0;
}

static int parse_v1(const uint8_t *bytes, size_t length, struct proxy_header *ret)
{
	char line[PROXY_V1_MAX + 1];
	size_t most = length < PROXY_V1_MAX ? length : PROXY_V1_MAX;
	const uint8_t *end = memmem(bytes, most, "\r\n", 2);

	if (!end)
		return length < PROXY_V1_MAX ? 0 : -EBADMSG;
	size_t n = (size_t)(end - bytes);
	if (memchr(bytes, '\0', n))
		return -EBADMSG;
	memcpy(line, bytes, n);
	line[n] = '\0';
	if (strncmp(line, "PROXY UNKNOWN", 13) != 0) {
		int r = parse_v1_addresses(line, ret);
		if (r < 0)
			return r;
	}
	return (int)(n + 2);
}

int proxy_header_parse(const uint8_t *bytes, size_t length, struct proxy_header *ret)
{
	static const char v1[] = "PROXY ";
	struct proxy_header header = {0};
	size_t begin = length < sizeof(signature) ? length : sizeof(signature);
	size_t begin_v1 = length < sizeof(v1) - 1 ? length : sizeof(v1) - 1;
	int r = -EBADMSG;

	if (memcmp(bytes, signature, begin) == 0)
		r = parse_v2(bytes, length, &header);
	else if (memcmp(bytes, v1, begin_v1) == 0)
		r = parse_v1(bytes, length, &header);
	if (r > 0)
		*ret = header;
	return r;
}
