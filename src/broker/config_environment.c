/* broker/config_environment.c - the configuration in the environment. */
#include "broker/config_environment.h"

#include "broker/config_file.h"
#include "broker/config_text.h"

#include <errno.h>
#include <stdlib.h>

/* What is written as NAME=VALUE, with what NAME asks for. */
struct variable {
	struct slice name;
	const char *value;
	enum config_level level;
	enum config_key key;
	bool is_file; /* the value is the path of a file */
};

static enum config_key find_common(struct slice name)
{
	static const struct {
		const char *name;
		enum config_key key;
	} commons[] = {
		{"REDIS_URL", CONFIG_KEY_redis},
		{"SECRET_KEY", CONFIG_KEY_secret_key},
		{"ALGORITHM", CONFIG_KEY_algorithm},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(commons); i++)
		if (slice_equal_text(name, commons[i].name))
			return commons[i].key;
	return CONFIG_KEY_COUNT;
}

static enum config_key find_key(struct slice name, enum config_level level)
{
	return level == CONFIG_LEVEL_COMMON ? find_common(name)
					    : config_row_find(name, CONFIG_FORM_ENVIRONMENT);
}

/* Splits one entry of the environment. False: it is not of that level, or no key of ours. */
static bool read_variable(const char *entry, enum config_level level, struct variable *variable)
{
	const char *equals = strchr(entry, '=');

	if (!equals)
		return false;
	struct slice name = slice_of(entry, (size_t)(equals - entry));
	*variable = (struct variable){.name = name, .value = equals + 1, .level = level};
	variable->key = find_key(name, level);
	if (variable->key == CONFIG_KEY_COUNT && name.size > 5 &&
	    slice_equal_text(slice_skip(name, name.size - 5), "_FILE")) {
		name.size -= 5;
		variable->key = find_key(name, level);
		variable->is_file = true;
	}
	return variable->key != CONFIG_KEY_COUNT;
}

/* BELFRY_(.*_)?(PORT|SERVICE)(_.*)? */
static bool is_of_kubernetes(struct slice name)
{
	struct slice rest = name;

	while (!slice_is_absent(rest)) {
		struct slice word = slice_cut(&rest, '_');

		if (slice_equal_text(word, "PORT") || slice_equal_text(word, "SERVICE"))
			return true;
	}
	return false;
}

/* Items of a list may stand on lines of their own. */
static void join_lines(char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] == '\n')
			bytes[i] = ',';
		else if (bytes[i] == '\r')
			bytes[i] = ' ';
}

static void set_from_bytes(struct config_draft *draft, const struct variable *variable,
			   struct config_place place, char *bytes, size_t size)
{
	if (size && bytes[size - 1] == '\n')
		size--;
	if (size && bytes[size - 1] == '\r')
		size--;
	if (config_rows[variable->key].flags & CONFIG_LIST)
		join_lines(bytes, size);
	config_draft_set(draft, variable->key, place, slice_of(bytes, size));
}

static void set_from_file(struct config_draft *draft, const struct variable *variable,
			  struct config_place place)
{
	size_t size = 0;
	char *bytes = config_file_slurp(variable->value, &size);

	if (bytes) {
		set_from_bytes(draft, variable, place, bytes, size);
	} else {
		/* The path is not repeated: whoever mixes the names up has a secret there. */
		config_report_error(draft->report,
				    "%s: %s: the file that it names cannot be read: %s",
				    place.where, place.name, strerror(errno));
		draft->origins[variable->key].is_wrong = true;
	}
	config_file_release(bytes, size);
}

static void set_variable(struct config_draft *draft, const struct variable *variable)
{
	char *name = config_text_copy(variable->name);
	struct config_place place = {variable->level, "environment", name};
	enum config_level level = draft->origins[variable->key].level;

	if (level == variable->level)
		config_report_error(draft->report,
				    "environment: %s: given twice, as a value and as a file (%s is "
				    "one of them); leave one out",
				    config_rows[variable->key].key, name);
	else if (variable->is_file)
		set_from_file(draft, variable, place);
	else
		config_draft_set(draft, variable->key, place, slice_of_text(variable->value));
	free(name);
}

static void read_own(struct config_draft *draft, const char *entry)
{
	struct variable variable;

	if (strncmp(entry, "BELFRY_", 7) != 0)
		return;
	if (read_variable(entry, CONFIG_LEVEL_ENVIRONMENT, &variable))
		set_variable(draft, &variable);
	else if (!is_of_kubernetes(slice_of(entry, strcspn(entry, "="))))
		config_draft_unknown(draft, "environment", slice_of(entry, strcspn(entry, "=")),
				     CONFIG_FORM_ENVIRONMENT);
}

static void read_common(struct config_draft *draft, const char *entry)
{
	struct variable variable;

	if (!read_variable(entry, CONFIG_LEVEL_COMMON, &variable) || !variable.value[0])
		return;
	/* What somebody else's variable says does not matter when ours are given. */
	if (draft->origins[variable.key].level <= CONFIG_LEVEL_COMMON)
		set_variable(draft, &variable);
}

void config_environment_read(struct config_draft *draft, char **environ_list)
{
	for (char **entry = environ_list; *entry; entry++)
		read_own(draft, *entry);
	for (char **entry = environ_list; *entry; entry++)
		read_common(draft, *entry);
}
