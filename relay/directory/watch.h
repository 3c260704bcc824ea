/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells when the directory's file or folder has changed. */
#pragma once

#include <event2/event.h>

struct directory_watch;

/* `changed` is called once a burst of changes has been quiet for a moment. */
int directory_watch_new(struct event_base *base, const char *path, void (*changed)(void *arg),
			void *arg, struct directory_watch **ret);
void directory_watch_free(struct directory_watch *watch);
