/* tests/unit/lane/keyring_test.c - a copy in one block, counted. That the last reference frees, and
 * no other, is seen by AddressSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lane/keyring.h"

static void copies_everything(void **state)
{
	char secret[] = "secret", point[] = "point", exponent[] = "e", kid[] = "kid";
	char issuer[] = "issuer", first[] = "first", second[] = "second";
	char user[] = "user", channels[] = "channels", admin[] = "";
	const char *issuers[] = {issuer};
	const char *audiences[] = {first, second};
	const struct jwt_key keys[] = {
		{.type = JWT_KEY_SECRET,
		 .algorithms = JWT_HS256,
		 .bytes = slice_of_text(secret),
		 .kid = {(const uint8_t *)kid, 0}},
		{.type = JWT_KEY_RSA,
		 .algorithms = JWT_RS256,
		 .kid = slice_of_text(kid),
		 .bytes = slice_of_text(point),
		 .exponent = slice_of_text(exponent)},
	};
	const struct jwt_rules rules = {
		.keys = keys,
		.keys_count = 2,
		.issuers = {issuers, 1},
		.audiences = {audiences, 2},
		.leeway_s = 7,
		.claim_user = user,
		.claim_channels = channels,
		.claim_admin = admin,
	};
	struct keyring *keyring = keyring_create(&rules, 5);

	(void)state;
	assert_non_null(keyring);
	char *const texts[] = {secret, point, exponent, kid, issuer, first, second, user, channels};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		memset(texts[i], '#', strlen(texts[i]));
	assert_int_equal(keyring->serial, 5);
	assert_int_equal(keyring->rules.leeway_s, 7);
	assert_int_equal(keyring->rules.keys_count, 2);
	const struct jwt_key *copies = keyring->rules.keys;
	assert_true(slice_equal_text(copies[0].bytes, "secret"));
	assert_false(slice_is_absent(copies[0].kid));
	assert_true(slice_is_absent(copies[0].exponent));
	assert_int_equal(copies[1].type, JWT_KEY_RSA);
	assert_int_equal(copies[1].algorithms, JWT_RS256);
	assert_true(slice_equal_text(copies[1].kid, "kid"));
	assert_true(slice_equal_text(copies[1].bytes, "point"));
	assert_true(slice_equal_text(copies[1].exponent, "e"));
	assert_string_equal(keyring->rules.issuers.items[0], "issuer");
	assert_string_equal(keyring->rules.audiences.items[1], "second");
	assert_string_equal(keyring->rules.claim_user, "user");
	assert_string_equal(keyring->rules.claim_channels, "channels");
	assert_string_equal(keyring->rules.claim_admin, "");
	keyring_unref(keyring);
}

static void last_reference_frees(void **state)
{
	const struct jwt_rules rules = {.claim_user = "", .claim_channels = "", .claim_admin = ""};
	struct keyring *keyring = keyring_create(&rules, 1);

	(void)state;
	assert_int_equal(keyring->refs, 1);
	keyring_ref(keyring);
	keyring_unref(keyring);
	assert_int_equal(keyring->refs, 1);
	keyring_unref(keyring);
	keyring_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_everything),
		cmocka_unit_test(last_reference_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
