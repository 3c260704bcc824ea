/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The load generator of the benchmark: one thread, epoll, OpenSSL. Results are
 * lines of JSON (lib/cases.h).
 */
#include "tests/bench/lib/cases.h"
#include "tests/bench/lib/net.h"
#include "tests/bench/lib/protocol.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: load CASE --address ADDRESS:PORT --name SERVER-NAME [OPTION]...\n"
	"\n"
	"Cases:\n"
	"  connect            new TLS connections, one request each\n"
	"  ping               requests and answers in turns\n"
	"  bulk               one way, as fast as it goes\n"
	"  hold               open connections, until standard input ends\n"
	"\n"
	"Options:\n"
	"  --ca FILE          speak TLS and trust this; connect needs it\n"
	"  --connections N    at a time (1)\n"
	"  --seconds S        to measure (1)\n"
	"  --warmup S         before that (0.2)\n"
	"  --size N           ping: bytes of a request and of an answer (100)\n"
	"  --up               bulk: upload\n";

static double number(const char *text, double min, double max)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno || *end || end == text || !(value >= min && value <= max))
		die("%s: not a number from %g to %g", text, min, max);
	return value;
}

enum { ADDRESS = 256, NAME, CA, CONNECTIONS, SECONDS, WARMUP, SIZE, UP };

static const struct option long_options[] = {
	{"address", required_argument, NULL, ADDRESS},
	{"name", required_argument, NULL, NAME},
	{"ca", required_argument, NULL, CA},
	{"connections", required_argument, NULL, CONNECTIONS},
	{"seconds", required_argument, NULL, SECONDS},
	{"warmup", required_argument, NULL, WARMUP},
	{"size", required_argument, NULL, SIZE},
	{"up", no_argument, NULL, UP},
	{0},
};

static const struct {
	const char *name;
	void (*run)(const struct load *);
} cases[] = {
	{"connect", case_connect},
	{"ping", case_ping},
	{"bulk", case_bulk},
	{"hold", case_hold},
};

static void parse(int argc, char **argv, struct load *load)
{
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
		switch (c) {
		case ADDRESS:
			load->target.address = parse_address(optarg);
			break;
		case NAME:
			load->target.name = optarg;
			break;
		case CA:
			load->target.tls = link_tls(optarg);
			break;
		case CONNECTIONS:
			load->connections = (unsigned)number(optarg, 1, 1e6);
			break;
		case SECONDS:
			load->seconds = number(optarg, 0.01, 3600);
			break;
		case WARMUP:
			load->warmup = number(optarg, 0, 60);
			break;
		case SIZE:
			load->size = (unsigned)number(optarg, 1, BENCH_SIZE_MAX);
			break;
		case UP:
			load->up = true;
			break;
		default:
			exit(2);
		}
}

int main(int argc, char **argv)
{
	struct load load = {.connections = 1, .seconds = 1, .warmup = 0.2, .size = 100};

	parse(argc, argv, &load);
	(void)signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	if (argc - optind == 1 && load.target.name && load.target.address.sin_port)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			if (strcmp(cases[i].name, argv[optind]) == 0) {
				if (cases[i].run == case_connect && !load.target.tls)
					die("connect needs --ca");
				cases[i].run(&load);
				SSL_CTX_free(load.target.tls);
				return 0;
			}
	(void)fputs(usage, stderr);
	return 2;
}
