/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program elsewhere that is called again and again, and may not be there:
 * how long to wait after a failure, what to say of it once, and when to say
 * that all is well again. Pure but for memory and the jitter: the clock is
 * handed in, calling and logging are the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All in ms. */
struct remote_pace {
	int64_t min, max; /* the wait after the first failure, and the longest one */
	/*
	 * For so long after it was there, the longest wait is `early_max`: most
	 * outages are restarts, and are to end within a second or two. 0: no
	 * such time.
	 */
	int64_t early, early_max;
};

struct remote {
	struct remote_pace pace;
	unsigned failures; /* in a row */
	bool here;         /* as far as we know */
	int64_t gone_at;   /* since when it is not, ms */
	char *problem;     /* what was told of it last; NULL: nothing, or that all is well */
};

/* `here`: it is expected to be there already. `pace` is copied. */
void remote_init(struct remote *remote, const struct remote_pace *pace, bool here);
void remote_clear(struct remote *remote);

/* It is there, which does not say that it is of any use. */
void remote_found(struct remote *remote);
/*
 * It does what it should. The next failure is a first one again. True: a
 * problem was told, so tell that it is over.
 */
bool remote_well(struct remote *remote);

/*
 * It cannot be reached. Returns how long to wait, in ms: twice as long after
 * each failure, shortened at random by up to a half, so that many callers do
 * not come back in step. `now`: ms of a clock that does not jump.
 */
int64_t remote_failed(struct remote *remote, int64_t now);
/* It was reached, but to no avail. The same, without the short waits of the first time. */
int64_t remote_bounced(struct remote *remote);

/* Whether `problem` is another one than was told last. It is then held to be told. */
bool remote_is_news(struct remote *remote, const char *problem);
