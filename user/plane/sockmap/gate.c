// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/gate.h"

#include "user/plane/sockmap/selftest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/*
 * A series is fixed from `patch` on; a series that is not named is judged by
 * the newest row that is older than it. patch UINT32_MAX: never fixed there.
 */
struct fix {
	unsigned major, minor, patch;
};

struct known_bug {
	const char *what;
	struct fix fixed[8]; /* by series, ascending; the last one covers everything newer */
};

#define NEVER (~0u)

static const struct known_bug known_bugs[] = {
	{"FIN, copied_seq and stall bugs", {{5, 10, NEVER}, {6, 1, 32}, {6, 4, 0}}},
	{"replace against close race, CVE-2024-56664",
	 {{5, 10, 236}, {5, 15, NEVER}, {6, 1, 125}, {6, 12, 6}}},
	{"use after free in the worker, CVE-2025-38154",
	 {{5, 10, NEVER}, {5, 15, 186}, {6, 1, 142}, {6, 6, 94}, {6, 12, 34}, {6, 15, 3}}},
	{"duplicated data when the peer is full",
	 {{5, 10, NEVER}, {6, 1, 142}, {6, 6, NEVER}, {6, 12, 34}, {6, 16, 0}}},
	{"data lost in retries of the worker",
	 {{5, 10, NEVER}, {6, 1, 142}, {6, 6, NEVER}, {6, 12, 35}, {6, 16, 0}}},
	/* tcp_sendpage() with a negative length; from 6.5 on the same is a failed send(). */
	{"a crash when TCP's memory is exhausted", {{6, 1, NEVER}, {6, 5, 0}}},
	{"psock on the wrong socket",
	 {{5, 10, NEVER}, {6, 1, 148}, {6, 6, NEVER}, {6, 12, 42}, {6, 16, 0}}},
};

int gate_parse_version(const char *release, const char *version, struct kernel_version *ret)
{
	struct kernel_version found = {0};

	int n = sscanf(release, "%u.%u.%u", &found.major, &found.minor, &found.patch);
	if (n < 2)
		return -EINVAL;
	/* Debian keeps the ABI's number in `release` and the true one in "… Debian 6.1.192-2
	 * (date)". */
	const char *debian = strstr(version, "Debian ");
	struct kernel_version true_one;
	if (debian && sscanf(debian, "Debian %u.%u.%u", &true_one.major, &true_one.minor,
			     &true_one.patch) == 3)
		found = true_one;
	*ret = found;
	return 0;
}

static int compare_series(const struct kernel_version *version, const struct fix *fix)
{
	if (version->major != fix->major)
		return version->major < fix->major ? -1 : 1;
	if (version->minor != fix->minor)
		return version->minor < fix->minor ? -1 : 1;
	return 0;
}

static bool is_fixed(const struct kernel_version *version, const struct known_bug *bug)
{
	const struct fix *newest = NULL;
	unsigned rows = sizeof(bug->fixed) / sizeof(bug->fixed[0]);

	for (unsigned i = 0; i < rows && bug->fixed[i].major; i++) {
		const struct fix *fix = &bug->fixed[i];
		int order = compare_series(version, fix);

		if (order == 0)
			return version->patch >= fix->patch;
		if (order > 0)
			newest = fix;
		/* Between two rows: a series that got no fix of its own is as its elder was. */
		if (order < 0)
			return false;
	}
	return newest && newest->patch != NEVER;
}

const char *gate_known_bug(const struct kernel_version *version)
{
	for (unsigned i = 0; i < sizeof(known_bugs) / sizeof(known_bugs[0]); i++)
		if (!is_fixed(version, &known_bugs[i]))
			return known_bugs[i].what;
	return NULL;
}

static const char *bug_of_this_kernel(char text[64])
{
	struct utsname name;
	struct kernel_version version;

	if (uname(&name) < 0 || gate_parse_version(name.release, name.version, &version) < 0)
		return "its version cannot be told";
	snprintf(text, 64, "%u.%u.%u", version.major, version.minor, version.patch);
	return gate_known_bug(&version);
}

bool gate_open(bool forced, const struct kernel_options *options, struct kernel **ret,
	       char why[GATE_WHY])
{
	char version[64] = "unknown", reason[KERNEL_WHY];
	struct kernel *kernel = NULL;
	const char *bug = bug_of_this_kernel(version);

	if (bug && !forced) {
		snprintf(why, GATE_WHY,
			 "kernel %s has a known sockmap bug (%s); 'forwarding: sockmap' forces it",
			 version, bug);
		return false;
	}
	if (kernel_open(options, &kernel, reason) < 0) {
		snprintf(why, GATE_WHY, "%s", reason);
		return false;
	}
	int r = selftest(kernel, reason);
	if (r < 0) {
		kernel_close(kernel);
		snprintf(why, GATE_WHY, "kernel %s fails the sockmap self-test: %s", version,
			 reason);
		return false;
	}
	snprintf(why, GATE_WHY, "kernel %s%s%s%s", version,
		 bug ? " has a known bug, forced by the settings: " : " passes the self-test",
		 bug ? bug : "", r > 0 ? ", but for overlaps, which need CAP_NET_RAW" : "");
	*ret = kernel;
	return true;
}
