/* tests/unit/broker/config_address_test.c - addresses to listen on, and the URL of Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/config_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_address(const char *text, const char *host, uint16_t port)
{
	struct config_address address = {"", 0};
	const char *wrong = config_address_parse(slice_of_text(text), &address);

	if (wrong)
		fail_msg("\"%s\" %s", text, wrong);
	assert_string_equal(address.host, host);
	assert_int_equal(address.port, port);
}

static void check_no_address(const char *text, const char *expected)
{
	struct config_address address = {"untouched", 7};
	const char *wrong = config_address_parse(slice_of_text(text), &address);

	if (!wrong)
		fail_msg("\"%s\" is taken as %s", text, address.host);
	assert_string_equal(wrong, expected);
	assert_string_equal(address.host, "untouched");
}

static void addresses(void **state)
{
	(void)state;
	check_address("127.0.0.1:8080", "127.0.0.1", 8080);
	check_address("0.0.0.0:0", "0.0.0.0", 0);
	check_address("10.1.2.3:65535", "10.1.2.3", 65535);
	check_address(":80", "*", 80);
	check_address("*:80", "*", 80);
	check_address("localhost:80", "127.0.0.1", 80);
	check_address("[::1]:80", "::1", 80);
	check_address("[::]:80", "::", 80);
	check_address("[2001:DB8:0:0::1]:443", "2001:db8::1", 443);
}

static void no_addresses(void **state)
{
	char long_host[400];

	(void)state;
	memset(long_host, '1', sizeof(long_host));
	memcpy(long_host + sizeof(long_host) - 4, ":80", 4);
	check_no_address("", "is empty");
	check_no_address("8080", "has no port");
	check_no_address("127.0.0.1", "has no port");
	check_no_address("127.0.0.1:", "has no valid port");
	check_no_address("127.0.0.1:65536", "has no valid port");
	check_no_address("127.0.0.1:-1", "has no valid port");
	check_no_address("127.0.0.1:http", "has no valid port");
	check_no_address("127.0.0.1:000080", "has no valid port");
	check_no_address("127.0.0:80", "is not an IP address with a port");
	check_no_address("example.com:80", "is not an IP address with a port");
	check_no_address("::1:80", "is an IPv6 address without brackets");
	check_no_address("[::1]", "has no valid port");
	check_no_address("[::1]:", "has no valid port");
	check_no_address("[::1]80", "has no valid port");
	check_no_address("[::1:80", "is not an IPv6 address in brackets with a port");
	check_no_address("[127.0.0.1]:80", "is not an IPv6 address in brackets with a port");
	check_no_address("[]:80", "is not an IPv6 address in brackets with a port");
	check_no_address("[", "is not an IPv6 address in brackets with a port");
	check_no_address(long_host, "is not an address");
}

static struct config_address parse(const char *text)
{
	struct config_address address = {"", 0};

	assert_null(config_address_parse(slice_of_text(text), &address));
	return address;
}

static void check_loopback(const char *text, bool expected)
{
	struct config_address address = parse(text);

	assert_int_equal(config_address_is_loopback(&address), expected);
}

static void loopback(void **state)
{
	(void)state;
	check_loopback("127.0.0.1:80", true);
	check_loopback("127.8.9.10:80", true);
	check_loopback("[::1]:80", true);
	check_loopback("[::ffff:127.0.0.1]:80", true);
	check_loopback("128.0.0.1:80", false);
	check_loopback("0.0.0.0:80", false);
	check_loopback("*:80", false);
	check_loopback("[::]:80", false);
	check_loopback("[::ffff:10.0.0.1]:80", false);
}

static void check_overlap(const char *a_text, const char *b_text, bool expected)
{
	struct config_address a = parse(a_text);
	struct config_address b = parse(b_text);

	assert_int_equal(config_address_overlaps(&a, &b), expected);
	assert_int_equal(config_address_overlaps(&b, &a), expected);
}

static void overlap(void **state)
{
	(void)state;
	check_overlap("127.0.0.1:80", "127.0.0.1:80", true);
	check_overlap("127.0.0.1:80", "127.0.0.1:81", false);
	check_overlap("127.0.0.1:80", "127.0.0.2:80", false);
	check_overlap("127.0.0.1:0", "127.0.0.1:0", false);
	check_overlap("*:80", "127.0.0.1:80", true);
	check_overlap("*:80", "[::1]:80", true);
	check_overlap("0.0.0.0:80", "127.0.0.1:80", true);
	check_overlap("0.0.0.0:80", "[::1]:80", false);
	check_overlap("[::]:80", "[::1]:80", true);
	check_overlap("[::]:80", "127.0.0.1:80", false);
}

static void address_texts(void **state)
{
	static const char *const texts[] = {"127.0.0.1:80", "*:0", "[::1]:65535", NULL};
	char out[CONFIG_ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; texts[i]; i++) {
		struct config_address address = parse(texts[i]);

		config_address_text(&address, out);
		assert_string_equal(out, texts[i]);
	}
}

/* What a URL says, as text: "user password host port db", - for what is not there. */
static void check_redis(const char *url, const char *expected, const char *shown)
{
	struct config_redis redis = {.on = false};
	const char *wrong = config_redis_parse(slice_of_text(url), &redis);
	char said[512];

	if (wrong)
		fail_msg("\"%s\" %s", url, wrong);
	assert_true(redis.on);
	snprintf(said, sizeof(said), "%s %s %s %u %u", redis.user ? redis.user : "-",
		 redis.password ? redis.password : "-", redis.host, redis.port, redis.db);
	assert_string_equal(said, expected);
	char *text = config_redis_text(&redis);
	assert_string_equal(text, shown);
	free(text);
	config_redis_deinit(&redis);
	assert_null(redis.password);
}

