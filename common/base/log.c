// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/log.h"

#include "common/base/log_queue.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct {
	const char *service;
	enum log_level level;
	enum log_format format;
} logger = {"passage", LOG_INFO, LOG_FORMAT_PLAIN};

static const char *const level_names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};

void log_setup(const char *service, enum log_level level, enum log_format format)
{
	logger.service = service;
	logger.level = level;
	logger.format = format;
}

int log_level_parse(const char *name, enum log_level *ret)
{
	for (int i = LOG_TRACE; i <= LOG_ERROR; i++)
		if (strcasecmp(name, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

bool log_enabled(enum log_level level)
{
	return level >= logger.level;
}

/* A peer chooses parts of what is logged: no control byte may reach a terminal or start a line. */
static void defuse(char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
}

/* The newline included. */
static size_t format_line(char line[LOG_LINE_MAX], enum log_level level, const char *function,
			  const char *format, va_list args)
{
	struct timespec now;
	struct tm utc;
	int saved_errno = errno;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);

	size_t used = strftime(line, LOG_LINE_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	if (logger.format == LOG_FORMAT_IRIS)
		n = snprintf(line + used, LOG_LINE_MAX - used,
			     ".%03ldZ %s %d %s [nan] %s : ", now.tv_nsec / 1000000,
			     level_names[level], (int)getpid(), logger.service, function);
	else
		n = snprintf(line + used, LOG_LINE_MAX - used,
			     ".%03ldZ %s %s: ", now.tv_nsec / 1000000, level_names[level],
			     logger.service);
	used += (size_t)n;

	size_t start = used;
	errno = saved_errno;
	n = vsnprintf(line + used, LOG_LINE_MAX - used, format, args);
	if (n > 0)
		used += (size_t)n;
	if (used > LOG_LINE_MAX - 1)
		used = LOG_LINE_MAX - 1;
	defuse(line + start, used - start);
	line[used++] = '\n';
	return used;
}

size_t log_format_line(char line[LOG_LINE_MAX], enum log_level level, const char *function,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	size_t used = format_line(line, level, function, format, args);
	va_end(args);
	return used;
}

void log_write(enum log_level level, const char *function, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	int saved_errno = errno;
	va_list args;

	va_start(args, format);
	size_t used = format_line(line, level, function, format, args);
	va_end(args);
	log_queue_put(line, used);
	errno = saved_errno;
}
