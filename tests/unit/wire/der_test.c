/* tests/unit/wire/der_test.c - DER that is not quite a public key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/der.h"

/* P-256, an RSA key as short as its numbers may be, and what can go wrong around them. */
#define EC_OID "\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01"
#define P256_OID "\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07"
#define RSA_OID "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"
#define POINT "\x03\x03\x00\x04\x05" /* the bits 04 05 */
#define RSA_KEY "\x30\x06\x02\x01\x7F\x02\x01\x03"

#define CHECK(bytes, expected) check_der(slice_of(bytes, sizeof(bytes) - 1), expected)
#define CHECK_RSA(bytes, expected) check_rsa(slice_of(bytes, sizeof(bytes) - 1), expected)

static void check_der(struct slice bytes, bool expected)
{
	struct jwt_key key = {.algorithms = 0};
	const char *wrong = der_read_public_key(bytes, &key);

	assert_int_equal(!wrong, expected);
}

static void check_rsa(struct slice bytes, bool expected)
{
	struct jwt_key key = {.algorithms = 0};
	const char *wrong = der_read_rsa_key(bytes, &key);

	assert_int_equal(!wrong, expected);
}

static void public_keys_are_read(void **state)
{
	struct jwt_key key = {.algorithms = 0};

	(void)state;
	CHECK("\x30\x1A\x30\x13" EC_OID P256_OID POINT, true);
	CHECK("\x30\x18\x30\x0B" RSA_OID "\x03\x09\x00" RSA_KEY, true);
	CHECK("\x30\x1A\x30\x0D" RSA_OID "\x05\x00\x03\x09\x00" RSA_KEY, true);
	assert_null(der_read_public_key(
		slice_of("\x30\x18\x30\x0B" RSA_OID "\x03\x09\x00" RSA_KEY, 26), &key));
	assert_int_equal(key.type, JWT_KEY_RSA);
	assert_true(slice_equal(key.bytes, SLICE("\x7F")));
	assert_true(slice_equal(key.exponent, SLICE("\x03")));
}

static void damaged_ones_are_not(void **state)
{
	(void)state;
	CHECK("", false);
	CHECK("\x30", false);
	CHECK("\x30\x00", false);
	CHECK("\x30\x80", false);                                           /* no length */
	CHECK("\x30\x83\x00\x00\x1A\x30\x13" EC_OID P256_OID POINT, false); /* too long a form */
	CHECK("\x30\x81\x1A\x30\x13" EC_OID P256_OID POINT, false);         /* not the shortest */
	CHECK("\x31\x1A\x30\x13" EC_OID P256_OID POINT, false);             /* no sequence */
	CHECK("\x30\x1A\x30\x13" EC_OID P256_OID POINT "\x00", false);      /* something behind */
	CHECK("\x30\x1B\x30\x13" EC_OID P256_OID POINT, false);             /* cut */
	CHECK("\x30\x1C\x30\x13" EC_OID P256_OID POINT "\x05\x00", false);
	CHECK("\x30\x1A\x30\x13" EC_OID P256_OID "\x03\x03\x01\x04\x05", false); /* odd bits */
	CHECK("\x30\x18\x30\x13" EC_OID P256_OID "\x03\x01\x00", false);         /* no bits */
	CHECK("\x30\x10\x30\x09" EC_OID POINT, false);                           /* no curve */
	CHECK("\x30\x1C\x30\x15" EC_OID P256_OID "\x05\x00" POINT, false);
	CHECK("\x30\x1B\x30\x0E" RSA_OID "\x05\x01\x00\x03\x09\x00" RSA_KEY, false);
	CHECK("\x30\x1A\x30\x0D" RSA_OID "\x06\x00\x03\x09\x00" RSA_KEY, false);
}

static void each_cut_is_noticed(void **state)
{
	static const char whole[] = "\x30\x1A\x30\x0D" RSA_OID "\x05\x00\x03\x09\x00" RSA_KEY;

	(void)state;
	for (size_t size = 0; size < sizeof(whole) - 1; size++)
		check_der(slice_of(whole, size), false);
	check_der(slice_of(whole, sizeof(whole) - 1), true);
}

static void numbers_are_positive_and_short(void **state)
{
	(void)state;
	CHECK_RSA(RSA_KEY, true);
	CHECK_RSA("\x30\x07\x02\x02\x00\x80\x02\x01\x03", true);
	CHECK_RSA("\x30\x07\x02\x02\x00\x7F\x02\x01\x03", false); /* a zero too many */
	CHECK_RSA("\x30\x06\x02\x01\x80\x02\x01\x03", false);     /* negative */
	CHECK_RSA("\x30\x06\x02\x01\x00\x02\x01\x03", false);     /* zero */
	CHECK_RSA("\x30\x05\x02\x00\x02\x01\x03", false);
	CHECK_RSA("\x30\x03\x02\x01\x7F", false);
	CHECK_RSA("\x30\x09\x02\x01\x7F\x02\x01\x03\x02\x01\x03", false);
	CHECK_RSA(RSA_KEY "\x00", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_keys_are_read),
		cmocka_unit_test(damaged_ones_are_not),
		cmocka_unit_test(each_cut_is_noticed),
		cmocka_unit_test(numbers_are_positive_and_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
