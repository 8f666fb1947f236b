/* router/presence.c - two hash tables, and lists of what is due. */
#include "router/presence.h"

#include <stdlib.h>

#include "base/assert.h"
#include "wire/ip.h"

#define CAPACITY_MIN 256u

_Static_assert(offsetof(struct presence_conn, device) <= 85,
	       "presence.h says what a connection costs");
_Static_assert(offsetof(struct presence_user, name) <= 62, "presence.h says what a user costs");

#define AT_PLACE(link) CONTAINER_OF(link, struct presence_conn, place)
#define AT_USER(link) CONTAINER_OF(link, struct presence_conn, of_user)
#define AT_LINGERING(link) CONTAINER_OF(link, struct presence_user, conns)

/* ---- tables ---- */

bool presence_init(struct presence *presence, const struct presence_options *options)
{
	ASSERT(options->refresh_ms > 0);
	*presence = (struct presence){
		.options = *options,
		.users = calloc(CAPACITY_MIN, sizeof(struct presence_user *)),
		.conns = calloc(CAPACITY_MIN, sizeof(struct presence_conn *)),
		.users_capacity = CAPACITY_MIN,
		.conns_capacity = CAPACITY_MIN,
	};
	presence_link_init(&presence->due);
	presence_link_init(&presence->gone);
	presence_link_init(&presence->lingering);
	for (uint32_t i = 0; i < PRESENCE_SLOTS; i++)
		presence_link_init(&presence->slots[i]);
	if (presence->users && presence->conns)
		return true;
	presence_deinit(presence);
	return false;
}

static void free_taken(struct presence *presence)
{
	free(presence->taken_conn);
	free(presence->taken_user);
	presence->taken_conn = NULL;
	presence->taken_user = NULL;
}

void presence_deinit(struct presence *presence)
{
	free_taken(presence);
	for (uint32_t i = 0; presence->users && i < presence->users_capacity; i++) {
		while (presence->users[i]) {
			struct presence_user *user = presence->users[i];

			presence->users[i] = user->next;
			free(user);
		}
	}
	for (uint32_t i = 0; presence->conns && i < presence->conns_capacity; i++) {
		while (presence->conns[i]) {
			struct presence_conn *conn = presence->conns[i];

			presence->conns[i] = conn->next;
			free(conn);
		}
	}
	free(presence->users);
	free(presence->conns);
}

/* Not kept: it is needed when a connection comes, goes or is written. */
static uint64_t conn_hash(const struct presence *presence, const struct presence_conn *conn)
{
	return hash_bytes(presence->options.key, slice_of(conn->id, CONNECTION_ID_SIZE));
}

static void grow_users(struct presence *presence)
{
	uint32_t capacity = presence->users_capacity * 2;
	struct presence_user **users = calloc(capacity, sizeof(*users));

	if (!users)
		return; /* the chains get longer, that is all */
	for (uint32_t i = 0; i < presence->users_capacity; i++) {
		while (presence->users[i]) {
			struct presence_user *user = presence->users[i];
			struct presence_user **head = &users[user->hash & (capacity - 1)];

			presence->users[i] = user->next;
			user->next = *head;
			*head = user;
		}
	}
	free(presence->users);
	presence->users = users;
	presence->users_capacity = capacity;
}

static void grow_conns(struct presence *presence)
{
	uint32_t capacity = presence->conns_capacity * 2;
	struct presence_conn **conns = calloc(capacity, sizeof(*conns));

	if (!conns)
		return;
	for (uint32_t i = 0; i < presence->conns_capacity; i++) {
		while (presence->conns[i]) {
			struct presence_conn *conn = presence->conns[i];
			struct presence_conn **head =
				&conns[conn_hash(presence, conn) & (capacity - 1)];

			presence->conns[i] = conn->next;
			conn->next = *head;
			*head = conn;
		}
	}
	free(presence->conns);
	presence->conns = conns;
	presence->conns_capacity = capacity;
}

