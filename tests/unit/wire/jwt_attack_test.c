/* tests/unit/wire/jwt_attack_test.c - attacks on public keys, and which key is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token_vectors.h"
#include "wire/jwt.h"
#include "wire/pem_key.h"

#define NOW 1769337000
#define KEYS_MAX 12

static uint8_t rooms[KEYS_MAX][PEM_KEY_ROOM];
static struct jwt_key keys[KEYS_MAX];
static struct jwt_rules rules = {
	.keys = keys,
	.leeway_s = 30,
	.claim_user = "",
	.claim_channels = "channels",
	.claim_admin = "admin",
};
static struct jwt_claims claims;

static void use_no_keys(void)
{
	rules.keys_count = 0;
}

static struct jwt_key *use_key(const char *pem, const char *kid)
{
	struct jwt_key *key = &keys[rules.keys_count];

	assert_true(rules.keys_count < KEYS_MAX);
	assert_null(pem_key_read(slice_of_text(pem), rooms[rules.keys_count], key));
	key->kid = slice_of_text(kid);
	rules.keys_count++;
	return key;
}

static void use_secret(const char *secret, unsigned algorithms)
{
	keys[rules.keys_count++] = (struct jwt_key){
		.type = JWT_KEY_SECRET,
		.algorithms = algorithms,
		.bytes = slice_of_text(secret),
	};
}

static void check(const char *token, enum jwt_result expected)
{
	uint32_t cost = 0;
	enum jwt_result result = jwt_verify(slice_of_text(token), &rules, NOW, &cost, &claims);

	if (result != expected)
		fail_msg("%s gives %s, not %s", token, jwt_result_code(result),
			 jwt_result_code(expected));
	/* What it may cost is known before it is spent. */
	assert_true(cost <= jwt_cost(slice_of_text(token), &rules));
}

static void all_algorithms_are_verified(void **state)
{
	(void)state;
	use_no_keys();
	use_secret("x", JWT_HS256);
	use_key(RSA_PEM, NULL);
	use_key(P256_PEM, NULL);
	use_key(P384_PEM, NULL);
	check(TOKEN_RS256, JWT_OK);
	check(TOKEN_RS384, JWT_OK);
	check(TOKEN_RS512, JWT_OK);
	check(TOKEN_ES256, JWT_OK);
	check(TOKEN_ES384, JWT_OK);
	assert_true(slice_equal_text(slice_of(claims.user, claims.user_size), "42"));
	assert_int_equal(jwt_cost(SLICE(TOKEN_RS256), &rules), 1);
	assert_int_equal(jwt_cost(SLICE(TOKEN_ES256), &rules), VERIFY_UNITS_P256);
	assert_int_equal(jwt_cost(SLICE("x"), &rules), 0);
	assert_int_equal(jwt_cost((struct slice){NULL, 0}, &rules), 0);
}

/* The public key is known to everybody: were it taken for an HMAC secret, everybody could sign. */
static void public_key_is_no_secret(void **state)
{
	static const char *const tokens[] = {TOKEN_HS256_OF_RSA_PEM, TOKEN_HS256_OF_P256_PEM,
					     TOKEN_HS256_OF_MODULUS, TOKEN_HS256_OF_POINT};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		use_no_keys();
		use_key(RSA_PEM, NULL);
		use_key(P256_PEM, NULL);
		check(tokens[i], JWT_ALGORITHM);
		use_secret("another secret", JWT_ALGORITHMS_HS);
		check(tokens[i], JWT_SIGNATURE);
		/* not even when somebody says that the key is for it */
		keys[0].algorithms = keys[1].algorithms = JWT_ALGORITHMS_ALL;
		check(tokens[i], JWT_SIGNATURE);
	}
}

static void algorithm_is_one_of_the_key(void **state)
{
	(void)state;
	use_no_keys();
	use_key(RSA_PEM, NULL)->algorithms = JWT_RS256;
	check(TOKEN_RS256, JWT_OK);
	check(TOKEN_RS384, JWT_ALGORITHM);
	check(TOKEN_RS512, JWT_ALGORITHM);
	check(TOKEN_ES256, JWT_ALGORITHM);
	check(TOKEN_PS256, JWT_ALGORITHM);
	check(TOKEN_RS256_PSS, JWT_SIGNATURE);
	use_no_keys();
	use_key(P384_PEM, NULL);
	check(TOKEN_ES256, JWT_ALGORITHM);
	check(TOKEN_ES384, JWT_OK);
}

static void key_in_the_token_is_not_looked_at(void **state)
{
	(void)state;
	use_no_keys();
	use_key(P256_PEM, NULL);
	check(TOKEN_ES256_WITH_JWK, JWT_SIGNATURE);
	check(TOKEN_ES256_WITH_JKU, JWT_SIGNATURE);
}

