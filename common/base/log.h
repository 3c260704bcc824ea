/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line an event on standard error. Lines of several threads never mix. Once
 * log_queue_start() was called, whoever logs never waits for the output. A
 * function logs or returns its error, never both.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_MAX 2048 /* with its newline; what is longer is cut */

enum log_level {
	LOG_TRACE,
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

enum log_format {
	LOG_FORMAT_PLAIN, /* 2026-11-22T09:35:31.123Z INFO proxy: message */
	LOG_FORMAT_IRIS,  /* time LEVEL pid service [nan] function : message */
};

/* Process-wide; call once before threads start. `service` must outlive the process' logging. */
void log_setup(const char *service, enum log_level level, enum log_format format);

/* "trace" … "error" to a level; -EINVAL if `name` is none of them. */
int log_level_parse(const char *name, enum log_level *ret);

bool log_enabled(enum log_level level);

void log_write(enum log_level level, const char *function, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The line that log_write() would write, newline included, not terminated; its length. */
size_t log_format_line(char line[LOG_LINE_MAX], enum log_level level, const char *function,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_at(level, ...)                                         \
	do {                                                       \
		if (log_enabled(level))                            \
			log_write((level), __func__, __VA_ARGS__); \
	} while (0)

#define log_trace(...) log_at(LOG_TRACE, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
