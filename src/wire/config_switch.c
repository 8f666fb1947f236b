/* wire/config_switch.c - lists of NAMESPACE=on|off. */
#include "wire/config_switch.h"

bool config_switch_for(const struct config_switch_list *list, struct slice namespace)
{
	bool fallback = false;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct config_switch *rule = &list->items[i];

		if (strcmp(rule->pattern, "*") == 0)
			fallback = rule->on;
		else if (slice_equal_text(namespace, rule->pattern))
			return rule->on;
	}
	return fallback;
}