static struct presence_user *find_user(const struct presence *presence, struct slice name)
{
	uint32_t hash = (uint32_t)hash_bytes(presence->options.key, name);
	struct presence_user *user = presence->users[hash & (presence->users_capacity - 1)];

	while (user &&
	       !(user->hash == hash && slice_equal(slice_of(user->name, user->name_size), name)))
		user = user->next;
	return user;
}

static struct presence_user *need_user(struct presence *presence, struct slice name)
{
	struct presence_user *user = find_user(presence, name);

	ASSERT(name.size > 0 && name.size <= USER_SIZE_MAX);
	if (user)
		return user;
	user = calloc(1, offsetof(struct presence_user, name) + name.size);
	if (!user)
		return NULL;
	if (presence->users_count >= presence->users_capacity)
		grow_users(presence);
	user->hash = (uint32_t)hash_bytes(presence->options.key, name);
	user->name_size = (uint8_t)name.size;
	memcpy(user->name, name.bytes, name.size);
	presence_link_init(&user->conns);
	struct presence_user **head = &presence->users[user->hash & (presence->users_capacity - 1)];

	user->next = *head;
	*head = user;
	presence->users_count++;
	return user;
}

/* Takes the user out of the table and all lists. */
static void remove_user(struct presence *presence, struct presence_user *user)
{
	struct presence_user **head = &presence->users[user->hash & (presence->users_capacity - 1)];

	ASSERT(user->conns_count == 0);
	while (*head != user)
		head = &(*head)->next;
	*head = user->next;
	presence_link_take(&user->conns);
	presence->users_count--;
}

static void drop_user(struct presence *presence, struct presence_user *user)
{
	remove_user(presence, user);
	free(user);
}

/* `user` NULL: an attached one of whatever user. */
static struct presence_conn *find_conn(const struct presence *presence,
				       const struct presence_user *user, struct slice id)
{
	uint64_t hash = hash_bytes(presence->options.key, id);
	struct presence_conn *conn = presence->conns[hash & (presence->conns_capacity - 1)];

	while (conn && !((conn->user == user || (!user && conn->attached > 0)) &&
			 slice_equal(slice_of(conn->id, CONNECTION_ID_SIZE), id)))
		conn = conn->next;
	return conn;
}

static struct presence_conn *add_conn(struct presence *presence,
				      const struct presence_arrival *arrival)
{
	size_t device_size = arrival->device.size;

	if (device_size > PRESENCE_DEVICE_MAX)
		device_size = PRESENCE_DEVICE_MAX;
	bool has_address = ip_is_known(&arrival->address);
	struct presence_conn *conn =
		calloc(1, offsetof(struct presence_conn, device) + device_size +
				  (has_address ? sizeof(struct ip) : 0));

	if (!conn)
		return NULL;
	if (presence->conns_known >= presence->conns_capacity)
		grow_conns(presence);
	conn->since_ms = arrival->since_ms;
	conn->device_size = (uint8_t)device_size;
	memcpy(conn->id, arrival->connection_id.bytes, CONNECTION_ID_SIZE);
	if (device_size > 0)
		memcpy(conn->device, arrival->device.bytes, device_size);
	conn->has_address = has_address;
	if (has_address)
		memcpy(conn->device + device_size, &arrival->address, sizeof(arrival->address));
	presence_link_init(&conn->place);
	presence_link_init(&conn->of_user);
	struct presence_conn **head =
		&presence->conns[conn_hash(presence, conn) & (presence->conns_capacity - 1)];

	conn->next = *head;
	*head = conn;
	presence->conns_known++;
	return conn;
}

static void remove_conn(struct presence *presence, struct presence_conn *conn)
{
	struct presence_conn **head =
		&presence->conns[conn_hash(presence, conn) & (presence->conns_capacity - 1)];

	while (*head != conn)
		head = &(*head)->next;
	*head = conn->next;
	presence_link_take(&conn->place);
	presence->conns_known--;
}

/* ---- what happens ---- */

