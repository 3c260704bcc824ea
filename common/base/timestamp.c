// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

int64_t timestamp_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Exactly `digits` digits with a value from `min` to `max`; moves *text past them. */
static bool number(const char **text, int digits, int min, int max, int *ret)
{
	int value = 0;

	for (int i = 0; i < digits; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		value = value * 10 + (**text - '0');
	}
	*ret = value;
	return value >= min && value <= max;
}

static bool literal(const char **text, const char *any_of)
{
	for (; *any_of; any_of++)
		if (**text == *any_of) {
			(*text)++;
			return true;
		}
	return false;
}

static bool fraction(const char **text, int *ret_ms)
{
	int ms = 0, digits = 0;

	*ret_ms = 0;
	if (!literal(text, "."))
		return true;
	for (; **text >= '0' && **text <= '9'; (*text)++, digits++)
		if (digits < 3)
			ms = ms * 10 + (**text - '0');
	for (int i = digits; i < 3; i++)
		ms *= 10;
	*ret_ms = ms;
	return digits > 0;
}

static bool zone(const char **text, int *ret_minutes)
{
	int hours, minutes;

	*ret_minutes = 0;
	if (literal(text, "Zz"))
		return true;
	bool west = **text == '-';
	if (!literal(text, "+-") || !number(text, 2, 0, 23, &hours) || !literal(text, ":") ||
	    !number(text, 2, 0, 59, &minutes))
		return false;
	*ret_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int timestamp_parse(const char *text, int64_t *ret)
{
	int year, month, day, hour, minute, second, ms, offset;

	if (!number(&text, 4, 1, 9999, &year) || !literal(&text, "-") ||
	    !number(&text, 2, 1, 12, &month) || !literal(&text, "-") ||
	    !number(&text, 2, 1, days_in(year, month), &day) || !literal(&text, "Tt ") ||
	    !number(&text, 2, 0, 23, &hour) || !literal(&text, ":") ||
	    !number(&text, 2, 0, 59, &minute) || !literal(&text, ":") ||
	    !number(&text, 2, 0, 60, &second) || !fraction(&text, &ms) || !zone(&text, &offset) ||
	    *text != '\0')
		return -EINVAL;

	struct tm utc = {
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second,
	};
	*ret = ((int64_t)timegm(&utc) - (int64_t)offset * 60) * 1000 + ms;
	return 0;
}

void timestamp_format(int64_t ms, char ret[TIMESTAMP_TEXT_MAX])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm utc;

	gmtime_r(&seconds, &utc);
	size_t n = strftime(ret, TIMESTAMP_TEXT_MAX - 8, "%Y-%m-%dT%H:%M:%S", &utc);
	if (ms % 1000 != 0)
		snprintf(ret + n, TIMESTAMP_TEXT_MAX - n, ".%03dZ", (int)(ms % 1000));
	else
		snprintf(ret + n, TIMESTAMP_TEXT_MAX - n, "Z");
}
