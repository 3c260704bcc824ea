// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/error.h"

#include <stdio.h>

int error_set_list(char **ret_error, int r, const char *format, va_list args)
{
	if (ret_error && vasprintf(ret_error, format, args) < 0)
		*ret_error = NULL;
	return r;
}

int error_set(char **ret_error, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	r = error_set_list(ret_error, r, format, args);
	va_end(args);
	return r;
}