bool presence_attach(struct presence *presence, const struct presence_arrival *arrival)
{
	struct presence_user *user = need_user(presence, arrival->user);
	struct presence_conn *conn;

	ASSERT(arrival->connection_id.size == CONNECTION_ID_SIZE);
	free_taken(presence);
	if (!user)
		return false;
	conn = find_conn(presence, user, arrival->connection_id);
	if (!conn)
		conn = add_conn(presence, arrival);
	if (!conn) {
		if (user->conns_count == 0 && !user->is_online)
			drop_user(presence, user);
		return false;
	}
	ASSERT(conn->attached < UINT16_MAX);
	if (conn->attached++ > 0)
		return true;
	conn->user = user;
	presence_link_take(&conn->place); /* it may be among the gone ones */
	presence_link_put(&presence->due, &conn->place);
	if (user->conns_count++ == 0)
		presence_link_take(&user->conns); /* it may have lingered */
	presence_link_put(&user->conns, &conn->of_user);
	presence->conns_count++;
	return true;
}

/* A user whom nobody was told of needs no farewell. */
static void leave(struct presence *presence, uint64_t now_ms, struct presence_user *user)
{
	if (!user->is_online) {
		drop_user(presence, user);
		return;
	}
	user->offline_ms = (uint32_t)(now_ms + presence->options.linger_ms);
	presence_link_put(&presence->lingering, &user->conns);
}

void presence_detach(struct presence *presence, uint64_t now_ms, struct slice user_name,
		     struct slice connection_id)
{
	struct presence_user *user = find_user(presence, user_name);
	struct presence_conn *conn = user ? find_conn(presence, user, connection_id) : NULL;

	free_taken(presence);
	if (!conn || conn->attached == 0 || --conn->attached > 0)
		return;
	presence_link_take(&conn->of_user);
	presence_link_take(&conn->place);
	presence->conns_count--;
	memcpy(user->last_id, conn->id, CONNECTION_ID_SIZE);
	if (conn->is_written) {
		presence_link_put(&presence->gone, &conn->place);
	} else {
		remove_conn(presence, conn);
		free(conn);
	}
	if (--user->conns_count == 0)
		leave(presence, now_ms, user);
}

static struct presence_conn *first_attached(struct presence_conn *conn)
{
	while (conn && conn->attached == 0)
		conn = conn->next;
	return conn;
}

void presence_detach_all(struct presence *presence, uint64_t now_ms)
{
	for (uint32_t i = 0; i < presence->conns_capacity; i++) {
		struct presence_conn *conn = first_attached(presence->conns[i]);

		for (; conn; conn = first_attached(presence->conns[i])) {
			conn->attached = 1;
			presence_detach(presence, now_ms,
					slice_of(conn->user->name, conn->user->name_size),
					slice_of(conn->id, CONNECTION_ID_SIZE));
		}
	}
}

void presence_rewrite(struct presence *presence)
{
	for (uint32_t i = 0; i < PRESENCE_SLOTS; i++)
		presence_link_splice(&presence->due, &presence->slots[i]);
}

/* ---- what has to be done ---- */

/* The part of refresh_ms that now_ms is in, counted from time 0. */
static uint64_t part_at(const struct presence *presence, uint64_t now_ms)
{
	return now_ms * PRESENCE_SLOTS / presence->options.refresh_ms;
}

static void advance(struct presence *presence, uint64_t now_ms)
{
	uint64_t part = part_at(presence, now_ms);

	ASSERT(part >= presence->part);
	if (part - presence->part > PRESENCE_SLOTS)
		presence->part = part - PRESENCE_SLOTS; /* once round is all of them */
	while (presence->part < part) {
		presence->part++;
		presence_link_splice(&presence->due,
				     &presence->slots[presence->part % PRESENCE_SLOTS]);
	}
}

/* A user without connections: until it is offline. */
static uint64_t linger_left_ms(const struct presence_user *user, uint64_t now_ms)
{
	int32_t left = (int32_t)(user->offline_ms - (uint32_t)now_ms);

	return left > 0 ? (uint64_t)left : 0;
}

