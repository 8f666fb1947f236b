/* tests/unit/shard/tokens_test.c - what is verified twice, what waits, what new keys forget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../wire/token_vectors.h"
#include "lane/keyring.h"
#include "lane/verified.h"
#include "shard/tokens.h"
#include "wire/pem_key.h"

#define NOW 1769337000

static struct shard_counters counters;
static struct tokens tokens;
static struct jwt_claims claims;

static struct keyring *make_keyring(const char *pem, uint32_t serial)
{
	static uint8_t room[PEM_KEY_ROOM];
	struct jwt_key keys[2] = {{.type = JWT_KEY_SECRET,
				   .algorithms = JWT_HS256,
				   .bytes = SLICE("belfry-test-secret")}};
	const struct jwt_rules rules = {.keys = keys,
					.keys_count = 2,
					.leeway_s = 30,
					.claim_user = "",
					.claim_channels = "channels",
					.claim_admin = "admin"};

	assert_null(pem_key_read(slice_of_text(pem), room, &keys[1]));
	return keyring_create(&rules, serial);
}

/* HS256 with this secret, {"sub":"42","exp":1769340600,"admin":true}. */
#define CHEAP                                                       \
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"                      \
	".eyJzdWIiOiI0MiIsImV4cCI6MTc2OTM0MDYwMCwiYWRtaW4iOnRydWV9" \
	".XJhTCytiaWpbHiiGqHa8rMY_Mmy5CMyVWXs37Z1meP4"

static void begin(void)
{
	memset(&counters, 0, sizeof(counters));
	tokens_init(&tokens, make_keyring(P256_PEM, 1), (struct token_cache_keys){{1, 2}, {3, 4}},
		    &counters);
}

static void check(const char *token, enum jwt_result expected, uint64_t verified, uint64_t hits)
{
	uint64_t verified_before = counter_read(&counters.token_verified);
	uint64_t hits_before = counter_read(&counters.token_cache_hits);

	assert_int_equal(tokens_verify(&tokens, slice_of_text(token), NOW, &claims), expected);
	assert_int_equal(counter_read(&counters.token_verified) - verified_before, verified);
	assert_int_equal(counter_read(&counters.token_cache_hits) - hits_before, hits);
	if (expected == JWT_OK)
		assert_true(slice_equal_text(slice_of(claims.user, claims.user_size), "42"));
}

static void second_time_is_a_hit(void **state)
{
	(void)state;
	begin();
	check(TOKEN_ES256, JWT_OK, 1, 0);
	check(TOKEN_ES256, JWT_OK, 0, 1);
	check(TOKEN_ES256_KID_A, JWT_OK, 1, 0);
	check(TOKEN_ES256_KID_A, JWT_OK, 0, 1);
	/* what is cheap, and what is bad, is not kept */
	check(CHEAP, JWT_OK, 1, 0);
	check(CHEAP, JWT_OK, 1, 0);
	check(TOKEN_ES256_KID_B, JWT_SIGNATURE, 1, 0);
	check(TOKEN_ES256_KID_B, JWT_SIGNATURE, 1, 0);
	check("", JWT_MISSING, 1, 0);
	tokens_deinit(&tokens);
}

static void expensive_ones_wait_when_a_turn_has_spent_its_budget(void **state)
{
	(void)state;
	begin();
	tokens_begin_turn(&tokens);
	assert_false(tokens_must_wait(&tokens, SLICE(TOKEN_ES256)));
	check(TOKEN_ES256, JWT_OK, 1, 0);
	assert_true(tokens_must_wait(&tokens, SLICE(TOKEN_ES256_KID_A)));
	assert_true(tokens_must_wait(&tokens, SLICE(TOKEN_ES256_KID_B)));
	/* one that is known, one that is cheap, one that is refused unseen */
	assert_false(tokens_must_wait(&tokens, SLICE(TOKEN_ES256)));
	assert_false(tokens_must_wait(&tokens, SLICE(CHEAP)));
	assert_false(tokens_must_wait(&tokens, SLICE(TOKEN_RS256)));
	assert_false(tokens_must_wait(&tokens, SLICE("x")));
	tokens_begin_turn(&tokens);
	assert_false(tokens_must_wait(&tokens, SLICE(TOKEN_ES256_KID_A)));
	/* whoever does not wait is paid for by later turns */
	check(TOKEN_ES256_KID_A, JWT_OK, 1, 0);
	check(TOKEN_ES256_KID_B, JWT_SIGNATURE, 1, 0);
	tokens_begin_turn(&tokens);
	assert_true(tokens_must_wait(&tokens, SLICE(TOKEN_ES256_KID_B)));
	tokens_begin_turn(&tokens);
	assert_false(tokens_must_wait(&tokens, SLICE(TOKEN_ES256_KID_B)));
	tokens_deinit(&tokens);
}

