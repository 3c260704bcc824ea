/* SPDX-License-Identifier: BSD-2-Clause */
/* What resolv.conf(5) says: name servers, search list, options. */
#pragma once

#include "common/base/addr.h"

#include <net/if.h>

#define RESOLV_SERVERS 8  /* more are ignored; libc takes three */
#define RESOLV_DOMAINS 16 /* more are ignored */

struct name_server {
	struct addr addr;
	char device[IF_NAMESIZE]; /* of a link-local address, "fe80::1%eth0"; or empty */
};

struct resolv_conf {
	struct name_server servers[RESOLV_SERVERS];
	unsigned n_servers;
	char domains[RESOLV_DOMAINS][ADDR_HOST_MAX + 1];
	unsigned n_domains;
	unsigned ndots;      /* a name with fewer dots is searched for first */
	unsigned timeout_ms; /* for one server's answer */
	unsigned attempts;   /* rounds through all servers */
	bool rotate;
	bool use_tcp;
};

/*
 * The text of such a file, over the defaults of libc. What is not understood
 * is skipped, as libc does. Pure.
 */
void resolv_conf_parse(const char *text, struct resolv_conf *ret);

/*
 * The file. One that is missing says nothing. Without a name server that is
 * the one on this machine, without a search list the domain of this host's
 * name. -ENOMEM, or another -errno of reading.
 */
int resolv_conf_read(const char *path, struct resolv_conf *ret);

/* "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53", "fe80::1%eth0". False: none of these. */
bool name_server_parse(const char *text, struct name_server *ret);
