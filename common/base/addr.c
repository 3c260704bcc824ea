// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int parse_port(const char *text, uint16_t *ret)
{
	unsigned long port = 0;

	if (text[0] == '\0' || strlen(text) > 5)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if (!isdigit((unsigned char)*c))
			return -EINVAL;
		port = port * 10 + (unsigned long)(*c - '0');
	}
	if (port > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

int addr_split(const char *text, char host[ADDR_HOST_MAX + 1], uint16_t *ret_port)
{
	const char *start = text, *end, *colon;
	uint16_t port;

	if (text[0] == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (!end || end[1] != ':')
			return -EINVAL;
		colon = end + 1;
	} else {
		colon = strrchr(text, ':');
		if (!colon || memchr(text, ':', (size_t)(colon - text)))
			return -EINVAL;
		end = colon;
	}
	size_t length = (size_t)(end - start);
	if (length > ADDR_HOST_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)start[i]) && !strchr(".-_:%", start[i]))
			return -EINVAL;
	int r = parse_port(colon + 1, &port);
	if (r < 0)
		return r;
	memcpy(host, start, length);
	host[length] = '\0';
	*ret_port = port;
	return 0;
}

static void set_v4(struct addr *addr, struct in_addr ip, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&addr->sa;

	memset(addr, 0, sizeof(*addr));
	in->sin_family = AF_INET;
	in->sin_addr = ip;
	in->sin_port = htons(port);
	addr->len = sizeof(*in);
}

static void set_v6(struct addr *addr, struct in6_addr ip, uint32_t scope, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr->sa;

	memset(addr, 0, sizeof(*addr));
	in6->sin6_family = AF_INET6;
	in6->sin6_addr = ip;
	in6->sin6_scope_id = scope;
	in6->sin6_port = htons(port);
	addr->len = sizeof(*in6);
}

static int parse_numeric(const char *host, uint16_t port, struct addr *ret)
{
	char bare[ADDR_HOST_MAX + 1];
	struct in6_addr v6;
	struct in_addr v4;
	uint32_t scope = 0;

	if (inet_pton(AF_INET, host, &v4) == 1) {
		set_v4(ret, v4, port);
		return 0;
	}
	snprintf(bare, sizeof(bare), "%s", host);
	char *percent = strchr(bare, '%');
	if (percent) {
		*percent = '\0';
		scope = if_nametoindex(percent + 1);
		if (scope == 0)
			return -EINVAL;
	}
	if (inet_pton(AF_INET6, bare, &v6) != 1)
		return -EAGAIN;
	set_v6(ret, v6, scope, port);
	return 0;
}

int addr_parse(const char *text, struct addr *ret, size_t max)
{
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;

	if (max == 0)
		return -EINVAL;
	int r = addr_split(text, host, &port);
	if (r < 0)
		return r;
	if (host[0] == '\0') {
		set_v6(&ret[0], in6addr_any, 0, port);
		return 1;
	}
	if (strcasecmp(host, "localhost") == 0) {
		set_v4(&ret[0], (struct in_addr){htonl(INADDR_LOOPBACK)}, port);
		if (max == 1)
			return 1;
		set_v6(&ret[1], in6addr_loopback, 0, port);
		return 2;
	}
	r = parse_numeric(host, port, &ret[0]);
	return r < 0 ? r : 1;
}

int addr_resolve(const char *text, struct addr *ret, size_t max)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	char host[ADDR_HOST_MAX + 1], service[6];
	uint16_t port;
	size_t count = 0;

	int r = addr_parse(text, ret, max);
	if (r != -EAGAIN)
		return r;
	r = addr_split(text, host, &port);
	if (r < 0)
		return r;
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return -ENOENT;
	for (const struct addrinfo *ai = list; ai && count < max; ai = ai->ai_next) {
		memset(&ret[count], 0, sizeof(ret[count]));
		memcpy(&ret[count].sa, ai->ai_addr, ai->ai_addrlen);
		ret[count++].len = ai->ai_addrlen;
	}
	freeaddrinfo(list);
	return count > 0 ? (int)count : -ENOENT;
}

static bool mapped_v4(const struct addr *addr, struct in_addr *ret)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;

	if (addr->sa.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return false;
	memcpy(ret, &in6->sin6_addr.s6_addr[12], sizeof(*ret));
	return true;
}

void addr_format(const struct addr *addr, char ret[ADDR_TEXT_MAX])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;
	char host[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (addr->sa.ss_family == AF_INET || mapped_v4(addr, &v4)) {
		if (addr->sa.ss_family == AF_INET)
			v4 = in->sin_addr;
		inet_ntop(AF_INET, &v4, host, sizeof(host));
		snprintf(ret, ADDR_TEXT_MAX, "%s:%u", host, ntohs(in->sin_port));
	} else if (addr->sa.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(ret, ADDR_TEXT_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		snprintf(ret, ADDR_TEXT_MAX, "unknown");
	}
}

void addr_format_anonymous(const struct addr *addr, char ret[ADDR_TEXT_MAX])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;
	struct in_addr v4;

	if (addr->sa.ss_family == AF_INET || mapped_v4(addr, &v4)) {
		if (addr->sa.ss_family == AF_INET)
			v4 = ((const struct sockaddr_in *)&addr->sa)->sin_addr;
		const uint8_t *octets = (const uint8_t *)&v4;
		snprintf(ret, ADDR_TEXT_MAX, "%u.%u.x.x", octets[0], octets[1]);
	} else if (addr->sa.ss_family == AF_INET6) {
		const uint8_t *b = in6->sin6_addr.s6_addr;
		snprintf(ret, ADDR_TEXT_MAX, "%x:%x::x", b[0] << 8 | b[1], b[2] << 8 | b[3]);
	} else {
		snprintf(ret, ADDR_TEXT_MAX, "unknown");
	}
}

bool addr_is_loopback(const struct addr *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;
	struct in_addr v4;

	if (addr->sa.ss_family == AF_INET)
		v4 = ((const struct sockaddr_in *)&addr->sa)->sin_addr;
	else if (!mapped_v4(addr, &v4))
		return addr->sa.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return ntohl(v4.s_addr) >> 24 == 127;
}

void addr_source(const struct addr *addr, uint8_t ret[ADDR_SOURCE_BYTES])
{
	memset(ret, 0, ADDR_SOURCE_BYTES);
	if (addr->sa.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->sa;
		memcpy(ret + 12, &in->sin_addr, 4);
	} else if (addr->sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			memcpy(ret + 12, &in6->sin6_addr.s6_addr[12], 4);
		else
			memcpy(ret, &in6->sin6_addr, 8);
	}
}
