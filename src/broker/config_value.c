/* broker/config_value.c - one value of a configuration key. */
#include "broker/config_value.h"

#include "base/assert.h"
#include "belfry/limits.h"
#include "broker/config_address.h"
#include "wire/digest.h"
#include "wire/ip.h"
#include "wire/origin.h"
#include "wire/socket_io.h"

#include <stdio.h>

#define PATH_SIZE_MAX 4000
#define NAME_SIZE_MAX 1000
#define CLAIM_SIZE_MAX 255

/* Units from the smallest to the largest; the one without a suffix is what a bare number means. */
struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit count_units[] = {{"", 1}, {NULL, 0}};
static const struct unit size_units[] = {{"", 1}, {"k", 1u << 10}, {"m", 1u << 20}, {NULL, 0}};
static const struct unit duration_units[] = {
	{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {NULL, 0},
};

static const struct unit *units_of(enum config_kind kind)
{
	switch (kind) {
	case CONFIG_KIND_SIZE:
		return size_units;
	case CONFIG_KIND_DURATION:
		return duration_units;
	default:
		ASSERT(kind == CONFIG_KIND_COUNT);
		return count_units;
	}
}

static const char *not_a_number(enum config_kind kind)
{
	switch (kind) {
	case CONFIG_KIND_SIZE:
		return "is not a size";
	case CONFIG_KIND_DURATION:
		return "is not a duration";
	default:
		return "is not a number";
	}
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

const char *config_value_number(enum config_kind kind, struct slice text, uint64_t *ret_value)
{
	const struct unit *unit = units_of(kind);
	struct slice digits = {text.bytes, 0};
	uint64_t value = 0;

	while (digits.size < text.size && is_digit(text.bytes[digits.size]))
		digits.size++;
	if (digits.size == 0)
		return not_a_number(kind);
	struct slice suffix = slice_skip(text, digits.size);
	while (unit->suffix &&
	       !(kind == CONFIG_KIND_SIZE ? slice_equal_fold(suffix, slice_of_text(unit->suffix))
					  : slice_equal_text(suffix, unit->suffix)))
		unit++;
	if (!unit->suffix)
		return not_a_number(kind);
	if (!slice_to_u64(digits, &value) || __builtin_mul_overflow(value, unit->factor, &value))
		return "is too large";
	*ret_value = value;
	return NULL;
}

void config_value_number_text(enum config_kind kind, uint64_t value, char *out)
{
	const struct unit *best = NULL;

	for (const struct unit *unit = units_of(kind); unit->suffix; unit++)
		if ((!best || unit->factor > best->factor) && value && value % unit->factor == 0)
			best = unit;
	snprintf(out, CONFIG_NUMBER_SIZE, "%llu%s",
		 (unsigned long long)(best ? value / best->factor : value),
		 best ? best->suffix : "");
}

const char *config_value_switch(struct slice text, bool *ret_on)
{
	static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (slice_equal_fold(text, slice_of_text(words[i]))) {
			*ret_on = i % 2 == 1;
			return NULL;
		}
	return "is neither on nor off";
}

const char *config_value_choice(struct slice text, const char *words, unsigned *ret_index)
{
	struct slice rest = slice_of_text(words);

	for (unsigned index = 0; !slice_is_absent(rest); index++)
		if (slice_equal_fold(text, slice_cut(&rest, '|'))) {
			*ret_index = index;
			return NULL;
		}
	return text.size ? "is not known" : "is empty";
}

/* Printable, without blanks: what a key of Redis, an API key and a namespace have in common. */
static bool is_one_word(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.bytes[i] <= ' ' || text.bytes[i] == 0x7f)
			return false;
	return text.size > 0;
}

/* "user" and "conn" are addresses of one person or one connection: open to all they would let
 * anybody read what was sent to somebody else, or write to everybody. */
static bool is_private(struct slice pattern)
{
	return slice_equal_text(pattern, "user") || slice_equal_text(pattern, "conn");
}

/* What stands before and behind the =, trimmed. */
static const char *cut_pattern(struct slice text, struct slice *ret_pattern, struct slice *ret_rest)
{
	struct slice rest = text;
	struct slice pattern = slice_trim(slice_cut(&rest, '='));

	if (slice_is_absent(rest))
		return "is not a rule";
	if (!is_one_word(pattern) || pattern.size > CHANNEL_SIZE_MAX ||
	    memchr(pattern.bytes, ':', pattern.size))
		return "does not begin with the name of a namespace";
	*ret_pattern = pattern;
	*ret_rest = slice_trim(rest);
	return NULL;
}

const char *config_value_rule(struct slice text, struct slice *ret_pattern,
			      enum config_who *ret_who)
{
	struct slice pattern;
	struct slice rest;
	unsigned who = 0;
	const char *wrong = cut_pattern(text, &pattern, &rest);

	if (wrong)
		return wrong;
	if (config_value_choice(rest, "any|claim|none", &who))
		return "does not end with any, claim or none";
	if (who == CONFIG_WHO_ANY && is_private(pattern))
		return "would open to everybody what belongs to one user or connection";
	*ret_pattern = pattern;
	*ret_who = (enum config_who)who;
	return NULL;
}

const char *config_value_namespace_switch(struct slice text, struct slice *ret_pattern,
					  bool *ret_on)
{
	struct slice pattern;
	struct slice rest;
	const char *wrong = cut_pattern(text, &pattern, &rest);

	if (wrong)
		return wrong;
	if (config_value_switch(rest, ret_on))
		return "does not end with on or off";
	*ret_pattern = pattern;
	return NULL;
}

static const char *check_number(const struct config_row *row, struct slice text)
{
	uint64_t value = 0;
	const char *wrong = config_value_number(row->kind, text, &value);

	if (wrong)
		return wrong;
	if (value == 0 && row->flags & CONFIG_ZERO)
		return NULL;
	return value < row->min ? "is too small" : value > row->max ? "is too large" : NULL;
}

static const char *check_switch(struct slice text)
{
	bool on;

	return config_value_switch(text, &on);
}

static const char *check_size(const struct config_row *row, struct slice text)
{
	if (text.size == 0)
		return "is empty";
	return text.size < row->min ? "is too short" : text.size > row->max ? "is too long" : NULL;
}

static const char *check_api_key(const struct config_row *row, struct slice text)
{
	const char *wrong = check_size(row, text);
	struct slice prefix = SLICE(CONFIG_HASHED_KEY);
	uint8_t hash[SHA256_SIZE];

	if (wrong || !is_one_word(text))
		return wrong ? wrong : "has a blank in it";
	if (!slice_starts_with(text, prefix))
		return NULL;
	return digest_read_sha256(slice_skip(text, prefix.size), hash)
		       ? NULL
		       : "has no 64 hexadecimal digits after sha256:";
}

static const char *check_stream(struct slice text)
{
	if (text.size == 0)
		return "is empty";
	return text.size > 255 ? "is too long" : is_one_word(text) ? NULL : "has a blank in it";
}

/* Empty: the host name. */
static const char *check_node(const struct config_row *row, struct slice text)
{
	if (text.size == 0 || is_one_word(text))
		return text.size > row->max ? "is too long" : NULL;
	return "has a blank in it";
}

static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.bytes[i] < ' ' || text.bytes[i] == 0x7f)
			return false;
	return true;
}

