// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/load_watch.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/loop/timer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define WINDOW_LEAST (100 * NS_PER_MS) /* /proc/uptime counts hundredths of a second */
#define WINDOW_MOST  (60 * NS_PER_S)   /* an average over longer says nothing about now */
#define MEMORY_FRESH (2 * NS_PER_MS)   /* a burst can take much within milliseconds */

/* At most `size` − 1 bytes of a file, terminated. */
static bool read_text(const char *path, char *ret, size_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, ret, size - 1);
	if (n <= 0)
		return false;
	ret[n] = '\0';
	return true;
}

/* proc(5): seconds since boot, and seconds that the cores have been idle, summed. */
static bool read_uptime(double *ret_up, double *ret_idle)
{
	char text[64];

	if (!read_text("/proc/uptime", text, sizeof(text)))
		return false;
	return sscanf(text, "%lf %lf", ret_up, ret_idle) == 2;
}

int load_percent(struct load_watch *watch, uint64_t now)
{
	double up, idle;

	if (watch->read_at && now - watch->read_at < WINDOW_LEAST)
		return watch->percent;
	if (!read_uptime(&up, &idle))
		return LOAD_UNKNOWN;
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
	bool known = watch->read_at && now - watch->read_at <= WINDOW_MOST && up > watch->up;
	double used = known ? 1 - (idle - watch->idle) / (cores * (up - watch->up)) : 0;
	if (!known)
		watch->percent = LOAD_UNKNOWN;
	else
		watch->percent = used > 0 ? (int)(100 * used) : 0;
	watch->read_at = now;
	watch->up = up;
	watch->idle = idle;
	return watch->percent;
}

/* Pages. */
static bool read_memory(unsigned long *ret_used, unsigned long *ret_mark)
{
	char text[1024], marks[128];

	if (!read_text("/proc/net/sockstat", text, sizeof(text)) ||
	    !read_text("/proc/sys/net/ipv4/tcp_mem", marks, sizeof(marks)))
		return false;
	const char *tcp = strstr(text, "TCP: ");
	const char *used = tcp ? strstr(tcp, " mem ") : NULL;
	return used && sscanf(used, " mem %lu", ret_used) == 1 &&
	       sscanf(marks, "%lu", ret_mark) == 1;
}

static void look_at_memory(struct load_watch *watch, uint64_t now)
{
	unsigned long used = 0, mark = 0;
	bool known = read_memory(&used, &mark);

	watch->memory_read_at = now;
	watch->memory_short = known && used > mark;
	watch->memory_half = known && used > mark / 2;
}

bool tcp_memory_is_short(struct load_watch *watch, uint64_t now)
{
	if (!watch->memory_read_at || now - watch->memory_read_at >= MEMORY_FRESH)
		look_at_memory(watch, now);
	return watch->memory_short;
}

bool tcp_memory_is_short_now(struct load_watch *watch, uint64_t now)
{
	if (watch->memory_half || !watch->memory_read_at ||
	    now - watch->memory_read_at >= MEMORY_FRESH)
		look_at_memory(watch, now);
	return watch->memory_short;
}