static void new_keys_forget(void **state)
{
	(void)state;
	begin();
	check(TOKEN_ES256, JWT_OK, 1, 0);
	tokens_renew(&tokens, make_keyring(P256_OTHER_PEM, 2));
	assert_int_equal(counter_read(&counters.keys_read), 2);
	check(TOKEN_ES256, JWT_SIGNATURE, 1, 0);
	check(TOKEN_ES256_KID_B, JWT_OK, 1, 0);
	tokens_deinit(&tokens);
}

/* What another shard would be told. */
static struct verified *take_fresh(void)
{
	struct verified *verified = tokens_take_fresh(&tokens);

	assert_non_null(verified);
	assert_null(tokens_take_fresh(&tokens));
	return verified;
}

static void shards_learn_from_each_other(void **state)
{
	(void)state;
	begin();
	check(TOKEN_ES256, JWT_OK, 1, 0);
	check(TOKEN_ES256, JWT_OK, 0, 1);
	struct verified *verified = take_fresh();
	tokens_deinit(&tokens);
	begin(); /* another one, with the same keys */
	tokens_learn(&tokens, verified);
	check(TOKEN_ES256, JWT_OK, 0, 1);
	assert_null(tokens_take_fresh(&tokens));
	tokens_deinit(&tokens);
}

static void what_was_verified_with_other_keys_is_not_learned(void **state)
{
	(void)state;
	begin();
	check(TOKEN_ES256, JWT_OK, 1, 0);
	struct verified *verified = take_fresh();
	tokens_renew(&tokens, make_keyring(P256_OTHER_PEM, 2));
	tokens_learn(&tokens, verified);
	check(TOKEN_ES256, JWT_SIGNATURE, 1, 0);
	tokens_deinit(&tokens);
}

/* Time goes on for what is kept. */
static void times_are_looked_at_again(void **state)
{
	const struct verified source = {
		.serial = 1,
		.name = token_cache_name(&tokens.cache, SLICE("a token")),
		.expires_s = NOW,
		.not_before_s = NOW - 100,
		.issued_s = NOW - 200,
		.user = SLICE("42"),
		.jti = SLICE("id"),
		.channels = SLICE("[\"a\"]"),
		.admin = true,
	};

	(void)state;
	begin();
	tokens_learn(&tokens, verified_create(&source));
	check("a token", JWT_OK, 0, 1);
	assert_true(claims.admin);
	assert_int_equal(claims.issued_s, NOW - 200);
	assert_true(slice_equal_text(slice_of(claims.jti, claims.jti_size), "id"));
	assert_true(jwt_allows_channel(&claims, SLICE("a")));
	assert_int_equal(tokens_verify(&tokens, SLICE("a token"), NOW + 29, &claims), JWT_OK);
	assert_int_equal(tokens_verify(&tokens, SLICE("a token"), NOW + 30, &claims), JWT_EXPIRED);
	assert_int_equal(tokens_verify(&tokens, SLICE("a token"), NOW - 131, &claims), JWT_NOT_YET);
	tokens_deinit(&tokens);
}

static void without_keys_no_token_is_good(void **state)
{
	(void)state;
	tokens_init(&tokens, NULL, (struct token_cache_keys){{1, 2}, {3, 4}}, &counters);
	check(TOKEN_ES256, JWT_ALGORITHM, 0, 0);
	check("", JWT_MISSING, 0, 0);
	tokens_deinit(&tokens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_time_is_a_hit),
		cmocka_unit_test(expensive_ones_wait_when_a_turn_has_spent_its_budget),
		cmocka_unit_test(new_keys_forget),
		cmocka_unit_test(shards_learn_from_each_other),
		cmocka_unit_test(what_was_verified_with_other_keys_is_not_learned),
		cmocka_unit_test(times_are_looked_at_again),
		cmocka_unit_test(without_keys_no_token_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