static void next_gone(struct presence *presence, uint64_t now_ms, struct presence_action *ret)
{
	struct presence_conn *conn = AT_PLACE(presence->gone.next);
	struct presence_user *user = conn->user;

	remove_conn(presence, conn);
	presence->taken_conn = conn;
	ret->type = PRESENCE_CONN_DROP;
	ret->conn = conn;
	if (user->conns_count == 0)
		ret->linger_ms = linger_left_ms(user, now_ms);
}

static void next_due(struct presence *presence, struct presence_action *ret)
{
	struct presence_conn *conn = AT_PLACE(presence->due.next);

	ret->conn = conn;
	if (!conn->user->is_online) {
		conn->user->is_online = true;
		ret->type = PRESENCE_USER_ONLINE;
		return;
	}
	ret->type = PRESENCE_CONN_PUT;
	conn->is_written = true;
	presence_link_take(&conn->place);
	presence_link_put(&presence->slots[conn_hash(presence, conn) % PRESENCE_SLOTS],
			  &conn->place);
}

static struct presence_user *first_lingering(const struct presence *presence)
{
	return presence_link_is_alone(&presence->lingering)
		       ? NULL
		       : AT_LINGERING(presence->lingering.next);
}

bool presence_next(struct presence *presence, uint64_t now_ms, struct presence_action *ret)
{
	struct presence_user *user = first_lingering(presence);

	free_taken(presence);
	advance(presence, now_ms);
	*ret = (struct presence_action){0};
	/* Who changes from one connection to another must not be without in between. */
	if (!presence_link_is_alone(&presence->due)) {
		next_due(presence, ret);
	} else if (!presence_link_is_alone(&presence->gone)) {
		next_gone(presence, now_ms, ret);
	} else if (user && linger_left_ms(user, now_ms) == 0) {
		remove_user(presence, user);
		presence->taken_user = user;
		ret->type = PRESENCE_USER_OFFLINE;
		ret->user = slice_of(user->name, user->name_size);
		ret->last_id = user->last_id;
		return true;
	} else {
		return false;
	}
	ret->user = slice_of(ret->conn->user->name, ret->conn->user->name_size);
	return true;
}

/* When the first part that has somebody begins; UINT64_MAX: nobody is in any. */
static uint64_t refresh_at(const struct presence *presence)
{
	for (uint64_t part = presence->part + 1; part <= presence->part + PRESENCE_SLOTS; part++)
		if (!presence_link_is_alone(&presence->slots[part % PRESENCE_SLOTS]))
			return (part * presence->options.refresh_ms + PRESENCE_SLOTS - 1) /
			       PRESENCE_SLOTS;
	return UINT64_MAX;
}

uint64_t presence_wait_ms(const struct presence *presence, uint64_t now_ms)
{
	const struct presence_user *user = first_lingering(presence);
	uint64_t at_ms = user ? now_ms + linger_left_ms(user, now_ms) : UINT64_MAX;

	if (!presence_link_is_alone(&presence->gone) || !presence_link_is_alone(&presence->due))
		return 0;
	if (presence->conns_count > 0) {
		uint64_t refresh_ms = refresh_at(presence);

		at_ms = refresh_ms < at_ms ? refresh_ms : at_ms;
	}
	if (at_ms == UINT64_MAX)
		return UINT64_MAX;
	return at_ms > now_ms ? at_ms - now_ms : 0;
}

/* ---- questions ---- */

bool presence_is_online(const struct presence *presence, struct slice user)
{
	return find_user(presence, user) != NULL;
}

void presence_each_conn(const struct presence *presence, struct slice user_name,
			void (*on_conn)(void *owner, const struct presence_conn *conn), void *owner)
{
	const struct presence_user *user = find_user(presence, user_name);

	if (!user || user->conns_count == 0)
		return;
	for (const struct presence_link *link = user->conns.next; link != &user->conns;
	     link = link->next)
		on_conn(owner, AT_USER(link));
}

const struct presence_conn *presence_find_conn(const struct presence *presence,
					       struct slice connection_id)
{
	return find_conn(presence, NULL, connection_id);
}
