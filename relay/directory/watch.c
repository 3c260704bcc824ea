// SPDX-License-Identifier: BSD-2-Clause
#include "relay/directory/watch.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

/* Who writes several files is given the time to finish. */
#define QUIET_MS 300
/* The watched folder itself is gone: until it is back. */
#define RETRY_MS 2000
#define EVENTS                                                                                   \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | \
	 IN_MOVE_SELF | IN_ONLYDIR)

struct directory_watch {
	int inotify;
	int watched; /* inotify's number of the folder, -1 while there is none */
	char *folder;
	char *file; /* name in `folder`; NULL: all of it */
	struct event *readable;
	struct event *quiet;
	void (*changed)(void *arg);
	void *arg;
};

static void start_timer(struct directory_watch *watch, unsigned ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	(void)evtimer_add(watch->quiet, &tv);
}

static bool concerns(const struct directory_watch *watch, const struct inotify_event *event)
{
	return event->len == 0 || !watch->file || strcmp(event->name, watch->file) == 0;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct directory_watch *watch = arg;
	bool changed = false;
	ssize_t n;

	(void)events;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event =
				(const struct inotify_event *)(buffer + at);
			if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
				watch->watched = -1;
			changed = changed || concerns(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	if (changed)
		start_timer(watch, QUIET_MS);
}

static void on_quiet(evutil_socket_t fd, short events, void *arg)
{
	struct directory_watch *watch = arg;

	(void)fd;
	(void)events;
	if (watch->watched < 0) {
		watch->watched = inotify_add_watch(watch->inotify, watch->folder, EVENTS);
		if (watch->watched < 0) {
			start_timer(watch, RETRY_MS);
			return;
		}
	}
	watch->changed(watch->arg);
}

static int set_paths(struct directory_watch *watch, const char *path)
{
	AUTO_FREE char *first = strdup(path), *second = strdup(path);
	struct stat st;

	if (!first || !second)
		return -ENOMEM;
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		watch->folder = strdup(path);
		return watch->folder ? 0 : -ENOMEM;
	}
	/* Editors put a new file in place of the old one: only the folder sees that. */
	watch->folder = strdup(dirname(first));
	watch->file = strdup(basename(second));
	return watch->folder && watch->file ? 0 : -ENOMEM;
}

static void cleanup_watch(struct directory_watch **watch)
{
	directory_watch_free(*watch);
}

int directory_watch_new(struct event_base *base, const char *path, void (*changed)(void *arg),
			void *arg, struct directory_watch **ret)
{
	CLEANUP(cleanup_watch) struct directory_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->changed = changed;
	watch->arg = arg;
	watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify < 0)
		return -errno;
	int r = set_paths(watch, path);
	if (r < 0)
		return r;
	watch->watched = inotify_add_watch(watch->inotify, watch->folder, EVENTS);
	if (watch->watched < 0)
		return -errno;
	watch->readable = event_new(base, watch->inotify, EV_READ | EV_PERSIST, on_readable, watch);
	watch->quiet = evtimer_new(base, on_quiet, watch);
	if (!watch->readable || !watch->quiet || event_add(watch->readable, NULL) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(watch);
	return 0;
}

void directory_watch_free(struct directory_watch *watch)
{
	if (!watch)
		return;
	if (watch->readable)
		event_free(watch->readable);
	if (watch->quiet)
		event_free(watch->quiet);
	if (watch->inotify >= 0)
		(void)close(watch->inotify);
	free(watch->folder);
	free(watch->file);
	free(watch);
}
