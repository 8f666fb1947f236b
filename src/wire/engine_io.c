/* wire/engine_io.c - packets of Engine.IO protocol 4. */
#include "wire/engine_io.h"

#include "base/assert.h"
#include "wire/base64.h"

static const struct {
	uint16_t status;
	const char *text;
} errors[] = {
#define X(name, status, text) {status, text},
	ENGINE_IO_ERROR_TABLE(X)
#undef X
};

bool engine_io_parse(struct slice text, struct engine_io_packet *ret_packet)
{
	if (text.size == 0)
		return false;
	uint8_t type = text.bytes[0];
	if ((type < ENGINE_IO_OPEN || type > ENGINE_IO_NOOP) && type != ENGINE_IO_BINARY)
		return false;
	*ret_packet = (struct engine_io_packet){
		.type = (enum engine_io_type)type,
		.payload = slice_skip(text, 1),
	};
	return true;
}

bool engine_io_next(struct slice *body, struct slice *ret_text)
{
	if (slice_is_absent(*body))
		return false;
	*ret_text = slice_cut(body, ENGINE_IO_SEPARATOR);
	return true;
}

bool engine_io_read_binary(struct slice payload, uint8_t *bytes, size_t capacity, size_t *ret_size)
{
	return base64_parse(payload, bytes, capacity, ret_size);
}

void engine_io_write_open(struct writer *writer, const struct engine_io_open *open)
{
	writer_text(writer, "0{\"sid\":\"");
	writer_slice(writer, open->sid);
	writer_text(writer, open->can_upgrade ? "\",\"upgrades\":[\"websocket\"],\"pingInterval\":"
					      : "\",\"upgrades\":[],\"pingInterval\":");
	writer_u64(writer, open->ping_interval_ms);
	writer_text(writer, ",\"pingTimeout\":");
	writer_u64(writer, open->ping_timeout_ms);
	writer_text(writer, ",\"maxPayload\":");
	writer_u64(writer, open->max_payload);
	writer_text(writer, "}");
}

void engine_io_write(struct writer *writer, enum engine_io_type type, struct slice payload)
{
	uint8_t first = (uint8_t)type;

	writer_bytes(writer, &first, 1);
	writer_slice(writer, payload);
}

void engine_io_add(struct writer *body, struct slice text)
{
	static const uint8_t separator = ENGINE_IO_SEPARATOR;

	if (body->size > 0)
		writer_bytes(body, &separator, 1);
	writer_slice(body, text);
}

uint16_t engine_io_error_status(enum engine_io_error error)
{
	ASSERT(error < ARRAY_SIZE(errors));
	return errors[error].status;
}

void engine_io_write_error(struct writer *writer, enum engine_io_error error)
{
	ASSERT(error < ARRAY_SIZE(errors));
	writer_format(writer, "{\"code\":%d,\"message\":\"%s\"}", (int)error, errors[error].text);
}
