/* SPDX-License-Identifier: BSD-2-Clause */
/* State REFUSE: tell the client by a TLS alert, and wait a moment so that it can read it. */
#pragma once

#include <stdint.h>

struct connection;

#define ALERT_INTERNAL_ERROR    80  /* the name is known, but nobody answers for it */
#define ALERT_UNRECOGNIZED_NAME 112 /* RFC 6066 section 3 */

/*
 * Send a fatal alert and close. From PEEK or RENDEZVOUS. The ClientHello
 * is still in the socket: a close() at once would send an RST that overtakes
 * the alert. `reason` goes to the log and is a constant.
 */
void refuse(struct connection *connection, uint8_t alert, const char *reason);