/* Empty: none. */
static const char *check_path(const struct config_row *row, struct slice text)
{
	return !is_printable(text)    ? "is not printable"
	       : text.size > row->max ? "is too long"
				      : NULL;
}

void config_value_key_file(struct slice text, struct slice *ret_kid, struct slice *ret_path)
{
	struct slice rest = text;
	struct slice kid = slice_trim(slice_cut(&rest, '='));

	/* A = in the path itself stands behind its first slash. */
	if (slice_is_absent(rest) || memchr(kid.bytes, '/', kid.size)) {
		*ret_kid = (struct slice){NULL, 0};
		*ret_path = text;
		return;
	}
	*ret_kid = kid;
	*ret_path = slice_trim(rest);
}

static const char *check_key_file(struct slice text)
{
	struct slice kid;
	struct slice path;

	config_value_key_file(text, &kid, &path);
	if (!slice_is_absent(kid) && kid.size == 0)
		return "has no kid before the =";
	if (kid.size > KID_SIZE_MAX || path.size > PATH_SIZE_MAX)
		return "is too long";
	return path.size == 0 ? "names no file" : is_printable(text) ? NULL : "is not printable";
}

static const char *check_name(struct slice text)
{
	return text.size > NAME_SIZE_MAX ? "is too long"
	       : is_one_word(text)       ? NULL
					 : "has a blank in it";
}

