/* wire/partition.c - CRC16 by bits: names are short. */
#include "wire/partition.h"

#include "base/assert.h"

#define POLYNOMIAL 0x1021u

uint16_t partition_crc16(struct slice bytes)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < bytes.size; i++) {
		crc ^= (uint32_t)bytes.bytes[i] << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ POLYNOMIAL : crc << 1;
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
