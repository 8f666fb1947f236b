/* broker/config_table.c - CONFIG_TABLE as rows. */
#include "broker/config_table.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "broker/config_value.h"

#include <stdio.h>

#define TYPED_MAX 48 /* longer names are not near any key */

const struct config_row config_rows[CONFIG_KEY_COUNT] = {
#define X(key, kind, field, ...) \
	{#key, CONFIG_KIND_##kind, offsetof(struct config, field), __VA_ARGS__},
	CONFIG_TABLE(X)
#undef X
};

static char letter(char byte, enum config_form form)
{
	if (form == CONFIG_FORM_OPTION)
		return byte == '_' ? '-' : byte;
	if (form == CONFIG_FORM_ENVIRONMENT && byte >= 'a' && byte <= 'z')
		return (char)(byte - 'a' + 'A');
	return byte;
}

const char *config_row_name(enum config_key key, enum config_form form, char *out)
{
	static const char *const starts[] = {"", "--", "BELFRY_"};
	int size = snprintf(out, CONFIG_NAME_SIZE, "%s%s", starts[form], config_rows[key].key);

	ASSERT(size > 0 && size < CONFIG_NAME_SIZE);
	for (char *at = out + strlen(starts[form]); *at; at++)
		*at = letter(*at, form);
	return out;
}

enum config_key config_row_find(struct slice name, enum config_form form)
{
	char known[CONFIG_NAME_SIZE];
	unsigned key = 0;

	while (key < CONFIG_KEY_COUNT &&
	       !slice_equal_text(name, config_row_name((enum config_key)key, form, known)))
		key++;
	return (enum config_key)key;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance from `typed` to the nearest beginning of `known`: whoever stops early
 * ("--hart") means the key that starts like it. */
static unsigned distance(struct slice typed, const char *known)
{
	unsigned row[TYPED_MAX + 1];
	unsigned nearest = (unsigned)typed.size;

	for (unsigned i = 0; i <= typed.size; i++)
		row[i] = i;
	for (unsigned j = 0; known[j]; j++) {
		unsigned diagonal = row[0]++;

		for (unsigned i = 1; i <= typed.size; i++) {
			unsigned differs = typed.bytes[i - 1] != (uint8_t)known[j];
			unsigned edits = least(row[i] + 1, row[i - 1] + 1, diagonal + differs);

			diagonal = row[i];
			row[i] = edits;
		}
		if (row[typed.size] < nearest)
			nearest = row[typed.size];
	}
	return nearest;
}

enum config_key config_row_nearest(struct slice name, enum config_form form)
{
	char start[CONFIG_NAME_SIZE];
	char known[CONFIG_NAME_SIZE];
	enum config_key nearest = CONFIG_KEY_COUNT;

	/* What every name of the form begins with says nothing about which one is meant. */
	size_t skip = strlen(config_row_name((enum config_key)0, form, start)) -
		      strlen(config_rows[0].key);
	if (name.size <= skip || name.size - skip > TYPED_MAX)
		return nearest;
	struct slice typed = slice_skip(name, skip);
	unsigned fewest = (unsigned)(typed.size + 2) / 3 + 1;

	if (fewest > typed.size)
		fewest = (unsigned)typed.size;
	for (unsigned key = 0; key < CONFIG_KEY_COUNT; key++) {
		const char *name_only = config_row_name((enum config_key)key, form, known) + skip;
		/* Hardly anybody gets the first letter wrong. */
		unsigned edits =
			distance(typed, name_only) + (typed.bytes[0] != (uint8_t)name_only[0]);

		if (edits < fewest) {
			fewest = edits;
			nearest = (enum config_key)key;
		}
	}
	return nearest;
}

/* "jwt|none" reads "jwt or none", "a|b|c" reads "a, b or c". */
static void write_words(const char *words, char *out)
{
	struct slice rest = slice_of_text(words);
	const char *before = "";
	size_t used = 0;

	while (!slice_is_absent(rest)) {
		struct slice word = slice_cut(&rest, '|');
		int size = snprintf(out + used, CONFIG_ALLOWED_SIZE - used, "%s%.*s", before,
				    (int)word.size, (const char *)word.bytes);

		ASSERT(size > 0 && (size_t)size < CONFIG_ALLOWED_SIZE - used);
		used += (size_t)size;
		before =
			slice_is_absent(rest) || memchr(rest.bytes, '|', rest.size) ? ", " : " or ";
	}
}

static void write_range(const struct config_row *row, char *out)
{
	char min[CONFIG_NUMBER_SIZE];
	char max[CONFIG_NUMBER_SIZE];

	config_value_number_text(row->kind, row->min, min);
	config_value_number_text(row->kind, row->max, max);
	snprintf(out, CONFIG_ALLOWED_SIZE, "%s%s..%s", row->flags & CONFIG_ZERO ? "0 or " : "", min,
		 max);
}

const char *config_row_allowed(enum config_key key, char *out)
{
	const struct config_row *row = &config_rows[key];

	ASSERT(row->allowed != NULL);
	if (row->allowed[0])
		write_words(row->allowed, out);
	else if (row->kind == CONFIG_KIND_SWITCH)
		snprintf(out, CONFIG_ALLOWED_SIZE, "on or off");
	else
		write_range(row, out);
	return out;
}
