/* broker/config_show.c - what can be printed about the configuration. */
#include "broker/config_show.h"

#include "base/assert.h"
#include "broker/config_address.h"
#include "broker/config_text.h"
#include "broker/config_value.h"

#include <stdlib.h>

#ifndef BELFRY_VERSION
#define BELFRY_VERSION "(version not given by the build)"
#endif

void config_show_version(FILE *out)
{
	fprintf(out, "belfry %s\n", BELFRY_VERSION);
}

static const char *fallback_text(const struct config_row *row)
{
	return row->fallback[0] ? row->fallback : "empty";
}

void config_show_help(FILE *out)
{
	char name[CONFIG_NAME_SIZE];
	char allowed[CONFIG_ALLOWED_SIZE];

	fputs("Usage: belfry [-c FILE] [--KEY VALUE | --KEY=VALUE]...\n"
	      "\n"
	      "Takes notifications from a log and puts them on WebSocket connections.\n"
	      "\n"
	      "  -c, --config FILE    read `key = value` lines from FILE\n"
	      "  --check              check the configuration, print what is wrong, do not start\n"
	      "  --print-config       print every value and where it comes from\n"
	      "  --print-reference    print the reference of all keys, in Markdown\n"
	      "  --version            print the version\n"
	      "  -h, --help           print this\n"
	      "\n"
	      "Keys, also as key_with_underscores in FILE and as BELFRY_KEY in the environment;\n"
	      "BELFRY_KEY_FILE names a file that holds the value. The command line beats the\n"
	      "environment, the environment beats FILE. REDIS_URL, SECRET_KEY and ALGORITHM are\n"
	      "read too, where the BELFRY_ variable of the same key is not given.\n"
	      "\n",
	      out);
	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_row *row = &config_rows[i];
		enum config_key key = (enum config_key)i;

		fprintf(out, "  %s\n      %s\n      allowed: %s%s\n      default: %s\n",
			config_row_name(key, CONFIG_FORM_OPTION, name), row->help,
			config_row_allowed(key, allowed),
			row->flags & CONFIG_LIST ? " (several)" : "", fallback_text(row));
	}
}

/* One cell of a table: a | in it would end it. */
static void put_cell(const char *text, FILE *out)
{
	for (const char *at = text; *at; at++) {
		if (*at == '|' || *at == '*' || *at == '<')
			fputc('\\', out);
		fputc(*at, out);
	}
}

static void put_reference_row(enum config_key key, FILE *out)
{
	const struct config_row *row = &config_rows[key];
	char allowed[CONFIG_ALLOWED_SIZE];

	fprintf(out, "| `%s` | ", row->key);
	if (row->fallback[0])
		fprintf(out, "`%s`", row->fallback);
	else
		fputs("empty", out);
	fputs(" | ", out);
	put_cell(config_row_allowed(key, allowed), out);
	fputs(row->flags & CONFIG_LIST ? "; several | " : " | ", out);
	put_cell(row->help, out);
	fputs(row->flags & CONFIG_SECRET ? "; secret |\n" : " |\n", out);
}

static const char reference_head[] =
	"# Configuration\n"
	"\n"
	"<!-- Printed by `belfry --print-reference`; made from include/belfry/config.h. -->\n"
	"\n"
	"Belfry reads, from the strongest to the weakest:\n"
	"\n"
	"1. the command line: `--heartbeat-interval 30s` or `--heartbeat-interval=30s`; a\n"
	"   switch may stand alone (`--demo`); of two values of one key the last one counts;\n"
	"2. the environment: `BELFRY_HEARTBEAT_INTERVAL=30s`. Every key also has a variable\n"
	"   like `BELFRY_SECRET_KEY_FILE=/run/secrets/key`, which names a file with the\n"
	"   value; its final line break does not count;\n"
	"3. `REDIS_URL` (`redis`), `SECRET_KEY` (`secret_key`) and `ALGORITHM` (`algorithm`),\n"
	"   also with `_FILE`, when they are not empty;\n"
	"4. the file given with `-c`: lines of `heartbeat_interval = 30s`;\n"
	"5. the defaults below.\n"
	"\n"
	"A key that several of them give is decided by the strongest; a list is taken from it\n"
	"whole. `belfry --print-config` shows each value and who decided it, `belfry --check`\n"
	"only looks for mistakes. Every mistake is one line on standard error with file,\n"
	"line, what is wrong and what is allowed, and the start ends with exit code 64.\n"
	"\n"
	"In the file, blank lines do not count, nor does what follows a `#` at the beginning\n"
	"of a line or behind a blank. Values are not quoted. A key stands there once, but a\n"
	"list may repeat its key, and everywhere its items may be separated by commas. In a\n"
	"file named by a `_FILE` variable the items of a list may stand on lines of their\n"
	"own.\n"
	"\n"
	"Durations are `500ms`, `30s`, `10m` or `24h`; a bare number is seconds. Sizes are\n"
	"bytes, or `64k` and `16m` in steps of 1024. Switches are `on` or `off` (also `true`,\n"
	"`yes`, `1`, `false`, `no`, `0`).\n"
	"\n"
	"Secrets are never printed or logged. On the command line other users of the machine\n"
	"can see them: prefer a `_FILE` variable.\n"
	"\n"
	"Unknown variables that begin with `BELFRY_` stop the start, but for those that\n"
	"Kubernetes makes for a service named belfry (`BELFRY_PORT`, `BELFRY_SERVICE_HOST`,\n"
	"...).\n"
	"\n"
	"| key | default | allowed | meaning |\n"
	"|---|---|---|---|\n";

