/* tests/unit/wire/signature_test.c - keys that can be used, and signatures that are not quite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "belfry/limits.h"
#include "token_vectors.h"
#include "wire/base64.h"
#include "wire/pem_key.h"
#include "wire/signature.h"

static struct jwt_key key_of(const char *pem)
{
	static uint8_t rooms[8][PEM_KEY_ROOM];
	static size_t next;
	struct jwt_key key;

	assert_null(pem_key_read(slice_of_text(pem), rooms[next++ % 8], &key));
	return key;
}

/* A token cut into what is signed and the signature. */
struct signed_text {
	struct slice text;
	uint8_t signature[1024];
	size_t size;
};

static struct signed_text cut(const char *token)
{
	const char *dot = strrchr(token, '.');
	struct signed_text result = {.text = slice_of(token, (size_t)(dot - token))};

	assert_true(base64url_parse(slice_of_text(dot + 1), result.signature,
				    sizeof(result.signature), &result.size));
	return result;
}

static bool verifies(const struct jwt_key *key, unsigned algorithm, const struct signed_text *it)
{
	return signature_verify(key, algorithm, it->text, slice_of(it->signature, it->size));
}

static const struct {
	const char *pem;
	const char *token;
	unsigned algorithm;
	uint32_t cost;
} rows[] = {
	{RSA_PEM, TOKEN_RS256, JWT_RS256, 1},
	{RSA_PEM, TOKEN_RS384, JWT_RS384, 1},
	{RSA_PEM, TOKEN_RS512, JWT_RS512, 1},
	{P256_PEM, TOKEN_ES256, JWT_ES256, VERIFY_UNITS_P256},
	{P384_PEM, TOKEN_ES384, JWT_ES384, VERIFY_UNITS_P384},
};

static void signatures_of_others_verify(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct jwt_key key = key_of(rows[i].pem);
		struct signed_text it = cut(rows[i].token);

		assert_true(verifies(&key, rows[i].algorithm, &it));
		assert_int_equal(signature_cost(&key), rows[i].cost);
	}
}

static void each_changed_byte_is_noticed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows) - 1; i++) { /* but ES384, which takes long */
		struct jwt_key key = key_of(rows[i].pem);
		struct signed_text it = cut(rows[i].token);

		for (size_t at = 0; at < it.size; at += 7) {
			it.signature[at] ^= 1;
			assert_false(verifies(&key, rows[i].algorithm, &it));
			it.signature[at] ^= 1;
		}
		it.text.size--;
		assert_false(verifies(&key, rows[i].algorithm, &it));
	}
}

static void no_algorithm_but_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct jwt_key key = key_of(rows[i].pem);
		struct signed_text it = cut(rows[i].token);

		for (unsigned bit = 1; bit <= JWT_ES384; bit <<= 1)
			if (bit != rows[i].algorithm)
				assert_false(verifies(&key, bit, &it));
		/* nor its own, when it is not meant for it */
		key.algorithms &= ~rows[i].algorithm;
		assert_false(verifies(&key, rows[i].algorithm, &it));
	}
}

static void no_other_key(void **state)
{
	struct jwt_key rsa = key_of(RSA_OTHER_PEM);
	struct jwt_key ec = key_of(P256_OTHER_PEM);
	struct signed_text rs = cut(TOKEN_RS256);
	struct signed_text es = cut(TOKEN_ES256);

	(void)state;
	assert_false(verifies(&rsa, JWT_RS256, &rs));
	assert_false(verifies(&ec, JWT_ES256, &es));
}

