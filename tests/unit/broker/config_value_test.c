/* tests/unit/broker/config_value_test.c - what each kind of value may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "broker/config_value.h"

#include <string.h>

#define UNTOUCHED 77
#define SIXTY_FOUR "1234567890123456789012345678901234567890123456789012345678901234"

/* NULL expects that the text is right. */
static void check_answer(const char *answer, const char *expected, const char *text)
{
	if (expected && answer && strcmp(expected, answer) == 0)
		return;
	if (expected != answer)
		fail_msg("\"%s\": got \"%s\", expected \"%s\"", text, answer ? answer : "right",
			 expected ? expected : "right");
}

static void check_number(enum config_kind kind, const char *text, uint64_t expected,
			 const char *wrong)
{
	uint64_t value = UNTOUCHED;

	check_answer(config_value_number(kind, slice_of_text(text), &value), wrong, text);
	assert_int_equal(value, wrong ? UNTOUCHED : expected);
}

static void counts(void **state)
{
	(void)state;
	check_number(CONFIG_KIND_COUNT, "0", 0, NULL);
	check_number(CONFIG_KIND_COUNT, "200000", 200000, NULL);
	check_number(CONFIG_KIND_COUNT, "18446744073709551615", UINT64_MAX, NULL);
	check_number(CONFIG_KIND_COUNT, "18446744073709551616", 0, "is too large");
	check_number(CONFIG_KIND_COUNT, "", 0, "is not a number");
	check_number(CONFIG_KIND_COUNT, "-1", 0, "is not a number");
	check_number(CONFIG_KIND_COUNT, "+1", 0, "is not a number");
	check_number(CONFIG_KIND_COUNT, " 1", 0, "is not a number");
	check_number(CONFIG_KIND_COUNT, "1k", 0, "is not a number");
	check_number(CONFIG_KIND_COUNT, "0x10", 0, "is not a number");
	check_number(CONFIG_KIND_COUNT, "1.5", 0, "is not a number");
}

static void sizes(void **state)
{
	(void)state;
	check_number(CONFIG_KIND_SIZE, "125", 125, NULL);
	check_number(CONFIG_KIND_SIZE, "64k", 65536, NULL);
	check_number(CONFIG_KIND_SIZE, "16M", 16777216, NULL);
	check_number(CONFIG_KIND_SIZE, "1g", 0, "is not a size");
	check_number(CONFIG_KIND_SIZE, "k", 0, "is not a size");
	check_number(CONFIG_KIND_SIZE, "64 k", 0, "is not a size");
	check_number(CONFIG_KIND_SIZE, "18446744073709551615k", 0, "is too large");
}

static void durations(void **state)
{
	(void)state;
	check_number(CONFIG_KIND_DURATION, "0", 0, NULL);
	check_number(CONFIG_KIND_DURATION, "30", 30000, NULL);
	check_number(CONFIG_KIND_DURATION, "30s", 30000, NULL);
	check_number(CONFIG_KIND_DURATION, "500ms", 500, NULL);
	check_number(CONFIG_KIND_DURATION, "10m", 600000, NULL);
	check_number(CONFIG_KIND_DURATION, "24h", 86400000, NULL);
	check_number(CONFIG_KIND_DURATION, "soon", 0, "is not a duration");
	check_number(CONFIG_KIND_DURATION, "30S", 0, "is not a duration");
	check_number(CONFIG_KIND_DURATION, "30sec", 0, "is not a duration");
	check_number(CONFIG_KIND_DURATION, "1h30m", 0, "is not a duration");
	check_number(CONFIG_KIND_DURATION, "1.5s", 0, "is not a duration");
	check_number(CONFIG_KIND_DURATION, "99999999999999999h", 0, "is too large");
}

static void check_number_text(enum config_kind kind, uint64_t value, const char *expected)
{
	char text[CONFIG_NUMBER_SIZE];

	config_value_number_text(kind, value, text);
	assert_string_equal(text, expected);
	check_number(kind, text, value, NULL);
}

static void number_texts(void **state)
{
	(void)state;
	check_number_text(CONFIG_KIND_COUNT, 65536, "65536");
	check_number_text(CONFIG_KIND_COUNT, UINT64_MAX, "18446744073709551615");
	check_number_text(CONFIG_KIND_SIZE, 0, "0");
	check_number_text(CONFIG_KIND_SIZE, 125, "125");
	check_number_text(CONFIG_KIND_SIZE, 1536, "1536");
	check_number_text(CONFIG_KIND_SIZE, 65536, "64k");
	check_number_text(CONFIG_KIND_SIZE, 1u << 20, "1m");
	check_number_text(CONFIG_KIND_DURATION, 0, "0");
	check_number_text(CONFIG_KIND_DURATION, 1500, "1500ms");
	check_number_text(CONFIG_KIND_DURATION, 30000, "30s");
	check_number_text(CONFIG_KIND_DURATION, 90000, "90s");
	check_number_text(CONFIG_KIND_DURATION, 600000, "10m");
	check_number_text(CONFIG_KIND_DURATION, 86400000, "24h");
}

