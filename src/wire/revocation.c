/* wire/revocation.c - ids of revocations, and the JSON that asks for them. */
#include "wire/revocation.h"

#include "wire/channel_name.h"
#include "wire/event_id.h"
#include "wire/json.h"

#define TEXT_SHAPE "name a user, a jti, or issued_before with or without a user"
#define TEXT_USER \
	"user must be 1 to 250 bytes of UTF-8 without blanks, commas and control characters"
#define TEXT_JTI "jti must be a string of 1 to 128 bytes"
#define TEXT_BEFORE "issued_before must be a time in Unix seconds or as RFC 3339"
#define TEXT_TTL "ttl must be a number of seconds, from 1 to 31622400"

_Static_assert(REVOCATION_TTL_MAX_S == 31622400, "TEXT_TTL says so");
_Static_assert(USER_SIZE_MAX == 250 && JTI_SIZE_MAX == 128, "TEXT_USER and TEXT_JTI say so");
_Static_assert(JTI_SIZE_MAX <= USER_SIZE_MAX, "one room holds either");

/* ---- ids ---- */

static bool is_user(struct slice user)
{
	return user.size <= USER_SIZE_MAX && channel_name_is_valid(user);
}

static bool is_jti(struct slice jti)
{
	return jti.size > 0 && jti.size <= JTI_SIZE_MAX;
}

/* One time has one text, so that an id is found again. */
static bool parse_before(struct slice text, struct revocation *ret)
{
	struct slice digits = slice_cut(&text, ':');
	uint64_t before_s;

	if (digits.size == 0 || digits.bytes[0] == '0' || !slice_to_u64(digits, &before_s) ||
	    before_s > UINT32_MAX || (!slice_is_absent(text) && !is_user(text)))
		return false;
	*ret = (struct revocation){REVOCATION_BEFORE, text, (uint32_t)before_s};
	return true;
}

bool revocation_parse(struct slice id, struct revocation *ret)
{
	struct slice rest = id;
	struct slice kind = slice_cut(&rest, ':');

	if (slice_is_absent(rest))
		return false;
	if (slice_equal_text(kind, "before"))
		return parse_before(rest, ret);
	if (slice_equal_text(kind, "user") && is_user(rest))
		*ret = (struct revocation){REVOCATION_USER, rest, 0};
	else if (slice_equal_text(kind, "jti") && is_jti(rest))
		*ret = (struct revocation){REVOCATION_JTI, rest, 0};
	else
		return false;
	return true;
}

void revocation_write(struct writer *writer, const struct revocation *revocation)
{
	switch (revocation->kind) {
	case REVOCATION_USER:
		writer_text(writer, "user:");
		writer_slice(writer, revocation->subject);
		return;
	case REVOCATION_JTI:
		writer_text(writer, "jti:");
		writer_slice(writer, revocation->subject);
		return;
	case REVOCATION_BEFORE:
		writer_text(writer, "before:");
		writer_u64(writer, revocation->before_s);
		if (slice_is_absent(revocation->subject))
			return;
		writer_text(writer, ":");
		writer_slice(writer, revocation->subject);
	}
}

uint32_t revocation_issued(int64_t issued_s)
{
	return issued_s < 0 ? 0 : issued_s > UINT32_MAX ? UINT32_MAX : (uint32_t)issued_s;
}

/* ---- times ---- */

static int64_t number_at(struct slice text, size_t at, size_t size)
{
	uint64_t number = 0;

	/* its digits have been checked */
	(void)!slice_to_u64(slice_of(text.bytes + at, size), &number);
	return (int64_t)number;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar: years begin in March, so that the
 * leap day is the last one. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
	int64_t years = month > 2 ? year : year - 1;
	int64_t months = month > 2 ? month - 3 : month + 9;

	return years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day -
	       719469;
}

/* An RFC 3339 time, which was found to be one. */
static int64_t seconds_of(struct slice text)
{
	int64_t seconds =
		days_to(number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2)) *
			86400 +
		number_at(text, 11, 2) * 3600 + number_at(text, 14, 2) * 60 +
		number_at(text, 17, 2);
	size_t end = 19;

	if (text.bytes[end] == '.') {
		bool has_fraction = false;

		for (end++; text.bytes[end] >= '0' && text.bytes[end] <= '9'; end++)
			has_fraction |= text.bytes[end] != '0';
		seconds += has_fraction;
	}
	if ((text.bytes[end] | 0x20) == 'z')
		return seconds;
	int64_t offset = number_at(text, end + 1, 2) * 3600 + number_at(text, end + 4, 2) * 60;

	return text.bytes[end] == '+' ? seconds - offset : seconds + offset;
}

/* Unix seconds, or RFC 3339 text; rounded up. */
static bool read_time(struct json_value value, uint32_t *ret_s)
{
	uint8_t bytes[64];
	int64_t seconds;
	size_t size;

	if (value.type == JSON_STRING) {
		if (!json_string_decode(value.text, bytes, sizeof(bytes), &size) ||
		    !event_id_time_is_valid(slice_of(bytes, size)))
			return false;
		seconds = seconds_of(slice_of(bytes, size));
	} else {
		if (!json_number_to_i64(value, &seconds))
			return false;
		for (size_t i = 0; i < value.text.size; i++)
			if (strchr(".eE", value.text.bytes[i])) {
				seconds++;
				break;
			}
	}
	if (seconds < 1 || seconds > UINT32_MAX)
		return false;
	*ret_s = (uint32_t)seconds;
	return true;
}