static void signature_has_one_form(void **state)
{
	(void)state;
	use_no_keys();
	use_key(P256_PEM, NULL);
	check(TOKEN_ES256, JWT_OK);
	check(TOKEN_ES256_DER, JWT_SIGNATURE);
	check(TOKEN_ES256 "A", JWT_SIGNATURE);
	check(TOKEN_ES256 "=", JWT_MALFORMED);
	check(TOKEN_ES256 "AAA", JWT_MALFORMED);
	check(TOKEN_ES256 "AA", JWT_SIGNATURE);
	check(TOKEN_ES256 ".", JWT_MALFORMED);
}

static void kid_picks_the_key(void **state)
{
	(void)state;
	use_no_keys();
	use_key(P256_PEM, "a");
	use_key(P256_OTHER_PEM, "b");
	check(TOKEN_ES256_KID_A, JWT_OK);
	check(TOKEN_ES256_KID_B, JWT_OK);
	check(TOKEN_ES256, JWT_OK); /* without a kid all are tried */
	/* a right signature under another key's name */
	keys[0].kid = SLICE("b");
	keys[1].kid = SLICE("a");
	check(TOKEN_ES256_KID_A, JWT_SIGNATURE);
	check(TOKEN_ES256_KID_B, JWT_SIGNATURE);
	/* a name that is not known */
	keys[0].kid = SLICE("A");
	keys[1].kid = SLICE("");
	check(TOKEN_ES256_KID_A, JWT_KEY);
}

static void key_without_a_name_fits_names_that_are_not_known(void **state)
{
	(void)state;
	use_no_keys();
	use_key(P256_PEM, NULL);
	check(TOKEN_ES256_KID_A, JWT_OK);
	check(TOKEN_ES256_KID_B, JWT_SIGNATURE);
	use_key(P256_OTHER_PEM, "b");
	check(TOKEN_ES256_KID_B, JWT_OK);
	/* one that is known is tried with its own keys alone */
	use_key(RSA_PEM, "a");
	check(TOKEN_ES256_KID_A, JWT_KEY);
}

static void tries_are_bounded(void **state)
{
	uint32_t cost = 0;

	(void)state;
	use_no_keys();
	for (uint32_t i = 0; i < JWT_TRIES_MAX; i++)
		use_key(P256_OTHER_PEM, "b");
	use_key(P256_PEM, "a");
	check(TOKEN_ES256, JWT_SIGNATURE);
	check(TOKEN_ES256_KID_A, JWT_OK);
	assert_int_equal(jwt_verify(SLICE(TOKEN_ES256), &rules, NOW, &cost, &claims),
			 JWT_SIGNATURE);
	assert_int_equal(cost, JWT_TRIES_MAX * VERIFY_UNITS_P256);
}

static void what_is_refused_before_its_signature_costs_nothing(void **state)
{
	static const char *const tokens[] = {
		"",
		"x",
		"a.b.c",
		/* {"alg":"none"}, {"alg":"ES384"}, {"alg":"ES256","crit":["x"]}, and no base64 */
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.",
		"eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiI0MiJ9.AAAA",
		"eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.eyJzdWIiOiI0MiJ9.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.!!!!",
	};
	uint32_t cost = 0;

	(void)state;
	use_no_keys();
	use_key(P256_PEM, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		assert_int_not_equal(
			jwt_verify(slice_of_text(tokens[i]), &rules, NOW, &cost, &claims), JWT_OK);
	assert_int_equal(cost, 0);
}

static void names_of_algorithms(void **state)
{
	(void)state;
	assert_int_equal(jwt_algorithm_named(SLICE("HS256")), JWT_HS256);
	assert_int_equal(jwt_algorithm_named(SLICE("ES384")), JWT_ES384);
	assert_int_equal(jwt_algorithm_named(SLICE("ES512")), 0);
	assert_int_equal(jwt_algorithm_named(SLICE("rs256")), 0);
	assert_int_equal(jwt_algorithm_named(SLICE("none")), 0);
	assert_int_equal(jwt_algorithm_named(SLICE("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_algorithms_are_verified),
		cmocka_unit_test(public_key_is_no_secret),
		cmocka_unit_test(algorithm_is_one_of_the_key),
		cmocka_unit_test(key_in_the_token_is_not_looked_at),
		cmocka_unit_test(signature_has_one_form),
		cmocka_unit_test(kid_picks_the_key),
		cmocka_unit_test(key_without_a_name_fits_names_that_are_not_known),
		cmocka_unit_test(tries_are_bounded),
		cmocka_unit_test(what_is_refused_before_its_signature_costs_nothing),
		cmocka_unit_test(names_of_algorithms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
