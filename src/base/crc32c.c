/* base/crc32c.c - eight bytes a step, with eight tables. */
#include "base/crc32c.h"

#include <endian.h>

/* A CRC is linear: the value of a byte is the XOR of the values of its bits. So eight numbers
 * make a table, and the compiler does it. */
#define BIT(i, n, value) ((((i) >> (n)) & 1) ? (value) : 0u)
#define ONE(i, a, b, c, d, e, f, g, h)                                                             \
	(BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^ \
	 BIT(i, 6, g) ^ BIT(i, 7, h))
#define ONE_OF(i, ...) ONE(i, __VA_ARGS__)
#define FOUR(i, ...)                                                                          \
	ONE_OF((i), __VA_ARGS__), ONE_OF((i) + 1, __VA_ARGS__), ONE_OF((i) + 2, __VA_ARGS__), \
		ONE_OF((i) + 3, __VA_ARGS__)
#define SIXTEEN(i, ...)                                                                 \
	FOUR((i), __VA_ARGS__), FOUR((i) + 4, __VA_ARGS__), FOUR((i) + 8, __VA_ARGS__), \
		FOUR((i) + 12, __VA_ARGS__)
#define SIXTY_FOUR(i, ...)                                                                         \
	SIXTEEN((i), __VA_ARGS__), SIXTEEN((i) + 16, __VA_ARGS__), SIXTEEN((i) + 32, __VA_ARGS__), \
		SIXTEEN((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                 \
	{                                                                          \
		SIXTY_FOUR(0, __VA_ARGS__), SIXTY_FOUR(64, __VA_ARGS__),           \
			SIXTY_FOUR(128, __VA_ARGS__), SIXTY_FOUR(192, __VA_ARGS__) \
	}

/* tables[k][b]: byte b with k bytes of zero after it. */
static const uint32_t tables[8][256] = {
	TABLE(0xF26B8303, 0xE13B70F7, 0xC79A971F, 0x8AD958CF, /* bits 0 to 3 */
	      0x105EC76F, 0x20BD8EDE, 0x417B1DBC, 0x82F63B78),
	TABLE(0x13A29877, 0x274530EE, 0x4E8A61DC, 0x9D14C3B8, /* bits 0 to 3 */
	      0x3FC5F181, 0x7F8BE302, 0xFF17C604, 0xFBC3FAF9),
	TABLE(0xA541927E, 0x4F6F520D, 0x9EDEA41A, 0x38513EC5, /* bits 0 to 3 */
	      0x70A27D8A, 0xE144FB14, 0xC76580D9, 0x8B277743),
	TABLE(0xDD45AAB8, 0xBF672381, 0x7B2231F3, 0xF64463E6, /* bits 0 to 3 */
	      0xE964B13D, 0xD725148B, 0xABA65FE7, 0x52A0C93F),
	TABLE(0x38116FAC, 0x7022DF58, 0xE045BEB0, 0xC5670B91, /* bits 0 to 3 */
	      0x8F2261D3, 0x1BA8B557, 0x37516AAE, 0x6EA2D55C),
	TABLE(0xEF306B19, 0xDB8CA0C3, 0xB2F53777, 0x6006181F, /* bits 0 to 3 */
	      0xC00C303E, 0x85F4168D, 0x0E045BEB, 0x1C08B7D6),
	TABLE(0x68032CC8, 0xD0065990, 0xA5E0C5D1, 0x4E2DFD53, /* bits 0 to 3 */
	      0x9C5BFAA6, 0x3D5B83BD, 0x7AB7077A, 0xF56E0EF4),
	TABLE(0x493C7D27, 0x9278FA4E, 0x211D826D, 0x423B04DA, /* bits 0 to 3 */
	      0x847609B4, 0x0D006599, 0x1A00CB32, 0x34019664),
};

static uint32_t step_of_eight(uint32_t sum, const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	word = le64toh(word) ^ sum;
	sum = 0;
	for (unsigned k = 0; k < 8; k++)
		sum ^= tables[7 - k][(word >> (8 * k)) & 0xFF];
	return sum;
}

uint32_t crc32c(uint32_t before, struct slice bytes)
{
	uint32_t sum = ~before;

	for (; bytes.size >= 8; bytes = slice_skip(bytes, 8))
		sum = step_of_eight(sum, bytes.bytes);
	for (size_t i = 0; i < bytes.size; i++)
		sum = (sum >> 8) ^ tables[0][(sum ^ bytes.bytes[i]) & 0xFF];
	return ~sum;
}
