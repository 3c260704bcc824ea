/* SPDX-License-Identifier: BSD-2-Clause */
/* Version 1 of the PROXY protocol, a line of text (section 2.1). Pure. */
#pragma once

#include "user/wire/proxy_header.h"

#define PROXY_LINE_BEGIN "PROXY "

/* One that begins with PROXY_LINE_BEGIN, without its CR LF; it is written to. 0, or -EBADMSG. */
int proxy_line_parse(char *line, struct proxy_header *ret);
