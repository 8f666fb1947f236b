/* tests/fuzz/proxy_header_fuzz.c - PROXY headers cut in any way, and lists of addresses.
 *
 * Byte 0: odd, the rest is a PROXY header whose answer must not depend on how far it was there
 * before; even, the rest is the value of X-Forwarded-For and Forwarded.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/forwarded.h"
#include "wire/ip.h"
#include "wire/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_header(struct slice text)
{
	enum proxy_header_status status = PROXY_HEADER_PARTIAL;
	struct proxy_header whole, header;
	enum proxy_header_status expected = proxy_header_parse(text, &whole);

	for (size_t at = 0; at <= text.size && status == PROXY_HEADER_PARTIAL; at++) {
		uint8_t *copy = malloc(at ? at : 1); /* no byte behind it may be read */

		ASSERT(copy != NULL);
		memcpy(copy, text.bytes, at);
		status = proxy_header_parse(slice_of(copy, at), &header);
		ASSERT(status != PROXY_HEADER_WHOLE || header.size == at);
		free(copy);
	}
	ASSERT(status == expected);
	if (status != PROXY_HEADER_WHOLE)
		return;
	ASSERT(header.size == whole.size && header.size <= PROXY_HEADER_SIZE_MAX);
	ASSERT(memcmp(&header.source, &whole.source, sizeof(whole.source)) == 0);
}

/* What is written is read as the same address. */
static void check_text(const struct ip *ip)
{
	char bytes[IP_TEXT_MAX];
	struct writer writer;
	struct ip again;

	writer_init(&writer, bytes, sizeof(bytes));
	ip_write(&writer, ip);
	ASSERT(!writer.overflow && ip_parse(writer_written(&writer), &again));
	ASSERT(memcmp(ip, &again, sizeof(again)) == 0);
}

static void check_lists(struct slice value)
{
	static struct http_head head;
	struct ip_network network = {{{[10] = 0xFF, [11] = 0xFF, [12] = 10}}, 104};
	struct ip_network_list trusted = {&network, 1};

	head.headers_count = 3;
	head.headers[0] = (struct http_header){SLICE("X-Forwarded-For"), value};
	head.headers[1] = (struct http_header){SLICE("Forwarded"), value};
	head.headers[2] = (struct http_header){SLICE("Forwarded"), SLICE("for=10.0.0.1")};
	for (unsigned which = CONFIG_FORWARDED_ANY; which <= CONFIG_FORWARDED_RFC7239; which++) {
		struct ip ip = forwarded_client(&head, (enum config_forwarded)which, &trusted);

		ASSERT(which != CONFIG_FORWARDED_RFC7239 || ip_is_known(&ip));
		if (ip_is_known(&ip))
			check_text(&ip);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 1 || size > PROXY_HEADER_SIZE_MAX + 64)
		return 0;
	if (bytes[0] & 1)
		check_header(slice_of(bytes + 1, size - 1));
	else
		check_lists(slice_of(bytes + 1, size - 1));
	return 0;
}
