/* SPDX-License-Identifier: BSD-2-Clause */
/* A public proxy has begun a stream on a parked connection: where does it lead? */
#pragma once

#include "user/private/service.h"

/*
 * `mail`: MAIL_PARKED with PARKED_TAKEN, borrowed. The worker gets MAIL_INSIDE
 * in any case, at once if the internal address is numeric, "localhost" or
 * still remembered.
 */
void private_taken(struct private_service *service, const struct mail *mail);

/* `mail`: MAIL_UNREACHABLE, borrowed. The server's name is asked for anew. */
void private_unreachable(struct private_service *service, const struct mail *mail);