static const char reference_foot[] =
	"\n"
	"`subscribe`: the rule with the channel's own namespace counts, else the one for `*`,\n"
	"else nobody may. `claim` asks the `channels` of the token. A rule `*=any` leaves the\n"
	"namespaces `user` and `conn` at `claim`, because what is sent there is for one\n"
	"person. `publish` is read in the same way, for the clients' `publish`; so are\n"
	"`history` and `inbox`, which are off where no rule fits.\n"
	"\n"
	"Nodes that share a Redis need a `node` each that differs; two on one machine have\n"
	"the same host name.\n"
	"\n"
	"`api_key`: so that the configuration need not hold the key itself, give its hash, from\n"
	"`printf %s KEY | sha256sum` or `tools/token --hash-key KEY`, behind `sha256:`.\n"
	"\n"
	"An address `*:PORT` or `:PORT` is every address of the machine, IPv4 and IPv6;\n"
	"`localhost` is 127.0.0.1. User and password of `redis` may hold any character as\n"
	"`%XX`. `redis+sentinel://` names up to 16 Sentinels (port 26379 unless it is given)\n"
	"and, behind the slash, the master as they know it; user and password are those of\n"
	"the Redis, and a Sentinel is told them only when it asks for a login. TLS\n"
	"(`rediss://`) is not offered.\n";

void config_show_reference(FILE *out)
{
	fputs(reference_head, out);
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++)
		put_reference_row((enum config_key)key, out);
	fputs(reference_foot, out);
}

/* The word with that index between the | of `words`. */
static char *choice_text(const char *words, unsigned index)
{
	struct slice rest = slice_of_text(words);
	struct slice word = slice_cut(&rest, '|');

	while (index--)
		word = slice_cut(&rest, '|');
	ASSERT(!slice_is_absent(word));
	return config_text_copy(word);
}

/* The value as the file would give it, on the heap. Not for lists. */
static char *value_text(const struct config *config, enum config_key key)
{
	const struct config_row *row = &config_rows[key];
	const void *field = config_row_peek(config, key);
	char number[CONFIG_NUMBER_SIZE];

	switch (row->kind) {
	case CONFIG_KIND_COUNT:
	case CONFIG_KIND_SIZE:
	case CONFIG_KIND_DURATION:
		config_value_number_text(row->kind, *(const uint32_t *)field, number);
		return config_text_copy(slice_of_text(number));
	case CONFIG_KIND_SWITCH:
		return config_text_copy(*(const bool *)field ? SLICE("on") : SLICE("off"));
	case CONFIG_KIND_CHOICE:
		return choice_text(row->allowed, *(const unsigned *)field);
	case CONFIG_KIND_REDIS:
		return config_redis_text(&config->redis_server);
	default:
		return config_text_copy(slice_of_text(*(char *const *)field));
	}
}

/* One line of the configuration file; `where` is as in config_place. */
static void put_value(const struct config_draft *draft, enum config_key key, const char *value,
		      const char *where, FILE *out)
{
	const struct config_row *row = &config_rows[key];
	const struct config_origin *origin = &draft->origins[key];
	bool is_hidden = row->flags & CONFIG_SECRET && row->kind != CONFIG_KIND_REDIS;
	bool has_variable =
		origin->level == CONFIG_LEVEL_COMMON || origin->level == CONFIG_LEVEL_ENVIRONMENT;

	/* The file refuses an empty secret: it is left out there. */
	fprintf(out, "%s%s =%s%s  # %s%s%s\n", is_hidden && !value[0] ? "# " : "", row->key,
		value[0] ? " " : "", is_hidden && value[0] ? "***" : value, where,
		has_variable ? " " : "", has_variable ? origin->name : "");
}

static void put_list(const struct config_draft *draft, enum config_key key, FILE *out)
{
	const struct config_list *list = config_row_peek(draft->config, key);
	const struct config_list *places = &draft->origins[key].item_places;

	ASSERT(list->count == places->count);
	for (uint32_t i = 0; i < list->count; i++)
		put_value(draft, key, list->items[i], places->items[i], out);
	if (list->count == 0)
		put_value(draft, key, "", draft->origins[key].where, out);
}

void config_show_values(const struct config_draft *draft, FILE *out)
{
	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		enum config_key key = (enum config_key)i;

		if (config_rows[key].flags & CONFIG_LIST) {
			put_list(draft, key, out);
		} else {
			char *value = value_text(draft->config, key);

			put_value(draft, key, value, draft->origins[key].where, out);
			config_text_wipe(value);
		}
	}
}
