/* wire/json.c - a bounded descent checks the text, cheap skips read it. */
#include "wire/json.h"

#include "belfry/limits.h"
#include "wire/json_byte.h"
#include "wire/utf8.h"

struct scan {
	const uint8_t *at;
	const uint8_t *end;
	unsigned depth_max;
};

/* ---- checking ---- */

static bool check_value(struct scan *scan, unsigned depth);

bool json_is_valid_around(struct slice text, unsigned levels)
{
	if (text.size == 0)
		return false;
	struct scan scan = {text.bytes, text.bytes + text.size, JSON_DEPTH_MAX + levels};
	if (!check_value(&scan, 0))
		return false;
	return json_byte_skip_space(scan.at, scan.end) == scan.end;
}

/* Takes this byte, after white space. */
static bool check_byte(struct scan *scan, uint8_t byte)
{
	scan->at = json_byte_skip_space(scan->at, scan->end);
	if (scan->at == scan->end || *scan->at != byte)
		return false;
	scan->at++;
	return true;
}

static bool check_word(struct scan *scan, struct slice word)
{
	size_t left = (size_t)(scan->end - scan->at);

	if (!slice_starts_with(slice_of(scan->at, left), word))
		return false;
	scan->at += word.size;
	return true;
}

static bool check_digits(struct scan *scan)
{
	const uint8_t *start = scan->at;

	while (scan->at < scan->end && json_byte_is_digit(*scan->at))
		scan->at++;
	return scan->at > start;
}

static bool check_number(struct scan *scan)
{
	if (*scan->at == '-')
		scan->at++;
	const uint8_t *start = scan->at;
	if (!check_digits(scan) || (*start == '0' && scan->at - start > 1))
		return false;
	if (scan->at < scan->end && *scan->at == '.') {
		scan->at++;
		if (!check_digits(scan))
			return false;
	}
	if (scan->at == scan->end || (*scan->at | 0x20) != 'e')
		return true;
	scan->at++;
	if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
		scan->at++;
	return check_digits(scan);
}

static bool check_escape(struct scan *scan)
{
	const uint8_t *at = scan->at + 1;

	if (at == scan->end)
		return false;
	if (*at != 'u') {
		scan->at += 2;
		return json_byte_unescape(*at) != 0;
	}
	scan->at += 6;
	return json_byte_read_hex(at + 1, scan->end) >= 0;
}

/* A run of bytes above 0x7F. A sequence that the run cuts short is not UTF-8, since what follows
 * is ASCII; an empty run means a control character. */
static bool check_high(struct scan *scan)
{
	const uint8_t *start = scan->at;

	scan->at = json_byte_skip_high(start, scan->end);
	return scan->at > start && utf8_is_valid(slice_of(start, (size_t)(scan->at - start)));
}

/* From after the opening quote to after the closing one. */
static bool check_string(struct scan *scan)
{
	for (;;) {
		scan->at = json_byte_skip_plain(scan->at, scan->end);
		if (scan->at == scan->end)
			return false;
		if (*scan->at == '"') {
			scan->at++;
			return true;
		}
		if (*scan->at == '\\' ? !check_escape(scan) : !check_high(scan))
			return false;
	}
}

static bool check_array(struct scan *scan, unsigned depth)
{
	if (check_byte(scan, ']'))
		return true;
	do {
		if (!check_value(scan, depth))
			return false;
	} while (check_byte(scan, ','));
	return check_byte(scan, ']');
}

static bool check_object(struct scan *scan, unsigned depth)
{
	if (check_byte(scan, '}'))
		return true;
	do {
		if (!check_byte(scan, '"') || !check_string(scan) || !check_byte(scan, ':') ||
		    !check_value(scan, depth))
			return false;
	} while (check_byte(scan, ','));
	return check_byte(scan, '}');
}

/* Recursion is depth_max deep at most. */
static bool check_value(struct scan *scan, unsigned depth)
{
	scan->at = json_byte_skip_space(scan->at, scan->end);
	if (scan->at == scan->end)
		return false;
	switch (*scan->at) {
	case '"':
		scan->at++;
		return check_string(scan);
	case '{':
		scan->at++;
		return depth < scan->depth_max && check_object(scan, depth + 1);
	case '[':
		scan->at++;
		return depth < scan->depth_max && check_array(scan, depth + 1);
	case 't':
		return check_word(scan, SLICE("true"));
	case 'f':
		return check_word(scan, SLICE("false"));
	case 'n':
		return check_word(scan, SLICE("null"));
	default:
		return check_number(scan);
	}
}

/* ---- reading: the text was checked, but no skip goes past its end even if it was not ---- */

static struct json_value value_of(struct slice text)
{
	static const uint8_t types[256] = {
		['"'] = JSON_STRING,         ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,
		['t'] = JSON_TRUE,           ['f'] = JSON_FALSE,  ['-'] = JSON_NUMBER,
		['0' ... '9'] = JSON_NUMBER,
	};
	return (struct json_value){text.size ? (enum json_type)types[text.bytes[0]] : JSON_NULL,
				   text};
}

