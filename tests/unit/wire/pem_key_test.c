/* tests/unit/wire/pem_key_test.c - files with a key, files with something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token_vectors.h"
#include "wire/pem_key.h"

#define PRIVATE "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n"

static uint8_t room[PEM_KEY_ROOM];

/* `expected` NULL: it is a key of that type. */
static void check_pem(const char *text, const char *expected, enum jwt_key_type type)
{
	struct jwt_key key = {.algorithms = 77};
	const char *wrong = pem_key_read(slice_of_text(text), room, &key);

	if (expected && (!wrong || !strstr(wrong, expected)))
		fail_msg("%s, not %s: %.60s", wrong ? wrong : "nothing", expected, text);
	if (!expected && wrong)
		fail_msg("%s: %.60s", wrong, text);
	if (expected) {
		assert_int_equal(key.algorithms, 77);
		return;
	}
	assert_int_equal(key.type, type);
	assert_true(slice_is_absent(key.kid));
	assert_true(key.bytes.bytes >= room && key.bytes.bytes < room + sizeof(room));
}

static void keys_are_read(void **state)
{
	(void)state;
	check_pem(RSA_PEM, NULL, JWT_KEY_RSA);
	check_pem(RSA_PKCS1_PEM, NULL, JWT_KEY_RSA);
	check_pem(RSA_CERTIFICATE, NULL, JWT_KEY_RSA);
	check_pem(P256_PEM, NULL, JWT_KEY_P256);
	check_pem(P256_CERTIFICATE, NULL, JWT_KEY_P256);
	check_pem(P384_PEM, NULL, JWT_KEY_P384);
	check_pem("Words before it.\n\n" P256_PEM "and behind it", NULL, JWT_KEY_P256);
}

static void line_ends_may_differ(void **state)
{
	char text[4096];
	size_t size = 0;

	(void)state;
	for (const char *at = P256_PEM; *at; at++) {
		if (*at == '\n')
			text[size++] = '\r';
		text[size++] = *at;
	}
	text[size] = '\0';
	check_pem(text, NULL, JWT_KEY_P256);
	text[size - 2] = '\0'; /* the last line has no end */
	check_pem(text, NULL, JWT_KEY_P256);
}

static void one_key_has_one_form(void **state)
{
	struct jwt_key a;
	struct jwt_key b;
	uint8_t other[PEM_KEY_ROOM];
	static const char *const rows[] = {RSA_PKCS1_PEM, RSA_CERTIFICATE};

	(void)state;
	assert_null(pem_key_read(SLICE(RSA_PEM), room, &a));
	assert_int_equal(a.bytes.size, 256);
	assert_int_equal(a.algorithms, JWT_RS256 | JWT_RS384 | JWT_RS512);
	assert_true(slice_equal(a.exponent, slice_of("\x01\x00\x01", 3)));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_null(pem_key_read(slice_of_text(rows[i]), other, &b));
		assert_true(slice_equal(a.bytes, b.bytes));
		assert_true(slice_equal(a.exponent, b.exponent));
	}
}

static void what_is_no_key_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} rows[] = {
		{"", "no line with BEGIN"},
		{"hello", "no line with BEGIN"},
		{"{\"keys\":[]}", "no line with BEGIN"},
		{"-----BEGIN PUBLIC KEY-----\n", "no line with END"},
		{"-----BEGIN PUBLIC KEY-----\nMFkw\n", "no line with END"},
		{"-----BEGIN PUBLIC KEY-----\nM!kw\n-----END PUBLIC KEY-----\n", "not base64"},
		{"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "DER is damaged"},
		{"-----BEGIN PUBLIC KEY-----\nMAAA\n-----END PUBLIC KEY-----\n", "damaged"},
		{"-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", "certificate"},
		{"-----BEGIN X509 CRL-----\nMAAA\n-----END X509 CRL-----\n", "neither"},
		{PRIVATE, "private key"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMAAA\n-----END RSA PRIVATE KEY-----\n",
		 "private key"},
		{"-----BEGIN EC PRIVATE KEY-----\nMAAA\n-----END EC PRIVATE KEY-----\n",
		 "private key"},
		{P256_PEM PRIVATE, "private key"},
		{P256_PEM P256_PEM, "more than one"},
		{RSA_CERTIFICATE P256_CERTIFICATE, "more than one"},
		{RSA_1024_PEM, "fewer than 2048"},
		{P521_PEM, "another curve"},
		{K1_PEM, "another curve"},
		{ED25519_PEM, "neither an RSA nor an EC key"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_pem(rows[i].text, rows[i].expected, JWT_KEY_SECRET);
}

static void cut_file_is_refused(void **state)
{
	struct jwt_key key;

	(void)state;
	/* Up to the last line, of which the rest does not matter. */
	for (size_t size = 0; size < strlen(P256_PEM) - strlen("D PUBLIC KEY-----\n"); size++)
		assert_non_null(pem_key_read(slice_of(P256_PEM, size), room, &key));
}

static void large_file_is_refused(void **state)
{
	static char text[64 * 1024] = "-----BEGIN PUBLIC KEY-----\n";
	size_t size = strlen(text);

	(void)state;
	while (size < sizeof(text) - 100) {
		memset(text + size, 'A', 64);
		text[size + 64] = '\n';
		size += 65;
	}
	memcpy(text + size, "-----END PUBLIC KEY-----\n", 26);
	check_pem(text, "too large", JWT_KEY_SECRET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read),        cmocka_unit_test(line_ends_may_differ),
		cmocka_unit_test(one_key_has_one_form), cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(cut_file_is_refused),  cmocka_unit_test(large_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
