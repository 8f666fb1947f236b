/* tests/unit/broker/config_options_test.c - words of the command line. */
#include "config_given.h"

#define AUTH_NONE "--auth=none"

static void options(void **state)
{
	(void)state;
	check_printed(&(struct given){.words = {AUTH_NONE, "--max-header-bytes", "4k"}},
		      "max_header_bytes = 4k  # command line\n");
	check_printed(&(struct given){.words = {AUTH_NONE, "--max-header-bytes=4k"}},
		      "max_header_bytes = 4k  # command line\n");
	check_printed(&(struct given){.words = {AUTH_NONE, "--stream=a=b"}},
		      "stream = a=b  # command line\n");
	check_printed(&(struct given){.words = {AUTH_NONE, "--stream=--a"}},
		      "stream = --a  # command line\n");
	check_printed(&(struct given){.words = {AUTH_NONE, "--shards", "1", "--shards", "2"}},
		      "shards = 2  # command line\n");
}

static void switches(void **state)
{
	(void)state;
	check_printed(&(struct given){.words = {AUTH_NONE, "--demo"}},
		      "demo = on  # command line\n");
	check_printed(&(struct given){.words = {AUTH_NONE, "--demo", "--shards", "1"}},
		      "demo = on  # command line\n");
	check_printed(&(struct given){.words = {AUTH_NONE, "--demo", "off", "--shards", "1"}},
		      "demo = off  # command line\n");
	check_printed(&(struct given){.words = {AUTH_NONE, "--demo=yes"}},
		      "demo = on  # command line\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--demo", "maybe"}},
		     "command line: --demo: \"maybe\" is neither on nor off; allowed: on or off\n");
}

static void config_file(void **state)
{
	const char *file = "shards = 3";

	(void)state;
	check_printed(&(struct given){.words = {AUTH_NONE}, .file = file},
		      "shards = 3  # belfry.conf:1\n");
	check_report(&(struct given){.words = {AUTH_NONE, "-c", "x"}, .file = file},
		     "command line: -c: given twice\n");
	check_report(&(struct given){.words = {AUTH_NONE, "-c"}},
		     "command line: -c: needs the path of a file\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--config="}},
		     "command line: -c: needs the path of a file\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--config", "none.conf"}},
		     "none.conf: cannot be read: No such file or directory\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--config=none.conf"}},
		     "none.conf: cannot be read: No such file or directory\n");
}

static void wrong_options(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {AUTH_NONE, "--hart"}},
		     "command line: --hart: no such option; did you mean --heartbeat-interval?\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--zzzzzz", "3"}},
		     "command line: --zzzzzz: no such option; see --help\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--shards"}},
		     "command line: --shards: needs a value; if it begins with --, write "
		     "--shards=value\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--shards", "--demo"}},
		     "command line: --shards: needs a value; if it begins with --, write "
		     "--shards=value\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--shards=-1"}},
		     "command line: --shards: \"-1\" is not a number; allowed: 0..64\n");
}

static void no_secret_is_repeated(void **state)
{
	(void)state;
	check_report(&(struct given){.words = {AUTH_NONE, "--secret-kez=hunter2"}},
		     "command line: --secret-kez: no such option; did you mean --secret-key?\n");
	check_report(&(struct given){.words = {"--secret-key", SECRET_32, "hunter2"}},
		     "command line: argument 3 belongs to no option; a configuration file is given "
		     "with -c FILE\n");
	check_report(&(struct given){.words = {AUTH_NONE, "--hunter 2", "--", "-x"}},
		     "command line: the name of a key was expected\n"
		     "command line: argument 3 belongs to no option; a configuration file is given "
		     "with -c FILE\n"
		     "command line: argument 4 belongs to no option; a configuration file is given "
		     "with -c FILE\n");
}

static void no_words_at_all(void **state)
{
	char *nothing[] = {NULL};
	struct config config;
	struct config_report report = {.shown = NULL};

	(void)state;
	assert_int_equal(config_load(&config, 0, nothing, nothing, &report), CONFIG_WRONG);
	assert_int_equal(report.errors.count, 1);
	config_report_deinit(&report);
	config_deinit(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),         cmocka_unit_test(switches),
		cmocka_unit_test(config_file),     cmocka_unit_test(wrong_options),
		cmocka_unit_test(no_words_at_all), cmocka_unit_test(no_secret_is_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