/* ---- what is asked for ---- */

struct asked {
	bool has_user, has_jti, has_before;
	struct slice subject; /* of user or jti */
	uint32_t before_s, ttl_s;
	uint8_t *room;
};

/* A string, or a number as its digits. */
static bool read_text(struct json_value value, struct asked *asked, size_t capacity)
{
	size_t size;

	if (value.type == JSON_NUMBER) {
		uint64_t number;

		if (value.text.size > capacity || !slice_to_u64(value.text, &number))
			return false;
		memcpy(asked->room, value.text.bytes, value.text.size);
		size = value.text.size;
	} else if (value.type != JSON_STRING ||
		   !json_string_decode(value.text, asked->room, capacity, &size)) {
		return false;
	}
	asked->subject = slice_of(asked->room, size);
	return true;
}

static const char *take_user(struct json_value value, struct asked *asked)
{
	if (asked->has_user || asked->has_jti)
		return TEXT_SHAPE;
	asked->has_user = true;
	return read_text(value, asked, USER_SIZE_MAX) && is_user(asked->subject) ? NULL : TEXT_USER;
}

static const char *take_jti(struct json_value value, struct asked *asked)
{
	if (asked->has_user || asked->has_jti)
		return TEXT_SHAPE;
	asked->has_jti = true;
	return read_text(value, asked, JTI_SIZE_MAX) && is_jti(asked->subject) ? NULL : TEXT_JTI;
}

static const char *take_before(struct json_value value, struct asked *asked)
{
	if (asked->has_before)
		return TEXT_SHAPE;
	asked->has_before = true;
	return read_time(value, &asked->before_s) ? NULL : TEXT_BEFORE;
}

static const char *take_ttl(struct json_value value, struct asked *asked)
{
	int64_t ttl_s;

	if (asked->ttl_s != 0 || !json_number_to_i64(value, &ttl_s) || ttl_s < 1 ||
	    ttl_s > REVOCATION_TTL_MAX_S)
		return TEXT_TTL;
	asked->ttl_s = (uint32_t)ttl_s;
	return NULL;
}

static const char *take_member(struct slice key, struct json_value value, struct asked *asked)
{
	static const struct {
		struct slice name;
		const char *(*take)(struct json_value value, struct asked *asked);
	} members[] = {
		{SLICE("user"), take_user},
		{SLICE("jti"), take_jti},
		{SLICE("issued_before"), take_before},
		{SLICE("ttl"), take_ttl},
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_string_equal(key, members[i].name))
			return members[i].take(value, asked);
	return "only user, jti, issued_before and ttl are known";
}

const char *revocation_read(struct slice body, uint8_t room[USER_SIZE_MAX], struct revocation *ret,
			    uint32_t *ret_ttl_s)
{
	struct asked asked = {.room = room};
	struct json_value object;
	struct json_value value;
	struct json_walk walk;
	struct slice key;

	if (!json_is_valid(body))
		return "the body is not JSON";
	object = json_read(body);
	if (object.type != JSON_OBJECT)
		return "the body must be an object";
	json_walk_init(&walk, object);
	while (json_walk_member(&walk, &key, &value)) {
		const char *wrong = take_member(key, value, &asked);

		if (wrong)
			return wrong;
	}
	if ((!asked.has_user && !asked.has_jti && !asked.has_before) ||
	    (asked.has_jti && asked.has_before))
		return TEXT_SHAPE;
	*ret = (struct revocation){
		.kind = asked.has_before ? REVOCATION_BEFORE
			: asked.has_jti  ? REVOCATION_JTI
					 : REVOCATION_USER,
		.subject = asked.subject,
		.before_s = asked.before_s,
	};
	*ret_ttl_s = asked.ttl_s ? asked.ttl_s : REVOCATION_TTL_S;
	return NULL;
}

/* ---- what is shown ---- */

void revocation_write_json(struct writer *writer, const struct revocation *revocation,
			   uint64_t until_ms)
{
	uint8_t bytes[REVOCATION_ID_MAX];
	struct writer id;

	writer_init(&id, bytes, sizeof(bytes));
	revocation_write(&id, revocation);
	writer_text(writer, "{\"id\":");
	json_write_string(writer, writer_written(&id));
	if (!slice_is_absent(revocation->subject)) {
		writer_text(writer,
			    revocation->kind == REVOCATION_JTI ? ",\"jti\":" : ",\"user\":");
		json_write_string(writer, revocation->subject);
	}
	if (revocation->kind == REVOCATION_BEFORE)
		writer_format(writer, ",\"issued_before\":%u", revocation->before_s);
	writer_text(writer, ",\"until\":\"");
	event_id_write_time(writer, until_ms);
	writer_text(writer, "\"}");
}
