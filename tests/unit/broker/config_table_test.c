/* tests/unit/broker/config_table_test.c - rows, their names, the nearest one, what they allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "broker/config_table.h"

static void every_row_is_whole(void **state)
{
	char allowed[CONFIG_ALLOWED_SIZE];

	(void)state;
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++) {
		const struct config_row *row = &config_rows[key];

		assert_true(row->help[0] != '\0');
		assert_null(strchr(row->help, '|'));
		assert_true(row->min <= row->max);
		assert_true(row->offset < sizeof(struct config));
		assert_true(config_row_allowed((enum config_key)key, allowed)[0] != '\0');
		assert_null(strchr(allowed, '\n'));
	}
}

static void check_name(enum config_key key, enum config_form form, const char *expected)
{
	char name[CONFIG_NAME_SIZE];

	assert_string_equal(config_row_name(key, form, name), expected);
	assert_int_equal(config_row_find(slice_of_text(expected), form), key);
}

static void names(void **state)
{
	(void)state;
	check_name(CONFIG_KEY_secret_key, CONFIG_FORM_FILE, "secret_key");
	check_name(CONFIG_KEY_secret_key, CONFIG_FORM_OPTION, "--secret-key");
	check_name(CONFIG_KEY_secret_key, CONFIG_FORM_ENVIRONMENT, "BELFRY_SECRET_KEY");
	check_name(CONFIG_KEY_demo, CONFIG_FORM_OPTION, "--demo");
}

static void unknown_names(void **state)
{
	static const struct {
		const char *name;
		enum config_form form;
	} rows[] = {
		{"", CONFIG_FORM_FILE},           {"secret-key", CONFIG_FORM_FILE},
		{"Secret_key", CONFIG_FORM_FILE}, {"secret_keys", CONFIG_FORM_FILE},
		{"secret_ke", CONFIG_FORM_FILE},  {"--secret_key", CONFIG_FORM_OPTION},
		{"demo", CONFIG_FORM_OPTION},     {"BELFRY_demo", CONFIG_FORM_ENVIRONMENT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(config_row_find(slice_of_text(rows[i].name), rows[i].form),
				 CONFIG_KEY_COUNT);
}

/* NULL expects that nothing is near. */
static void check_nearest(const char *typed, enum config_form form, const char *expected)
{
	enum config_key key = config_row_nearest(slice_of_text(typed), form);

	if (!expected)
		assert_int_equal(key, CONFIG_KEY_COUNT);
	else if (key == CONFIG_KEY_COUNT)
		fail_msg("nothing near \"%s\", expected %s", typed, expected);
	else
		assert_string_equal(config_rows[key].key, expected);
}

static void nearest(void **state)
{
	(void)state;
	check_nearest("--hart", CONFIG_FORM_OPTION, "heartbeat_interval");
	check_nearest("--heartbeat-timout", CONFIG_FORM_OPTION, "heartbeat_timeout");
	check_nearest("--secret_key", CONFIG_FORM_OPTION, "secret_key");
	check_nearest("--max-connection", CONFIG_FORM_OPTION, "max_connections");
	check_nearest("--max-connections-per-id", CONFIG_FORM_OPTION, "max_connections_per_ip");
	check_nearest("BELFRY_LISTN", CONFIG_FORM_ENVIRONMENT, "listen");
	check_nearest("BELFRY_SHARD", CONFIG_FORM_ENVIRONMENT, "shards");
	check_nearest("lisen", CONFIG_FORM_FILE, "listen");
	check_nearest("log", CONFIG_FORM_FILE, "log_file");
	check_nearest("log_leve", CONFIG_FORM_FILE, "log_level");
	check_nearest("heartbeat-interval", CONFIG_FORM_FILE, "heartbeat_interval");
	check_nearest("zzzzzz", CONFIG_FORM_FILE, NULL);
	check_nearest("z", CONFIG_FORM_FILE, NULL);
	check_nearest("", CONFIG_FORM_FILE, NULL);
	check_nearest("--", CONFIG_FORM_OPTION, NULL);
	check_nearest("BELFRY_", CONFIG_FORM_ENVIRONMENT, NULL);
	check_nearest("heartbeat_interval_heartbeat_interval_heartbeat_interval", CONFIG_FORM_FILE,
		      NULL);
}

static void check_allowed(enum config_key key, const char *expected)
{
	char allowed[CONFIG_ALLOWED_SIZE];

	assert_string_equal(config_row_allowed(key, allowed), expected);
}

static void allowed(void **state)
{
	(void)state;
	check_allowed(CONFIG_KEY_shards, "0..64");
	check_allowed(CONFIG_KEY_max_client_message, "125..1m");
	check_allowed(CONFIG_KEY_heartbeat_interval, "0 or 1s..1h");
	check_allowed(CONFIG_KEY_drain_window, "0..10m");
	check_allowed(CONFIG_KEY_demo, "on or off");
	check_allowed(CONFIG_KEY_auth, "jwt or none");
	check_allowed(CONFIG_KEY_log_level, "debug, info, warn or error");
	check_allowed(CONFIG_KEY_partitions, "1..1024");
	check_allowed(CONFIG_KEY_pubsub, "on or off");
	check_allowed(CONFIG_KEY_log_fsync, "always, second or never");
	check_allowed(CONFIG_KEY_log_file,
		      "a path of at most 4000 printable bytes, or empty for none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(names),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(nearest),
		cmocka_unit_test(allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