static void redis_urls(void **state)
{
	(void)state;
	check_redis("redis://cache", "- - cache 6379 0", "redis://cache:6379/0");
	check_redis("redis://cache/", "- - cache 6379 0", "redis://cache:6379/0");
	check_redis("redis://127.0.0.1:6380/3", "- - 127.0.0.1 6380 3", "redis://127.0.0.1:6380/3");
	check_redis("redis://[::1]/2", "- - ::1 6379 2", "redis://[::1]:6379/2");
	check_redis("redis://[::1]:7000", "- - ::1 7000 0", "redis://[::1]:7000/0");
	check_redis("redis://u:pw@h:1", "u pw h 1 0", "redis://***@h:1/0");
	check_redis("redis://:pw@h", "- pw h 6379 0", "redis://***@h:6379/0");
	check_redis("redis://:p:w/@x@h", "- p:w/@x h 6379 0", "redis://***@h:6379/0");
	check_redis("redis://a%40b:%2fp%2F%25@h", "a@b /p/% h 6379 0", "redis://***@h:6379/0");
	check_redis("redis://@h", "- - h 6379 0", "redis://h:6379/0");
	check_redis("redis://:@h", "- - h 6379 0", "redis://h:6379/0");
	check_redis("redis://redis-0.redis_svc.default:6379/15",
		    "- - redis-0.redis_svc.default 6379 15",
		    "redis://redis-0.redis_svc.default:6379/15");
}

/* What a URL with Sentinels says: "user password db master", then their addresses. */
static void check_sentinels(const char *url, const char *expected, const char *shown)
{
	struct config_redis redis = {.on = false};
	const char *wrong = config_redis_parse(slice_of_text(url), &redis);
	char said[1024];
	int size;

	if (wrong)
		fail_msg("\"%s\" %s", url, wrong);
	assert_true(redis.on);
	assert_string_equal(redis.host, "");
	assert_int_equal(redis.port, 0);
	size = snprintf(said, sizeof(said), "%s %s %u %s", redis.user ? redis.user : "-",
			redis.password ? redis.password : "-", redis.db, redis.master);
	for (uint32_t i = 0; i < redis.sentinels.count; i++)
		size += snprintf(said + size, sizeof(said) - (size_t)size, " %s:%u",
				 redis.sentinels.items[i].host, redis.sentinels.items[i].port);
	assert_string_equal(said, expected);
	char *text = config_redis_text(&redis);
	assert_string_equal(text, shown);
	free(text);
	config_redis_deinit(&redis);
	assert_null(redis.master);
	assert_null(redis.sentinels.items);
}

#define EIGHT "a,b,c,d,e,f,g,h"

static void sentinel_urls(void **state)
{
	(void)state;
	check_sentinels("redis+sentinel://s1/mymaster", "- - 0 mymaster s1:26379",
			"redis+sentinel://s1:26379/mymaster/0");
	check_sentinels("redis+sentinel://s1/mymaster/", "- - 0 mymaster s1:26379",
			"redis+sentinel://s1:26379/mymaster/0");
	check_sentinels("redis+sentinel://s1:1,s2,10.0.0.3:26380/m-1.a_B/15",
			"- - 15 m-1.a_B s1:1 s2:26379 10.0.0.3:26380",
			"redis+sentinel://s1:1,s2:26379,10.0.0.3:26380/m-1.a_B/15");
	check_sentinels("redis+sentinel://[::1],[2001:DB8::2]:5/m",
			"- - 0 m ::1:26379 2001:db8::2:5",
			"redis+sentinel://[::1]:26379,[2001:db8::2]:5/m/0");
	check_sentinels("redis+sentinel://u:p%2Fw,/@x@s1,s2/m/2", "u p/w,/@x 2 m s1:26379 s2:26379",
			"redis+sentinel://***@s1:26379,s2:26379/m/2");
	check_sentinels("redis+sentinel://:pw@s1/m", "- pw 0 m s1:26379",
			"redis+sentinel://***@s1:26379/m/0");
	check_sentinels("redis+sentinel://" EIGHT ":1," EIGHT ":2/m",
			"- - 0 m a:26379 b:26379 c:26379 d:26379 e:26379 f:26379 g:26379 h:1"
			" a:26379 b:26379 c:26379 d:26379 e:26379 f:26379 g:26379 h:2",
			"redis+sentinel://a:26379,b:26379,c:26379,d:26379,e:26379,f:26379,g:26379,"
			"h:1,a:26379,b:26379,c:26379,d:26379,e:26379,f:26379,g:26379,h:2/m/0");
}

