/* SPDX-License-Identifier: BSD-2-Clause */
/* Network addresses as settings and messages write them: "host:port", "[::1]:443", ":443". */
#pragma once

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_HOST_MAX 255
#define ADDR_TEXT_MAX 80

struct addr {
	struct sockaddr_storage sa;
	socklen_t len;
};

/*
 * Split "host:port" without resolving anything. An empty host means every
 * local address. -EINVAL: no port, a port outside 0…65535, or a host that is
 * too long or holds what no host name or address holds.
 */
int addr_split(const char *text, char host[ADDR_HOST_MAX + 1], uint16_t *ret_port);

/*
 * Numeric addresses and "localhost" (both loopbacks, IPv4 first), at most
 * `max` of them, into `ret`. Never blocks. Returns how many, or -EINVAL, or
 * -EAGAIN when the host is a name that has to be resolved.
 */
int addr_parse(const char *text, struct addr *ret, size_t max);

/*
 * As addr_parse, but asks the system's resolver: it may block for seconds, so
 * only at start. Returns how many (at least one), -EINVAL, or -ENOENT when
 * the name does not resolve.
 */
int addr_resolve(const char *text, struct addr *ret, size_t max);

/* "192.0.2.7:443", "[2001:db8::1]:443", for the log. IPv4-mapped addresses are shown as IPv4. */
void addr_format(const struct addr *addr, char ret[ADDR_TEXT_MAX]);

/* Who counts as one source: an IPv4 address (also as an IPv4-mapped one), or the /64 of an IPv6
 * one. */
#define ADDR_SOURCE_BYTES 16
void addr_source(const struct addr *addr, uint8_t ret[ADDR_SOURCE_BYTES]);

/* The first two octets of an IPv4 address, the first 32 bits of an IPv6 one; no port. */
void addr_format_anonymous(const struct addr *addr, char ret[ADDR_TEXT_MAX]);

bool addr_is_loopback(const struct addr *addr);