struct json_value json_read(struct slice text)
{
	while (text.size > 0 && json_byte_is_space(text.bytes[0]))
		text = slice_skip(text, 1);
	while (text.size > 0 && json_byte_is_space(text.bytes[text.size - 1]))
		text.size--;
	return value_of(text);
}

/* From an opening quote to after the closing one. */
static const uint8_t *skip_string(const uint8_t *at, const uint8_t *end)
{
	for (at++; at < end; at++) {
		if (*at == '"')
			return at + 1;
		if (*at == '\\' && ++at == end)
			return end;
	}
	return end;
}

static const uint8_t *skip_container(const uint8_t *at, const uint8_t *end)
{
	size_t depth = 0;

	while (at < end) {
		uint8_t byte = *at;

		at = byte == '"' ? skip_string(at, end) : at + 1;
		if (byte == '{' || byte == '[')
			depth++;
		else if ((byte == '}' || byte == ']') && --depth == 0)
			return at;
	}
	return end;
}

static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end)
{
	if (*at == '"')
		return skip_string(at, end);
	if (*at == '{' || *at == '[')
		return skip_container(at, end);
	for (at++; at < end && *at != ',' && !json_byte_is_space(*at);)
		at++;
	return at;
}

void json_walk_init(struct json_walk *walk, struct json_value container)
{
	bool walkable = container.type == JSON_OBJECT || container.type == JSON_ARRAY;

	walk->rest = (struct slice){NULL, 0};
	if (walkable && container.text.size >= 2)
		walk->rest = slice_of(container.text.bytes + 1, container.text.size - 2);
}

/* Cuts white space, one `separator` with white space after it, then one value. */
static bool walk_value(struct json_walk *walk, uint8_t separator, struct slice *ret_value)
{
	if (walk->rest.size == 0)
		return false;
	const uint8_t *end = walk->rest.bytes + walk->rest.size;
	const uint8_t *at = json_byte_skip_space(walk->rest.bytes, end);

	if (at < end && *at == separator)
		at = json_byte_skip_space(at + 1, end);
	const uint8_t *value_end = at < end ? skip_value(at, end) : end;

	walk->rest = slice_of(value_end, (size_t)(end - value_end));
	if (at == end)
		return false;
	*ret_value = slice_of(at, (size_t)(value_end - at));
	return true;
}

bool json_walk_member(struct json_walk *walk, struct slice *ret_key, struct json_value *ret_value)
{
	struct slice key;
	struct slice value;

	if (!walk_value(walk, ',', &key) || !walk_value(walk, ':', &value))
		return false;
	*ret_key = key;
	*ret_value = value_of(value);
	return true;
}

bool json_walk_element(struct json_walk *walk, struct json_value *ret_value)
{
	struct slice value;

	if (!walk_value(walk, ',', &value))
		return false;
	*ret_value = value_of(value);
	return true;
}

/* Members with this key, *ret_value is the first; stops looking after `enough`. */
static uint32_t find(struct json_value object, const char *key, uint32_t enough,
		     struct json_value *ret_value)
{
	struct slice plain_key = slice_of_text(key);
	struct json_walk walk;
	struct json_value value;
	struct slice found;
	uint32_t count = 0;

	if (object.type != JSON_OBJECT)
		return 0;
	json_walk_init(&walk, object);
	while (count < enough && json_walk_member(&walk, &found, &value))
		if (json_string_equal(found, plain_key) && count++ == 0)
			*ret_value = value;
	return count;
}

bool json_find(struct json_value object, const char *key, struct json_value *ret_value)
{
	return find(object, key, 1, ret_value) == 1;
}

uint32_t json_count(struct json_value object, const char *key)
{
	struct json_value first;

	return find(object, key, UINT32_MAX, &first);
}

/* ---- strings ---- */

static struct slice inside_quotes(struct slice text)
{
	return text.size < 2 ? SLICE("") : slice_of(text.bytes + 1, text.size - 2);
}

/* Cuts the next piece off the inside of a string: a run of bytes that mean themselves, or what
 * one escape means, in `decoded`. False: a surrogate alone. */
static bool take_piece(struct slice *rest, uint8_t decoded[4], struct slice *ret_piece)
{
	const uint8_t *escape = memchr(rest->bytes, '\\', rest->size);
	size_t run = escape ? (size_t)(escape - rest->bytes) : rest->size;

	if (run > 0) {
		*ret_piece = slice_of(rest->bytes, run);
		*rest = slice_skip(*rest, run);
		return true;
	}
	size_t size = 0;
	size_t taken = json_byte_read_escape(rest->bytes, rest->bytes + rest->size, decoded, &size);

	*rest = slice_skip(*rest, taken);
	*ret_piece = slice_of(decoded, size);
	return taken > 0;
}

