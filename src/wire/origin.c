/* wire/origin.c - reads origins and compares them. */
#include "wire/origin.h"

#include "belfry/config.h"
#include "belfry/limits.h"
#include "wire/http_head.h"

struct authority {
	struct slice host; /* an IPv6 address with its brackets */
	uint64_t port;     /* 0: not given */
};

struct origin {
	struct slice scheme;
	struct slice host;
	uint64_t port; /* the scheme's own when none is given; 0: it has none */
};

static bool is_letter_or_digit(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

/* A name or an IPv4 address: labels with one point between two. Browsers send names of other
 * alphabets in their ASCII form. */
static bool is_name(struct slice host)
{
	bool after_point = true;

	for (size_t i = 0; i < host.size; i++) {
		uint8_t byte = host.bytes[i];

		if (byte == '.' && after_point)
			return false;
		if (byte != '.' && byte != '-' && byte != '_' && !is_letter_or_digit(byte))
			return false;
		after_point = byte == '.';
	}
	return host.size > 0;
}

/* [::1]: not looked at closely, as it is only compared. */
static bool is_bracketed(struct slice host)
{
	if (host.size < 4 || host.bytes[0] != '[' || host.bytes[host.size - 1] != ']')
		return false;
	for (size_t i = 1; i < host.size - 1; i++) {
		uint8_t byte = host.bytes[i];

		if (byte != ':' && byte != '.' && !is_letter_or_digit(byte))
			return false;
	}
	return true;
}

static bool read_port(struct slice text, uint64_t *ret_port)
{
	uint64_t port;

	if (text.size == 0 || text.size > 5 || text.bytes[0] == '0' || !slice_to_u64(text, &port) ||
	    port > UINT16_MAX)
		return false;
	*ret_port = port;
	return true;
}

/* host[:port]; the host is not looked at. */
static bool cut_authority(struct slice text, struct authority *ret)
{
	bool in_brackets = text.size > 0 && text.bytes[0] == '[';
	struct authority authority = {{text.bytes, 0}, 0};
	size_t end = 0;

	while (end < text.size && (in_brackets || text.bytes[end] != ':')) {
		if (text.bytes[end] == ']')
			in_brackets = false;
		end++;
	}
	authority.host.size = end;
	if (end < text.size && !read_port(slice_skip(text, end + 1), &authority.port))
		return false;
	*ret = authority;
	return true;
}

static bool is_http(struct slice scheme)
{
	return slice_equal_fold(scheme, SLICE("http")) || slice_equal_fold(scheme, SLICE("https"));
}

static uint64_t port_of_scheme(struct slice scheme)
{
	return !is_http(scheme) ? 0 : scheme.size == 4 ? 80 : 443;
}

static bool is_scheme(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!is_letter_or_digit(text.bytes[i]) &&
		    (i == 0 || !memchr("+-.", text.bytes[i], 3)))
			return false;
	return text.size > 0;
}

/* scheme://host[:port], the host unchecked. */
static bool cut_origin(struct slice text, struct origin *ret)
{
	struct slice rest = text;
	struct slice scheme = slice_cut(&rest, ':');
	struct authority authority;

	if (slice_is_absent(rest) || !is_scheme(scheme) || !slice_starts_with(rest, SLICE("//")) ||
	    !cut_authority(slice_skip(rest, 2), &authority))
		return false;
	*ret = (struct origin){scheme, authority.host,
			       authority.port ? authority.port : port_of_scheme(scheme)};
	return true;
}

static bool origin_parse(struct slice text, struct origin *ret)
{
	struct origin origin;

	if (!cut_origin(text, &origin) || (!is_name(origin.host) && !is_bracketed(origin.host)))
		return false;
	*ret = origin;
	return true;
}

/* Of *.suffix: ".suffix"; absent when the host is no pattern. */
static struct slice suffix_of(struct slice host)
{
	return slice_starts_with(host, SLICE("*.")) ? slice_skip(host, 1) : (struct slice){NULL, 0};
}

static bool host_matches(struct slice rule, struct slice host)
{
	struct slice suffix = suffix_of(rule);

	if (slice_is_absent(suffix))
		return slice_equal_fold(rule, host);
	return host.size > suffix.size &&
	       slice_equal_fold(slice_skip(host, host.size - suffix.size), suffix);
}

bool origin_matches(struct slice rule, struct slice origin)
{
	struct origin asked;
	struct origin allowed;

	if (slice_equal_fold(origin, SLICE("null")))
		return slice_equal_text(rule, "null");
	if (slice_equal_text(rule, "*"))
		return true;
	if (!cut_origin(rule, &allowed) || !origin_parse(origin, &asked))
		return false;
	return slice_equal_fold(allowed.scheme, asked.scheme) && allowed.port == asked.port &&
	       host_matches(allowed.host, asked.host);
}

bool origin_is_rule(struct slice text)
{
	struct origin rule;

	if (slice_equal_text(text, "*") || slice_equal_text(text, "null"))
		return true;
	if (text.size > ORIGIN_SIZE_MAX || !cut_origin(text, &rule))
		return false;
	struct slice suffix = suffix_of(rule.host);

	if (slice_is_absent(suffix))
		return is_name(rule.host) || is_bracketed(rule.host);
	return is_name(slice_skip(suffix, 1));
}

/* 80 and 443 as the port of their scheme, or no port in Host, are one: 0. */
static uint64_t plain_port(uint64_t port)
{
	return port == 80 || port == 443 ? 0 : port;
}

static bool is_same_host(struct slice origin, struct slice host)
{
	struct authority asked;
	struct origin page;

	if (slice_is_absent(host) || !cut_authority(host, &asked) || !origin_parse(origin, &page) ||
	    !is_http(page.scheme) || !slice_equal_fold(asked.host, page.host))
		return false;
	if (asked.port == page.port)
		return true;
	return page.port == port_of_scheme(page.scheme) && plain_port(asked.port) == 0;
}

/* It goes into headers of ours. */
static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.bytes[i] <= ' ' || text.bytes[i] >= 0x7f)
			return false;
	return text.size > 0 && text.size <= ORIGIN_SIZE_MAX;
}

enum origin_verdict origin_judge(const struct config_list *rules, const struct http_head *head)
{
	uint32_t count = http_head_count(head, "Origin");
	struct slice origin = http_head_find(head, "Origin");
	enum origin_verdict verdict = ORIGIN_REFUSED;

	if (count == 0)
		return ORIGIN_NONE;
	if (count > 1 || !is_printable(origin))
		return ORIGIN_REFUSED;
	if (rules->count == 0)
		return is_same_host(origin, http_head_find(head, "Host")) ? ORIGIN_SAME
									  : ORIGIN_REFUSED;
	for (uint32_t i = 0; i < rules->count; i++) {
		struct slice rule = slice_of_text(rules->items[i]);

		if (!origin_matches(rule, origin))
			continue;
		if (!slice_equal_text(rule, "*"))
			return ORIGIN_LISTED;
		verdict = ORIGIN_ANY;
	}
	return verdict;
}
