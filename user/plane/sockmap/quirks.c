// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/quirks.h"

#include "user/plane/sockmap/gate.h"

#include <sys/utsname.h>

static bool before(const struct kernel_version *version, unsigned major, unsigned minor,
		   unsigned patch)
{
	if (version->major != major)
		return version->major < major;
	if (version->minor != minor)
		return version->minor < minor;
	return version->patch < patch;
}

struct kernel_quirks quirks_of(const struct kernel_version *version)
{
	bool series_of_6_1 = version->major == 6 && version->minor == 1;

	return (struct kernel_quirks){
		/* sk_psock_backlog() looks at an skb before it takes it off the queue from then on.
		 */
		.passes_out_of_order =
			before(version, 6, 1, 32) || (!series_of_6_1 && before(version, 6, 4, 0)),
		/* A mutex of its own from then on. */
		.worker_locks = before(version, 5, 13, 0),
		/* tcp_read_sock() stops, tcp_read_skb() does not. */
		.stops_at_urgent = before(version, 6, 0, 0),
	};
}

struct kernel_quirks quirks_of_this_kernel(void)
{
	struct kernel_version version;
	struct utsname name;

	if (uname(&name) < 0 || gate_parse_version(name.release, name.version, &version) < 0)
		return (struct kernel_quirks){0};
	return quirks_of(&version);
}
