/* tests/unit/wire/digest_test.c - published vectors of SHA-1, SHA-256 and HMAC (RFC 4231). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "wire/digest.h"

static void check_hex(const uint8_t *bytes, size_t size, const char *expected)
{
	char hex[2 * HMAC_SIZE_MAX + 1] = "";

	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(hex, expected);
}

/* Whole, and cut in two parts at each point. */
static void check_sha1(const char *text, const char *expected)
{
	struct slice whole = slice_of_text(text);
	uint8_t hash[SHA1_SIZE];

	for (size_t split = 0; split <= whole.size; split++) {
		digest_sha1(slice_of(text, split), slice_skip(whole, split), hash);
		check_hex(hash, sizeof(hash), expected);
	}
}

static void sha1(void **state)
{
	uint8_t hash[SHA1_SIZE];

	(void)state;
	check_sha1("", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	check_sha1("abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	check_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		   "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	digest_sha1((struct slice){NULL, 0}, (struct slice){NULL, 0}, hash);
	check_hex(hash, sizeof(hash), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void check_sha256(const char *text, const char *expected)
{
	uint8_t hash[SHA256_SIZE];

	digest_sha256(slice_of_text(text), hash);
	check_hex(hash, sizeof(hash), expected);
}

static void sha256(void **state)
{
	(void)state;
	check_sha256(NULL, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_sha256("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void check_read_sha256(const char *text, bool expected)
{
	uint8_t hash[SHA256_SIZE];
	uint8_t other[SHA256_SIZE];

	digest_sha256(SLICE("abc"), hash);
	memset(other, 0xAA, sizeof(other));
	assert_int_equal(digest_read_sha256(slice_of_text(text), other), expected);
	if (expected)
		assert_memory_equal(other, hash, sizeof(hash));
	else
		assert_int_equal(other[0], 0xAA);
}

static void read_sha256(void **state)
{
	(void)state;
	check_read_sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", true);
	check_read_sha256("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", true);
	check_read_sha256(NULL, false);
	check_read_sha256("", false);
	check_read_sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", false);
	check_read_sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
			  false);
	check_read_sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag",
			  false);
	check_read_sha256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015-1",
			  false);
}

struct hmac_row {
	struct slice key;
	struct slice bytes;
	const char *sha256, *sha384, *sha512;
};

static void check_hmac(const struct hmac_row *row)
{
	uint8_t mac[HMAC_SIZE_MAX];

	assert_int_equal(digest_hmac(HMAC_SHA256, row->key, row->bytes, mac), 32);
	check_hex(mac, 32, row->sha256);
	assert_int_equal(digest_hmac(HMAC_SHA384, row->key, row->bytes, mac), 48);
	check_hex(mac, 48, row->sha384);
	assert_int_equal(digest_hmac(HMAC_SHA512, row->key, row->bytes, mac), 64);
	check_hex(mac, 64, row->sha512);
}

static void hmac_rfc4231(void **state)
{
	static const uint8_t counting[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
					   14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25};
	uint8_t key_0b[20], key_aa[131], bytes_dd[50], bytes_cd[50];

	(void)state;
	memset(key_0b, 0x0B, sizeof(key_0b));
	memset(key_aa, 0xAA, sizeof(key_aa));
	memset(bytes_dd, 0xDD, sizeof(bytes_dd));
	memset(bytes_cd, 0xCD, sizeof(bytes_cd));

	const struct hmac_row rows[] = {
		{slice_of(key_0b, 20),
		 SLICE("Hi There"),
		 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		 "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
		 "faea9ea9076ede7f4af152e8b2fa9cb6",
		 "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		 "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
		{SLICE("Jefe"),
		 SLICE("what do ya want for nothing?"),
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		 "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
		 "8e2240ca5e69e2c78b3239ecfab21649",
		 "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		 "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
		{slice_of(key_aa, 20),
		 slice_of(bytes_dd, 50),
		 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
		 "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
		 "2a5ab39dc13814b94e3ab6e101a34f27",
		 "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
		 "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
		{slice_of(counting, 25),
		 slice_of(bytes_cd, 50),
		 "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
		 "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
		 "6801dd23c4a7d679ccf8a386c674cffb",
		 "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
		 "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
		{slice_of(key_aa, 131),
		 SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
		 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		 "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
		 "0c2ef6ab4030fe8296248df163f44952",
		 "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
		 "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
		{slice_of(key_aa, 131),
		 SLICE("This is a test using a larger than block-size key and a larger t"
		       "han block-size data. The key needs to be hashed before being use"
		       "d by the HMAC algorithm."),
		 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
		 "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
		 "a678cc31e799176d3860e6110c46523e",
		 "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
		 "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_hmac(&rows[i]);
}

static void hmac_of_nothing(void **state)
{
	uint8_t mac[HMAC_SIZE_MAX];

	(void)state;
	assert_int_equal(digest_hmac(HMAC_SHA256, SLICE(""), SLICE(""), mac), 32);
	check_hex(mac, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void equal(void **state)
{
	uint8_t a[32] = {0};
	uint8_t b[32] = {0};

	(void)state;
	assert_true(digest_equal(slice_of(a, 32), slice_of(b, 32)));
	assert_true(digest_equal((struct slice){NULL, 0}, SLICE("")));
	assert_false(digest_equal(slice_of(a, 32), slice_of(b, 31)));
	for (size_t bit = 0; bit < sizeof(b) * 8; bit++) {
		b[bit / 8] = (uint8_t)(1u << bit % 8);
		assert_false(digest_equal(slice_of(a, 32), slice_of(b, 32)));
		b[bit / 8] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha1),
		cmocka_unit_test(sha256),
		cmocka_unit_test(read_sha256),
		cmocka_unit_test(hmac_rfc4231),
		cmocka_unit_test(hmac_of_nothing),
		cmocka_unit_test(equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
