/* SPDX-License-Identifier: BSD-2-Clause */
/* A warning that a stranger can cause at will: one line a second is enough to tell. */
#pragma once

#include <stdint.h>

struct complaints {
	uint64_t since; /* ns, of the current second */
	uint32_t unsaid;
};

/* Log, or only count. `from`: who, or NULL. */
void complain(struct complaints *complaints, const char *from, const char *what);