bool json_string_equal(struct slice text, struct slice plain_text)
{
	struct slice rest = inside_quotes(text);
	struct slice piece;
	uint8_t decoded[4];

	while (rest.size > 0) {
		if (!take_piece(&rest, decoded, &piece) || !slice_starts_with(plain_text, piece))
			return false;
		plain_text = slice_skip(plain_text, piece.size);
	}
	return plain_text.size == 0;
}

bool json_string_decode(struct slice text, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	struct slice rest = inside_quotes(text);
	struct slice piece;
	uint8_t decoded[4];
	size_t size = 0;

	while (rest.size > 0) {
		if (!take_piece(&rest, decoded, &piece) || piece.size > capacity - size)
			return false;
		memcpy(bytes + size, piece.bytes, piece.size);
		size += piece.size;
	}
	*ret_size = size;
	return true;
}

/* ---- numbers ---- */

/* A number taken apart: all digits, and how many of them stand before the point once the
 * exponent has moved it. */
struct number {
	bool negative;
	struct slice digits; /* with the point in them */
	int64_t whole_count; /* may be negative or more than there are digits */
};

static struct number number_split(struct slice text)
{
	struct number number = {.negative = text.size > 0 && text.bytes[0] == '-'};
	struct slice exponent = slice_skip(text, number.negative);
	int64_t moved = 0;

	while (exponent.size > 0 && (exponent.bytes[0] | 0x20) != 'e')
		exponent = slice_skip(exponent, 1);
	number.digits =
		slice_of(text.bytes + number.negative, text.size - number.negative - exponent.size);
	for (size_t i = 1; i < exponent.size; i++)
		if (json_byte_is_digit(exponent.bytes[i]) && moved < INT64_MAX / 100)
			moved = moved * 10 + exponent.bytes[i] - '0';
	if (exponent.size > 1 && exponent.bytes[1] == '-')
		moved = -moved;
	struct slice whole = number.digits;
	number.whole_count = (int64_t)slice_cut(&whole, '.').size + moved;
	return number;
}

/* The digits before the moved point as a number, plus one if `up` and any after it is not 0.
 * False: over 2^63. */
static bool number_magnitude(const struct number *number, bool up, uint64_t *ret_magnitude)
{
	const uint64_t most = (uint64_t)1 << 63;
	uint64_t magnitude = 0;
	int64_t position = 0;
	bool rest = false;

	for (size_t i = 0; i < number->digits.size; i++) {
		unsigned digit = (unsigned)number->digits.bytes[i] - '0';

		if (digit > 9)
			continue;
		if (position++ >= number->whole_count)
			rest = rest || digit > 0;
		else if (magnitude > (most - digit) / 10)
			return false;
		else
			magnitude = magnitude * 10 + digit;
	}
	for (; magnitude > 0 && position < number->whole_count; position++) {
		if (magnitude > most / 10)
			return false;
		magnitude *= 10;
	}
	*ret_magnitude = magnitude + (up && rest);
	return *ret_magnitude <= most;
}

bool json_number_to_i64(struct json_value value, int64_t *ret_number)
{
	uint64_t magnitude;

	if (value.type != JSON_NUMBER)
		return false;
	struct number number = number_split(value.text);
	if (!number_magnitude(&number, number.negative, &magnitude))
		return false;
	if (magnitude > INT64_MAX && !number.negative)
		return false;
	*ret_number = number.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

/* ---- writing ---- */

static void write_escape(struct writer *writer, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";
	static const char shorts[128] = {
		['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
		['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
	};
	char escape[6] = {'\\', shorts[byte], '0', '0', hex[byte >> 4], hex[byte & 0xF]};

	if (escape[1] == 0) {
		escape[1] = 'u';
		writer_bytes(writer, escape, 6);
	} else {
		writer_bytes(writer, escape, 2);
	}
}

/* A run of bytes above 0x7F: as it is when it is UTF-8, else its characters one by one, and
 * U+FFFD for each byte that starts none. */
static void write_high(struct writer *writer, struct slice run)
{
	if (utf8_is_valid(run)) {
		writer_slice(writer, run);
		return;
	}
	while (run.size > 0) {
		size_t size = 4;

		while (size > 1 && (size > run.size || !utf8_is_valid(slice_of(run.bytes, size))))
			size--;
		writer_slice(writer, size > 1 ? slice_of(run.bytes, size) : SLICE("\xEF\xBF\xBD"));
		run = slice_skip(run, size);
	}
}

void json_write_string(struct writer *writer, struct slice plain_text)
{
	const uint8_t *at = plain_text.size > 0 ? plain_text.bytes : (const uint8_t *)"";
	const uint8_t *end = at + plain_text.size;

	writer_text(writer, "\"");
	while (at < end) {
		const uint8_t *start = at;

		at = json_byte_skip_plain(at, end);
		writer_bytes(writer, start, (size_t)(at - start));
		start = at;
		at = json_byte_skip_high(at, end);
		write_high(writer, slice_of(start, (size_t)(at - start)));
		if (at == start && at < end)
			write_escape(writer, *at++);
	}
	writer_text(writer, "\"");
}
