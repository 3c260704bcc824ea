/* SPDX-License-Identifier: BSD-2-Clause */
/* /etc/hosts, as c-ares reads it. */
#pragma once

#include "common/base/addr.h"

#include <ares.h>

struct hosts {
	ares_channel channel;
};

/* c-ares is initialised. 0, -ENOMEM. */
int hosts_init(struct hosts *hosts);
void hosts_done(struct hosts *hosts); /* also after a hosts_init() that failed */

/* The addresses of a name there, without a port; how many, at most `max`. Reads the file. */
unsigned hosts_find(struct hosts *hosts, const char *name, struct addr *ret, unsigned max);
