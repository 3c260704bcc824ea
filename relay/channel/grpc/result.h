/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A gRPC Struct holds only objects: any other result crosses the relay network
 * as {"_": value}. Both borrow their argument and return a new reference, NULL
 * if there is no memory.
 */
#pragma once

#include <jansson.h>

json_t *result_wrap(json_t *result);
json_t *result_unwrap(json_t *result);
