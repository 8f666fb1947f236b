/* wire/partition.c - CRC16, a byte at a time. */
#include "wire/partition.h"

#include "base/assert.h"

/* The polynomial says x^16 = x^12 + x^5 + 1, so the byte that is shifted out comes in again at
 * those three places; from x^12 its upper half goes out once more, and comes in the same way. */
uint16_t partition_crc16(struct slice bytes)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < bytes.size; i++) {
		uint32_t out = crc >> 8 ^ bytes.bytes[i];

		out ^= out >> 4;
		crc = (crc << 8 ^ out << 12 ^ out << 5 ^ out) & 0xFFFF;
	}
	return (uint16_t)crc;
}

uint32_t partition_of(struct slice channel, uint32_t count)
{
	ASSERT(count > 0 && count <= PARTITIONS_MAX);
	return count == 1 ? 0 : partition_crc16(channel) % count;
}

void partition_write_key(struct writer *writer, struct slice stream, uint32_t partition,
			 uint32_t count)
{
	ASSERT(partition < count && count <= PARTITIONS_MAX);
	writer_slice(writer, stream);
	if (count > 1)
		writer_format(writer, ":{%u}", partition);
}
