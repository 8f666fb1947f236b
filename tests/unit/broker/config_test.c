/* tests/unit/broker/config_test.c - outcomes of loading, and that everything is given back. */
#include "config_given.h"

#include "base/compiler.h"

#define WITH_SECRET "BELFRY_SECRET_KEY=" SECRET_32

/* NULL expects that nothing is printed. */
static void check_outcome(const struct given *given, enum config_outcome expected,
			  const char *shown_start)
{
	struct loaded loaded;

	load_given(given, &loaded);
	assert_int_equal(loaded.outcome, expected);
	assert_int_equal(loaded.report.errors.count != 0, expected == CONFIG_WRONG);
	if (!shown_start)
		assert_int_equal(loaded.shown_size, 0);
	else if (strncmp(loaded.shown, shown_start, strlen(shown_start)) != 0)
		fail_msg("expected \"%s\" at the start of:\n%s", shown_start, loaded.shown);
	loaded_deinit(&loaded);
}

static void outcomes(void **state)
{
	(void)state;
	check_outcome(&(struct given){.variables = {WITH_SECRET}}, CONFIG_RUN, NULL);
	check_outcome(&(struct given){.words = {"--shards=x"}}, CONFIG_WRONG, NULL);
	check_outcome(&(struct given){.words = {"--check"}, .variables = {WITH_SECRET}},
		      CONFIG_SHOWN, "The configuration is right.\n");
	check_outcome(&(struct given){.words = {"--check"}}, CONFIG_WRONG, NULL);
	check_outcome(&(struct given){.words = {"--check", "--secret-key=0123456789abcdef"}},
		      CONFIG_SHOWN,
		      "warning: command line: --secret-key: has 16 bytes; 32 random ones or more "
		      "cannot be guessed\nThe configuration is right.\n");
	check_outcome(&(struct given){.words = {"--print-config"}, .variables = {WITH_SECRET}},
		      CONFIG_SHOWN, "listen = 127.0.0.1:8080  # default\n");
	check_outcome(&(struct given){.words = {"--print-config"}}, CONFIG_WRONG, NULL);
}

static void help_needs_no_configuration(void **state)
{
	static const struct {
		const char *word;
		const char *start;
	} rows[] = {
		{"--help", "Usage: belfry "},
		{"-h", "Usage: belfry "},
		{"--version", "belfry "},
		{"--print-reference", "# Configuration\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct loaded loaded;

		load_given(&(struct given){.words = {rows[i].word, "--shards=x"},
					   .variables = {"BELFRY_X=1"}},
			   &loaded);
		assert_int_equal(loaded.outcome, CONFIG_SHOWN);
		assert_int_equal(strncmp(loaded.shown, rows[i].start, strlen(rows[i].start)), 0);
		loaded_deinit(&loaded);
	}
}

static void every_mistake_is_reported(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {"--hart", "3", "--auth=none"},
				     .variables = {"BELFRY_LISTN=x", "BELFRY_SHARDS=x"},
				     .file = "demo = x\n\nheartbeat_interval = soon\n"},
		     "command line: --hart: no such option; did you mean --heartbeat-interval?\n"
		     "environment: BELFRY_LISTN: no such key; did you mean BELFRY_LISTEN?\n"
		     "environment: BELFRY_SHARDS: \"x\" is not a number; allowed: 0..64\n"
		     "belfry.conf:1: demo: \"x\" is neither on nor off; allowed: on or off\n"
		     "belfry.conf:3: heartbeat_interval: \"soon\" is not a duration; allowed: 0 or "
		     "1s..1h, such as 30, 30s, 500ms, 10m\n");
}

static void deinit_leaves_nothing(void **state)
{
	static const struct config empty;
	struct loaded loaded;

	(void)state;
	load_given(&(struct given){.words = {"--redis=redis://u:p@h", "--subscribe=*=any",
					     "--listen=:1,[::1]:2", "--api-key=a,b"},
				   .variables = {WITH_SECRET}},
		   &loaded);
	config_deinit(&loaded.config);
	assert_memory_equal(&loaded.config, &empty, sizeof(empty));
	loaded_deinit(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(help_needs_no_configuration),
		cmocka_unit_test(every_mistake_is_reported),
		cmocka_unit_test(deinit_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
