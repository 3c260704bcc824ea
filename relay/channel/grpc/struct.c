// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/struct.h"

#include "common/base/cleanup.h"
#include "relay/channel/grpc/wire.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define EXACT_MAX (1LL << 53) /* beyond it a double skips integers */

static void cleanup_struct(Relay__Struct **message)
{
	if (*message)
		relay__struct__free_unpacked(*message, NULL);
}

static void cleanup_value(Relay__Value **value)
{
	if (*value)
		relay__value__free_unpacked(*value, NULL);
}

static int value_from_json(const json_t *json, unsigned depth, Relay__Value **ret);
static int value_to_json(const Relay__Value *value, json_t **ret);

int grpc_struct_set_bytes(ProtobufCBinaryData *bytes, const char *text, size_t length)
{
	uint8_t *copy = NULL;

	if (length > 0) {
		copy = malloc(length);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, text, length);
	}
	bytes->data = copy;
	bytes->len = length;
	return 0;
}

static int field_from_json(const char *key, const json_t *json, unsigned depth, Relay__Field *field)
{
	int r = grpc_struct_set_bytes(&field->key, key, strlen(key));

	return r < 0 ? r : value_from_json(json, depth, &field->value);
}

static int struct_from_json(const json_t *object, unsigned depth, Relay__Struct **ret)
{
	CLEANUP(cleanup_struct) Relay__Struct *message = malloc(sizeof(*message));
	const char *key;
	json_t *json;

	if (!message)
		return -ENOMEM;
	relay__struct__init(message);
	message->fields = calloc(json_object_size(object) + 1, sizeof(*message->fields));
	if (!message->fields)
		return -ENOMEM;
	json_object_foreach((json_t *)object, key, json) {
		Relay__Field *field = malloc(sizeof(*field));
		if (!field)
			return -ENOMEM;
		relay__field__init(field);
		message->fields[message->n_fields++] = field;
		int r = field_from_json(key, json, depth, field);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(message);
	return 0;
}

static void cleanup_list(Relay__ListValue **list)
{
	if (*list)
		relay__list_value__free_unpacked(*list, NULL);
}

static int list_from_json(const json_t *array, unsigned depth, Relay__ListValue **ret)
{
	CLEANUP(cleanup_list) Relay__ListValue *list = malloc(sizeof(*list));
	const json_t *json;
	size_t i;

	if (!list)
		return -ENOMEM;
	relay__list_value__init(list);
	list->values = calloc(json_array_size(array) + 1, sizeof(*list->values));
	if (!list->values)
		return -ENOMEM;
	json_array_foreach(array, i, json) {
		int r = value_from_json(json, depth, &list->values[i]);
		if (r < 0)
			return r;
		list->n_values++;
	}
	*ret = TAKE_PTR(list);
	return 0;
}

/* Sets the case last: until then there is nothing to free. */
static int fill_value(Relay__Value *value, const json_t *json, unsigned depth)
{
	int r = 0;

	switch (json_typeof(json)) {
	case JSON_NULL:
		value->kind_case = RELAY__VALUE__KIND_NULL_VALUE;
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		value->bool_value = json_is_true(json);
		value->kind_case = RELAY__VALUE__KIND_BOOL_VALUE;
		break;
	case JSON_INTEGER:
		if (json_integer_value(json) > EXACT_MAX || json_integer_value(json) < -EXACT_MAX)
			return -ERANGE;
		value->number_value = (double)json_integer_value(json);
		value->kind_case = RELAY__VALUE__KIND_NUMBER_VALUE;
		break;
	case JSON_REAL:
		if (!isfinite(json_real_value(json)))
			return -ERANGE;
		value->number_value = json_real_value(json);
		value->kind_case = RELAY__VALUE__KIND_NUMBER_VALUE;
		break;
	case JSON_STRING:
		if (strlen(json_string_value(json)) != json_string_length(json))
			return -EINVAL;
		r = grpc_struct_set_bytes(&value->string_value, json_string_value(json),
					  json_string_length(json));
		if (r == 0)
			value->kind_case = RELAY__VALUE__KIND_STRING_VALUE;
		break;
	case JSON_OBJECT:
		r = struct_from_json(json, depth + 1, &value->struct_value);
		if (r == 0)
			value->kind_case = RELAY__VALUE__KIND_STRUCT_VALUE;
		break;
	case JSON_ARRAY:
		r = list_from_json(json, depth + 1, &value->list_value);
		if (r == 0)
			value->kind_case = RELAY__VALUE__KIND_LIST_VALUE;
		break;
	}
	return r;
}

static int value_from_json(const json_t *json, unsigned depth, Relay__Value **ret)
{
	CLEANUP(cleanup_value) Relay__Value *value = NULL;

	if (depth > GRPC_WIRE_DEPTH_MAX)
		return -ELOOP;
	value = malloc(sizeof(*value));
	if (!value)
		return -ENOMEM;
	relay__value__init(value);
	int r = fill_value(value, json, depth);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(value);
	return 0;
}

int grpc_struct_from_json(const json_t *object, Relay__Struct **ret)
{
	if (!json_is_object(object))
		return -EINVAL;
	return struct_from_json(object, 1, ret);
}

static json_t *number_to_json(double number)
{
	if (fabs(number) <= (double)EXACT_MAX && number == floor(number) &&
	    !(number == 0 && signbit(number)))
		return json_integer((json_int_t)number);
	return json_real(number);
}

static json_t *string_to_json(const ProtobufCBinaryData *bytes)
{
	if (bytes->len > 0 && memchr(bytes->data, 0, bytes->len))
		return NULL;
	return json_stringn(bytes->len > 0 ? (const char *)bytes->data : "", bytes->len);
}

static int list_to_json(const Relay__ListValue *list, json_t **ret)
{
	AUTO_JSON json_t *array = json_array();

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < list->n_values; i++) {
		json_t *json;
		int r = value_to_json(list->values[i], &json);
		if (r < 0)
			return r;
		if (json_array_append_new(array, json) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(array);
	return 0;
}

/* A Value without a kind counts as null, as other implementations take it. */
static int value_to_json(const Relay__Value *value, json_t **ret)
{
	json_t *json = NULL;

	switch (value ? value->kind_case : RELAY__VALUE__KIND__NOT_SET) {
	case RELAY__VALUE__KIND_NUMBER_VALUE:
		json = isfinite(value->number_value) ? number_to_json(value->number_value) : NULL;
		break;
	case RELAY__VALUE__KIND_STRING_VALUE:
		json = string_to_json(&value->string_value);
		break;
	case RELAY__VALUE__KIND_BOOL_VALUE:
		json = json_boolean(value->bool_value);
		break;
	case RELAY__VALUE__KIND_STRUCT_VALUE:
		return grpc_struct_to_json(value->struct_value, ret);
	case RELAY__VALUE__KIND_LIST_VALUE:
		return list_to_json(value->list_value, ret);
	default:
		json = json_null();
		break;
	}
	if (!json)
		return -EBADMSG;
	*ret = json;
	return 0;
}

int grpc_struct_to_json(const Relay__Struct *message, json_t **ret)
{
	AUTO_JSON json_t *object = json_object();

	if (!object)
		return -ENOMEM;
	for (size_t i = 0; message && i < message->n_fields; i++) {
		const Relay__Field *field = message->fields[i];
		const char *key = field->key.len > 0 ? (const char *)field->key.data : "";
		json_t *json;
		int r = value_to_json(field->value, &json);
		if (r < 0)
			return r;
		if (memchr(key, 0, field->key.len)) {
			json_decref(json);
			return -EBADMSG;
		}
		if (json_object_setn_new(object, key, field->key.len, json) < 0)
			return -EBADMSG;
	}
	*ret = TAKE_PTR(object);
	return 0;
}
