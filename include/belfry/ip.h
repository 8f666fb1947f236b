/* belfry/ip.h - an IP address, and a network of them.
 *
 * Layer   nouns (may include: libc)
 * Threads any; values
 * Memory  16 bytes; a list belongs to struct config
 * Errors  none
 *
 * One form for both families: IPv4 is written as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so
 * that a client is the same whether it came over an IPv4 or a dual socket.
 */
#ifndef BELFRY_IP_H
#define BELFRY_IP_H

#include <stdint.h>

struct ip {
	uint8_t bytes[16]; /* all zero: not known; nobody sends from :: */
};

struct ip_network {
	struct ip ip; /* its first address: what is behind `bits` is 0 */
	uint8_t bits; /* 0..128, of ip.bytes: an IPv4 /8 is a /104 here */
};

struct ip_network_list {
	struct ip_network *items; /* NULL when count is 0 */
	uint32_t count;
};

#endif
