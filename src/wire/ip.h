/* wire/ip.h - IP addresses and networks as text, and which belongs to which.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's
 * Errors  false: it is none
 */
#ifndef BELFRY_WIRE_IP_H
#define BELFRY_WIRE_IP_H

#include "base/compiler.h"
#include "base/slice.h"
#include "base/writer.h"
#include "belfry/ip.h"

#define IP_TEXT_MAX 45 /* bytes: eight groups of which two are written as IPv4 */

/* An IPv4 address of four decimal numbers without leading zeros, or an IPv6 address (RFC 4291
 * section 2.2) without brackets and zone. */
MUST_CHECK bool ip_parse(struct slice text, struct ip *ret_ip);

/* ADDRESS or ADDRESS/BITS; false also when a bit behind them is set. */
MUST_CHECK bool ip_parse_network(struct slice text, struct ip_network *ret_network);

/* IPv4 with dots, IPv6 as RFC 5952 wants it; at most IP_TEXT_MAX bytes. */
void ip_write(struct writer *writer, const struct ip *ip);

/* It is not all zero. */
MUST_CHECK bool ip_is_known(const struct ip *ip);

MUST_CHECK bool ip_is_v4(const struct ip *ip);

/* It belongs to one of the networks; what is not known belongs to none. */
MUST_CHECK bool ip_is_in(const struct ip *ip, const struct ip_network_list *networks);

/* What limits per address count as one client: IPv4 whole, of IPv6 the /64, since one client owns
 * all of that. */
struct ip ip_counted(const struct ip *ip);

#endif
