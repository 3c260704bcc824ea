// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/proxy_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DIGITS 5

static int parse_port(const char *text, in_port_t *ret)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > PORT_DIGITS || text[digits] != '\0' || atoi(text) > UINT16_MAX)
		return -EBADMSG;
	*ret = htons((uint16_t)atoi(text));
	return 0;
}

static int parse_end(int family, const char *host, const char *port, struct addr *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->sa;
	bool four = family == AF_INET;

	if (inet_pton(family, host, four ? (void *)&in->sin_addr : (void *)&in6->sin6_addr) != 1)
		return -EBADMSG;
	ret->sa.ss_family = (sa_family_t)family;
	ret->len = four ? sizeof(*in) : sizeof(*in6);
	return parse_port(port, four ? &in->sin_port : &in6->sin6_port);
}

int proxy_line_parse(char *line, struct proxy_header *ret)
{
	char *rest = line + strlen(PROXY_LINE_BEGIN);
	const char *protocol = strsep(&rest, " ");
	int family;

	/* Whatever else stands there says nothing that could be used. */
	if (strcmp(protocol, "UNKNOWN") == 0)
		return 0;
	if (strcmp(protocol, "TCP4") == 0)
		family = AF_INET;
	else if (strcmp(protocol, "TCP6") == 0)
		family = AF_INET6;
	else
		return -EBADMSG;
	/* One space each: of two, the second ends an empty word, which is no address. */
	const char *from = strsep(&rest, " "), *to = strsep(&rest, " ");
	const char *from_port = strsep(&rest, " "), *to_port = strsep(&rest, " ");
	if (!to_port || rest)
		return -EBADMSG;
	if (parse_end(family, from, from_port, &ret->source) < 0 ||
	    parse_end(family, to, to_port, &ret->destination) < 0)
		return -EBADMSG;
	ret->has_addresses = true;
	return 0;
}
