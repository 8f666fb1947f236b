/* tests/unit/broker/config_show_test.c - help, values and the reference page name every key. */
#include "config_given.h"

#include "broker/config_show.h"
#include "broker/config_table.h"

/* What `show` prints, on the heap. */
static char *printed(void (*show)(FILE *out))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	show(out);
	fclose(out);
	return text;
}

static void check_has(const char *text, const char *piece)
{
	if (!strstr(text, piece))
		fail_msg("\"%s\" is missing in:\n%s", piece, text);
}

static void help_has_every_key(void **state)
{
	char *help = printed(config_show_help);
	char name[CONFIG_NAME_SIZE];
	char line[CONFIG_NAME_SIZE + 8];

	(void)state;
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++) {
		config_row_name((enum config_key)key, CONFIG_FORM_OPTION, name);
		snprintf(line, sizeof(line), "\n  %s\n", name);
		check_has(help, line);
		check_has(help, config_rows[key].help);
	}
	check_has(help, "--print-config");
	check_has(help, "-c, --config FILE");
	free(help);
}

static void reference_has_every_key(void **state)
{
	char *reference = printed(config_show_reference);
	char cell[CONFIG_NAME_SIZE + 8];

	(void)state;
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++) {
		snprintf(cell, sizeof(cell), "\n| `%s` | ", config_rows[key].key);
		check_has(reference, cell);
	}
	free(reference);
}

/* Found from this file's own path, which is relative to where it was compiled, or absolute. */
static char *read_page(void)
{
	static const char here[] = __FILE__;
	const char *from = strstr(here, "tests/unit/broker/");
	char path[4096];
	char *text = NULL;
	size_t size = 0;

	assert_non_null(from);
	snprintf(path, sizeof(path), "%.*sdeploy/CONFIG.md", (int)(from - here), here);
	FILE *page = fopen(path, "r");
	if (!page)
		fail_msg("%s cannot be opened", path);
	assert_true(getdelim(&text, &size, '\0', page) > 0);
	fclose(page);
	return text;
}

static void page_is_the_reference(void **state)
{
	char *reference = printed(config_show_reference);
	char *page = read_page();

	(void)state;
	if (strcmp(page, reference) != 0)
		fail_msg("deploy/CONFIG.md is not what the table says; write it again with "
			 "belfry --print-reference > deploy/CONFIG.md");
	free(page);
	free(reference);
}

static void version(void **state)
{
	char *text = printed(config_show_version);

	(void)state;
	assert_int_equal(strncmp(text, "belfry ", 7), 0);
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
}

static void values_hide_secrets(void **state)
{
	struct loaded loaded;

	(void)state;
	load_given(&(struct given){.words = {"--print-config", "--secret-key=hunter2hunter2hunter2",
					     "--redis=redis://hunter2:hunter2@h",
					     "--api-key=hunter2,hunter2"}},
		   &loaded);
	assert_int_equal(loaded.outcome, CONFIG_SHOWN);
	assert_null(strstr(loaded.shown, "hunter2"));
	check_has(loaded.shown, "secret_key = ***  # command line\n");
	check_has(loaded.shown, "api_key = ***  # command line\napi_key = ***  # command line\n");
	check_has(loaded.shown, "redis = redis://***@h:6379/0  # command line\n");
	loaded_deinit(&loaded);
}

/* Ends every line before the place that stands behind it. */
static void drop_places(char *text)
{
	char *to = text;
	const char *line = text;

	while (*line) {
		size_t size = (size_t)(strstr(line, "  # ") - line);
		const char *next = strchr(line, '\n') + 1;

		memmove(to, line, size);
		to += size;
		*to++ = '\n';
		line = next;
	}
	*to = '\0';
}

/* What --print-config says about a configuration without secrets is a file that says the same. */
static void values_are_a_file(void **state)
{
	static const struct given given = {
		.words = {"--print-config", "--auth=none", "--listen=:1,[::1]:2",
			  "--auth-none-anywhere", "--allow-origin=https://a.example,null",
			  "--idle-timeout=90", "--max-outbox-bytes=100000", "--log-format=json",
			  "--inbox=user=on,chat=off"}};
	struct loaded first;
	struct loaded second;

	(void)state;
	load_given(&given, &first);
	assert_int_equal(first.outcome, CONFIG_SHOWN);
	load_given(&(struct given){.words = {"--print-config"}, .file = first.shown}, &second);
	assert_int_equal(second.outcome, CONFIG_SHOWN);
	drop_places(first.shown);
	drop_places(second.shown);
	assert_string_equal(first.shown, second.shown);
	loaded_deinit(&first);
	loaded_deinit(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_has_every_key),    cmocka_unit_test(reference_has_every_key),
		cmocka_unit_test(page_is_the_reference), cmocka_unit_test(version),
		cmocka_unit_test(values_hide_secrets),   cmocka_unit_test(values_are_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
