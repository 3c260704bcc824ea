/* SPDX-License-Identifier: BSD-2-Clause */
/* Small things that both programs of the benchmark need. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* A message to standard error, and the end. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

uint64_t now_ns(void); /* monotonic */

struct sockaddr_in parse_address(const char *text); /* "127.0.0.1:443"; ends the program if bad */
void raise_file_limit(void);
void set_option(int fd, int level, int name, int value);
