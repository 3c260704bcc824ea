// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/order.h"

#include "common/base/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* The address that this host would send from. False: there is no way to that address. */
static bool source(const struct addr *to, struct sockaddr_in6 *ret)
{
	AUTO_CLOSE int fd = socket(to->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr target = *to;
	socklen_t length = sizeof(*ret);

	if (target.sa.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&target.sa)->sin6_port = htons(53);
	else
		((struct sockaddr_in *)&target.sa)->sin_port = htons(53);
	/* Sends nothing. */
	return fd >= 0 && connect(fd, (const struct sockaddr *)&target.sa, target.len) == 0 &&
	       getsockname(fd, (struct sockaddr *)ret, &length) == 0;
}

static bool unique_local(const struct in6_addr *ip)
{
	return (ip->s6_addr[0] & 0xfe) == 0xfc;
}

/*
 * What RFC 6724, section 6, comes to between one address of each family: IPv6,
 * unless there is no way to it, or only from an address of another reach.
 */
static bool prefer_v6(const struct addr *v6, const struct addr *v4)
{
	const struct sockaddr_in6 *to = (const struct sockaddr_in6 *)&v6->sa;
	struct sockaddr_in6 from = {0}, unused;

	if (!source(v6, &from))
		return !source(v4, &unused);
	return unique_local(&from.sin6_addr) == unique_local(&to->sin6_addr) &&
	       IN6_IS_ADDR_LINKLOCAL(&from.sin6_addr) == IN6_IS_ADDR_LINKLOCAL(&to->sin6_addr);
}

unsigned order_addresses(const struct addr *v6, unsigned n_v6, const struct addr *v4, unsigned n_v4,
			 struct addr *ret, unsigned max)
{
	bool v6_next = n_v4 == 0 || (n_v6 > 0 && prefer_v6(v6, v4));
	unsigned n = 0;

	while (n < max && n_v6 + n_v4 > 0) {
		if (n_v4 == 0 || (v6_next && n_v6 > 0)) {
			ret[n++] = *v6++;
			n_v6--;
		} else {
			ret[n++] = *v4++;
			n_v4--;
		}
		v6_next = !v6_next;
	}
	return n;
}
