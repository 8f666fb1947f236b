/* tests/unit/broker/config_given.h - loads a configuration from what a row of a test gives.
 *
 * Layer   tests
 * Threads one
 * Memory  loaded_deinit() gives everything back
 * Errors  fail the test
 */
#ifndef BELFRY_TESTS_UNIT_BROKER_CONFIG_GIVEN_H
#define BELFRY_TESTS_UNIT_BROKER_CONFIG_GIVEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../fresh_folder.h"
#include "broker/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIVEN_MAX 12
#define SECRET_32 "0123456789abcdef0123456789abcdef"

/* What the operator gives: words behind "belfry", variables, and the texts of two files. */
struct given {
	const char *words[GIVEN_MAX];
	const char *variables[GIVEN_MAX];
	const char *file;  /* belfry.conf, given with -c; NULL: none */
	const char *value; /* value.txt in the working directory, for a _FILE variable */
};

struct loaded {
	struct config config;
	struct config_report report;
	enum config_outcome outcome;
	char *shown; /* what was printed */
	size_t shown_size;
};

static inline void given_write(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A list as main() gets it, its end included; `to` has room for GIVEN_MAX + 1. How many. */
static inline int given_list(const char *const *from, char **to)
{
	int count = 0;

	while (count < GIVEN_MAX && from[count]) {
		to[count] = (char *)(uintptr_t)from[count];
		count++;
	}
	to[count] = NULL;
	return count;
}

/* Loads in an empty folder, so that places read "belfry.conf:3" wherever the test runs. */
static inline void load_given(const struct given *given, struct loaded *loaded)
{
	static char program[] = "belfry";
	static char file_option[] = "-c";
	static char file_name[] = "belfry.conf";
	char folder_name[FRESH_FOLDER_SIZE];
	char *variables[GIVEN_MAX + 1];
	char *argv[GIVEN_MAX + 4] = {program};
	int argc = 1;
	int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fresh_folder(folder_name, "config");
	assert_int_equal(chdir(folder_name), 0);
	if (given->file) {
		given_write(file_name, given->file);
		argv[argc++] = file_option;
		argv[argc++] = file_name;
	}
	if (given->value)
		given_write("value.txt", given->value);
	argc += given_list(given->words, argv + argc);
	given_list(given->variables, variables);

	*loaded = (struct loaded){.outcome = CONFIG_RUN};
	loaded->report.shown = open_memstream(&loaded->shown, &loaded->shown_size);
	loaded->outcome = config_load(&loaded->config, argc, argv, variables, &loaded->report);
	fclose(loaded->report.shown);

	unlink(file_name);
	unlink("value.txt");
	assert_int_equal(fchdir(home), 0);
	close(home);
	assert_int_equal(rmdir(folder_name), 0);
}

static inline void loaded_deinit(struct loaded *loaded)
{
	free(loaded->shown);
	config_report_deinit(&loaded->report);
	config_deinit(&loaded->config);
}

/* The lines as the operator sees them, warnings first. The caller frees it. */
static inline char *loaded_lines(const struct loaded *loaded)
{
	char *lines = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&lines, &size);

	config_report_print(&loaded->report, out);
	fclose(out);
	return lines;
}

/* Exactly these lines are reported, each with a line break; "" expects that it can start. */
static inline void check_report(const struct given *given, const char *expected)
{
	struct loaded loaded;

	load_given(given, &loaded);
	char *lines = loaded_lines(&loaded);
	assert_string_equal(lines, expected);
	assert_int_equal(loaded.outcome, loaded.report.errors.count ? CONFIG_WRONG : CONFIG_RUN);
	free(lines);
	loaded_deinit(&loaded);
}

/* --print-config, as the last word, prints these lines, whatever else it prints. */
static inline void check_printed(const struct given *given, const char *expected)
{
	struct given asking = *given;
	struct loaded loaded;
	size_t count = 0;

	while (asking.words[count])
		count++;
	asking.words[count] = "--print-config";
	load_given(&asking, &loaded);
	char *lines = loaded_lines(&loaded);
	if (loaded.outcome != CONFIG_SHOWN)
		fail_msg("expected \"%s\", got errors:\n%s", expected, lines);
	if (!strstr(loaded.shown, expected))
		fail_msg("expected \"%s\" in:\n%s", expected, loaded.shown);
	free(lines);
	loaded_deinit(&loaded);
}

#endif
