/* tests/unit/wire/jwt_claims_test.c - what tokens say, and what is not enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "wire/base64.h"
#include "wire/jwt.h"

#define NOW 1769337000

static const struct jwt_rules rules = {
	.leeway_s = 30,
	.claim_user = "",
	.claim_channels = "channels",
	.claim_admin = "admin",
};

static struct jwt_claims claims;

static void check_payload(const char *payload, const struct jwt_rules *with,
			  enum jwt_result expected)
{
	char part[4096];
	size_t size = base64url_write(slice_of_text(payload), part);

	memset(&claims, 0xA5, sizeof(claims));
	enum jwt_result result = jwt_claims_read(slice_of(part, size), with, NOW, &claims);

	if (result != expected)
		fail_msg("%s gives %s, not %s", payload, jwt_result_code(result),
			 jwt_result_code(expected));
	if (result == JWT_OK)
		return;
	for (size_t i = 0; i < sizeof(claims); i++)
		assert_int_equal(((const uint8_t *)&claims)[i], 0xA5);
}

static void payload_is_checked(void **state)
{
	static const struct {
		const char *payload;
		enum jwt_result expected;
	} rows[] = {
		{"", JWT_MALFORMED},
		{"null", JWT_MALFORMED},
		{"[]", JWT_MALFORMED},
		{"\"42\"", JWT_MALFORMED},
		{"{\"sub\":\"42\"", JWT_MALFORMED},
		{"{\"sub\":\"42\"}x", JWT_MALFORMED},
		{"{\"sub\":\"\xFF\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"sub\":\"43\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"s\\u0075b\":\"42\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"exp\":1,\"exp\":9999999999}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"nbf\":1,\"nbf\":1}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"admin\":false,\"admin\":true}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"channels\":[],\"channels\":[\"*\"]}", JWT_MALFORMED},
		{"{\"user_id\":\"42\",\"user_id\":\"43\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"iat\":1,\"iat\":2}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"jti\":\"a\",\"jti\":\"b\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"x\":{\"sub\":1,\"exp\":0}}", JWT_OK},
		{"{\"sub\":\"42\",\"iat\":\"1\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"jti\":null}", JWT_MALFORMED},
		/* exp: the last good second is now + leeway - 1 ... */
		{"{\"sub\":\"42\",\"exp\":1769337001}", JWT_OK},
		{"{\"sub\":\"42\",\"exp\":1769337000}", JWT_OK},
		{"{\"sub\":\"42\",\"exp\":1769336971}", JWT_OK},
		{"{\"sub\":\"42\",\"exp\":1769336970}", JWT_EXPIRED},
		{"{\"sub\":\"42\",\"exp\":1769336970.9}", JWT_EXPIRED},
		{"{\"sub\":\"42\",\"exp\":1769337001.5}", JWT_OK},
		{"{\"sub\":\"42\",\"exp\":1.8e9}", JWT_OK},
		{"{\"sub\":\"42\",\"exp\":0}", JWT_EXPIRED},
		{"{\"sub\":\"42\",\"exp\":-1}", JWT_EXPIRED},
		{"{\"sub\":\"42\",\"exp\":-9223372036854775808}", JWT_EXPIRED},
		{"{\"sub\":\"42\",\"exp\":9223372036854775807}", JWT_OK},
		{"{\"sub\":\"42\",\"exp\":9223372036854775808}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"exp\":1e400}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"exp\":\"1769337001\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"exp\":null}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"exp\":[1769337001]}", JWT_MALFORMED},
		/* nbf */
		{"{\"sub\":\"42\",\"nbf\":1769337030}", JWT_OK},
		{"{\"sub\":\"42\",\"nbf\":1769337031}", JWT_NOT_YET},
		{"{\"sub\":\"42\",\"nbf\":9223372036854775807}", JWT_NOT_YET},
		{"{\"sub\":\"42\",\"nbf\":-5}", JWT_OK},
		{"{\"sub\":\"42\",\"nbf\":\"0\"}", JWT_MALFORMED},
		{"{\"sub\":\"42\",\"nbf\":null}", JWT_MALFORMED},
		/* the first failing check decides */
		{"{\"exp\":1,\"nbf\":9999999999}", JWT_EXPIRED},
		{"{\"nbf\":9999999999}", JWT_NOT_YET},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_payload(rows[i].payload, &rules, rows[i].expected);
}

