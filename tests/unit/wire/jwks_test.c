/* tests/unit/wire/jwks_test.c - sets of keys, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "token_vectors.h"
#include "wire/jwks.h"

#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define EC256 "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\""
#define EC384 "\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" P384_X "\",\"y\":\"" P384_Y "\""
#define OCT "\"kty\":\"oct\",\"k\":\"c2VjcmV0\""

static uint8_t room[JWKS_KEY_ROOM];
static struct jwt_key key;

static enum jwks_answer read_first(const char *members, const char **ret_reason)
{
	static char text[16384];
	struct jwks jwks;

	snprintf(text, sizeof(text), "{\"keys\":[{%s}]}", members);
	assert_null(jwks_open(slice_of_text(text), &jwks));
	key = (struct jwt_key){.algorithms = 77};
	return jwks_next(&jwks, room, &key, ret_reason);
}

static void check_good(const char *members, enum jwt_key_type type, unsigned algorithms)
{
	const char *reason = "?";
	enum jwks_answer answer = read_first(members, &reason);

	if (answer != JWKS_KEY)
		fail_msg("%s: %s", reason, members);
	assert_int_equal(key.type, type);
	assert_int_equal(key.algorithms, algorithms);
}

static void check_bad(const char *members, enum jwks_answer expected, const char *part)
{
	const char *reason = "?";
	enum jwks_answer answer = read_first(members, &reason);

	if (answer != expected || !strstr(reason, part))
		fail_msg("%d: %s: %s", (int)answer, reason, members);
	assert_int_equal(key.algorithms, 77);
}

static void keys_are_read(void **state)
{
	(void)state;
	check_good(RSA, JWT_KEY_RSA, JWT_ALGORITHMS_RS);
	check_good(RSA ",\"alg\":\"RS512\"", JWT_KEY_RSA, JWT_RS512);
	check_good(RSA ",\"use\":\"sig\",\"x5c\":[\"AAAA\"],\"x\":7", JWT_KEY_RSA,
		   JWT_ALGORITHMS_RS);
	check_good(RSA ",\"key_ops\":[\"verify\"]", JWT_KEY_RSA, JWT_ALGORITHMS_RS);
	check_good(RSA ",\"key_ops\":[\"sign\",\"verify\"]", JWT_KEY_RSA, JWT_ALGORITHMS_RS);
	check_good("\"kty\":\"RSA\",\"n\":\"AAAA" RSA_N "\",\"e\":\"AAEAAQ\"", JWT_KEY_RSA,
		   JWT_ALGORITHMS_RS);
	check_good(EC256, JWT_KEY_P256, JWT_ES256);
	check_good(EC256 ",\"alg\":\"ES256\"", JWT_KEY_P256, JWT_ES256);
	check_good(EC384, JWT_KEY_P384, JWT_ES384);
	check_good(OCT, JWT_KEY_SECRET, JWT_ALGORITHMS_HS);
	check_good(OCT ",\"alg\":\"HS384\"", JWT_KEY_SECRET, JWT_HS384);
	assert_true(slice_equal_text(key.bytes, "secret"));
}

static void kid_is_read(void **state)
{
	(void)state;
	check_good(EC256, JWT_KEY_P256, JWT_ES256);
	assert_true(slice_is_absent(key.kid));
	check_good(EC256 ",\"kid\":\"2026-\\u0061\"", JWT_KEY_P256, JWT_ES256);
	assert_true(slice_equal_text(key.kid, "2026-a"));
	check_good("\"kid\":\"\"," EC256, JWT_KEY_P256, JWT_ES256);
	assert_false(slice_is_absent(key.kid));
	check_bad(EC256 ",\"kid\":7", JWKS_WRONG, "kid");
	check_bad(EC256 ",\"kid\":\"\\ud800\"", JWKS_WRONG, "kid");
}

static void what_is_for_others_is_passed_over(void **state)
{
	(void)state;
	check_bad(RSA ",\"use\":\"enc\"", JWKS_PASSED, "not for verifying");
	check_bad(RSA ",\"use\":7", JWKS_PASSED, "not for verifying");
	check_bad(RSA ",\"use\":\"enc\",\"d\":\"AAAA\"", JWKS_PASSED, "not for verifying");
	check_bad(RSA ",\"key_ops\":[\"encrypt\"]", JWKS_PASSED, "not for verifying");
	check_bad(RSA ",\"alg\":\"PS256\"", JWKS_PASSED, "algorithm");
	check_bad(RSA ",\"alg\":\"RSA-OAEP\"", JWKS_PASSED, "algorithm");
	check_bad(EC256 ",\"alg\":\"none\"", JWKS_PASSED, "algorithm");
	check_bad("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"", JWKS_PASSED, "type");
	check_bad("\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"", JWKS_PASSED,
		  "curve");
	check_bad("\"kty\":\"EC\",\"x\":\"AA\",\"y\":\"AA\"", JWKS_PASSED, "curve");
}

static void what_should_be_usable_and_is_not_is_wrong(void **state)
{
	(void)state;
	check_bad("", JWKS_WRONG, "no kty");
	check_bad("\"kty\":\"RSA\"", JWKS_WRONG, "n and e");
	check_bad("\"kty\":\"RSA\",\"n\":\"" RSA_N "\"", JWKS_WRONG, "n and e");
	check_bad("\"kty\":\"RSA\",\"n\":\"" RSA_N "=\",\"e\":\"AQAB\"", JWKS_WRONG, "n and e");
	check_bad("\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"", JWKS_WRONG, "n and e");
	check_bad("\"kty\":\"RSA\",\"n\":\"" RSA_1024_N "\",\"e\":\"AQAB\"", JWKS_WRONG, "2048");
	check_bad("\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"", JWKS_WRONG, "2048");
	check_bad("\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"", JWKS_WRONG, "exponent");
	check_bad("\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"Ag\"", JWKS_WRONG, "exponent");
	check_bad("\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAAA\"", JWKS_WRONG, "exponent");
	check_bad("\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAAAAAAB\"", JWKS_WRONG,
		  "exponent");
	check_bad("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\"", JWKS_WRONG, "x and y");
	check_bad("\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"",
		  JWKS_WRONG, "x and y");
	check_bad("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_Y "\",\"y\":\"" P256_X "\"",
		  JWKS_WRONG, "not on its curve");
	check_bad("\"kty\":\"oct\"", JWKS_WRONG, "no k");
	check_bad("\"kty\":\"oct\",\"k\":\"\"", JWKS_WRONG, "empty");
	check_bad(RSA ",\"d\":\"AAAA\"", JWKS_WRONG, "private");
	check_bad(EC256 ",\"d\":\"AAAA\"", JWKS_WRONG, "private");
	/* an algorithm of another type */
	check_bad(RSA ",\"alg\":\"HS256\"", JWKS_WRONG, "another type");
	check_bad(RSA ",\"alg\":\"ES256\"", JWKS_WRONG, "another type");
	check_bad(OCT ",\"alg\":\"RS256\"", JWKS_WRONG, "another type");
	check_bad(EC256 ",\"alg\":\"ES384\"", JWKS_WRONG, "another type");
	/* two readers could disagree */
	check_bad(RSA ",\"kty\":\"oct\",\"k\":\"AAAA\"", JWKS_WRONG, "twice");
	check_bad(RSA ",\"e\":\"AQ\"", JWKS_WRONG, "twice");
	check_bad(RSA ",\"alg\":\"RS256\",\"\\u0061lg\":\"RS512\"", JWKS_WRONG, "twice");
}

