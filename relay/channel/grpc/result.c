// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/result.h"

json_t *result_wrap(json_t *result)
{
	if (json_is_object(result))
		return json_incref(result);
	return result ? json_pack("{s:O}", "_", result) : json_pack("{s:n}", "_");
}

json_t *result_unwrap(json_t *result)
{
	json_t *value = json_object_get(result, "_");

	if (!result)
		return json_null();
	if (value && json_object_size(result) == 1)
		return json_incref(value);
	return json_incref(result);
}
