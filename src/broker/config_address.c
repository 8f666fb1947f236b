/* broker/config_address.c - addresses to listen on, and the address of Redis. */
#include "broker/config_address.h"

#include "base/assert.h"
#include "broker/config_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379
#define REDIS_DB_MAX 65535

static bool read_port(struct slice text, uint16_t *ret_port)
{
	uint64_t port;

	if (text.size > 5 || !slice_to_u64(text, &port) || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool copy_host(struct slice host, struct config_address *address)
{
	if (host.size >= sizeof(address->host))
		return false;
	memcpy(address->host, host.bytes, host.size);
	address->host[host.size] = '\0';
	return true;
}

/* One spelling for each address, so that two of them can be compared as text. */
static bool normalize(int family, struct config_address *address)
{
	uint8_t bytes[sizeof(struct in6_addr)];

	return inet_pton(family, address->host, bytes) == 1 &&
	       inet_ntop(family, bytes, address->host, sizeof(address->host)) != NULL;
}

/* Cuts "[host]" off the front of *rest. */
static bool cut_brackets(struct slice *rest, struct slice *ret_host)
{
	const uint8_t *end = rest->size ? memchr(rest->bytes, ']', rest->size) : NULL;

	if (!end || rest->bytes[0] != '[')
		return false;
	*ret_host = slice_of(rest->bytes + 1, (size_t)(end - rest->bytes) - 1);
	*rest = slice_skip(*rest, ret_host->size + 2);
	return true;
}

static const char *parse_ipv6(struct slice text, struct config_address *address)
{
	struct slice rest = text;
	struct slice host;

	if (!cut_brackets(&rest, &host) || !copy_host(host, address) ||
	    !normalize(AF_INET6, address))
		return "is not an IPv6 address in brackets with a port";
	if (rest.size < 2 || rest.bytes[0] != ':' ||
	    !read_port(slice_skip(rest, 1), &address->port))
		return "has no valid port";
	return NULL;
}

static const char *parse_ipv4(struct slice text, struct config_address *address)
{
	const uint8_t *colon = text.size ? memrchr(text.bytes, ':', text.size) : NULL;

	if (!colon)
		return "has no port";
	struct slice host = slice_of(text.bytes, (size_t)(colon - text.bytes));
	if (memchr(host.bytes, ':', host.size))
		return "is an IPv6 address without brackets";
	if (!read_port(slice_skip(text, host.size + 1), &address->port))
		return "has no valid port";
	if (host.size == 0 || slice_equal_text(host, "*"))
		host = SLICE("*");
	else if (slice_equal_fold(host, SLICE("localhost")))
		host = SLICE("127.0.0.1");
	if (!copy_host(host, address))
		return "is not an address";
	if (!slice_equal_text(host, "*") && !normalize(AF_INET, address))
		return "is not an IP address with a port";
	return NULL;
}

const char *config_address_parse(struct slice text, struct config_address *ret_address)
{
	struct config_address address = {"", 0};
	bool has_bracket = text.size && text.bytes[0] == '[';
	const char *wrong = text.size == 0 ? "is empty"
			    : has_bracket  ? parse_ipv6(text, &address)
					   : parse_ipv4(text, &address);

	if (!wrong)
		*ret_address = address;
	return wrong;
}

static bool is_ipv6(const struct config_address *address)
{
	return strchr(address->host, ':') != NULL;
}

void config_address_text(const struct config_address *address, char *out)
{
	snprintf(out, CONFIG_ADDRESS_TEXT_SIZE, is_ipv6(address) ? "[%s]:%u" : "%s:%u",
		 address->host, address->port);
}

bool config_address_is_loopback(const struct config_address *address)
{
	return strncmp(address->host, "127.", 4) == 0 || strcmp(address->host, "::1") == 0 ||
	       strncmp(address->host, "::ffff:127.", 11) == 0;
}

static bool covers(const struct config_address *wide, const struct config_address *narrow)
{
	if (strcmp(wide->host, "*") == 0 || strcmp(wide->host, narrow->host) == 0)
		return true;
	if (strcmp(wide->host, "0.0.0.0") == 0)
		return !is_ipv6(narrow);
	return strcmp(wide->host, "::") == 0 && is_ipv6(narrow);
}

bool config_address_overlaps(const struct config_address *a, const struct config_address *b)
{
	return a->port != 0 && a->port == b->port && (covers(a, b) || covers(b, a));
}

static bool is_host_name(struct slice host)
{
	for (size_t i = 0; i < host.size; i++) {
		uint8_t byte = host.bytes[i];
		bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
		bool is_digit = byte >= '0' && byte <= '9';

		if (!is_letter && !is_digit && !memchr("-._", byte, 3))
			return false;
	}
	return host.size > 0 && host.size < CONFIG_HOST_SIZE;
}

static int hex_digit(uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t folded = byte >= 'A' && byte <= 'F' ? (uint8_t)(byte | 0x20) : byte;
	const char *at = memchr(digits, folded, sizeof(digits) - 1);

	return at ? (int)(at - digits) : -1;
}

/* Decodes %XX (RFC 3986 section 2.1). NULL: a bad one, or a zero byte. */
static char *decode(struct slice text)
{
	char *out = config_text_copy(text);
	size_t size = 0;

	for (size_t i = 0; i < text.size; i++) {
		int byte = text.bytes[i];

		if (byte == '%') {
			int high = i + 2 < text.size ? hex_digit(text.bytes[i + 1]) : -1;
			int low = i + 2 < text.size ? hex_digit(text.bytes[i + 2]) : -1;

			byte = high < 0 || low < 0 ? 0 : high * 16 + low;
			i += 2;
		}
		if (byte == 0) {
			config_text_wipe(out);
			return NULL;
		}
		out[size++] = (char)byte;
	}
	out[size] = '\0';
	return out;
}

static const char *parse_login(struct slice text, struct config_redis *redis)
{
	struct slice rest = text;
	struct slice user = slice_cut(&rest, ':');

	if (slice_is_absent(rest) || rest.size == 0)
		return text.size == 0 || (!slice_is_absent(rest) && user.size == 0)
			       ? NULL
			       : "has a user without a password";
	if (user.size && !(redis->user = decode(user)))
		return "has a % in its user that two hexadecimal digits do not follow";
	if (!(redis->password = decode(rest)))
		return "has a % in its password that two hexadecimal digits do not follow";
	return NULL;
}

/* host[:port] or [IPv6][:port]; *address has the port that counts when there is none. */
static const char *parse_place(struct slice place, struct config_address *address)
{
	struct slice rest = place;
	struct slice host;

	if (cut_brackets(&rest, &host)) {
		if (!copy_host(host, address) || !normalize(AF_INET6, address))
			return "has no valid host";
	} else {
		host = slice_of(rest.bytes, 0);
		while (host.size < rest.size && rest.bytes[host.size] != ':')
			host.size++;
		if (!is_host_name(host) || !copy_host(host, address))
			return "has no valid host";
		rest = slice_skip(rest, host.size);
	}
	if (rest.size && (rest.bytes[0] != ':' || !read_port(slice_skip(rest, 1), &address->port) ||
			  address->port == 0))
		return "has no valid port";
	return NULL;
}

/* Cuts "user:password@" off the front of *text. */
static const char *cut_login(struct slice *text, struct config_redis *redis)
{
	const uint8_t *at = text->size ? memrchr(text->bytes, '@', text->size) : NULL;

	if (!at)
		return NULL;
	struct slice login = slice_of(text->bytes, (size_t)(at - text->bytes));
	*text = slice_skip(*text, login.size + 1);
	return parse_login(login, redis);
}

/* What follows the slash, if anything does. */
static const char *parse_db(struct slice text, struct config_redis *redis)
{
	uint64_t db = 0;

	if (!slice_is_absent(text) && text.size && (!slice_to_u64(text, &db) || db > REDIS_DB_MAX))
		return "has no valid number of a database";
	redis->db = (uint32_t)db;
	return NULL;
}

static const char *parse_url(struct slice text, struct config_redis *redis)
{
	struct config_address address = {"", REDIS_PORT};
	const char *wrong = cut_login(&text, redis);
	struct slice place = slice_cut(&text, '/');

	if (!wrong)
		wrong = parse_db(text, redis);
	if (!wrong)
		wrong = parse_place(place, &address);
	memcpy(redis->host, address.host, sizeof(redis->host));
	redis->port = address.port;
	return wrong;
}

static const char *parse_sentinels(struct slice places, struct config_redis *redis)
{
	struct config_address_list *list = &redis->sentinels;
	const char *wrong = NULL;

	list->items = calloc(CONFIG_SENTINELS_MAX, sizeof(*list->items));
	ASSERT(list->items != NULL);
	while (!wrong && !slice_is_absent(places)) {
		struct slice place = slice_cut(&places, ',');

		if (list->count == CONFIG_SENTINELS_MAX)
			return "has more than 16 Sentinels";
		list->items[list->count].port = SENTINEL_PORT;
		wrong = parse_place(place, &list->items[list->count++]);
	}
	return wrong;
}

static const char *parse_sentinel_url(struct slice text, struct config_redis *redis)
{
	const char *wrong = cut_login(&text, redis);
	struct slice places = slice_cut(&text, '/');
	struct slice master = slice_cut(&text, '/');

	if (!wrong)
		wrong = parse_sentinels(places, redis);
	/* What Sentinel takes for a name is what hosts are made of, too. */
	if (!wrong && (slice_is_absent(master) || !is_host_name(master)))
		wrong = "has no valid name of a master behind its Sentinels";
	if (wrong)
		return wrong;
	redis->master = config_text_copy(master);
	return parse_db(text, redis);
}

const char *config_redis_parse(struct slice text, struct config_redis *ret_redis)
{
	struct config_redis redis = {.on = text.size > 0};
	const char *wrong = NULL;

	if (slice_starts_with(text, SLICE("rediss://")) ||
	    slice_starts_with(text, SLICE("rediss+sentinel://")))
		return "asks for TLS to Redis, which is not offered yet";
	if (slice_starts_with(text, SLICE("redis://")))
		wrong = parse_url(slice_skip(text, 8), &redis);
	else if (slice_starts_with(text, SLICE("redis+sentinel://")))
		wrong = parse_sentinel_url(slice_skip(text, 17), &redis);
	else if (text.size)
		return "is not the URL of a Redis";
	if (wrong)
		config_redis_deinit(&redis);
	else
		*ret_redis = redis;
	return wrong;
}

const char *config_redis_check(struct slice text)
{
	struct config_redis redis = {.on = false};
	const char *wrong = config_redis_parse(text, &redis);

	config_redis_deinit(&redis);
	return wrong;
}

/* The Sentinels with commas between; the caller frees it. */
static char *sentinels_text(const struct config_address_list *sentinels)
{
	char one[CONFIG_ADDRESS_TEXT_SIZE];
	char *text = config_text_copy(SLICE(""));

	for (uint32_t i = 0; i < sentinels->count; i++) {
		config_address_text(&sentinels->items[i], one);
		char *longer = config_text_format("%s%s%s", text, i ? "," : "", one);

		free(text);
		text = longer;
	}
	return text;
}

char *config_redis_text(const struct config_redis *redis)
{
	const char *login = redis->password ? "***@" : "";
	struct config_address address = {.port = redis->port};
	char one[CONFIG_ADDRESS_TEXT_SIZE];

	if (!redis->on)
		return config_text_copy(SLICE(""));
	if (redis->master) {
		char *sentinels = sentinels_text(&redis->sentinels);
		char *text = config_text_format("redis+sentinel://%s%s/%s/%u", login, sentinels,
						redis->master, redis->db);

		free(sentinels);
		return text;
	}
	memcpy(address.host, redis->host, sizeof(address.host));
	config_address_text(&address, one);
	return config_text_format("redis://%s%s/%u", login, one, redis->db);
}

void config_redis_deinit(struct config_redis *redis)
{
	config_text_wipe(redis->user);
	config_text_wipe(redis->password);
	free(redis->sentinels.items);
	free(redis->master);
	*redis = (struct config_redis){.on = false};
}
