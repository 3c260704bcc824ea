/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of the streamer. */
#pragma once

#include "tests/tools/lib/stream.h"

#include <stdbool.h>

#define STREAMER_CONNECTIONS_MAX 20000

struct streamer_options {
	struct stream_options stream;
	const char *host, *port, *from; /* borrowed of argv; from may be NULL */
	bool server, each;
	unsigned connections, total, timeout_s, seed; /* timeout_s 0: none */
};

/* Ends the program with status 2 and a message where it makes no sense. */
void streamer_options_parse(int argc, char **argv, struct streamer_options *ret);
