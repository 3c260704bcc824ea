// SPDX-License-Identifier: BSD-2-Clause
#include "relay/directory/directory.h"

#include <string.h>

static bool is_member(const json_t *groups, const char *group)
{
	const json_t *own;
	size_t i;

	if (strcmp(group, "*") == 0)
		return true;
	json_array_foreach(groups, i, own)
		if (strcmp(json_string_value(own), group) == 0)
			return true;
	return false;
}

static bool may_call(const json_t *permission, const json_t *groups)
{
	const char *group = json_string_value(json_object_get(permission, "group"));
	const json_t *rights = json_object_get(permission, "rights");
	const json_t *right;
	size_t i;

	if (!group || !is_member(groups, group))
		return false;
	json_array_foreach(rights, i, right)
		if (strcmp(json_string_value(right), "call") == 0)
			return true;
	return false;
}

static bool any_allows(const json_t *permissions, const json_t *groups)
{
	const json_t *permission;
	size_t i;

	json_array_foreach(permissions, i, permission)
		if (may_call(permission, groups))
			return true;
	return false;
}

static const json_t *find_method(const json_t *service, const char *name)
{
	const json_t *methods = json_object_get(service, "methods");
	const json_t *method;
	size_t i;

	json_array_foreach(methods, i, method)
		if (strcmp(json_string_value(json_object_get(method, "name")), name) == 0)
			return method;
	return NULL;
}

/*
 * The first service that has the method decides, later ones of the same method are not asked.
 * *ret_found: whether there is one.
 */
static bool services_permit(const json_t *services, const json_t *groups, const char *method,
			    bool *ret_found)
{
	const json_t *service;
	size_t i;

	json_array_foreach(services, i, service) {
		const json_t *found = find_method(service, method);
		if (!found)
			continue;
		*ret_found = true;
		return any_allows(json_object_get(service, "permissions"), groups) ||
		       any_allows(json_object_get(found, "permissions"), groups);
	}
	*ret_found = false;
	return false;
}

/*
 * What a directory that was written before this method existed means by
 * another one: dialling ahead is a part of announcing. NULL: nothing.
 */
static const char *implied_by(const char *method)
{
	return strcmp(method, "reserveConnections") == 0 ? "announceConnections" : NULL;
}

bool directory_permits(const struct directory *directory, const char *caller, const char *callee,
		       const char *method)
{
	const json_t *caller_entry = directory_entry(directory, caller);
	const json_t *callee_entry = directory_entry(directory, callee);
	const json_t *groups = json_object_get(caller_entry, "groups");
	const json_t *services = json_object_get(callee_entry, "services");
	bool found;

	if (!caller_entry || !callee_entry)
		return false;
	bool permitted = services_permit(services, groups, method, &found);
	if (!found && implied_by(method))
		return services_permit(services, groups, implied_by(method), &found);
	return permitted;
}
