/* wire/proxy_header.c - the PROXY protocol, version 1 and 2. */
#include "wire/proxy_header.h"

#include "base/crc32c.h"
#include "wire/ip.h"

#define V1_SIZE_MAX 107 /* with CRLF: UNKNOWN with two of the longest IPv6 addresses */
#define V2_HEAD_SIZE 16
#define TLV_HEAD_SIZE 3
#define TLV_CRC32C 0x03

static const struct slice v1_begin = {(const uint8_t *)"PROXY ", 6};
static const struct slice v2_begin = {(const uint8_t *)"\r\n\r\n\0\r\nQUIT\n", 12};

/* `bytes` begin with `prefix`, or with as much of it as there is. */
static bool may_begin_with(struct slice bytes, struct slice prefix)
{
	size_t size = bytes.size < prefix.size ? bytes.size : prefix.size;

	return slice_equal(slice_of(bytes.bytes, size), slice_of(prefix.bytes, size));
}

/* ---- version 1 ---- */

/* 0..65535 without leading zeros (section 2.1). */
static bool is_port(struct slice text)
{
	uint64_t port;

	return text.size > 0 && text.size <= 5 && slice_to_u64(text, &port) && port <= UINT16_MAX &&
	       (text.bytes[0] != '0' || text.size == 1);
}

static bool read_v1_address(struct slice text, bool is_v6, struct ip *ret_ip)
{
	bool has_colon = text.size > 0 && memchr(text.bytes, ':', text.size);

	return has_colon == is_v6 && ip_parse(text, ret_ip);
}

/* What stands between "PROXY " and CRLF. */
static bool read_v1_line(struct slice line, struct ip *ret_source)
{
	struct slice family = slice_cut(&line, ' ');
	bool is_v6 = slice_equal_text(family, "TCP6");
	struct ip destination;

	if (slice_equal_text(family, "UNKNOWN"))
		return true; /* whatever follows is to be ignored */
	if (!is_v6 && !slice_equal_text(family, "TCP4"))
		return false;
	return read_v1_address(slice_cut(&line, ' '), is_v6, ret_source) &&
	       read_v1_address(slice_cut(&line, ' '), is_v6, &destination) &&
	       is_port(slice_cut(&line, ' ')) && is_port(slice_cut(&line, ' ')) &&
	       slice_is_absent(line);
}

static enum proxy_header_status parse_v1(struct slice bytes, struct proxy_header *ret)
{
	struct proxy_header header = {0};
	size_t end = 0;

	while (end < bytes.size && bytes.bytes[end] >= ' ' && bytes.bytes[end] < 0x7F)
		end++;
	if (end > V1_SIZE_MAX - 2)
		return PROXY_HEADER_BAD;
	if (end < bytes.size && bytes.bytes[end] != '\r')
		return PROXY_HEADER_BAD;
	if (end + 1 >= bytes.size)
		return PROXY_HEADER_PARTIAL;
	if (bytes.bytes[end + 1] != '\n' ||
	    !read_v1_line(slice_of(bytes.bytes + v1_begin.size, end - v1_begin.size),
			  &header.source))
		return PROXY_HEADER_BAD;
	header.size = end + 2;
	*ret = header;
	return PROXY_HEADER_WHOLE;
}

/* ---- version 2 ---- */

static size_t read_u16(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

/* The sum over the whole header with its own four bytes taken as zero (section 2.2.3). */
static bool is_sum_right(struct slice header, size_t at)
{
	static const uint8_t zeros[4];
	const uint8_t *own = header.bytes + at;
	uint32_t sum = crc32c(0, slice_of(header.bytes, at));

	sum = crc32c(sum, slice_of(zeros, sizeof(zeros)));
	sum = crc32c(sum, slice_skip(header, at + sizeof(zeros)));
	return sum == ((uint32_t)read_u16(own) << 16 | read_u16(own + 2));
}

static bool check_tlvs(struct slice header, size_t at)
{
	while (at < header.size) {
		if (header.size - at < TLV_HEAD_SIZE)
			return false;
		uint8_t type = header.bytes[at];
		size_t size = read_u16(header.bytes + at + 1);

		at += TLV_HEAD_SIZE;
		if (size > header.size - at)
			return false;
		if (type == TLV_CRC32C && (size != 4 || !is_sum_right(header, at)))
			return false;
		at += size;
	}
	return true;
}

/* The addresses of a header that is there whole; `family` is its 14th byte. */
static bool read_v2_addresses(struct slice header, uint8_t family, struct ip *ret_source)
{
	static const uint8_t v4_prefix[12] = {[10] = 0xFF, [11] = 0xFF};
	static const uint8_t sizes[] = {0, 12, 36, 216}; /* unspecified, IPv4, IPv6, Unix */
	const uint8_t *source = header.bytes + V2_HEAD_SIZE;
	size_t size = sizes[family >> 4];

	if ((family & 0x0F) == 0 || size == 0)
		return true; /* unspecified: nothing behind it is told apart */
	if (header.size < V2_HEAD_SIZE + size)
		return false;
	if (family >> 4 == 1) {
		memcpy(ret_source->bytes, v4_prefix, sizeof(v4_prefix));
		memcpy(ret_source->bytes + sizeof(v4_prefix), source, 4);
	} else if (family >> 4 == 2) {
		memcpy(ret_source->bytes, source, sizeof(ret_source->bytes));
	}
	return check_tlvs(header, V2_HEAD_SIZE + size);
}

static enum proxy_header_status parse_v2(struct slice bytes, struct proxy_header *ret)
{
	struct proxy_header header = {0};

	if (bytes.size > 12 && bytes.bytes[12] != 0x20 && bytes.bytes[12] != 0x21)
		return PROXY_HEADER_BAD; /* version 2, LOCAL or PROXY */
	if (bytes.size > 13 && (bytes.bytes[13] >> 4 > 3 || (bytes.bytes[13] & 0x0F) > 2))
		return PROXY_HEADER_BAD;
	if (bytes.size < V2_HEAD_SIZE)
		return PROXY_HEADER_PARTIAL;
	header.size = V2_HEAD_SIZE + read_u16(bytes.bytes + 14);
	if (header.size > PROXY_HEADER_SIZE_MAX)
		return PROXY_HEADER_BAD;
	if (bytes.size < header.size)
		return PROXY_HEADER_PARTIAL;
	if (bytes.bytes[12] == 0x21 &&
	    !read_v2_addresses(slice_of(bytes.bytes, header.size), bytes.bytes[13], &header.source))
		return PROXY_HEADER_BAD;
	*ret = header;
	return PROXY_HEADER_WHOLE;
}

enum proxy_header_status proxy_header_parse(struct slice bytes, struct proxy_header *ret_header)
{
	if (may_begin_with(bytes, v1_begin))
		return bytes.size < v1_begin.size ? PROXY_HEADER_PARTIAL
						  : parse_v1(bytes, ret_header);
	if (may_begin_with(bytes, v2_begin))
		return bytes.size < v2_begin.size ? PROXY_HEADER_PARTIAL
						  : parse_v2(bytes, ret_header);
	return PROXY_HEADER_BAD;
}
