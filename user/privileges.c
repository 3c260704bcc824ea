// SPDX-License-Identifier: BSD-2-Clause
#include "user/privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Of <linux/capability.h>; kernels before 5.8 have CAP_SYS_ADMIN in its place. */
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

/*
 * CAP_BPF: streams enter and leave the maps as long as the process runs, and
 * kernels before 5.19 ask for it at each call of bpf() where unprivileged BPF
 * is switched off. CAP_NET_ADMIN: SO_RCVBUFFORCE and SO_SNDBUFFORCE of each
 * socket that is dialled, beyond net.core.rmem_max and wmem_max; and the filter
 * of each stream that leaves the map. The self-test relies on these two alone
 * (user/plane/sockmap/door.h).
 */
static const cap_value_t needed[] = {CAP_BPF, CAP_NET_ADMIN};

static bool is_needed(cap_value_t capability)
{
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (needed[i] == capability)
			return true;
	return false;
}

static int keep_needed(void)
{
	cap_t before = cap_get_proc(), after = cap_init();
	int r = 0;

	if (!before || !after) {
		r = -ENOMEM;
		goto out;
	}
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(before, needed[i], CAP_PERMITTED, &has) < 0 || has == CAP_CLEAR)
			continue;
		(void)cap_set_flag(after, CAP_PERMITTED, 1, &needed[i], CAP_SET);
		(void)cap_set_flag(after, CAP_EFFECTIVE, 1, &needed[i], CAP_SET);
	}
	if (cap_set_proc(after) < 0)
		r = -errno;
out:
	cap_free(before);
	cap_free(after);
	return r;
}

int privileges_drop(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	/* Needs CAP_SETPCAP: before the others go. Without it there is nothing to gain either. */
	for (cap_value_t c = 0; c <= (cap_value_t)cap_max_bits() - 1; c++)
		if (!is_needed(c))
			(void)cap_drop_bound(c);
	return keep_needed();
}
