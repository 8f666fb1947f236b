/* wire/ip.c - IP addresses and networks as text, and which belongs to which. */
#include "wire/ip.h"

#include <arpa/inet.h>

#include "base/assert.h"

#define V4_BITS 96 /* bits of ::ffff:0:0, before an IPv4 address */

static const uint8_t v4_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

bool ip_parse(struct slice text, struct ip *ret_ip)
{
	char copy[IP_TEXT_MAX + 1];
	struct ip ip;

	if (text.size == 0 || text.size > IP_TEXT_MAX || memchr(text.bytes, 0, text.size))
		return false;
	memcpy(copy, text.bytes, text.size);
	copy[text.size] = '\0';
	memcpy(ip.bytes, v4_prefix, sizeof(v4_prefix));
	if (inet_pton(AF_INET, copy, ip.bytes + sizeof(v4_prefix)) != 1 &&
	    inet_pton(AF_INET6, copy, ip.bytes) != 1)
		return false;
	*ret_ip = ip;
	return true;
}

/* The address without what is behind `bits`. */
static struct ip cut(const struct ip *ip, unsigned bits)
{
	struct ip kept = {{0}};

	ASSERT(bits <= 128);
	memcpy(kept.bytes, ip->bytes, bits / 8);
	if (bits % 8)
		kept.bytes[bits / 8] = (uint8_t)(ip->bytes[bits / 8] & 0xFF00u >> bits % 8);
	return kept;
}

bool ip_parse_network(struct slice text, struct ip_network *ret_network)
{
	struct slice rest = text;
	struct ip_network network;
	uint64_t bits;

	if (!ip_parse(slice_cut(&rest, '/'), &network.ip))
		return false;
	unsigned before = memchr(text.bytes, ':', text.size) ? 0 : V4_BITS;

	bits = 128 - before;
	if (!slice_is_absent(rest) &&
	    (rest.size > 3 || !slice_to_u64(rest, &bits) || bits > 128 - before))
		return false;
	network.bits = (uint8_t)(before + bits);
	struct ip first = cut(&network.ip, network.bits);

	if (memcmp(&first, &network.ip, sizeof(first)) != 0)
		return false;
	*ret_network = network;
	return true;
}

void ip_write(struct writer *writer, const struct ip *ip)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = ip_is_v4(ip);
	const uint8_t *bytes = v4 ? ip->bytes + sizeof(v4_prefix) : ip->bytes;

	if (inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
		writer_text(writer, text);
}

bool ip_is_known(const struct ip *ip)
{
	static const struct ip none;

	return memcmp(ip, &none, sizeof(none)) != 0;
}

bool ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool ip_is_in(const struct ip *ip, const struct ip_network_list *networks)
{
	if (!ip_is_known(ip))
		return false;
	for (uint32_t i = 0; i < networks->count; i++) {
		struct ip first = cut(ip, networks->items[i].bits);

		if (memcmp(&first, &networks->items[i].ip, sizeof(first)) == 0)
			return true;
	}
	return false;
}

struct ip ip_counted(const struct ip *ip)
{
	return ip_is_v4(ip) ? *ip : cut(ip, 64);
}
