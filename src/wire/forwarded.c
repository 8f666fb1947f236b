/* wire/forwarded.c - whose request it is when proxies stand between. */
#include "wire/forwarded.h"

#include "wire/ip.h"

#define NODE_SIZE_MAX 64 /* bytes: an IPv6 address in brackets with a port is shorter */

/* What the list says, read from the left up to here. */
struct chain {
	const struct ip_network_list *trusted;
	struct ip client; /* the rightmost that is not trusted */
	struct ip first;  /* without one: the leftmost of the trusted behind the last break */
};

static void chain_break(struct chain *chain)
{
	chain->client = chain->first = (struct ip){{0}};
}

static void chain_add(struct chain *chain, const struct ip *ip)
{
	if (!ip_is_in(ip, chain->trusted))
		chain->client = *ip;
	else if (!ip_is_known(&chain->first))
		chain->first = *ip;
}

/* ---- one address ---- */

/* A number, or what hides one (RFC 7239 section 6.2). */
static bool is_port(struct slice text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.bytes[i];
		bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';

		if (!is_letter && (byte < '0' || byte > '9') && !memchr("._-", byte, 3))
			return false;
	}
	return text.size > 0;
}

static bool read_bracketed(struct slice text, struct ip *ret_ip)
{
	const uint8_t *end = memchr(text.bytes, ']', text.size);

	if (!end)
		return false;
	struct slice inside = slice_of(text.bytes + 1, (size_t)(end - text.bytes) - 1);
	struct slice behind = slice_skip(text, inside.size + 2);

	if (behind.size > 0 && (behind.bytes[0] != ':' || !is_port(slice_skip(behind, 1))))
		return false;
	return inside.size > 0 && memchr(inside.bytes, ':', inside.size) &&
	       ip_parse(inside, ret_ip);
}

/* IPV4, IPV4:PORT, [IPV6], [IPV6]:PORT, and IPV6 as proxies write it in X-Forwarded-For. */
static bool read_node(struct slice text, struct ip *ret_ip)
{
	struct slice rest = text;

	if (text.size == 0)
		return false;
	if (text.bytes[0] == '[')
		return read_bracketed(text, ret_ip);
	struct slice host = slice_cut(&rest, ':');

	if (slice_is_absent(rest) || memchr(rest.bytes, ':', rest.size))
		return ip_parse(text, ret_ip);
	return is_port(rest) && ip_parse(host, ret_ip);
}

static void chain_add_node(struct chain *chain, struct slice node)
{
	struct ip ip;

	if (read_node(node, &ip) && ip_is_known(&ip))
		chain_add(chain, &ip);
	else
		chain_break(chain);
}

/* ---- X-Forwarded-For ---- */

static void add_list(struct chain *chain, struct slice list)
{
	while (!slice_is_absent(list)) {
		struct slice node = slice_trim(slice_cut(&list, ','));

		if (node.size > 0) /* RFC 9110 section 5.6.1.2: an empty element is none */
			chain_add_node(chain, node);
	}
}

/* ---- Forwarded ---- */

/* One pair, name=value; the value is without its quotes and backslashes. */
struct pair {
	struct slice name;
	uint8_t value[NODE_SIZE_MAX];
	size_t value_size;
	bool is_long; /* the value did not fit: it is no address */
};

static void pair_put(struct pair *pair, uint8_t byte)
{
	if (pair->value_size < sizeof(pair->value))
		pair->value[pair->value_size++] = byte;
	else
		pair->is_long = true;
}

/* Reads what is between quotes; *rest begins behind the first. False: the second is missing. */
static bool cut_quoted(struct slice *rest, struct pair *pair)
{
	for (size_t i = 0; i < rest->size; i++) {
		uint8_t byte = rest->bytes[i];

		if (byte == '"') {
			*rest = slice_skip(*rest, i + 1);
			return true;
		}
		if (byte == '\\' && ++i < rest->size)
			byte = rest->bytes[i];
		pair_put(pair, byte);
	}
	return false;
}

static size_t token_size(struct slice text)
{
	size_t size = 0;

	while (size < text.size && !memchr(",;=\" \t", text.bytes[size], 6))
		size++;
	return size;
}

static void skip_blanks(struct slice *rest)
{
	*rest = slice_trim(*rest);
}

/* Cuts one pair off *rest, up to the comma or semicolon behind it. False: it is none. */
static bool cut_pair(struct slice *rest, struct pair *pair)
{
	size_t size = token_size(*rest);

	*pair = (struct pair){.name = slice_of(rest->bytes, size)};
	*rest = slice_skip(*rest, size);
	if (size == 0 || rest->size == 0 || rest->bytes[0] != '=')
		return false;
	*rest = slice_skip(*rest, 1);
	if (rest->size > 0 && rest->bytes[0] == '"') {
		*rest = slice_skip(*rest, 1);
		return cut_quoted(rest, pair);
	}
	size = token_size(*rest);
	for (size_t i = 0; i < size; i++)
		pair_put(pair, rest->bytes[i]);
	*rest = slice_skip(*rest, size);
	return true;
}

/* Cuts one element off *rest, with the comma behind it; what it says is for goes to `node`. False:
 * nothing behind it can be told apart any more. */
static bool cut_element(struct slice *rest, struct pair *node, unsigned *ret_nodes)
{
	struct pair pair;

	*ret_nodes = 0;
	skip_blanks(rest);
	while (rest->size > 0 && rest->bytes[0] != ',') {
		if (rest->bytes[0] == ';') {
			*rest = slice_skip(*rest, 1);
		} else if (!cut_pair(rest, &pair)) {
			return false;
		} else if (slice_equal_fold(pair.name, SLICE("for"))) {
			*node = pair;
			(*ret_nodes)++;
		}
		skip_blanks(rest);
	}
	if (rest->size > 0)
		*rest = slice_skip(*rest, 1);
	return true;
}

static void add_elements(struct chain *chain, struct slice rest)
{
	struct pair node;
	unsigned nodes;

	do {
		if (!cut_element(&rest, &node, &nodes)) {
			chain_break(chain);
			return;
		}
		if (nodes == 1 && !node.is_long)
			chain_add_node(chain, slice_of(node.value, node.value_size));
		else
			chain_break(chain);
	} while (rest.size > 0);
}

struct ip forwarded_client(const struct http_head *head, enum config_forwarded which,
			   const struct ip_network_list *trusted)
{
	bool has_list = http_head_count(head, "X-Forwarded-For") > 0;
	bool use_list = which == CONFIG_FORWARDED_ANY ? has_list : which == CONFIG_FORWARDED_X_FOR;
	struct slice name = use_list ? SLICE("X-Forwarded-For") : SLICE("Forwarded");
	struct chain chain = {.trusted = trusted};

	for (uint32_t i = 0; i < head->headers_count; i++) {
		const struct http_header *header = &head->headers[i];

		if (!slice_equal_fold(header->name, name))
			continue;
		if (use_list)
			add_list(&chain, header->value);
		else
			add_elements(&chain, header->value);
	}
	return ip_is_known(&chain.client) ? chain.client : chain.first;
}