/* `user` NULL: no user. */
static void check_user(const char *payload, const char *user)
{
	check_payload(payload, &rules, user ? JWT_OK : JWT_SUBJECT);
	if (!user)
		return;
	assert_true(slice_equal_text(slice_of(claims.user, claims.user_size), user));
	assert_true(claims.expires_s == INT64_MAX);
	assert_false(claims.admin);
}

static void user_is_found(void **state)
{
	(void)state;
	check_user("{\"sub\":\"42\"}", "42");
	check_user("{\"sub\":42}", "42");
	check_user("{\"sub\":0}", "0");
	check_user("{\"sub\":12345678901234567890123}", "12345678901234567890123");
	check_user("{\"user_id\":\"u7\"}", "u7");
	check_user("{\"user_id\":7}", "7");
	check_user("{\"userId\":\"u8\"}", "u8");
	check_user("{\"userId\":\"c\",\"user_id\":\"b\",\"sub\":\"a\"}", "a");
	check_user("{\"userId\":\"c\",\"user_id\":\"b\"}", "b");
	check_user("{\"sub\":\"a\\u00e9\\ud83d\\ude00:\\\"\"}", "a\xC3\xA9\xF0\x9F\x98\x80:\"");
	check_user("{}", NULL);
	check_user("{\"Sub\":\"42\"}", NULL);
	check_user("{\"sub\":\"\"}", NULL);
	check_user("{\"sub\":\"\",\"user_id\":\"7\"}", NULL);
	check_user("{\"sub\":null,\"user_id\":\"7\"}", NULL);
	check_user("{\"sub\":true}", NULL);
	check_user("{\"sub\":[\"42\"]}", NULL);
	check_user("{\"sub\":{\"id\":42}}", NULL);
	check_user("{\"sub\":-42}", NULL);
	check_user("{\"sub\":4.2}", NULL);
	check_user("{\"sub\":4e2}", NULL);
	check_user("{\"sub\":\"4 2\"}", NULL);
	check_user("{\"sub\":\"4,2\"}", NULL);
	check_user("{\"sub\":\"4\\n2\"}", NULL);
	check_user("{\"sub\":\"42\\u0000\"}", NULL);
	check_user("{\"sub\":\"\\u0080\"}", NULL);
	check_user("{\"sub\":\"\x7F\"}", NULL);
	check_user("{\"sub\":\"\\ud800\"}", NULL);
}

static void check_user_size(size_t size, bool quotes, enum jwt_result expected)
{
	char payload[USER_SIZE_MAX + 64] = "{\"sub\":";
	size_t end = strlen(payload);

	if (quotes)
		payload[end++] = '"';
	memset(payload + end, '1', size);
	end += size;
	snprintf(payload + end, sizeof(payload) - end, "%s}", quotes ? "\"" : "");
	check_payload(payload, &rules, expected);
	if (expected == JWT_OK)
		assert_int_equal(claims.user_size, size);
}

static void user_size_is_bounded(void **state)
{
	(void)state;
	check_user_size(USER_SIZE_MAX, true, JWT_OK);
	check_user_size(USER_SIZE_MAX + 1, true, JWT_SUBJECT);
	check_user_size(USER_SIZE_MAX, false, JWT_OK);
	check_user_size(USER_SIZE_MAX + 1, false, JWT_SUBJECT);
}

static void check_admin(const char *payload, bool expected)
{
	check_payload(payload, &rules, JWT_OK);
	assert_int_equal(claims.admin, expected);
}

static void admin_is_the_word_true(void **state)
{
	(void)state;
	check_admin("{\"sub\":\"1\",\"admin\":true}", true);
	check_admin("{\"sub\":\"1\",\"admin\":false}", false);
	check_admin("{\"sub\":\"1\",\"admin\":\"true\"}", false);
	check_admin("{\"sub\":\"1\",\"admin\":1}", false);
	check_admin("{\"sub\":\"1\",\"x\":{\"admin\":true}}", false);
}

static void check_channel(const char *list, const char *channel, bool expected)
{
	char payload[512];

	snprintf(payload, sizeof(payload), "{\"channels\":%s,\"sub\":\"1\"}", list);
	check_payload(payload, &rules, JWT_OK);
	if (jwt_allows_channel(&claims, slice_of_text(channel)) != expected)
		fail_msg("%s %s %s", list, expected ? "refuses" : "allows", channel);
}

