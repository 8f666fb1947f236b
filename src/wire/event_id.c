/* wire/event_id.c - event ids and times as text. */
#include "wire/event_id.h"

#define DAY_MS 86400000u
#define LAST_MS 253402300799999u /* 9999-12-31T23:59:59.999Z */

bool event_id_parse(struct slice text, struct event_id *ret_id)
{
	struct event_id id = {0, 0};
	struct slice rest = text;

	if (!slice_to_u64(slice_cut(&rest, '-'), &id.ms))
		return false;
	if (!slice_is_absent(rest) && !slice_to_u64(rest, &id.sequence))
		return false;
	*ret_id = id;
	return true;
}

void event_id_write(struct writer *writer, struct event_id id)
{
	writer_u64(writer, id.ms);
	writer_text(writer, "-");
	writer_u64(writer, id.sequence);
}

static void put_number(uint8_t *digits, unsigned count, uint32_t value)
{
	while (count > 0) {
		digits[--count] = (uint8_t)('0' + value % 10);
		value /= 10;
	}
}

/* Years are counted from March, so that the leap day is the last of its year: then months follow
 * a straight line (153 days in five), and 400 years are always 146097 days. */
static void put_date(uint8_t *digits, uint32_t days_since_1970)
{
	uint32_t days = days_since_1970 + 719468; /* since 0000-03-01 */
	uint32_t cycle = days / 146097;
	uint32_t day = days % 146097;
	uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;

	day -= year * 365 + year / 4 - year / 100;
	uint32_t month = (5 * day + 2) / 153; /* 0 is March */
	day -= (153 * month + 2) / 5;
	put_number(digits, 4, cycle * 400 + year + (month >= 10));
	put_number(digits + 5, 2, month < 10 ? month + 3 : month - 9);
	put_number(digits + 8, 2, day + 1);
}

void event_id_write_time(struct writer *writer, uint64_t unix_ms)
{
	uint8_t text[] = "0000-00-00T00:00:00.000Z";
	uint64_t ms = unix_ms < LAST_MS ? unix_ms : LAST_MS;
	uint32_t in_day = (uint32_t)(ms % DAY_MS);

	put_date(text, (uint32_t)(ms / DAY_MS));
	put_number(text + 11, 2, in_day / 3600000);
	put_number(text + 14, 2, in_day / 60000 % 60);
	put_number(text + 17, 2, in_day / 1000 % 60);
	put_number(text + 20, 3, in_day % 1000);
	writer_bytes(writer, text, sizeof(text) - 1);
}

/* ---- RFC 3339 ---- */

/* Takes `count` digits; their value is at most `value_max`. */
static bool take_number(struct slice *rest, size_t count, uint32_t value_max, uint32_t *ret_value)
{
	uint64_t value;

	if (rest->size < count || !slice_to_u64(slice_of(rest->bytes, count), &value) ||
	    value > value_max)
		return false;
	*rest = slice_skip(*rest, count);
	*ret_value = (uint32_t)value;
	return true;
}

/* Takes one byte, `byte` or `other`. */
static bool take_byte(struct slice *rest, char byte, char other)
{
	if (rest->size == 0 || (rest->bytes[0] != byte && rest->bytes[0] != other))
		return false;
	*rest = slice_skip(*rest, 1);
	return true;
}

static bool take_date(struct slice *rest)
{
	static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	uint32_t year, month, day;

	if (!take_number(rest, 4, 9999, &year) || !take_byte(rest, '-', '-') ||
	    !take_number(rest, 2, 12, &month) || !take_byte(rest, '-', '-') ||
	    !take_number(rest, 2, 31, &day) || month == 0 || day == 0)
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= month_days[month - 1] + (uint32_t)(month == 2 && leap);
}

static bool take_minutes(struct slice *rest, uint32_t *ret_minutes)
{
	uint32_t hour, minute;

	if (!take_number(rest, 2, 23, &hour) || !take_byte(rest, ':', ':') ||
	    !take_number(rest, 2, 59, &minute))
		return false;
	*ret_minutes = hour * 60 + minute;
	return true;
}

static bool take_fraction(struct slice *rest)
{
	uint32_t digit;

	if (!take_byte(rest, '.', '.'))
		return true;
	if (!take_number(rest, 1, 9, &digit))
		return false;
	while (take_number(rest, 1, 9, &digit))
		;
	return true;
}

/* Minutes that local time is ahead of UTC, as a number of 0..1439. */
static bool take_offset(struct slice *rest, uint32_t *ret_minutes)
{
	uint32_t minutes = 0;

	if (take_byte(rest, 'Z', 'z')) {
		*ret_minutes = 0;
		return true;
	}
	bool ahead = take_byte(rest, '+', '+');
	if ((!ahead && !take_byte(rest, '-', '-')) || !take_minutes(rest, &minutes))
		return false;
	*ret_minutes = ahead ? minutes : (1440 - minutes) % 1440;
	return true;
}

bool event_id_time_is_valid(struct slice text)
{
	uint32_t minutes, second, offset;

	if (!take_date(&text) || !take_byte(&text, 'T', 't') || !take_minutes(&text, &minutes) ||
	    !take_byte(&text, ':', ':') || !take_number(&text, 2, 60, &second) ||
	    !take_fraction(&text) || !take_offset(&text, &offset) || text.size > 0)
		return false;
	/* A leap second is the last of a day in UTC (section 5.7). */
	return second < 60 || (minutes + 1440 - offset) % 1440 == 1439;
}
