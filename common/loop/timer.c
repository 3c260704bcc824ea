// SPDX-License-Identifier: BSD-2-Clause
/* Fredman, Sedgewick, Sleator, Tarjan: "The Pairing Heap", 1986; two-pass variant. */
#include "common/loop/timer.h"

#include <stddef.h>

static struct timer *meld(struct timer *a, struct timer *b)
{
	if (!a)
		return b;
	if (!b)
		return a;
	if (b->due < a->due) {
		struct timer *swap = a;
		a = b;
		b = swap;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

static struct timer *meld_siblings(struct timer *first)
{
	struct timer *pairs = NULL, *root = NULL;

	while (first) {
		struct timer *a = first, *b = first->next;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *next = pairs->next;

		pairs->next = NULL;
		root = meld(root, pairs);
		pairs = next;
	}
	return root;
}

void timer_disarm(struct timers *timers, struct timer *timer)
{
	if (!timer->armed)
		return;
	struct timer *below = meld_siblings(timer->child);
	if (timer == timers->root) {
		timers->root = below;
	} else {
		if (timer->prev->child == timer)
			timer->prev->child = timer->next;
		else
			timer->prev->next = timer->next;
		if (timer->next)
			timer->next->prev = timer->prev;
		timers->root = meld(timers->root, below);
	}
	timer->child = timer->next = timer->prev = NULL;
	timer->armed = false;
}

void timer_arm(struct timers *timers, struct timer *timer, uint64_t due)
{
	timer_disarm(timers, timer);
	timer->due = due;
	timer->armed = true;
	timers->root = meld(timers->root, timer);
}

int64_t timers_next(const struct timers *timers, uint64_t now)
{
	if (!timers->root)
		return -1;
	return timers->root->due <= now ? 0 : (int64_t)(timers->root->due - now);
}

void timers_run(struct timers *timers, uint64_t now)
{
	while (timers->root && timers->root->due <= now) {
		struct timer *timer = timers->root;

		timer_disarm(timers, timer);
		timer->fire(timer);
	}
}