/* Empty: none. */
static const char *check_claim(struct slice text)
{
	return text.size > CLAIM_SIZE_MAX ? "is too long"
	       : is_printable(text)       ? NULL
					  : "is not printable";
}

/* A token of RFC 9110 section 5.6.2, as RFC 6265 section 4.1.1 asks of the name of a cookie. */
static const char *check_cookie(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.bytes[i] <= ' ' || text.bytes[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?={}", text.bytes[i]))
			return "is not the name of a cookie";
	return text.size > 255 ? "is too long" : NULL;
}

static const char *check_origin(struct slice text)
{
	const uint8_t *scheme = text.size ? memchr(text.bytes, ':', text.size) : NULL;

	if (origin_is_rule(text))
		return NULL;
	if (!scheme)
		return "is not an origin";
	struct slice rest = slice_skip(text, (size_t)(scheme - text.bytes) + 1);

	if (!slice_starts_with(rest, SLICE("//")) || rest.size == 2)
		return "is not an origin";
	for (size_t i = 2; i < rest.size; i++)
		if (strchr("/?#@", rest.bytes[i]))
			return "is more than an origin";
	return memchr(rest.bytes, '*', rest.size) ? "has a * that is not the first label of a host"
						  : "is not an origin";
}

static const char *check_word(const struct config_row *row, struct slice text)
{
	unsigned index;

	return config_value_choice(text, row->allowed, &index);
}

static const char *check_rule(struct slice text)
{
	struct slice pattern;
	enum config_who who;

	return config_value_rule(text, &pattern, &who);
}

static const char *check_network(struct slice text)
{
	struct ip_network network;

	return ip_parse_network(text, &network)
		       ? NULL
		       : "is neither an address nor a network without a bit set behind its prefix";
}

static const char *check_namespace_switch(struct slice text)
{
	struct slice pattern;
	bool on;

	return config_value_namespace_switch(text, &pattern, &on);
}

static const char *check_text(const struct config_row *row, struct slice text)
{
	struct config_address address;

	switch (row->kind) {
	case CONFIG_KIND_ADMIN:
		return slice_equal_text(text, "off") ? NULL : config_address_parse(text, &address);
	case CONFIG_KIND_REDIS:
		return config_redis_check(text);
	case CONFIG_KIND_STREAM:
		return check_stream(text);
	case CONFIG_KIND_PATH:
		return check_path(row, text);
	case CONFIG_KIND_NODE:
		return check_node(row, text);
	case CONFIG_KIND_COOKIE:
		return check_cookie(text);
	case CONFIG_KIND_CLAIM:
		return check_claim(text);
	default:
		ASSERT(row->kind == CONFIG_KIND_SECRET);
		return check_size(row, text);
	}
}

static const char *check_item(const struct config_row *row, struct slice text)
{
	struct config_address address;

	switch (row->kind) {
	case CONFIG_KIND_ADDRESSES:
		return config_address_parse(text, &address);
	case CONFIG_KIND_ALGORITHMS:
		return check_word(row, text);
	case CONFIG_KIND_ORIGINS:
		return check_origin(text);
	case CONFIG_KIND_NAMESPACES:
		return socket_io_namespace_is_valid(text) && text.size > 1 ? NULL
									   : "is no namespace";
	case CONFIG_KIND_NETWORKS:
		return check_network(text);
	case CONFIG_KIND_RULES:
		return check_rule(text);
	case CONFIG_KIND_KEY_FILES:
		return check_key_file(text);
	case CONFIG_KIND_NAMES:
		return check_name(text);
	case CONFIG_KIND_SWITCHES:
		return check_namespace_switch(text);
	default:
		ASSERT(row->kind == CONFIG_KIND_KEYS);
		return check_api_key(row, text);
	}
}

const char *config_value_check(enum config_key key, struct slice text)
{
	const struct config_row *row = &config_rows[key];

	ASSERT(!slice_is_absent(text));
	if (memchr(text.bytes, '\0', text.size))
		return "has a zero byte in it";
	if (row->flags & CONFIG_LIST)
		return check_item(row, text);
	switch (row->kind) {
	case CONFIG_KIND_COUNT:
	case CONFIG_KIND_SIZE:
	case CONFIG_KIND_DURATION:
		return check_number(row, text);
	case CONFIG_KIND_SWITCH:
		return check_switch(text);
	case CONFIG_KIND_CHOICE:
		return check_word(row, text);
	default:
		return check_text(row, text);
	}
}