static void check_set(const char *text, const char *expected)
{
	struct jwks jwks;
	const char *wrong = jwks_open(slice_of_text(text), &jwks);

	if (!wrong != !expected || (wrong && !strstr(wrong, expected)))
		fail_msg("%s: %s", wrong ? wrong : "nothing", text);
}

static void set_is_an_object_with_keys(void **state)
{
	(void)state;
	check_set("{\"keys\":[]}", NULL);
	check_set(" {\"x\":1,\"keys\":[] } ", NULL);
	check_set("", "not JSON");
	check_set("-----BEGIN PUBLIC KEY-----", "not JSON");
	check_set("{\"keys\":[]", "not JSON");
	check_set("[]", "no set");
	check_set("{}", "no set");
	check_set("{\"keys\":{}}", "no set");
	check_set("{\"keys\":[],\"keys\":[]}", "no set");
	check_set("{" EC256 "}", "no set");
}

static void keys_come_one_by_one(void **state)
{
	static const char text[] = "{\"keys\":[{" RSA ",\"kid\":\"a\"},{" RSA
				   ",\"use\":\"enc\"},7,{" EC256 ",\"kid\":\"b\"}]}";
	struct jwks jwks;
	const char *reason;

	(void)state;
	assert_null(jwks_open(slice_of_text(text), &jwks));
	assert_int_equal(jwks_next(&jwks, room, &key, &reason), JWKS_KEY);
	assert_true(slice_equal_text(key.kid, "a"));
	assert_int_equal(jwks_next(&jwks, room, &key, &reason), JWKS_PASSED);
	assert_int_equal(jwks_next(&jwks, room, &key, &reason), JWKS_WRONG);
	assert_int_equal(jwks_next(&jwks, room, &key, &reason), JWKS_KEY);
	assert_true(slice_equal_text(key.kid, "b"));
	assert_int_equal(jwks_next(&jwks, room, &key, &reason), JWKS_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read),
		cmocka_unit_test(kid_is_read),
		cmocka_unit_test(what_is_for_others_is_passed_over),
		cmocka_unit_test(what_should_be_usable_and_is_not_is_wrong),
		cmocka_unit_test(set_is_an_object_with_keys),
		cmocka_unit_test(keys_come_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
