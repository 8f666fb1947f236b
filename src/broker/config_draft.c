/* broker/config_draft.c - a configuration while it is being read. */
#include "broker/config_draft.h"

#include "base/assert.h"
#include "broker/config_address.h"
#include "broker/config_text.h"
#include "broker/config_value.h"
#include "wire/ip.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void config_draft_init(struct config_draft *draft, struct config *config,
		       struct config_report *report)
{
	memset(config, 0, sizeof(*config));
	*draft = (struct config_draft){.config = config, .report = report};
}

void config_draft_deinit(struct config_draft *draft)
{
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++) {
		free(draft->origins[key].where);
		free(draft->origins[key].name);
		config_list_clear(&draft->origins[key].item_places);
	}
}

static void refuse_value(struct config_draft *draft, enum config_key key, struct config_place place,
			 struct slice value, const char *wrong)
{
	bool is_secret = (config_rows[key].flags & CONFIG_SECRET) != 0;
	char shown[CONFIG_QUOTED_SIZE] = "\"***\"";
	char allowed[CONFIG_ALLOWED_SIZE];

	if (!is_secret || value.size == 0)
		config_text_quote(value, shown);
	config_report_error(draft->report, "%s: %s: %s %s; allowed: %s%s", place.where, place.name,
			    shown, wrong, config_row_allowed(key, allowed),
			    config_rows[key].kind == CONFIG_KIND_DURATION
				    ? ", such as 30, 30s, 500ms, 10m"
				    : "");
	draft->origins[key].is_wrong = true;
}

static void store_text(void *field, struct slice value)
{
	char **text = field;

	config_text_wipe(*text);
	*text = config_text_copy(value);
}

/* The value has been checked. */
static void store(struct config *config, enum config_key key, struct slice value)
{
	const struct config_row *row = &config_rows[key];
	void *field = config_row_field(config, key);
	const char *wrong = NULL;
	uint64_t number = 0;

	switch (row->kind) {
	case CONFIG_KIND_COUNT:
	case CONFIG_KIND_SIZE:
	case CONFIG_KIND_DURATION:
		wrong = config_value_number(row->kind, value, &number);
		ASSERT(!wrong && number <= UINT32_MAX);
		*(uint32_t *)field = (uint32_t)number;
		return;
	case CONFIG_KIND_SWITCH:
		wrong = config_value_switch(value, field);
		break;
	case CONFIG_KIND_CHOICE:
		wrong = config_value_choice(value, row->allowed, field);
		break;
	default:
		store_text(field, value);
	}
	ASSERT(!wrong);
}

/* Browsers write scheme and host in lower case (RFC 6454 section 4). */
static char *copy_item(enum config_kind kind, struct slice item)
{
	char *copy = config_text_copy(item);

	if (kind == CONFIG_KIND_ORIGINS)
		for (char *at = copy; *at; at++)
			*at = (char)tolower((unsigned char)*at);
	return copy;
}

static void add_item(struct config_draft *draft, enum config_key key, struct config_place place,
		     struct slice item)
{
	struct config_list *list = config_row_field(draft->config, key);

	config_list_add(list, copy_item(config_rows[key].kind, item));
	config_list_add(&draft->origins[key].item_places,
			config_text_copy(slice_of_text(place.where)));
}

static void set_list(struct config_draft *draft, enum config_key key, struct config_place place,
		     struct slice value, bool is_taken)
{
	struct slice rest = value;

	if (slice_trim(value).size == 0)
		return;
	while (!slice_is_absent(rest)) {
		struct slice item = slice_trim(slice_cut(&rest, ','));
		const char *wrong = item.size ? config_value_check(key, item)
					      : "has nothing between two commas";

		if (wrong)
			refuse_value(draft, key, place, item.size ? item : value, wrong);
		else if (is_taken)
			add_item(draft, key, place, item);
	}
}

static void take_origin(struct config_origin *origin, struct config_place place)
{
	if (origin->level == place.level)
		return;
	ASSERT(origin->level == CONFIG_LEVEL_NONE);
	origin->level = place.level;
	origin->where = config_text_copy(slice_of_text(place.where));
	origin->name = config_text_copy(slice_of_text(place.name));
}

void config_draft_set(struct config_draft *draft, enum config_key key, struct config_place place,
		      struct slice value)
{
	struct config_origin *origin = &draft->origins[key];
	bool is_taken = origin->level <= place.level;

	/* Other programs read these too: what is decided elsewhere needs no opinion on them. */
	if (!is_taken && place.level == CONFIG_LEVEL_COMMON)
		return;
	if (is_taken)
		take_origin(origin, place);
	if (config_rows[key].flags & CONFIG_LIST) {
		set_list(draft, key, place, value, is_taken);
		return;
	}
	/* The default of a text may be empty where no value that somebody gives may be. */
	const char *wrong =
		place.level == CONFIG_LEVEL_DEFAULT ? NULL : config_value_check(key, value);
	if (wrong)
		refuse_value(draft, key, place, value, wrong);
	else if (is_taken)
		store(draft->config, key, value);
}

