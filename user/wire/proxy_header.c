// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/proxy_header.h"

#include <arpa/inet.h>
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

const uint8_t PROXY_V2_SIGNATURE[PROXY_V2_SIGNED] = {13, 10,  13,  10,  0,   13,
						     10, 'Q', 'U', 'I', 'T', 10};

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
	size_t at = put(ret, 0, PROXY_V2_SIGNATURE, PROXY_V2_SIGNED) + 4;

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