static void switches(void **state)
{
	static const char *const on[] = {"on", "true", "yes", "1", "On", "TRUE"};
	static const char *const off[] = {"off", "false", "no", "0", "OFF"};
	static const char *const neither[] = {"", "o", "onn", "2", "enabled", "on "};
	bool value = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(on); i++) {
		check_answer(config_value_switch(slice_of_text(on[i]), &value), NULL, on[i]);
		assert_true(value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
		check_answer(config_value_switch(slice_of_text(off[i]), &value), NULL, off[i]);
		assert_false(value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		check_answer(config_value_switch(slice_of_text(neither[i]), &value),
			     "is neither on nor off", neither[i]);
}

static void check_choice(const char *text, const char *words, unsigned expected, const char *wrong)
{
	unsigned index = UNTOUCHED;

	check_answer(config_value_choice(slice_of_text(text), words, &index), wrong, text);
	assert_int_equal(index, wrong ? UNTOUCHED : expected);
}

static void choices(void **state)
{
	(void)state;
	check_choice("jwt", "jwt|none", 0, NULL);
	check_choice("none", "jwt|none", 1, NULL);
	check_choice("HS384", "HS256|HS384|HS512", 1, NULL);
	check_choice("hs512", "HS256|HS384|HS512", 2, NULL);
	check_choice("", "jwt|none", 0, "is empty");
	check_choice("jwt|none", "jwt|none", 0, "is not known");
	check_choice("non", "jwt|none", 0, "is not known");
}

static void check_rule(const char *text, const char *pattern, enum config_who who,
		       const char *wrong)
{
	struct slice read_pattern = {NULL, 0};
	enum config_who read_who = CONFIG_WHO_NONE;

	check_answer(config_value_rule(slice_of_text(text), &read_pattern, &read_who), wrong, text);
	if (wrong) {
		assert_true(slice_is_absent(read_pattern));
		return;
	}
	assert_true(slice_equal_text(read_pattern, pattern));
	assert_int_equal(read_who, who);
}

static void rules(void **state)
{
	const char *no_name = "does not begin with the name of a namespace";
	const char *no_who = "does not end with any, claim or none";
	const char *private = "would open to everybody what belongs to one user or connection";

	(void)state;
	check_rule("trending=any", "trending", CONFIG_WHO_ANY, NULL);
	check_rule("*=claim", "*", CONFIG_WHO_CLAIM, NULL);
	check_rule(" feed = none ", "feed", CONFIG_WHO_NONE, NULL);
	check_rule("user=claim", "user", CONFIG_WHO_CLAIM, NULL);
	check_rule("trending", NULL, CONFIG_WHO_ANY, "is not a rule");
	check_rule("=any", NULL, CONFIG_WHO_ANY, no_name);
	check_rule("feed:42=any", NULL, CONFIG_WHO_ANY, no_name);
	check_rule("a b=any", NULL, CONFIG_WHO_ANY, no_name);
	check_rule("feed=", NULL, CONFIG_WHO_ANY, no_who);
	check_rule("feed=self", NULL, CONFIG_WHO_ANY, no_who);
	check_rule("feed=any=none", NULL, CONFIG_WHO_ANY, no_who);
	check_rule("user=any", NULL, CONFIG_WHO_ANY, private);
	check_rule("conn=any", NULL, CONFIG_WHO_ANY, private);
}

static void check_namespace_switch(const char *text, const char *pattern, bool on,
				   const char *wrong)
{
	struct slice read_pattern = {NULL, 0};
	bool read_on = !on;

	check_answer(config_value_namespace_switch(slice_of_text(text), &read_pattern, &read_on),
		     wrong, text);
	if (wrong) {
		assert_true(slice_is_absent(read_pattern));
		assert_int_equal(read_on, !on);
		return;
	}
	assert_true(slice_equal_text(read_pattern, pattern));
	assert_int_equal(read_on, on);
}

static void namespace_switches(void **state)
{
	const char *no_name = "does not begin with the name of a namespace";

	(void)state;
	check_namespace_switch("typing=off", "typing", false, NULL);
	check_namespace_switch(" * = on ", "*", true, NULL);
	check_namespace_switch("user=Yes", "user", true, NULL);
	check_namespace_switch("typing", NULL, false, "is not a rule");
	check_namespace_switch("=on", NULL, false, no_name);
	check_namespace_switch("user:42=on", NULL, false, no_name);
	check_namespace_switch("user=", NULL, false, "does not end with on or off");
	check_namespace_switch("user=any", NULL, false, "does not end with on or off");
	check_namespace_switch("user=on=off", NULL, false, "does not end with on or off");
}

static void check_key(enum config_key key, const char *text, const char *expected)
{
	check_answer(config_value_check(key, slice_of_text(text)), expected, text);
}

static void ranges(void **state)
{
	(void)state;
	check_key(CONFIG_KEY_shards, "0", NULL);
	check_key(CONFIG_KEY_shards, "64", NULL);
	check_key(CONFIG_KEY_shards, "65", "is too large");
	check_key(CONFIG_KEY_max_connections, "0", "is too small");
	check_key(CONFIG_KEY_max_connections, "4294967297", "is too large");
	check_key(CONFIG_KEY_partitions, "0", "is too small");
	check_key(CONFIG_KEY_partitions, "1024", NULL);
	check_key(CONFIG_KEY_partitions, "1025", "is too large");
	check_key(CONFIG_KEY_history_memory, "4294967295", NULL);
	check_key(CONFIG_KEY_history_memory, "4096m", "is too large");
	check_key(CONFIG_KEY_max_header_bytes, "1023", "is too small");
	check_key(CONFIG_KEY_max_header_bytes, "1k", NULL);
	check_key(CONFIG_KEY_max_header_bytes, "65537", "is too large");
	check_key(CONFIG_KEY_heartbeat_interval, "0", NULL);
	check_key(CONFIG_KEY_heartbeat_interval, "999ms", "is too small");
	check_key(CONFIG_KEY_heartbeat_interval, "1h", NULL);
	check_key(CONFIG_KEY_heartbeat_timeout, "0", "is too small");
	check_key(CONFIG_KEY_publish_rate, "0", NULL);
	check_key(CONFIG_KEY_publish_rate, "1000001", "is too large");
	check_key(CONFIG_KEY_drain_window, "0s", NULL);
	check_key(CONFIG_KEY_drain_window, "11m", "is too large");
	check_key(CONFIG_KEY_pubsub, "off", NULL);
	check_key(CONFIG_KEY_pubsub, "on", NULL);
	check_key(CONFIG_KEY_demo, "on", NULL);
	check_key(CONFIG_KEY_log_level, "trace", "is not known");
}

#define HEX_60 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"
#define NO_HASH "has no 64 hexadecimal digits after sha256:"

static void texts(void **state)
{
	(void)state;
	check_key(CONFIG_KEY_secret_key, "", "is empty");
	check_key(CONFIG_KEY_secret_key, "s", NULL);
	check_key(CONFIG_KEY_secret_key, "0123456789abcdef", NULL);
	check_key(CONFIG_KEY_secret_key, "with blanks, commas # and more", NULL);
	check_key(CONFIG_KEY_api_key, "k", NULL);
	check_key(CONFIG_KEY_api_key, "a b", "has a blank in it");
	check_key(CONFIG_KEY_api_key, "sha256:" HEX_60 "cdEF", NULL);
	check_key(CONFIG_KEY_api_key, "SHA256:x", NULL);
	check_key(CONFIG_KEY_api_key, "sha256:", NO_HASH);
	check_key(CONFIG_KEY_api_key, "sha256:" HEX_60 "cde", NO_HASH);
	check_key(CONFIG_KEY_api_key, "sha256:" HEX_60 "cdef0", NO_HASH);
	check_key(CONFIG_KEY_api_key, "sha256:" HEX_60 "cdeg", NO_HASH);
	check_key(CONFIG_KEY_stream, "app:{7}:in", NULL);
	check_key(CONFIG_KEY_stream, "", "is empty");
	check_key(CONFIG_KEY_stream, "a b", "has a blank in it");
	check_key(CONFIG_KEY_node, "", NULL);
	check_key(CONFIG_KEY_node, "belfry-0.eu", NULL);
	check_key(CONFIG_KEY_node, "a b", "has a blank in it");
	check_key(CONFIG_KEY_node, SIXTY_FOUR, NULL);
	check_key(CONFIG_KEY_node, SIXTY_FOUR "5", "is too long");
	check_key(CONFIG_KEY_log_file, "", NULL);
	check_key(CONFIG_KEY_log_file, "/var/lib/belfry/the log", NULL);
	check_key(CONFIG_KEY_log_file, "a\nb", "is not printable");
	check_key(CONFIG_KEY_log_file, "a\x7f", "is not printable");
	check_key(CONFIG_KEY_publish, "typing=any", NULL);
	check_key(CONFIG_KEY_publish, "typing=on", "does not end with any, claim or none");
	check_key(CONFIG_KEY_history, "typing=on", NULL);
	check_key(CONFIG_KEY_inbox, "typing=any", "does not end with on or off");
	check_key(CONFIG_KEY_token_cookie, "", NULL);
	check_key(CONFIG_KEY_token_cookie, "__Host-token", NULL);
	check_key(CONFIG_KEY_token_cookie, "a=b", "is not the name of a cookie");
	check_key(CONFIG_KEY_token_cookie, "a b", "is not the name of a cookie");
	check_key(CONFIG_KEY_algorithm, "HS512", NULL);
	check_key(CONFIG_KEY_algorithm, "none", "is not known");
	check_key(CONFIG_KEY_admin, "off", NULL);
	check_key(CONFIG_KEY_admin, "on", "has no port");
	check_key(CONFIG_KEY_redis, "", NULL);
	check_key(CONFIG_KEY_redis, "redis://cache", NULL);
	check_key(CONFIG_KEY_listen, "127.0.0.1", "has no port");
	check_answer(config_value_check(CONFIG_KEY_secret_key, SLICE("0123456789abcdef\0x")),
		     "has a zero byte in it", "a secret");
}

static void longest_path(void **state)
{
	uint8_t path[4001];

	(void)state;
	memset(path, 'p', sizeof(path));
	check_answer(config_value_check(CONFIG_KEY_log_file, slice_of(path, 4000)), NULL, "4000");
	check_answer(config_value_check(CONFIG_KEY_log_file, slice_of(path, 4001)), "is too long",
		     "4001");
}

static void origins(void **state)
{
	static const char star[] = "has a * that is not the first label of a host";

	(void)state;
	check_key(CONFIG_KEY_allow_origin, "*", NULL);
	check_key(CONFIG_KEY_allow_origin, "null", NULL);
	check_key(CONFIG_KEY_allow_origin, "https://app.example", NULL);
	check_key(CONFIG_KEY_allow_origin, "http://[::1]:3000", NULL);
	check_key(CONFIG_KEY_allow_origin, "capacitor://localhost", NULL);
	check_key(CONFIG_KEY_allow_origin, "app.example", "is not an origin");
	check_key(CONFIG_KEY_allow_origin, "https://", "is not an origin");
	check_key(CONFIG_KEY_allow_origin, "://app.example", "is not an origin");
	check_key(CONFIG_KEY_allow_origin, "https:app.example", "is not an origin");
	check_key(CONFIG_KEY_allow_origin, "https://app.example/", "is more than an origin");
	check_key(CONFIG_KEY_allow_origin, "https://u@app.example", "is more than an origin");
	check_key(CONFIG_KEY_allow_origin, "https://*.app.example:8443", NULL);
	check_key(CONFIG_KEY_allow_origin, "https://a:b@app.example", "is more than an origin");
	check_key(CONFIG_KEY_allow_origin, "https://*", star);
	check_key(CONFIG_KEY_allow_origin, "https://a*.example", star);
	check_key(CONFIG_KEY_allow_origin, "https://app.*.example", star);
	check_key(CONFIG_KEY_allow_origin, "*.app.example", "is not an origin");
	check_key(CONFIG_KEY_allow_origin, "*://app.example", "is not an origin");
	check_key(CONFIG_KEY_allow_origin, "https://app.example:0", "is not an origin");
}

static void networks(void **state)
{
	static const char none[] =
		"is neither an address nor a network without a bit set behind its prefix";

	(void)state;
	check_key(CONFIG_KEY_trusted_proxy, "10.0.0.0/8", NULL);
	check_key(CONFIG_KEY_trusted_proxy, "192.0.2.1", NULL);
	check_key(CONFIG_KEY_trusted_proxy, "fd00::/8", NULL);
	check_key(CONFIG_KEY_trusted_proxy, "10.0.0.1/8", none);
	check_key(CONFIG_KEY_trusted_proxy, "proxy.example", none);
	check_key(CONFIG_KEY_trusted_proxy, "*", none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),    cmocka_unit_test(sizes),
		cmocka_unit_test(durations), cmocka_unit_test(number_texts),
		cmocka_unit_test(switches),  cmocka_unit_test(choices),
		cmocka_unit_test(rules),     cmocka_unit_test(namespace_switches),
		cmocka_unit_test(ranges),    cmocka_unit_test(texts),
		cmocka_unit_test(origins),   cmocka_unit_test(longest_path),
		cmocka_unit_test(networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
