/* tests/fuzz/json_fuzz.c - JSON text from anybody: checked, walked, decoded, written again.
 *
 * A second, plain reader says whether the text is JSON (RFC 8259); both must agree. Of what is
 * valid every value is walked to its end, and a string that can be decoded is the same after it
 * was written and decoded again.
 */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "belfry/limits.h"
#include "wire/json.h"
#include "wire/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* ---- the plain reader: each function moves on past what it reads, or says no ---- */

struct plain {
	const uint8_t *at, *end;
	uint32_t depth;
};

static bool read_value(struct plain *plain);

static void skip_blanks(struct plain *plain)
{
	while (plain->at < plain->end && memchr(" \t\r\n", *plain->at, 4))
		plain->at++;
}

static bool take(struct plain *plain, uint8_t byte)
{
	if (plain->at == plain->end || *plain->at != byte)
		return false;
	plain->at++;
	return true;
}

static bool read_word(struct plain *plain, const char *word)
{
	for (; *word; word++)
		if (!take(plain, (uint8_t)*word))
			return false;
	return true;
}

static bool read_digits(struct plain *plain)
{
	const uint8_t *start = plain->at;

	while (plain->at < plain->end && *plain->at >= '0' && *plain->at <= '9')
		plain->at++;
	return plain->at > start;
}

static bool read_number(struct plain *plain)
{
	take(plain, '-');
	if (!take(plain, '0') && !read_digits(plain))
		return false;
	if (take(plain, '.') && !read_digits(plain))
		return false;
	if (!take(plain, 'e') && !take(plain, 'E'))
		return true;
	if (!take(plain, '+'))
		take(plain, '-');
	return read_digits(plain);
}

static bool read_escape(struct plain *plain)
{
	if (plain->at == plain->end)
		return false;
	if (*plain->at != 'u')
		return memchr("\"\\/bfnrt", *plain->at++, 8) != NULL;
	plain->at++;
	for (int i = 0; i < 4; i++)
		if (plain->at == plain->end || !isxdigit(*plain->at++))
			return false;
	return true;
}

static bool read_string(struct plain *plain)
{
	if (!take(plain, '"'))
		return false;
	while (plain->at < plain->end && *plain->at >= 0x20) {
		uint8_t byte = *plain->at++;

		if (byte == '"')
			return true;
		if (byte == '\\' && !read_escape(plain))
			return false;
	}
	return false;
}

static bool read_member(struct plain *plain, bool has_name)
{
	if (!has_name)
		return read_value(plain);
	skip_blanks(plain);
	if (!read_string(plain))
		return false;
	skip_blanks(plain);
	return take(plain, ':') && read_value(plain);
}

static bool read_container(struct plain *plain, bool has_names)
{
	uint8_t close = has_names ? '}' : ']';
	bool is_good;

	plain->at++;
	if (++plain->depth > JSON_DEPTH_MAX)
		return false;
	skip_blanks(plain);
	is_good = take(plain, close);
	while (!is_good) {
		if (!read_member(plain, has_names))
			return false;
		is_good = take(plain, close);
		if (!is_good && !take(plain, ','))
			return false;
	}
	plain->depth--;
	return true;
}

static bool read_bare(struct plain *plain)
{
	if (plain->at == plain->end)
		return false;
	switch (*plain->at) {
	case '{':
		return read_container(plain, true);
	case '[':
		return read_container(plain, false);
	case '"':
		return read_string(plain);
	case 't':
		return read_word(plain, "true");
	case 'f':
		return read_word(plain, "false");
	case 'n':
		return read_word(plain, "null");
	default:
		return read_number(plain);
	}
}

static bool read_value(struct plain *plain)
{
	skip_blanks(plain);
	if (!read_bare(plain))
		return false;
	skip_blanks(plain);
	return true;
}

static bool is_json(struct slice text)
{
	struct plain plain = {text.bytes, text.bytes + text.size, 0};

	return utf8_is_valid(text) && read_value(&plain) && plain.at == plain.end;
}

/* ---- what is valid ---- */

static void check_string(struct slice text)
{
	uint8_t *decoded = malloc(text.size), *again = malloc(text.size);
	uint8_t *written = malloc(6 * text.size);
	size_t size, again_size;
	struct writer writer;

	ASSERT(decoded && again && written);
	if (json_string_decode(text, decoded, text.size, &size)) {
		ASSERT(json_string_equal(text, slice_of(decoded, size)));
		writer_init(&writer, written, 6 * text.size);
		json_write_string(&writer, slice_of(decoded, size));
		ASSERT(!writer.overflow && json_is_valid(writer_written(&writer)));
		ASSERT(json_string_decode(writer_written(&writer), again, text.size, &again_size));
		ASSERT(again_size == size && memcmp(again, decoded, size) == 0);
	}
	free(decoded);
	free(again);
	free(written);
}

static void check_value(struct json_value value, uint32_t depth)
{
	struct json_walk walk;
	struct json_value inner;
	struct slice key;
	int64_t number;

	ASSERT(depth <= JSON_DEPTH_MAX && json_is_valid(value.text));
	if (value.type == JSON_STRING)
		check_string(value.text);
	if (value.type != JSON_NUMBER)
		ASSERT(!json_number_to_i64(value, &number));
	json_walk_init(&walk, value);
	while (value.type == JSON_ARRAY && json_walk_element(&walk, &inner))
		check_value(inner, depth + 1);
	while (value.type == JSON_OBJECT && json_walk_member(&walk, &key, &inner)) {
		check_string(key);
		check_value(inner, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct slice text = slice_of(bytes, size);

	ASSERT(json_is_valid(text) == is_json(text));
	if (size < 4096 && json_is_valid(text)) /* each value is checked again by itself */
		check_value(json_read(text), 0);
	return 0;
}
