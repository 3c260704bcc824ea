/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mailbox belongs to one thread, which waits on its descriptor; any thread
 * may put mail in. The lock covers a list operation, never I/O.
 */
#pragma once

#include "user/mail/mail.h"

struct mailbox;

int mailbox_new(struct mailbox **ret);
void mailbox_free(struct mailbox *box);    /* frees what is still inside */
int mailbox_fd(const struct mailbox *box); /* readable while there is mail */

/* Takes the mail. Never fails, never blocks on I/O. */
void mailbox_put(struct mailbox *box, struct mail *mail);
/* The same for mail that is chained by `next`: its reader is woken once. */
void mailbox_put_list(struct mailbox *box, struct mail *first, struct mail *last);
/* All mail so far, oldest first, owned by the caller; NULL if none. Makes the descriptor
 * unreadable. */
struct mail *mailbox_take_all(struct mailbox *box);

/* Close listeners; end the last connection when the time is up, and then … */
struct stop_order {
	unsigned grace_ms;
	bool dismissed; /* … the worker: no mail comes after this order */
};

/*
 * An order to stop, which the box has room for from the start: giving it needs
 * no memory. Of orders that have not been read yet the shortest time counts,
 * and a dismissal stays one. Any thread.
 */
void mailbox_stop(struct mailbox *box, unsigned grace_ms, bool dismissed);
/*
 * Whether an order had been given at the last mailbox_take_all(), whose mail is
 * to be handled before: it was put in first. Tells each order once.
 */
bool mailbox_take_stop(struct mailbox *box, struct stop_order *ret);
