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
