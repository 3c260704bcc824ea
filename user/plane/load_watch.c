// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/load_watch.h"

#include "common/cleanup.h"
#include "user/timer.h"

#include <fcntl.h>
#include <stdio.h>

#define WINDOW_LEAST (200 * NS_PER_MS)
#define WINDOW_MOST  (2 * NS_PER_S) /* an average over longer says nothing about now */
/* Of all cores' time. */
#define IDLE_WHEN_BUSY 0.10

/* proc(5): seconds since boot, and seconds that the cores have been idle, summed. */
static bool read_uptime(double *ret_up, double *ret_idle)
{
	char text[64];
	AUTO_CLOSE int fd = open("/proc/uptime", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%lf %lf", ret_up, ret_idle) == 2;
}

bool load_is_high(struct load_watch *watch, uint64_t now)
{
	double up, idle;

	if (watch->read_at && now - watch->read_at < WINDOW_LEAST)
		return watch->busy;
	if (!read_uptime(&up, &idle))
		return false;
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
	bool known = watch->read_at && now - watch->read_at <= WINDOW_MOST && up > watch->up;
	if (known)
		watch->busy = (idle - watch->idle) / (cores * (up - watch->up)) < IDLE_WHEN_BUSY;
	else
		watch->busy = false;
	watch->read_at = now;
	watch->up = up;
	watch->idle = idle;
	return watch->busy;
}