static void channels_are_allowed_by_name_or_prefix(void **state)
{
	(void)state;
	check_channel("[\"feed:1\"]", "feed:1", true);
	check_channel("[\"feed:1\"]", "feed:12", false);
	check_channel("[\"feed:1\"]", "feed:", false);
	check_channel("[\"a\", \"feed:*\" , \"b\"]", "feed:12", true);
	check_channel("[\"feed:*\"]", "feed:", true);
	check_channel("[\"feed:*\"]", "feed", false);
	check_channel("[\"feed:*\"]", "xfeed:1", false);
	check_channel("[\"*\"]", "anything", true);
	check_channel("[\"a*b\"]", "axb", false);
	check_channel("[\"a*b\"]", "a*b", true);
	check_channel("[\"\"]", "a", false);
	check_channel("[\"\\u0066eed:*\"]", "feed:1", true);
	check_channel("[\"\\ud800\",\"feed:1\"]", "feed:1", true);
	check_channel("[]", "a", false);
	check_channel("\"*\"", "a", false);
	check_channel("null", "a", false);
	check_channel("{\"a\":\"*\"}", "a", false);
	check_channel("[\"*\",1]", "a", false);
	check_channel("[[\"*\"]]", "a", false);
}

static void claims_point_into_themselves(void **state)
{
	(void)state;
	check_payload("{\"sub\":\"1\",\"channels\":[\"a\"]}", &rules, JWT_OK);
	assert_true(claims.channels.bytes > claims.payload);
	assert_true(claims.channels.bytes < claims.payload + sizeof(claims.payload));
	assert_true(slice_equal_text(claims.channels, "[\"a\"]"));
	check_payload("{\"sub\":\"1\"}", &rules, JWT_OK);
	assert_false(jwt_allows_channel(&claims, SLICE("a")));
}

static void leeway_is_as_configured(void **state)
{
	struct jwt_rules strict = rules;

	(void)state;
	strict.leeway_s = 0;
	check_payload("{\"sub\":\"42\",\"exp\":1769337001}", &strict, JWT_OK);
	check_payload("{\"sub\":\"42\",\"exp\":1769337000}", &strict, JWT_EXPIRED);
	check_payload("{\"sub\":\"42\",\"nbf\":1769337000}", &strict, JWT_OK);
	check_payload("{\"sub\":\"42\",\"nbf\":1769337001}", &strict, JWT_NOT_YET);
	strict.leeway_s = 600;
	check_payload("{\"sub\":\"42\",\"exp\":1769336401}", &strict, JWT_OK);
	check_payload("{\"sub\":\"42\",\"exp\":1769336400}", &strict, JWT_EXPIRED);
}

static void check_issuer(const char *payload, enum jwt_result expected)
{
	static const char *const issuers[] = {"https://id.example", "other"};
	struct jwt_rules some = rules;

	some.issuers = (struct jwt_names){issuers, ARRAY_SIZE(issuers)};
	check_payload(payload, &some, expected);
}

static void issuer_is_one_of_those_configured(void **state)
{
	(void)state;
	check_payload("{\"sub\":\"1\",\"iss\":7}", &rules, JWT_OK);
	check_issuer("{\"sub\":\"1\",\"iss\":\"https://id.example\"}", JWT_OK);
	check_issuer("{\"sub\":\"1\",\"iss\":\"https:\\/\\/id.example\"}", JWT_OK);
	check_issuer("{\"sub\":\"1\",\"iss\":\"other\"}", JWT_OK);
	check_issuer("{\"sub\":\"1\"}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"iss\":\"\"}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"iss\":\"Other\"}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"iss\":\"other \"}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"iss\":\"https://id.example.evil\"}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"iss\":[\"other\"]}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"iss\":null}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"x\":{\"iss\":\"other\"}}", JWT_ISSUER);
	check_issuer("{\"sub\":\"1\",\"iss\":\"other\",\"iss\":\"evil\"}", JWT_MALFORMED);
}

static void check_audience(const char *payload, enum jwt_result expected)
{
	static const char *const audiences[] = {"belfry", "notifications"};
	struct jwt_rules some = rules;

	some.audiences = (struct jwt_names){audiences, ARRAY_SIZE(audiences)};
	check_payload(payload, &some, expected);
}

