// SPDX-License-Identifier: BSD-2-Clause
#include "tests/tools/lib/streamer_options.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: streamer client HOST PORT [options]\n"
	"       streamer server HOST PORT [options]     PORT 0: any, printed\n"
	"What is sent (client):\n"
	"  --hello NAME        a ClientHello with this server name first\n"
	"  --hello-size N      padded to N bytes\n"
	"  --up N --down N     bytes of content\n"
	"  --connections C     at once (1)\n"
	"  --total T           in all (C)\n"
	"  --half-close        FIN after the last byte, not after the verdict\n"
	"  --answer-late       half-close, and the server answers only after our FIN\n"
	"  --ping N            in turns, N bytes each; prints the round trips' percentiles\n"
	"  --from ADDRESS      bind to this local address\n"
	"How (both):\n"
	"  --write MIN-MAX     bytes a write (65536-65536)\n"
	"  --pause PERCENT:US  chance and longest time of a pause after a write\n"
	"  --read-rate N       bytes a second\n"
	"  --stall N:MS        having received N bytes, read nothing for MS\n"
	"  --rcvbuf N --sndbuf N --nodelay\n"
	"  --reset-sent N      RST when N bytes are sent and acknowledged\n"
	"  --reset-received N  RST when N bytes have come\n"
	"  --expect-reset      the right end is a RST\n"
	"  --timeout S         for all (60; server: none)\n"
	"  --each              a line for each connection, not only for those that fail;\n"
	"                      its times are those of the monotonic clock\n"
	"  --seed N            of the random choices and the content\n";

static void two(const char *text, char separator, uint64_t *a, uint64_t *b)
{
	char *end;

	*a = strtoull(text, &end, 10);
	*b = *end == separator ? strtoull(end + 1, &end, 10) : *a;
	if (*end) {
		(void)fprintf(stderr, "streamer: %s: not a pair of numbers\n", text);
		exit(2);
	}
}

void streamer_options_parse(int argc, char **argv, struct streamer_options *ret)
{
	static const struct option list[] = {
		{"hello", 1, NULL, 'h'},
		{"hello-size", 1, NULL, 'H'},
		{"up", 1, NULL, 'u'},
		{"down", 1, NULL, 'd'},
		{"connections", 1, NULL, 'c'},
		{"total", 1, NULL, 't'},
		{"half-close", 0, NULL, 'f'},
		{"answer-late", 0, NULL, 'a'},
		{"ping", 1, NULL, 'p'},
		{"from", 1, NULL, 'F'},
		{"write", 1, NULL, 'w'},
		{"pause", 1, NULL, 'P'},
		{"read-rate", 1, NULL, 'r'},
		{"stall", 1, NULL, 's'},
		{"rcvbuf", 1, NULL, 'R'},
		{"sndbuf", 1, NULL, 'S'},
		{"nodelay", 0, NULL, 'n'},
		{"reset-sent", 1, NULL, 'x'},
		{"reset-received", 1, NULL, 'X'},
		{"expect-reset", 0, NULL, 'e'},
		{"timeout", 1, NULL, 'T'},
		{"each", 0, NULL, 'E'},
		{"seed", 1, NULL, 'D'},
		{},
	};
	struct streamer_options opt = {
		.stream = {.write_min = 65536, .write_max = 65536},
		.connections = 1,
		.seed = 1,
	};
	struct stream_options *o = &opt.stream;
	uint64_t a = 0, b = 0;
	int c, timeout = -1;

	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1) {
		if (c != '?' && c != 'h' && c != 'F' && optarg)
			two(optarg, c == 'w' ? '-' : ':', &a, &b);
		switch (c) {
		case 'h':
			o->hello = optarg;
			break;
		case 'H':
			o->hello_size = a;
			break;
		case 'u':
			o->up = a;
			break;
		case 'd':
			o->down = a;
			break;
		case 'c':
			opt.connections = (unsigned)a;
			break;
		case 't':
			opt.total = (unsigned)a;
			break;
		case 'f':
			o->half_close = true;
			break;
		case 'a':
			o->half_close = o->answer_late = true;
			break;
		case 'p':
			o->ping = (uint32_t)a;
			break;
		case 'F':
			opt.from = optarg;
			break;
		case 'w':
			o->write_min = (uint32_t)a;
			o->write_max = (uint32_t)b;
			break;
		case 'P':
			o->pause_percent = (uint32_t)a;
			o->pause_us = (uint32_t)b;
			break;
		case 'r':
			o->read_rate = a;
			break;
		case 's':
			o->stall_at = a;
			o->stall_ms = (uint32_t)b;
			break;
		case 'R':
			o->rcvbuf = (int)a;
			break;
		case 'S':
			o->sndbuf = (int)a;
			break;
		case 'n':
			o->nodelay = true;
			break;
		case 'x':
			o->reset_sent = a;
			break;
		case 'X':
			o->reset_received = a;
			break;
		case 'e':
			o->expect_reset = true;
			break;
		case 'T':
			timeout = (int)a;
			break;
		case 'E':
			opt.each = true;
			break;
		case 'D':
			opt.seed = (unsigned)a;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 3 ||
	    (strcmp(argv[optind], "client") != 0 && strcmp(argv[optind], "server") != 0) ||
	    o->write_min < 1 || o->write_max < o->write_min || o->write_max > 256 * 1024 ||
	    opt.connections < 1 || opt.connections >= STREAMER_CONNECTIONS_MAX) {
		(void)fputs(usage, stderr);
		exit(2);
	}
	opt.server = strcmp(argv[optind], "server") == 0;
	opt.host = argv[optind + 1];
	opt.port = argv[optind + 2];
	opt.timeout_s = (unsigned)(timeout >= 0 ? timeout : opt.server ? 0 : 60);
	if (opt.total < opt.connections)
		opt.total = opt.connections;
	*ret = opt;
}
