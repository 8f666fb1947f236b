/* router/presence_answer.c - presence as JSON text. */
#include "router/presence_answer.h"

#include "base/assert.h"
#include "wire/connection_id.h"
#include "wire/event_id.h"
#include "wire/ip.h"
#include "wire/json.h"

/* ,"node":N,"device":D,"since":T} */
static void write_rest(struct writer *writer, struct slice node, const struct presence_conn *conn)
{
	ASSERT(node.size <= PRESENCE_NODE_MAX);
	writer_text(writer, ",\"node\":");
	json_write_string(writer, node);
	writer_text(writer, ",\"device\":");
	if (conn->device_size > 0)
		json_write_string(writer, slice_of(conn->device, conn->device_size));
	else
		writer_text(writer, "null");
	writer_text(writer, ",\"since\":\"");
	event_id_write_time(writer, conn->since_ms);
	writer_text(writer, "\"");
}

/* ,"address":A and the end, for those who operate the node. */
static void write_address(struct writer *writer, const struct presence_conn *conn)
{
	struct ip address;

	if (conn->has_address) {
		memcpy(&address, conn->device + conn->device_size, sizeof(address));
		writer_text(writer, ",\"address\":\"");
		ip_write(writer, &address);
		writer_text(writer, "\"");
	}
	writer_text(writer, "}");
}

static struct slice user_of(const struct presence_conn *conn)
{
	ASSERT(conn->user != NULL);
	return slice_of(conn->user->name, conn->user->name_size);
}

static void write_id(struct writer *writer, struct slice id)
{
	writer_text(writer, "{\"connection_id\":");
	json_write_string(writer, id);
}

void presence_answer_member(struct writer *writer, struct slice node,
			    const struct presence_conn *conn)
{
	char room[CONNECTION_ID_SIZE];

	write_id(writer, connection_id_complete(conn->digits, room));
	write_rest(writer, node, conn);
	writer_text(writer, "}");
}

void presence_answer_conn(struct writer *writer, struct slice node,
			  const struct presence_conn *conn)
{
	char room[CONNECTION_ID_SIZE];

	write_id(writer, connection_id_complete(conn->digits, room));
	writer_text(writer, ",\"user_id\":");
	json_write_string(writer, user_of(conn));
	write_rest(writer, node, conn);
	write_address(writer, conn);
}

void presence_answer_record(struct writer *writer, struct slice node,
			    const struct presence_conn *conn)
{
	writer_text(writer, "{\"user\":");
	json_write_string(writer, user_of(conn));
	write_rest(writer, node, conn);
	write_address(writer, conn);
}

/* ---- a user ---- */

void presence_answer_open(struct writer *writer, struct slice user, bool is_online)
{
	writer_text(writer, "{\"user_id\":");
	json_write_string(writer, user);
	writer_text(writer, is_online ? ",\"online\":true" : ",\"online\":false");
	writer_text(writer, ",\"connections\":[");
}

/* Behind the bracket comes the first one. */
static void write_comma(struct writer *writer)
{
	if (writer->size > 0 && writer->bytes[writer->size - 1] != '[')
		writer_text(writer, ",");
}

void presence_answer_add(struct writer *writer, struct slice node, const struct presence_conn *conn)
{
	write_comma(writer);
	presence_answer_member(writer, node, conn);
}

void presence_answer_close(struct writer *writer)
{
	writer_text(writer, "]}");
}

/* ---- what is stored ---- */

static bool is_object(struct slice text)
{
	return json_is_valid(text) && json_read(text).type == JSON_OBJECT;
}

void presence_answer_add_stored(struct writer *writer, struct slice stored)
{
	struct json_value id;

	if (!is_object(stored) || !json_find(json_read(stored), "connection_id", &id) ||
	    id.type != JSON_STRING)
		return;
	write_comma(writer);
	writer_slice(writer, json_read(stored).text);
}

static void write_value(struct writer *writer, struct json_value object, const char *key)
{
	struct json_value value;

	writer_slice(writer, json_find(object, key, &value) ? value.text : SLICE("null"));
}

bool presence_answer_stored(struct writer *writer, struct slice id, struct slice stored)
{
	struct json_value object, user, address;

	if (!is_object(stored))
		return false;
	object = json_read(stored);
	if (!json_find(object, "user", &user) || user.type != JSON_STRING)
		return false;
	write_id(writer, id);
	writer_text(writer, ",\"user_id\":");
	writer_slice(writer, user.text);
	writer_text(writer, ",\"node\":");
	write_value(writer, object, "node");
	writer_text(writer, ",\"device\":");
	write_value(writer, object, "device");
	writer_text(writer, ",\"since\":");
	write_value(writer, object, "since");
	if (json_find(object, "address", &address)) {
		writer_text(writer, ",\"address\":");
		writer_slice(writer, address.text);
	}
	writer_text(writer, "}");
	return true;
}