static void size_is_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct jwt_key key = key_of(rows[i].pem);
		struct signed_text it = cut(rows[i].token);
		size_t whole = it.size;

		static const size_t sizes[] = {0, 1, 2, 63, 65, 95, 97, 255, 257, 512};

		for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
			it.size = sizes[n];
			assert_false(it.size != whole && verifies(&key, rows[i].algorithm, &it));
		}
		it.size = whole - 1;
		assert_false(verifies(&key, rows[i].algorithm, &it));
		it.size = whole + 1;
		assert_false(verifies(&key, rows[i].algorithm, &it));
		/* a zero in front, which a number may have, but no signature */
		memmove(it.signature + 1, it.signature, whole);
		it.signature[0] = 0;
		assert_false(verifies(&key, rows[i].algorithm, &it));
	}
}

/* The order of P-256 (FIPS 186-4 D.1.2.3). */
static const uint8_t order[32] = {
	0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
	0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
	0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
};

static void check_numbers(const uint8_t *r, const uint8_t *s)
{
	struct jwt_key key = key_of(P256_PEM);
	struct signed_text it = cut(TOKEN_ES256);

	if (r)
		memcpy(it.signature, r, 32);
	if (s)
		memcpy(it.signature + 32, s, 32);
	assert_false(verifies(&key, JWT_ES256, &it));
}

static void numbers_of_ecdsa_are_in_range(void **state)
{
	static const uint8_t zero[32], all[32] = {[0 ... 31] = 0xFF};
	uint8_t one[32] = {[31] = 1};

	(void)state;
	check_numbers(zero, NULL);
	check_numbers(NULL, zero);
	check_numbers(zero, zero);
	check_numbers(order, NULL);
	check_numbers(NULL, order);
	check_numbers(order, order);
	check_numbers(all, NULL);
	check_numbers(NULL, all);
	check_numbers(all, all);
	check_numbers(one, zero);
	check_numbers(zero, one);
	check_numbers(one, one);
}

static void other_forms_are_refused(void **state)
{
	struct jwt_key ec = key_of(P256_PEM);
	struct jwt_key rsa = key_of(RSA_PEM);
	struct signed_text der = cut(TOKEN_ES256_DER);
	struct signed_text pss = cut(TOKEN_RS256_PSS);

	(void)state;
	assert_false(verifies(&ec, JWT_ES256, &der));
	assert_false(verifies(&rsa, JWT_RS256, &pss));
	/* numbers as large as the modulus, and all bits */
	memcpy(pss.signature, rsa.bytes.bytes, rsa.bytes.size);
	assert_false(verifies(&rsa, JWT_RS256, &pss));
	memset(pss.signature, 0xFF, pss.size);
	assert_false(verifies(&rsa, JWT_RS256, &pss));
	memset(pss.signature, 0, pss.size);
	assert_false(verifies(&rsa, JWT_RS256, &pss));
	pss.signature[pss.size - 1] = 1;
	assert_false(verifies(&rsa, JWT_RS256, &pss));
}

static void keys_are_checked(void **state)
{
	struct jwt_key key = {.type = JWT_KEY_SECRET, .algorithms = JWT_HS256};
	uint8_t point[65];

	(void)state;
	assert_string_equal(signature_check_key(&key), "is an empty secret");
	key.bytes = SLICE("x");
	assert_null(signature_check_key(&key));
	key.algorithms = 0;
	assert_non_null(signature_check_key(&key));
	key.algorithms = JWT_HS256 | JWT_RS256;
	assert_non_null(signature_check_key(&key));
	key = key_of(P256_PEM);
	assert_null(signature_check_key(&key));
	memcpy(point, key.bytes.bytes, sizeof(point));
	key.bytes.bytes = point;
	point[0] = 3;
	assert_non_null(signature_check_key(&key));
	point[0] = 4;
	point[64] ^= 1;
	assert_non_null(signature_check_key(&key));
	memset(point + 1, 0, 64);
	assert_non_null(signature_check_key(&key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_others_verify),
		cmocka_unit_test(each_changed_byte_is_noticed),
		cmocka_unit_test(no_algorithm_but_its_own),
		cmocka_unit_test(no_other_key),
		cmocka_unit_test(size_is_exact),
		cmocka_unit_test(numbers_of_ecdsa_are_in_range),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(keys_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
