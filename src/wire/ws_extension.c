/* wire/ws_extension.c - what of Sec-WebSocket-Extensions is agreed on. */
#include "wire/ws_extension.h"

#include "base/assert.h"
#include "wire/deflate.h"

#define VALUE_SIZE 2 /* digits of a window size; of a longer value only its size counts */

struct parameter {
	struct slice name;
	bool has_value;
	uint8_t value[VALUE_SIZE];
	size_t value_size; /* may be more than VALUE_SIZE */
};

struct offer {
	bool is_good; /* permessage-deflate, and nothing in it was wrong so far */
	uint32_t seen;
	struct ws_deflate terms;
};

enum value_rule { VALUE_NEVER, VALUE_MUST, VALUE_MAY };

static const struct {
	const char *name;
	enum value_rule rule;
	bool is_server_bits;
} parameters[] = {
	{"server_no_context_takeover", VALUE_NEVER, false},
	{"client_no_context_takeover", VALUE_NEVER, false},
	{"server_max_window_bits", VALUE_MUST, true},
	{"client_max_window_bits", VALUE_MAY, false},
};

/* RFC 2616 section 2.2, which is what RFC 6455 refers to. */
static bool is_token_byte(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') ||
	       (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static void skip_blanks(struct slice *rest)
{
	while (rest->size > 0 && (rest->bytes[0] == ' ' || rest->bytes[0] == '\t'))
		*rest = slice_skip(*rest, 1);
}

/* The next byte, blanks apart, is this one; it is taken. */
static bool take(struct slice *rest, uint8_t byte)
{
	skip_blanks(rest);
	if (rest->size == 0 || rest->bytes[0] != byte)
		return false;
	*rest = slice_skip(*rest, 1);
	return true;
}

/* Empty: there is none. */
static struct slice take_token(struct slice *rest)
{
	struct slice token;
	size_t size = 0;

	skip_blanks(rest);
	while (size < rest->size && is_token_byte(rest->bytes[size]))
		size++;
	token = slice_of(rest->bytes, size);
	*rest = slice_skip(*rest, size);
	return token;
}

static void keep_byte(struct parameter *parameter, uint8_t byte)
{
	if (parameter->value_size < VALUE_SIZE)
		parameter->value[parameter->value_size] = byte;
	parameter->value_size++;
}

/* Behind the opening quote. What is quoted must be a token once it is unescaped. */
static bool take_quoted(struct slice *rest, struct parameter *parameter)
{
	while (rest->size > 0 && rest->bytes[0] != '"') {
		if (rest->bytes[0] == '\\')
			*rest = slice_skip(*rest, 1);
		if (rest->size == 0 || !is_token_byte(rest->bytes[0]))
			return false;
		keep_byte(parameter, rest->bytes[0]);
		*rest = slice_skip(*rest, 1);
	}
	if (rest->size == 0)
		return false;
	*rest = slice_skip(*rest, 1);
	return true;
}

static bool take_value(struct slice *rest, struct parameter *parameter)
{
	struct slice token;

	if (take(rest, '"'))
		return take_quoted(rest, parameter) && parameter->value_size > 0;
	token = take_token(rest);
	for (size_t i = 0; i < token.size; i++)
		keep_byte(parameter, token.bytes[i]);
	return token.size > 0;
}

/* False: against the grammar. */
static bool take_parameter(struct slice *rest, struct parameter *ret)
{
	struct parameter parameter = {.name = take_token(rest)};

	if (parameter.name.size == 0)
		return false;
	parameter.has_value = take(rest, '=');
	if (parameter.has_value && !take_value(rest, &parameter))
		return false;
	*ret = parameter;
	return true;
}

/* 8 to 15 in decimal, without zeros before it. 0: anything else. */
static uint8_t window_bits(const struct parameter *parameter)
{
	const uint8_t *digits = parameter->value;

	if (parameter->value_size == 1 && (digits[0] == '8' || digits[0] == '9'))
		return (uint8_t)(digits[0] - '0');
	if (parameter->value_size == 2 && digits[0] == '1' && digits[1] >= '0' && digits[1] <= '5')
		return (uint8_t)(10 + digits[1] - '0');
	return 0;
}

/* False: the offer is declined for it (RFC 7692 section 7.1). */
static bool apply(struct offer *offer, const struct parameter *parameter)
{
	uint8_t bits = window_bits(parameter);
	uint32_t i = 0;

	while (i < ARRAY_SIZE(parameters) && !slice_equal_text(parameter->name, parameters[i].name))
		i++;
	if (i == ARRAY_SIZE(parameters) || (offer->seen & 1u << i) != 0)
		return false;
	offer->seen |= 1u << i;
	if (!parameter->has_value)
		return parameters[i].rule != VALUE_MUST;
	if (parameters[i].rule == VALUE_NEVER || bits == 0)
		return false;
	if (parameters[i].is_server_bits)
		offer->terms.server_bits = bits;
	return true;
}

/* One extension with its parameters. False: against the grammar. */
static bool take_offer(struct slice *rest, struct offer *offer)
{
	struct slice name = take_token(rest);
	struct parameter parameter;

	*offer = (struct offer){.is_good = slice_equal_text(name, "permessage-deflate")};
	offer->terms.on = true;
	if (name.size == 0)
		return false;
	while (take(rest, ';')) {
		if (!take_parameter(rest, &parameter))
			return false;
		offer->is_good = offer->is_good && apply(offer, &parameter);
	}
	return true;
}

/* Keeps the offer if it is better than what there is. */
static void consider(struct ws_deflate *best, const struct offer *offer)
{
	if (!offer->is_good)
		return;
	if (!best->on ||
	    (!ws_extension_may_compress(best) && ws_extension_may_compress(&offer->terms)))
		*best = offer->terms;
}

/* One header line. */
static bool read_line(struct slice rest, struct ws_deflate *best)
{
	struct offer offer;

	for (;;) {
		while (take(&rest, ','))
			; /* an empty element */
		if (rest.size == 0)
			return true;
		if (!take_offer(&rest, &offer))
			return false;
		consider(best, &offer);
		if (rest.size > 0 && !take(&rest, ','))
			return false;
	}
}

bool ws_extension_negotiate(const struct http_head *head, struct ws_deflate *ret)
{
	struct ws_deflate best = {.on = false};

	for (uint32_t i = 0; i < head->headers_count; i++)
		if (slice_equal_fold(head->headers[i].name, SLICE("Sec-WebSocket-Extensions")) &&
		    !read_line(head->headers[i].value, &best))
			return false;
	*ret = best;
	return true;
}

bool ws_extension_may_compress(const struct ws_deflate *terms)
{
	return terms->on && (terms->server_bits == 0 || terms->server_bits >= DEFLATE_WINDOW_BITS);
}

void ws_extension_write(struct writer *writer, const struct ws_deflate *terms)
{
	ASSERT(terms->on);
	writer_text(writer, "permessage-deflate; server_no_context_takeover; "
			    "client_no_context_takeover");
	if (terms->server_bits == 0)
		return;
	writer_text(writer, "; server_max_window_bits=");
	writer_u64(writer, terms->server_bits);
}
