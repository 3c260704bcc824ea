/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong, in words, beside a negative errno: for the function that can
 * say it best, on the way to the one that tells the user.
 */
#pragma once

#include <stdarg.h>

/*
 * Sets *ret_error, which the caller frees, and returns `r`, so that a function
 * can end with `return error_set(...)`. What *ret_error held is not freed; it
 * becomes NULL when memory is short. `ret_error` NULL: nobody wants the words.
 */
int error_set(char **ret_error, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_set_list(char **ret_error, int r, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
