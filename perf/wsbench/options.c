/* wsbench/options.c - reading of the command line. */
#include "wsbench/options.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "wsbench/option_table.h"
#include "wsbench/stamp.h"

enum kind { KIND_NUMBER, KIND_TEXT, KIND_FLAG };

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t number_default, least, most;
	const char *text_default;
};

#define NO_GROUP(title)
#define NUMBER_ROW(field, name, value, least, most, text) \
	{name, KIND_NUMBER, offsetof(struct options, field), value, least, most, NULL},
#define TEXT_ROW(field, name, value, placeholder, text) \
	{name, KIND_TEXT, offsetof(struct options, field), 0, 0, 0, value},
#define FLAG_ROW(field, name, text) \
	{name, KIND_FLAG, offsetof(struct options, field), 0, 0, 0, NULL},

static const struct row rows[] = {OPTION_TABLE(NO_GROUP, NUMBER_ROW, TEXT_ROW, FLAG_ROW)};

static const char *const mode_names[] = {
#define X(name, field, text) #name,
	MODE_TABLE(X)
#undef X
};

const char *options_mode_name(enum mode mode)
{
	return mode_names[mode];
}

static void *field_of(struct options *options, const struct row *row)
{
	return (char *)options + row->offset;
}

static void set_defaults(struct options *options)
{
	*options = (struct options){0};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].kind == KIND_NUMBER)
			*(uint64_t *)field_of(options, &rows[i]) = rows[i].number_default;
		if (rows[i].kind == KIND_TEXT)
			*(const char **)field_of(options, &rows[i]) = rows[i].text_default;
	}
}

static bool complain(const char *what, const char *subject)
{
	fprintf(stderr, "wsbench: %s: %s\nTry wsbench --help\n", subject, what);
	return false;
}

static bool set_number(struct options *options, const struct row *row, const char *text)
{
	uint64_t value;

	if (!slice_to_u64(slice_of_text(text), &value) || value < row->least || value > row->most) {
		fprintf(stderr, "wsbench: --%s %s: a number from %llu to %llu is expected\n",
			row->name, text, (unsigned long long)row->least,
			(unsigned long long)row->most);
		return false;
	}
	*(uint64_t *)field_of(options, row) = value;
	if (row->offset == offsetof(struct options, count))
		options->count_is_set = true;
	return true;
}

static const struct row *find_row(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (slice_equal_text(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* Takes argv[*index] and, when it needs one, the value behind it. */
static bool take_option(struct options *options, int argc, char **argv, int *index)
{
	struct slice rest = slice_of_text(argv[*index] + 2);
	const struct row *row = find_row(slice_cut(&rest, '='));

	if (!row)
		return complain("no such option", argv[*index]);
	if (row->kind == KIND_FLAG) {
		if (!slice_is_absent(rest))
			return complain("takes no value", argv[*index]);
		*(bool *)field_of(options, row) = true;
		return true;
	}
	const char *value = slice_is_absent(rest) ? NULL : (const char *)rest.bytes;
	if (!value && *index + 1 < argc)
		value = argv[++*index];
	if (!value)
		return complain("a value is missing", argv[*index]);
	if (row->kind == KIND_NUMBER)
		return set_number(options, row, value);
	*(const char **)field_of(options, row) = value;
	return true;
}

static bool take_mode(struct options *options, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++)
		if (strcmp(name, mode_names[i]) == 0) {
			options->mode = (enum mode)i;
			return true;
		}
	return complain("no such mode", name);
}

bool options_split_address(const char *text, char *host, unsigned host_size, uint16_t *ret_port,
			   const char **ret_rest)
{
	const char *scheme = strstr(text, "://");
	struct slice rest = slice_of_text(scheme ? scheme + 3 : text);
	struct slice address = slice_cut(&rest, '/');
	uint64_t port;

	*ret_rest = slice_is_absent(rest) ? "" : (const char *)rest.bytes - 1;
	struct slice port_text = address;
	struct slice host_text = slice_cut(&port_text, ':');
	if (!slice_to_u64(port_text, &port) || port == 0 || port > UINT16_MAX ||
	    host_text.size == 0 || host_text.size >= host_size)
		return false;
	memcpy(host, host_text.bytes, host_text.size);
	host[host_text.size] = '\0';
	*ret_port = (uint16_t)port;
	return true;
}

static bool resolve_target(struct options *options)
{
	const char *target = options->against ? options->against : options->target;
	const char *rest;
	struct in_addr address;

	if (!options_split_address(target, options->host, sizeof(options->host), &options->port,
				   &rest))
		return complain("HOST:PORT is expected", target);
	if (strcmp(options->host, "localhost") == 0)
		memcpy(options->host, "127.0.0.1", sizeof("127.0.0.1"));
	if (inet_pton(AF_INET, options->host, &address) != 1)
		return complain("an IPv4 address is expected", target);
	bool is_loopback = strncmp(options->host, "127.", 4) == 0;
	if (options->spread > 1 && !is_loopback)
		return complain("only for a target in 127.0.0.0/8", "--spread");
	if (options->spread == 0)
		options->spread = is_loopback && options->conns > 20000 ? 8 : 1;
	if (options->against && !options->path_template)
		options->path_template = *rest ? rest : "/";
	return true;
}

static bool choose_floor_method(struct options *options)
{
	static const char *const names[] = {"auto", "send", "uring"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(options->floor_method_text, names[i]) == 0) {
			options->floor_method = (enum floor_method)i;
			return true;
		}
	return complain("auto, send or uring is expected", "--floor-method");
}

/* Defaults that depend on other options, and combinations that make no sense. */
static bool complete_options(struct options *options)
{
	if (options->mode == MODE_BROADCAST && options->floor)
		options->mode = MODE_COMPARE;
	if (options->mode == MODE_HOLD && !options->count_is_set)
		options->count = 2;
	if (options->mode == MODE_CHURN && options->interval_ms == 0)
		options->interval_ms = 200;
	if (!options->greeting && !options->against)
		options->greeting = "\"type\":\"connected\"";
	if (!options->marker)
		options->marker = STAMP_MARKER;
	if (options->baseline >= options->conns)
		return complain("must be less than --conns", "--baseline");
	if (options->mode == MODE_COMPARE && options->window > 1)
		return complain("compare sends one message at a time", "--window");
	if (options->mode == MODE_XREAD && !options->redis)
		return complain("is needed by xread", "--redis");
	if (options->mode == MODE_RESUME && options->path_template)
		return complain("resume makes its own query", "--path-template");
	return choose_floor_method(options) && resolve_target(options);
}

bool options_parse(struct options *options, int argc, char **argv)
{
	bool has_mode = false;

	set_defaults(options);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0) {
			options->help = true;
		} else if (strncmp(argv[i], "--", 2) == 0) {
			if (!take_option(options, argc, argv, &i))
				return false;
		} else {
			if (has_mode)
				return complain("one mode only", argv[i]);
			if (!take_mode(options, argv[i]))
				return false;
			has_mode = true;
		}
	}
	if (options->help)
		return true;
	if (!has_mode)
		return complain("a mode is missing", argc > 0 ? argv[0] : "wsbench");
	return complete_options(options);
}
