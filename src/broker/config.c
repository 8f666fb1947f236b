/* broker/config.c - reads the configuration, from the strongest source to the weakest. */
#include "broker/config.h"

#include "broker/config_address.h"
#include "broker/config_check.h"
#include "broker/config_draft.h"
#include "broker/config_environment.h"
#include "broker/config_file.h"
#include "broker/config_options.h"
#include "broker/config_show.h"
#include "broker/config_text.h"

#include <stdarg.h>
#include <stdlib.h>

/* What can be printed without knowing any value. False: the action needs them. */
static bool show_constant(enum config_action action, FILE *out)
{
	switch (action) {
	case CONFIG_ACTION_HELP:
		config_show_help(out);
		return true;
	case CONFIG_ACTION_VERSION:
		config_show_version(out);
		return true;
	case CONFIG_ACTION_PRINT_REFERENCE:
		config_show_reference(out);
		return true;
	default:
		return false;
	}
}

static void show_checked(const struct config_report *report, FILE *out)
{
	config_report_print(report, out);
	fprintf(out, "The configuration is right.\n");
}

static enum config_outcome load(struct config_draft *draft, int argc, char **argv,
				char **environ_list)
{
	FILE *out = draft->report->shown ? draft->report->shown : stdout;
	struct config_options options;

	config_options_read(draft, argc, argv, &options);
	if (show_constant(options.action, out))
		return CONFIG_SHOWN;
	config_environment_read(draft, environ_list);
	if (options.file)
		config_file_read(draft, options.file);
	config_draft_set_defaults(draft);
	config_draft_derive(draft);
	config_check(draft);
	if (draft->report->errors.count)
		return CONFIG_WRONG;
	if (options.action == CONFIG_ACTION_RUN)
		return CONFIG_RUN;
	if (options.action == CONFIG_ACTION_CHECK)
		show_checked(draft->report, out);
	else
		config_show_values(draft, out);
	return CONFIG_SHOWN;
}

enum config_outcome config_load(struct config *config, int argc, char **argv, char **environ_list,
				struct config_report *report)
{
	struct config_draft draft;

	config_draft_init(&draft, config, report);
	enum config_outcome outcome = load(&draft, argc, argv, environ_list);
	config_draft_deinit(&draft);
	return outcome;
}

static void free_field(struct config *config, enum config_key key)
{
	void *field = config_row_field(config, key);

	switch (config_rows[key].kind) {
	case CONFIG_KIND_ADMIN:
	case CONFIG_KIND_REDIS:
	case CONFIG_KIND_STREAM:
	case CONFIG_KIND_PATH:
	case CONFIG_KIND_NODE:
	case CONFIG_KIND_COOKIE:
	case CONFIG_KIND_CLAIM:
	case CONFIG_KIND_SECRET:
		config_text_wipe(*(char **)field);
		break;
	default:
		if (config_rows[key].flags & CONFIG_LIST)
			config_list_clear(field);
	}
}

static void free_rules(struct config_rule_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->items[i].pattern);
	free(list->items);
}

static void free_switches(struct config_switch_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->items[i].pattern);
	free(list->items);
}

void config_deinit(struct config *config)
{
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++)
		free_field(config, (enum config_key)key);
	free_rules(&config->subscribe_rules);
	free_rules(&config->publish_rules);
	free_switches(&config->history_rules);
	free_switches(&config->inbox_rules);
	free_switches(&config->upstream_rules);
	free(config->listen_addresses.items);
	free(config->trusted_networks.items);
	config_redis_deinit(&config->redis_server);
	memset(config, 0, sizeof(*config));
}

void config_report_error(struct config_report *report, const char *format, ...)
{
	char line[1024];
	va_list values;

	va_start(values, format);
	vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	config_list_add(&report->errors, config_text_copy(slice_of_text(line)));
}

void config_report_print(const struct config_report *report, FILE *out)
{
	for (uint32_t i = 0; i < report->warnings.count; i++)
		fprintf(out, "warning: %s\n", report->warnings.items[i]);
	for (uint32_t i = 0; i < report->errors.count; i++)
		fprintf(out, "%s\n", report->errors.items[i]);
}

void config_report_deinit(struct config_report *report)
{
	config_list_clear(&report->errors);
	config_list_clear(&report->warnings);
}
