/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a connection has ended: one word for each, counted, and told in the log. */
#pragma once

#include "user/plane/stream.h"
#include "user/wire/client_hello.h"

enum ending {
	/* of a pair */
	ENDING_FINISHED,
	ENDING_RESET_OUTSIDE,
	ENDING_RESET_INSIDE,
	ENDING_IDLE,
	ENDING_STALLED,
	ENDING_BROKEN,
	ENDING_URGENT,
	ENDING_STUCK,
	ENDING_PARKED_DEAD,
	/* of any */
	ENDING_STOPPED,
	ENDING_MEMORY,
	ENDING_WATCH,
	/* before a ClientHello */
	ENDING_HELLO_RESET,
	ENDING_HELLO_CLOSED,
	ENDING_HELLO_LATE,
	ENDING_HEADER_MISSING,
	ENDING_HEADER_CHECKSUM,
	ENDING_HEADER_HALF_OPEN,
	/* refused */
	ENDING_NOT_TLS,
	ENDING_HELLO_TOO_LARGE,
	ENDING_HELLO_MALFORMED,
	ENDING_NO_NAME,
	ENDING_BAD_NAME,
	ENDING_NOT_ANNOUNCED,
	ENDING_PENDING,
	ENDING_PENDING_OPERATOR,
	ENDING_NO_DIAL_BACK,
	ENDING_NOT_TOLD,
	/* while its private proxy was sent for */
	ENDING_WAITING_RESET,
	/* at the private proxy */
	ENDING_NO_OUTSIDE,
	ENDING_NO_INSIDE,
	ENDING_NOT_ANNOUNCED_HERE,
	ENDING_INSIDE_UNRESOLVED,
	ENDING_AHEAD_RESET,
	ENDING_AHEAD_CLOSED,
	ENDING_AHEAD_HEADER,
	ENDINGS,
};

/* For a list of figures: lower case, no spaces. */
const char *ending_name(enum ending ending);
/* For the log. */
const char *ending_text(enum ending ending);

enum ending ending_of_stream(enum stream_end_reason reason);
/* Of a ClientHello that is not OK. */
enum ending ending_of_hello(enum client_hello_result result);
