/* SPDX-License-Identifier: BSD-2-Clause */
/* Which names in full a name may stand for: the search list of resolv.conf(5). Pure. */
#pragma once

#include "common/dns/resolv_conf.h"

/*
 * The `i`th name to ask for, from 0. False: there is none, all have been
 * named. A name that ends with a dot stands for itself alone.
 */
bool search_name(const struct resolv_conf *conf, const char *host, unsigned i,
		 char ret[ADDR_HOST_MAX + 1]);