void config_draft_set_defaults(struct config_draft *draft)
{
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++) {
		struct config_place place = {CONFIG_LEVEL_DEFAULT, "default", config_rows[key].key};

		if (draft->origins[key].level == CONFIG_LEVEL_NONE)
			config_draft_set(draft, (enum config_key)key, place,
					 slice_of_text(config_rows[key].fallback));
	}
}

static void add_addresses(struct config_address_list *list, const struct config_list *texts)
{
	for (uint32_t i = 0; i < texts->count; i++) {
		struct config_address address;
		const char *wrong = config_address_parse(slice_of_text(texts->items[i]), &address);

		ASSERT(!wrong);
		list->items = config_text_grow(list->items, list->count, sizeof(address));
		list->items[list->count++] = address;
	}
}

static void derive_listen(struct config_draft *draft)
{
	struct config *config = draft->config;
	uint32_t count = config->listen.count + config->listen_proxy.count;

	if (count == 0 || count > CONFIG_LISTEN_MAX)
		config_draft_refuse(draft, CONFIG_KEY_listen, "%u addresses; allowed: 1..%u", count,
				    CONFIG_LISTEN_MAX);
	add_addresses(&config->listen_addresses, &config->listen);
	config->listen_proxy_first = config->listen_addresses.count;
	add_addresses(&config->listen_addresses, &config->listen_proxy);
}

static void derive_networks(struct config *config)
{
	const struct config_list *texts = &config->trusted_proxy;
	struct ip_network_list *list = &config->trusted_networks;

	for (uint32_t i = 0; i < texts->count; i++) {
		struct ip_network network;
		bool ok = ip_parse_network(slice_of_text(texts->items[i]), &network);

		ASSERT(ok);
		list->items = config_text_grow(list->items, list->count, sizeof(network));
		list->items[list->count++] = network;
	}
}

static void derive_admin(struct config *config)
{
	config->admin_on = strcmp(config->admin, "off") != 0;
	if (!config->admin_on)
		return;
	const char *wrong =
		config_address_parse(slice_of_text(config->admin), &config->admin_address);
	ASSERT(!wrong);
}

static void derive_redis(struct config *config)
{
	const char *wrong = config_redis_parse(slice_of_text(config->redis), &config->redis_server);

	ASSERT(!wrong);
}

static void derive_algorithms(struct config_draft *draft)
{
	const struct config_row *row = &config_rows[CONFIG_KEY_algorithm];
	const struct config_list *texts = &draft->config->algorithm;

	for (uint32_t i = 0; i < texts->count; i++) {
		unsigned index = 0;
		const char *wrong =
			config_value_choice(slice_of_text(texts->items[i]), row->allowed, &index);

		ASSERT(!wrong);
		draft->config->algorithms |= 1u << index;
	}
}

static const struct config_rule *find_rule(const struct config_rule_list *list, const char *pattern)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].pattern, pattern) == 0)
			return &list->items[i];
	return NULL;
}

static void add_rule(struct config_rule_list *list, struct slice pattern, enum config_who who)
{
	list->items = config_text_grow(list->items, list->count, sizeof(*list->items));
	list->items[list->count++] = (struct config_rule){config_text_copy(pattern), who};
}

/* `pattern` is that of the item with the index `at`. */
static void refuse_second_rule(struct config_draft *draft, enum config_key key, uint32_t at,
			       struct slice pattern)
{
	const struct config_list *texts = config_row_peek(draft->config, key);

	for (uint32_t i = 0; i < at; i++) {
		struct slice rest = slice_of_text(texts->items[i]);

		if (slice_equal(slice_trim(slice_cut(&rest, '=')), pattern)) {
			config_draft_refuse(draft, key, "two rules for the namespace \"%.*s\"",
					    (int)pattern.size, (const char *)pattern.bytes);
			return;
		}
	}
}

static void derive_rules(struct config_draft *draft, enum config_key key,
			 struct config_rule_list *list)
{
	const struct config_list *texts = config_row_peek(draft->config, key);
	struct slice pattern = {NULL, 0};
	enum config_who who = CONFIG_WHO_NONE;

	for (uint32_t i = 0; i < texts->count; i++) {
		const char *wrong =
			config_value_rule(slice_of_text(texts->items[i]), &pattern, &who);

		ASSERT(!wrong);
		add_rule(list, pattern, who);
		refuse_second_rule(draft, key, i, pattern);
	}
	/* "*=any" means the open namespaces, never other people's own channels. */
	const struct config_rule *rest = find_rule(list, "*");
	if (!rest || rest->who != CONFIG_WHO_ANY)
		return;
	if (!find_rule(list, "user"))
		add_rule(list, SLICE("user"), CONFIG_WHO_CLAIM);
	if (!find_rule(list, "conn"))
		add_rule(list, SLICE("conn"), CONFIG_WHO_CLAIM);
}

