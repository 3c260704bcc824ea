// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/ending.h"

static const struct {
	const char *name, *text;
} words[ENDINGS] = {
	[ENDING_FINISHED] = {"finished", "finished"},
	[ENDING_RESET_OUTSIDE] = {"reset_outside", "reset from outside"},
	[ENDING_RESET_INSIDE] = {"reset_inside", "reset from inside"},
	[ENDING_IDLE] = {"idle", "idle time-out"},
	[ENDING_STALLED] = {"stalled", "no progress while draining"},
	[ENDING_BROKEN] = {"broken", "the kernel delivered segments out of order"},
	[ENDING_URGENT] = {"urgent", "urgent data, which this kernel's sockmap cannot carry"},
	[ENDING_STUCK] = {"stuck", "no way out of the sockmap without CAP_NET_ADMIN"},
	[ENDING_PARKED_DEAD] = {"parked_dead", "the parked connection was dead"},
	[ENDING_STOPPED] = {"stopped", "stopped"},
	[ENDING_MEMORY] = {"memory", "out of memory"},
	[ENDING_WATCH] = {"watch", "no memory to watch the connection"},
	[ENDING_HELLO_RESET] = {"hello_reset", "reset before the ClientHello"},
	[ENDING_HELLO_CLOSED] = {"hello_closed", "closed before the ClientHello was complete"},
	[ENDING_HELLO_LATE] = {"hello_late", "no ClientHello in time"},
	[ENDING_HEADER_MISSING] = {"header_missing", "no PROXY header from the load balancer"},
	[ENDING_HEADER_CHECKSUM] = {"header_checksum", "the PROXY header's checksum is wrong"},
	[ENDING_HEADER_HALF_OPEN] =
		{"header_half_open",
		 "too many half-open connections of the client in the PROXY header"},
	[ENDING_NOT_TLS] = {"not_tls", "not TLS"},
	[ENDING_HELLO_TOO_LARGE] = {"hello_too_large", "ClientHello too large"},
	[ENDING_HELLO_MALFORMED] = {"hello_malformed", "ClientHello malformed"},
	[ENDING_NO_NAME] = {"no_name", "no server name"},
	[ENDING_BAD_NAME] = {"bad_name", "server name is no host name"},
	[ENDING_NOT_ANNOUNCED] = {"not_announced", "nobody has announced this name"},
	[ENDING_PENDING] = {"pending", "too many connections wait for a private proxy"},
	[ENDING_PENDING_OPERATOR] = {"pending_operator",
				     "too many connections wait for this private proxy"},
	[ENDING_NO_DIAL_BACK] = {"no_dial_back", "the private proxy did not dial back in time"},
	[ENDING_NOT_TOLD] = {"not_told", "the private proxy could not be told"},
	[ENDING_WAITING_RESET] = {"waiting_reset", "reset while waiting for its private proxy"},
	[ENDING_NO_OUTSIDE] = {"no_outside", "the public proxy could not be reached"},
	[ENDING_NO_INSIDE] = {"no_inside", "the internal server could not be reached"},
	[ENDING_NOT_ANNOUNCED_HERE] = {"not_announced_here", "nobody has announced this name here"},
	[ENDING_INSIDE_UNRESOLVED] = {"inside_unresolved",
				      "the internal server's name is not resolved"},
	[ENDING_AHEAD_RESET] = {"ahead_reset", "reset by the public proxy"},
	[ENDING_AHEAD_CLOSED] = {"ahead_closed", "closed by the public proxy"},
	[ENDING_AHEAD_HEADER] = {"ahead_header", "no PROXY header"},
};

const char *ending_name(enum ending ending)
{
	return words[ending].name;
}

const char *ending_text(enum ending ending)
{
	return words[ending].text;
}

enum ending ending_of_stream(enum stream_end_reason reason)
{
	switch (reason) {
	case STREAM_FINISHED:
		return ENDING_FINISHED;
	case STREAM_RESET_BY_0:
		return ENDING_RESET_OUTSIDE;
	case STREAM_RESET_BY_1:
		return ENDING_RESET_INSIDE;
	case STREAM_IDLE:
		return ENDING_IDLE;
	case STREAM_STALLED:
		return ENDING_STALLED;
	case STREAM_BROKEN:
		return ENDING_BROKEN;
	case STREAM_NO_MEMORY:
		return ENDING_MEMORY;
	case STREAM_URGENT:
		return ENDING_URGENT;
	case STREAM_STUCK:
		return ENDING_STUCK;
	}
	return ENDING_BROKEN;
}

enum ending ending_of_hello(enum client_hello_result result)
{
	switch (result) {
	case CLIENT_HELLO_NOT_TLS:
		return ENDING_NOT_TLS;
	case CLIENT_HELLO_MORE: /* and there is no room for more */
	case CLIENT_HELLO_TOO_LARGE:
		return ENDING_HELLO_TOO_LARGE;
	case CLIENT_HELLO_NO_NAME:
		return ENDING_NO_NAME;
	case CLIENT_HELLO_BAD_NAME:
		return ENDING_BAD_NAME;
	case CLIENT_HELLO_OK:
	case CLIENT_HELLO_MALFORMED:
		break;
	}
	return ENDING_HELLO_MALFORMED;
}
