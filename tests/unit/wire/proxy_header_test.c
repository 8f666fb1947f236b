/* tests/unit/wire/proxy_header_test.c - both versions, whole and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/crc32c.h"
#include "wire/ip.h"
#include "wire/proxy_header.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define V4_PAIR "\xC0\x00\x02\x01\x0A\x00\x00\x02\xAB\xCD\x1F\x90" /* 192.0.2.1, 10.0.0.2, ports */
#define V6_PAIR                                                                                \
	"\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x05\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x06" \
	"\x12\x34\x01\xBB"

/* In memory of exactly its size. */
static enum proxy_header_status parse(const uint8_t *bytes, size_t size, struct proxy_header *ret)
{
	uint8_t *copy = malloc(size ? size : 1);
	enum proxy_header_status status;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	status = proxy_header_parse(slice_of(copy, size), ret);
	free(copy);
	return status;
}

/* `source` NULL: not known. */
static void check_whole(struct slice text, const char *source)
{
	uint8_t *with_more = malloc(text.size + 3);
	struct ip expected = {{0}};
	struct proxy_header header;

	assert_non_null(with_more);
	memcpy(with_more, text.bytes, text.size);
	memcpy(with_more + text.size, "GET", 3);
	if (source)
		assert_true(ip_parse(slice_of_text(source), &expected));
	for (size_t size = 0; size < text.size; size++)
		assert_int_equal(parse(with_more, size, &header), PROXY_HEADER_PARTIAL);
	for (size_t size = text.size; size <= text.size + 3; size++) {
		assert_int_equal(parse(with_more, size, &header), PROXY_HEADER_WHOLE);
		assert_int_equal(header.size, text.size);
		assert_memory_equal(&header.source, &expected, sizeof(expected));
	}
	free(with_more);
}

/* Bad from some byte on, whatever follows. */
static void check_bad(struct slice text)
{
	bool was_bad = false;
	struct proxy_header header;

	for (size_t size = 0; size <= text.size; size++) {
		enum proxy_header_status status = parse(text.bytes, size, &header);

		assert_int_not_equal(status, PROXY_HEADER_WHOLE);
		assert_true(!was_bad || status == PROXY_HEADER_BAD);
		was_bad = status == PROXY_HEADER_BAD;
	}
	assert_true(was_bad);
}

#define WHOLE(text, source) check_whole(SLICE(text), source)
#define BAD(text) check_bad(SLICE(text))

