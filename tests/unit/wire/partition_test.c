/* tests/unit/wire/partition_test.c - the CRC of Redis Cluster, and the keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "wire/partition.h"

static void check_crc(struct slice bytes, uint16_t expected)
{
	assert_int_equal(partition_crc16(bytes), expected);
}

static void the_crc_is_the_one_of_redis_cluster(void **state)
{
	(void)state;
	check_crc(SLICE("123456789"), 0x31C3);
	check_crc(SLICE(""), 0);
	check_crc(SLICE("foo") /* CLUSTER KEYSLOT foo is 12182 */, 0xAF96);
}

/* The same, bit by bit, for every byte after every one. */
static void it_divides_by_its_polynomial(void **state)
{
	(void)state;
	for (uint32_t number = 0; number <= UINT16_MAX; number++) {
		const uint8_t bytes[] = {(uint8_t)(number >> 8), (uint8_t)number};
		uint32_t rest = number;

		for (int bit = 0; bit < 16; bit++)
			rest = rest & 0x8000 ? rest << 1 ^ 0x11021 : rest << 1;
		assert_int_equal(partition_crc16(slice_of(bytes, 2)), rest);
	}
}

static void check_partition(struct slice channel, uint32_t count, uint32_t expected)
{
	assert_int_equal(partition_of(channel, count), expected);
}

static void channels_have_their_partition(void **state)
{
	(void)state;
	check_partition(SLICE("123456789"), 1, 0);
	check_partition(SLICE("123456789"), 2, 1);
	check_partition(SLICE("123456789"), 1024, 0x1C3);
	check_partition(SLICE("user:42"), 4, 0);
	check_partition(SLICE("all"), 4, 2);
	check_partition(SLICE("announcements"), 4, 3);
}

static void check_key(uint32_t partition, uint32_t count, const char *expected)
{
	uint8_t bytes[32];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	partition_write_key(&writer, SLICE("belfry:in"), partition, count);
	assert_int_equal(writer.size, strlen(expected));
	assert_memory_equal(bytes, expected, writer.size);
}

static void keys_name_the_partition(void **state)
{
	(void)state;
	check_key(0, 1, "belfry:in");
	check_key(0, 2, "belfry:in:{0}");
	check_key(1023, 1024, "belfry:in:{1023}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_crc_is_the_one_of_redis_cluster),
		cmocka_unit_test(it_divides_by_its_polynomial),
		cmocka_unit_test(channels_have_their_partition),
		cmocka_unit_test(keys_name_the_partition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
