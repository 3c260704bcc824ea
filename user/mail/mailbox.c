// SPDX-License-Identifier: BSD-2-Clause
#include "user/mail/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first, *last;
	bool has_order, has_taken; /* the second is the reader's own, as is what belongs to it */
	struct stop_order order, taken;
	int fd;
};

int mailbox_new(struct mailbox **ret)
{
	struct mailbox *box = calloc(1, sizeof(*box));

	if (!box)
		return -ENOMEM;
	box->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (box->fd < 0) {
		int r = -errno;
		free(box);
		return r;
	}
	pthread_mutex_init(&box->lock, NULL);
	*ret = box;
	return 0;
}

void mailbox_free(struct mailbox *box)
{
	if (!box)
		return;
	for (struct mail *mail = box->first, *next; mail; mail = next) {
		next = mail->next;
		mail_free(mail);
	}
	close(box->fd);
	pthread_mutex_destroy(&box->lock);
	free(box);
}

int mailbox_fd(const struct mailbox *box)
{
	return box->fd;
}

/* A counter at its maximum (EAGAIN) is readable too, and that is all it is there for. */
static void wake(const struct mailbox *box)
{
	const uint64_t one = 1;

	ssize_t n = write(box->fd, &one, sizeof(one));
	(void)n;
}

void mailbox_put_list(struct mailbox *box, struct mail *first, struct mail *last)
{
	last->next = NULL;
	pthread_mutex_lock(&box->lock);
	bool was_empty = !box->first;
	if (was_empty)
		box->first = first;
	else
		box->last->next = first;
	box->last = last;
	pthread_mutex_unlock(&box->lock);
	if (was_empty)
		wake(box);
}

void mailbox_put(struct mailbox *box, struct mail *mail)
{
	mailbox_put_list(box, mail, mail);
}

static struct stop_order merged(struct stop_order earlier, struct stop_order later)
{
	return (struct stop_order){
		.grace_ms = earlier.grace_ms < later.grace_ms ? earlier.grace_ms : later.grace_ms,
		.dismissed = earlier.dismissed || later.dismissed,
	};
}

void mailbox_stop(struct mailbox *box, unsigned grace_ms, bool dismissed)
{
	const struct stop_order order = {grace_ms, dismissed};

	pthread_mutex_lock(&box->lock);
	box->order = box->has_order ? merged(box->order, order) : order;
	box->has_order = true;
	pthread_mutex_unlock(&box->lock);
	wake(box);
}

struct mail *mailbox_take_all(struct mailbox *box)
{
	uint64_t count;

	/* Before the list: mail that comes in between wakes the reader once more than needed. */
	ssize_t n = read(box->fd, &count, sizeof(count));
	(void)n;
	pthread_mutex_lock(&box->lock);
	struct mail *first = box->first;
	box->first = box->last = NULL;
	if (box->has_order) {
		box->taken = box->has_taken ? merged(box->taken, box->order) : box->order;
		box->has_taken = true;
		box->has_order = false;
	}
	pthread_mutex_unlock(&box->lock);
	return first;
}

bool mailbox_take_stop(struct mailbox *box, struct stop_order *ret)
{
	if (!box->has_taken)
		return false;
	*ret = box->taken;
	box->has_taken = false;
	return true;
}