static void version_1(void **state)
{
	(void)state;
	WHOLE("PROXY TCP4 192.0.2.1 10.0.0.2 56324 443\r\n", "192.0.2.1");
	WHOLE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255");
	WHOLE("PROXY TCP4 192.0.2.1 10.0.0.2 0 0\r\n", "192.0.2.1");
	WHOLE("PROXY TCP6 2001:db8::5 2001:db8::6 4660 443\r\n", "2001:db8::5");
	WHOLE("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1");
	WHOLE("PROXY UNKNOWN\r\n", NULL);
	WHOLE("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", NULL);
	WHOLE("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	      NULL);
}

static void version_1_wrong(void **state)
{
	(void)state;
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2 56324 443\n");
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2 56324 443\r \n");
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2 56324 443 \r\n");
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2 56324\r\n");
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2  56324 443\r\n");
	BAD("PROXY  TCP4 192.0.2.1 10.0.0.2 56324 443\r\n");
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2 56324 65536\r\n");
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2 056 443\r\n");
	BAD("PROXY TCP4 192.0.2.1 10.0.0.2 -1 443\r\n");
	BAD("PROXY TCP4 192.0.2.01 10.0.0.2 1 443\r\n");
	BAD("PROXY TCP4 2001:db8::5 2001:db8::6 1 443\r\n");
	BAD("PROXY TCP6 192.0.2.1 10.0.0.2 1 443\r\n");
	BAD("PROXY TCP5 192.0.2.1 10.0.0.2 1 443\r\n");
	BAD("PROXY tcp4 192.0.2.1 10.0.0.2 1 443\r\n");
	BAD("PROXY\tTCP4 192.0.2.1 10.0.0.2 1 443\r\n");
	BAD("PROXY TCP4 192.0.2.1\0 10.0.0.2 1 443\r\n");
	BAD("PROXY UNKNOWN\x01\r\n");
	BAD("PROXY UNKNOWNS\r\n");
	BAD("PROXY \r\n");
	BAD("GET / HTTP/1.1\r\n");
	BAD("proxy TCP4");
	BAD("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n");
}

static void version_2(void **state)
{
	(void)state;
	WHOLE(V2 "\x21\x11\x00\x0C" V4_PAIR, "192.0.2.1");
	WHOLE(V2 "\x21\x12\x00\x0C" V4_PAIR, "192.0.2.1");
	WHOLE(V2 "\x21\x21\x00\x24" V6_PAIR, "2001:db8::5");
	WHOLE(V2 "\x21\x11\x00\x10" V4_PAIR "\x04\x00\x01x", "192.0.2.1");
	WHOLE(V2 "\x21\x11\x00\x13" V4_PAIR "\x04\x00\x00\xEA\x00\x01y", "192.0.2.1");
	WHOLE(V2 "\x20\x00\x00\x00", NULL);
	WHOLE(V2 "\x20\x11\x00\x0C" V4_PAIR, NULL);
	WHOLE(V2 "\x20\x11\x00\x03zzz", NULL);
	WHOLE(V2 "\x21\x00\x00\x05zzzzz", NULL);
	WHOLE(V2 "\x21\x10\x00\x02zz", NULL);
}

static void version_2_wrong(void **state)
{
	(void)state;
	BAD(V2 "\x11\x11\x00\x0C" V4_PAIR);
	BAD(V2 "\x22\x11\x00\x0C" V4_PAIR);
	BAD(V2 "\x21\x13\x00\x0C" V4_PAIR);
	BAD(V2 "\x21\x41\x00\x0C" V4_PAIR);
	BAD(V2 "\x21\x11\x00\x0B" V4_PAIR);
	BAD(V2 "\x21\x21\x00\x0C" V4_PAIR);
	BAD(V2 "\x21\x31\x00\x0C" V4_PAIR);
	BAD(V2 "\x21\x11\x00\x0E" V4_PAIR "\x04\x00");
	BAD(V2 "\x21\x11\x00\x10" V4_PAIR "\x04\x00\x02x");
	BAD(V2 "\x21\x11\x00\x10" V4_PAIR "\x03\x00\x01x");
	BAD(V2 "\x21\x11\x0F\xF1");
	BAD("\r\n\r\n\0\r\nQUIT\r");
	BAD("\r\n\r\nGET");
}

/* A Unix socket has no address. */
static void a_unix_socket(void **state)
{
	uint8_t bytes[16 + 216] = V2 "\x21\x31\x00\xD8";

	(void)state;
	check_whole(slice_of(bytes, sizeof(bytes)), NULL);
}

/* As long as it may be, and one byte longer. */
static void the_longest(void **state)
{
	uint8_t *bytes = calloc(1, PROXY_HEADER_SIZE_MAX);
	size_t rest = PROXY_HEADER_SIZE_MAX - 16;
	struct proxy_header header;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, V2 "\x20\x00", 14);
	bytes[14] = (uint8_t)(rest >> 8);
	bytes[15] = (uint8_t)rest;
	assert_int_equal(parse(bytes, PROXY_HEADER_SIZE_MAX - 1, &header), PROXY_HEADER_PARTIAL);
	assert_int_equal(parse(bytes, PROXY_HEADER_SIZE_MAX, &header), PROXY_HEADER_WHOLE);
	bytes[15]++;
	assert_int_equal(parse(bytes, 16, &header), PROXY_HEADER_BAD);
	free(bytes);
}

/* A TLV before the sum, the sum, a TLV behind it. */
static void a_sum_that_is_checked(void **state)
{
	uint8_t bytes[] = V2 "\x21\x11\x00\x1B" V4_PAIR "\x04\x00\x01x\x03\x00\x04\0\0\0\0"
			     "\x04\x00\x01y";
	size_t size = sizeof(bytes) - 1, at = 16 + 12 + 4 + 3;
	uint32_t sum = crc32c(0, slice_of(bytes, size));

	(void)state;
	for (int i = 0; i < 4; i++)
		bytes[at + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
	check_whole(slice_of(bytes, size), "192.0.2.1");
	for (size_t i = 16; i < size; i++) {
		bytes[i] ^= 0x80;
		if (i < 28 || i >= at) /* the heads of TLVs say where the sum is */
			if (i != size - 3 && i != size - 2)
				check_bad(slice_of(bytes, size));
		bytes[i] ^= 0x80;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1),
		cmocka_unit_test(version_1_wrong),
		cmocka_unit_test(version_2),
		cmocka_unit_test(version_2_wrong),
		cmocka_unit_test(a_unix_socket),
		cmocka_unit_test(the_longest),
		cmocka_unit_test(a_sum_that_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
