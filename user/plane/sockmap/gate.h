/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether this kernel's sockmap is to be trusted: a table of known bugs by
 * version, and a test with real sockets at start. docs/kernel.md, "When to
 * trust it".
 */
#pragma once

#include "user/plane/path.h"
#include "user/plane/sockmap/kernel.h"

#define GATE_WHY PATH_WHY

struct kernel_version {
	unsigned major, minor, patch;
};

/* From uname's release, "6.1.0-49-cloud-amd64" (Debian tells the patch in `version`) or "6.18.44".
 */
int gate_parse_version(const char *release, const char *version, struct kernel_version *ret);

/* NULL when no known bug is in this version, else the first of them in a few words. */
const char *gate_known_bug(const struct kernel_version *version);

/*
 * Open the kernel path where it is allowed and sound; `forced`: also where a
 * known bug speaks against it. True: *ret is open. In any case `why` holds the
 * reason, for the log.
 */
bool gate_open(bool forced, const struct kernel_options *options, struct kernel **ret,
	       char why[GATE_WHY]);
