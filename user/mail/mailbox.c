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

void mailbox_put_list(struct mailbox *box, struct mail *first, struct mail *last)
{
	const uint64_t one = 1;

	last->next = NULL;
	pthread_mutex_lock(&box->lock);
	bool was_empty = !box->first;
	if (was_empty)
		box->first = first;
	else
		box->last->next = first;
	box->last = last;
	pthread_mutex_unlock(&box->lock);

	/* A counter at its maximum (EAGAIN) is readable too, and that is all it is there for. */
	if (was_empty) {
		ssize_t n = write(box->fd, &one, sizeof(one));
		(void)n;
	}
}

void mailbox_put(struct mailbox *box, struct mail *mail)
{
	mailbox_put_list(box, mail, mail);
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
	pthread_mutex_unlock(&box->lock);
	return first;
}