static void check_no_redis(const char *url, const char *expected)
{
	struct config_redis redis = {.on = false, .port = 7};
	const char *wrong = config_redis_parse(slice_of_text(url), &redis);

	if (!wrong)
		fail_msg("\"%s\" is taken", url);
	assert_string_equal(wrong, expected);
	assert_int_equal(redis.port, 7);
	assert_false(redis.on);
}

static void no_redis_urls(void **state)
{
	char long_host[300] = "redis://";

	(void)state;
	memset(long_host + 8, 'h', sizeof(long_host) - 9);
	long_host[sizeof(long_host) - 1] = '\0';
	check_no_redis("cache:6379", "is not the URL of a Redis");
	check_no_redis("http://cache", "is not the URL of a Redis");
	check_no_redis("rediss://cache", "asks for TLS to Redis, which is not offered yet");
	check_no_redis("redis://", "has no valid host");
	check_no_redis("redis://:6379", "has no valid host");
	check_no_redis("redis://a b", "has no valid host");
	check_no_redis("redis://[cache]", "has no valid host");
	check_no_redis("redis://[::1", "has no valid host");
	check_no_redis(long_host, "has no valid host");
	check_no_redis("redis://cache:", "has no valid port");
	check_no_redis("redis://cache:0", "has no valid port");
	check_no_redis("redis://cache:65536", "has no valid port");
	check_no_redis("redis://[::1]x", "has no valid port");
	check_no_redis("redis://cache/x", "has no valid number of a database");
	check_no_redis("redis://cache/1/2", "has no valid number of a database");
	check_no_redis("redis://cache/65536", "has no valid number of a database");
	check_no_redis("redis://cache/0?tls=1", "has no valid number of a database");
	check_no_redis("redis://u@cache", "has a user without a password");
	check_no_redis("redis://u:@cache", "has a user without a password");
	check_no_redis("redis://u:p%4@cache",
		       "has a % in its password that two hexadecimal digits do not follow");
	check_no_redis("redis://u:p%00@cache",
		       "has a % in its password that two hexadecimal digits do not follow");
	check_no_redis("redis://u%zz:p@cache",
		       "has a % in its user that two hexadecimal digits do not follow");
	check_no_redis("redis://u:p@cache:x", "has no valid port");
}

static void no_sentinel_urls(void **state)
{
	static const char master[] = "has no valid name of a master behind its Sentinels";
	char long_master[300] = "redis+sentinel://s/";

	(void)state;
	memset(long_master + 19, 'm', sizeof(long_master) - 20);
	long_master[sizeof(long_master) - 1] = '\0';
	check_no_redis("rediss+sentinel://s/m", "asks for TLS to Redis, which is not offered yet");
	check_no_redis("redis+sentinel:/s/m", "is not the URL of a Redis");
	check_no_redis("redis+sentinel://", "has no valid host");
	check_no_redis("redis+sentinel:///m", "has no valid host");
	check_no_redis("redis+sentinel://s1,/m", "has no valid host");
	check_no_redis("redis+sentinel://s1,,s2/m", "has no valid host");
	check_no_redis("redis+sentinel://s1, s2/m", "has no valid host");
	check_no_redis("redis+sentinel://u:p@/m", "has no valid host");
	check_no_redis("redis+sentinel://s1:0/m", "has no valid port");
	check_no_redis("redis+sentinel://s1,s2:x/m", "has no valid port");
	check_no_redis("redis+sentinel://s1", master);
	check_no_redis("redis+sentinel://s1/", master);
	check_no_redis("redis+sentinel://s1//2", master);
	check_no_redis("redis+sentinel://s1/my master", master);
	check_no_redis(long_master, master);
	check_no_redis("redis+sentinel://s1/m/x", "has no valid number of a database");
	check_no_redis("redis+sentinel://s1/m/1/2", "has no valid number of a database");
	check_no_redis("redis+sentinel://u@s1/m", "has a user without a password");
	check_no_redis("redis+sentinel://u:%@s1/m",
		       "has a % in its password that two hexadecimal digits do not follow");
	check_no_redis("redis+sentinel://" EIGHT "," EIGHT ",i/m", "has more than 16 Sentinels");
}

static void no_redis_at_all(void **state)
{
	struct config_redis redis = {.on = true};

	(void)state;
	assert_null(config_redis_parse(SLICE(""), &redis));
	assert_false(redis.on);
	char *text = config_redis_text(&redis);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),     cmocka_unit_test(no_addresses),
		cmocka_unit_test(loopback),      cmocka_unit_test(overlap),
		cmocka_unit_test(address_texts), cmocka_unit_test(redis_urls),
		cmocka_unit_test(no_redis_urls), cmocka_unit_test(no_redis_at_all),
		cmocka_unit_test(sentinel_urls), cmocka_unit_test(no_sentinel_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
