/* wsbench/token.c - HS256 tokens. */
#include "wsbench/token.h"

#include "base/assert.h"
#include "wire/base64.h"
#include "wire/digest.h"

#define CLAIMS_MAX (TOKEN_USER_MAX + 48)

static void write_base64url(struct writer *writer, struct slice bytes)
{
	char text[BASE64URL_SIZE(CLAIMS_MAX)];

	ASSERT(bytes.size <= CLAIMS_MAX);
	writer_bytes(writer, text, base64url_write(bytes, text));
}

static void write_claims(struct writer *writer, struct slice user, uint64_t expires_s)
{
	uint8_t bytes[CLAIMS_MAX];
	struct writer claims;

	writer_init(&claims, bytes, sizeof(bytes));
	writer_text(&claims, "{\"sub\":\"");
	writer_slice(&claims, user);
	writer_text(&claims, "\",\"exp\":");
	writer_u64(&claims, expires_s);
	writer_text(&claims, "}");
	ASSERT(!claims.overflow);
	write_base64url(writer, writer_written(&claims));
}

void token_write(struct writer *writer, struct slice user, uint64_t expires_s,
		 struct slice secret)
{
	uint8_t mac[HMAC_SIZE_MAX];
	size_t start = writer->size;

	ASSERT(user.size <= TOKEN_USER_MAX);
	write_base64url(writer, SLICE("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
	writer_text(writer, ".");
	write_claims(writer, user, expires_s);
	if (writer->overflow)
		return;
	struct slice signed_part = slice_of(writer->bytes + start, writer->size - start);
	size_t mac_size = digest_hmac(HMAC_SHA256, secret, signed_part, mac);
	writer_text(writer, ".");
	write_base64url(writer, slice_of(mac, mac_size));
}