static void derive_switches(struct config_draft *draft, enum config_key key,
			    struct config_switch_list *list)
{
	const struct config_list *texts = config_row_peek(draft->config, key);
	struct slice pattern = {NULL, 0};
	bool on = false;

	for (uint32_t i = 0; i < texts->count; i++) {
		const char *wrong = config_value_namespace_switch(slice_of_text(texts->items[i]),
								  &pattern, &on);

		ASSERT(!wrong);
		list->items = config_text_grow(list->items, list->count, sizeof(*list->items));
		list->items[list->count++] = (struct config_switch){config_text_copy(pattern), on};
		refuse_second_rule(draft, key, i, pattern);
	}
}

static void derive_by_namespace(struct config_draft *draft)
{
	const struct config_origin *origins = draft->origins;
	struct config *config = draft->config;

	if (!origins[CONFIG_KEY_subscribe].is_wrong)
		derive_rules(draft, CONFIG_KEY_subscribe, &config->subscribe_rules);
	if (!origins[CONFIG_KEY_publish].is_wrong)
		derive_rules(draft, CONFIG_KEY_publish, &config->publish_rules);
	if (!origins[CONFIG_KEY_history].is_wrong)
		derive_switches(draft, CONFIG_KEY_history, &config->history_rules);
	if (!origins[CONFIG_KEY_inbox].is_wrong)
		derive_switches(draft, CONFIG_KEY_inbox, &config->inbox_rules);
	if (!origins[CONFIG_KEY_upstream_unknown].is_wrong)
		derive_switches(draft, CONFIG_KEY_upstream_unknown, &config->upstream_rules);
}

/* A machine may have any host name; what could not be given as `node` is not taken from it. */
static void derive_node(struct config_draft *draft)
{
	struct config *config = draft->config;
	char *name = config->node_name;

	_Static_assert(sizeof(config->node_name) == CONFIG_NODE_SIZE, "room for any node");
	if (config->node[0])
		snprintf(name, CONFIG_NODE_SIZE, "%s", config->node);
	else if (gethostname(name, CONFIG_NODE_SIZE) != 0)
		name[0] = '\0';
	name[CONFIG_NODE_SIZE - 1] = '\0';
	if (!name[0] || config_value_check(CONFIG_KEY_node, slice_of_text(name)))
		config_draft_refuse(draft, CONFIG_KEY_node,
				    "this machine's host name cannot be used, give a name");
}

void config_draft_derive(struct config_draft *draft)
{
	const struct config_origin *origins = draft->origins;

	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++)
		ASSERT(origins[key].level != CONFIG_LEVEL_NONE);
	if (!origins[CONFIG_KEY_listen].is_wrong && !origins[CONFIG_KEY_listen_proxy].is_wrong)
		derive_listen(draft);
	if (!origins[CONFIG_KEY_trusted_proxy].is_wrong)
		derive_networks(draft->config);
	if (!origins[CONFIG_KEY_admin].is_wrong)
		derive_admin(draft->config);
	if (!origins[CONFIG_KEY_redis].is_wrong)
		derive_redis(draft->config);
	if (!origins[CONFIG_KEY_algorithm].is_wrong)
		derive_algorithms(draft);
	if (!origins[CONFIG_KEY_node].is_wrong)
		derive_node(draft);
	derive_by_namespace(draft);
}

static bool looks_like_a_name(struct slice name)
{
	for (size_t i = 0; i < name.size; i++)
		if (!isalnum(name.bytes[i]) && name.bytes[i] != '_' && name.bytes[i] != '-')
			return false;
	return name.size > 0 && name.size < CONFIG_NAME_SIZE;
}

void config_draft_unknown(struct config_draft *draft, const char *where, struct slice name,
			  enum config_form form)
{
	const char *what = form == CONFIG_FORM_OPTION ? "option" : "key";
	enum config_key nearest = config_row_nearest(name, form);
	char near[CONFIG_NAME_SIZE];

	if (!looks_like_a_name(name))
		config_report_error(draft->report, "%s: the name of a key was expected", where);
	else if (nearest == CONFIG_KEY_COUNT)
		config_report_error(draft->report, "%s: %.*s: no such %s; see --help", where,
				    (int)name.size, (const char *)name.bytes, what);
	else
		config_report_error(draft->report, "%s: %.*s: no such %s; did you mean %s?", where,
				    (int)name.size, (const char *)name.bytes, what,
				    config_row_name(nearest, form, near));
}

/* Formats and adds one line to *lines. */
static void add_line(const struct config_origin *origin, struct config_list *lines,
		     const char *format, va_list values)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, values);
	config_list_add(lines, config_text_format("%s: %s: %s", origin->where, origin->name, text));
}

void config_draft_refuse(struct config_draft *draft, enum config_key key, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	add_line(&draft->origins[key], &draft->report->errors, format, values);
	va_end(values);
	draft->origins[key].is_wrong = true;
}

void config_draft_warn(struct config_draft *draft, enum config_key key, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	add_line(&draft->origins[key], &draft->report->warnings, format, values);
	va_end(values);
}