static void audience_is_or_has_one_of_those_configured(void **state)
{
	(void)state;
	check_payload("{\"sub\":\"1\",\"aud\":\"others\"}", &rules, JWT_OK);
	check_audience("{\"sub\":\"1\",\"aud\":\"belfry\"}", JWT_OK);
	check_audience("{\"sub\":\"1\",\"aud\":[\"x\",\"notifications\"]}", JWT_OK);
	check_audience("{\"sub\":\"1\",\"aud\":[7,\"belfry\"]}", JWT_OK);
	check_audience("{\"sub\":\"1\"}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":\"x\"}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":[]}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":[\"x\"]}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":[[\"belfry\"]]}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":{\"belfry\":\"belfry\"}}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":\"belfry x\"}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":true}", JWT_AUDIENCE);
	check_audience("{\"sub\":\"1\",\"aud\":\"belfry\",\"aud\":\"x\"}", JWT_MALFORMED);
}

static void claims_have_the_names_configured(void **state)
{
	struct jwt_rules some = rules;

	(void)state;
	some.claim_user = "https://x.example/uid";
	some.claim_channels = "rooms";
	some.claim_admin = "root";
	check_payload("{\"sub\":\"1\",\"https://x.example/uid\":\"2\",\"root\":true,"
		      "\"rooms\":[\"a\"],\"channels\":[\"b\"]}",
		      &some, JWT_OK);
	assert_true(slice_equal_text(slice_of(claims.user, claims.user_size), "2"));
	assert_true(claims.admin);
	assert_true(jwt_allows_channel(&claims, SLICE("a")));
	assert_false(jwt_allows_channel(&claims, SLICE("b")));
	check_payload("{\"sub\":\"1\",\"admin\":true}", &some, JWT_SUBJECT);
	check_payload("{\"https://x.example/uid\":\"2\",\"https://x.example/uid\":\"3\"}", &some,
		      JWT_MALFORMED);
	some.claim_user = some.claim_channels = some.claim_admin = "";
	check_payload("{\"sub\":\"1\",\"admin\":true,\"\":true,\"channels\":[\"a\"]}", &some,
		      JWT_OK);
	assert_false(claims.admin);
	assert_true(slice_is_absent(claims.channels));
}

static void check_jti(const char *value, const char *jti)
{
	char payload[512];

	snprintf(payload, sizeof(payload), "{\"sub\":\"1\",\"jti\":%s}", value);
	check_payload(payload, &rules, jti ? JWT_OK : JWT_MALFORMED);
	if (jti)
		assert_true(slice_equal_text(slice_of(claims.jti, claims.jti_size), jti));
}

static void id_and_time_of_issue_are_read(void **state)
{
	char long_one[JTI_SIZE_MAX + 4] = "\"";

	(void)state;
	check_payload("{\"sub\":\"1\",\"iat\":1769336000.5}", &rules, JWT_OK);
	assert_int_equal(claims.issued_s, 1769336000);
	assert_int_equal(claims.jti_size, 0);
	check_payload("{\"sub\":\"1\"}", &rules, JWT_OK);
	assert_true(claims.issued_s == INT64_MIN);
	check_jti("\"a-1\"", "a-1");
	check_jti("\"\\u0061\"", "a");
	check_jti("17", "17");
	check_jti("\"\"", "");
	check_jti("null", NULL);
	check_jti("-1", NULL);
	check_jti("[]", NULL);
	memset(long_one + 1, 'x', JTI_SIZE_MAX + 1);
	long_one[JTI_SIZE_MAX + 1] = '"';
	long_one[JTI_SIZE_MAX + 2] = '\0';
	check_payload("{\"sub\":\"1\"}", &rules, JWT_OK);
	char payload[512];
	snprintf(payload, sizeof(payload), "{\"sub\":\"1\",\"jti\":%s}", long_one);
	check_payload(payload, &rules, JWT_OK);
	assert_int_equal(claims.jti_size, JTI_SIZE_MAX);
	snprintf(payload, sizeof(payload), "{\"sub\":\"1\",\"jti\":\"y%s}", long_one + 1);
	check_payload(payload, &rules, JWT_MALFORMED);
}

static void part_is_base64url_of_an_object(void **state)
{
	static const char *const rows[] = {"!!!", "", "e30=", "e31", "e30 ", "W10"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(jwt_claims_read(slice_of_text(rows[i]), &rules, NOW, &claims),
				 JWT_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_is_checked),
		cmocka_unit_test(user_is_found),
		cmocka_unit_test(user_size_is_bounded),
		cmocka_unit_test(admin_is_the_word_true),
		cmocka_unit_test(channels_are_allowed_by_name_or_prefix),
		cmocka_unit_test(claims_point_into_themselves),
		cmocka_unit_test(leeway_is_as_configured),
		cmocka_unit_test(issuer_is_one_of_those_configured),
		cmocka_unit_test(audience_is_or_has_one_of_those_configured),
		cmocka_unit_test(claims_have_the_names_configured),
		cmocka_unit_test(id_and_time_of_issue_are_read),
		cmocka_unit_test(part_is_base64url_of_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
