/* broker/config_options.c - the configuration on the command line. */
#include "broker/config_options.h"

#include "base/compiler.h"

struct words {
	char **next;
	char **end;
	int index; /* of *next on the command line */
};

static char *take_word(struct words *words)
{
	words->index++;
	return words->next < words->end ? *words->next++ : NULL;
}

/* The next word, if it can be a value. */
static char *take_value(struct words *words)
{
	if (words->next == words->end || strncmp(*words->next, "--", 2) == 0 ||
	    strcmp(*words->next, "-c") == 0 || strcmp(*words->next, "-h") == 0)
		return NULL;
	return take_word(words);
}

static bool read_action(const char *word, struct config_options *options)
{
	static const struct {
		const char *word;
		enum config_action action;
	} actions[] = {
		{"--check", CONFIG_ACTION_CHECK},
		{"--print-config", CONFIG_ACTION_PRINT_CONFIG},
		{"--print-reference", CONFIG_ACTION_PRINT_REFERENCE},
		{"--version", CONFIG_ACTION_VERSION},
		{"--help", CONFIG_ACTION_HELP},
		{"-h", CONFIG_ACTION_HELP},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(word, actions[i].word) == 0) {
			options->action = actions[i].action;
			return true;
		}
	return false;
}

static bool read_file_option(struct config_draft *draft, const char *word, struct words *words,
			     struct config_options *options)
{
	const char *path;

	if (strncmp(word, "--config=", 9) == 0)
		path = word + 9;
	else if (strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0)
		path = take_value(words);
	else
		return false;
	if (!path || !*path)
		config_report_error(draft->report, "command line: -c: needs the path of a file");
	else if (options->file)
		config_report_error(draft->report, "command line: -c: given twice");
	else
		options->file = path;
	return true;
}

static void read_key(struct config_draft *draft, const char *word, struct words *words)
{
	size_t size = strcspn(word, "=");
	const char *value = word[size] ? word + size + 1 : NULL;
	enum config_key key = config_row_find(slice_of(word, size), CONFIG_FORM_OPTION);
	char name[CONFIG_NAME_SIZE];

	if (!value)
		value = take_value(words); /* an unknown option's value is no mistake of its own */
	if (key == CONFIG_KEY_COUNT) {
		config_draft_unknown(draft, "command line", slice_of(word, size),
				     CONFIG_FORM_OPTION);
		return;
	}
	struct config_place place = {CONFIG_LEVEL_COMMAND_LINE, "command line",
				     config_row_name(key, CONFIG_FORM_OPTION, name)};

	if (!value && config_rows[key].kind == CONFIG_KIND_SWITCH)
		value = "on";
	if (value) {
		config_draft_set(draft, key, place, slice_of_text(value));
		return;
	}
	config_report_error(draft->report,
			    "command line: %s: needs a value; if it begins with --, write %s=value",
			    name, name);
	draft->origins[key].is_wrong = true;
}

void config_options_read(struct config_draft *draft, int argc, char **argv,
			 struct config_options *ret_options)
{
	struct config_options options = {NULL, CONFIG_ACTION_RUN};
	struct words words = {argv + (argc > 0), argv + argc, 1};
	char *word;

	while ((word = take_word(&words))) {
		if (read_action(word, &options) || read_file_option(draft, word, &words, &options))
			continue;
		/* A word that belongs to nothing is not repeated: it may be half a secret. */
		if (strncmp(word, "--", 2) == 0 && word[2])
			read_key(draft, word, &words);
		else
			config_report_error(draft->report,
					    "command line: argument %d belongs to no option; "
					    "a configuration file is given with -c FILE",
					    words.index - 1);
	}
	*ret_options = options;
}
