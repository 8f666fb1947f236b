/* wsbench/report.c - the table and the JSON. */
#include "wsbench/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "wsbench/stopwatch.h"

static struct report_row *add_row(struct report *report, enum report_kind kind, const char *key,
				  const char *label)
{
	static struct report_row dropped;
	struct report_row *row = report->rows_count < REPORT_ROWS_MAX
					 ? &report->rows[report->rows_count++]
					 : &dropped;

	*row = (struct report_row){.kind = kind};
	snprintf(row->key, sizeof(row->key), "%s", key ? key : "");
	snprintf(row->label, sizeof(row->label), "%s", label ? label : "");
	return row;
}

void report_section(struct report *report, const char *key, const char *label)
{
	add_row(report, REPORT_SECTION, key, label);
}

void report_number(struct report *report, const char *key, const char *label,
		   struct report_value value)
{
	struct report_row *row = add_row(report, REPORT_NUMBER, key, label);

	row->number = value.number;
	row->decimals = value.decimals;
	snprintf(row->unit, sizeof(row->unit), "%s", value.unit);
}

void report_count(struct report *report, const char *key, const char *label, uint64_t count)
{
	report_number(report, key, label, (struct report_value){(double)count, 0, ""});
}

void report_text(struct report *report, const char *key, const char *label, const char *format,
		 ...)
{
	struct report_row *row = add_row(report, REPORT_TEXT, key, label);
	va_list values;

	va_start(values, format);
	vsnprintf(row->text, sizeof(row->text), format, values);
	va_end(values);
}

void report_histogram(struct report *report, const char *label, const struct histogram *histogram,
		      const char *unit)
{
	static const struct {
		double percent;
		const char *name;
		const char *key;
	} points[] = {
		{50, "p50", "p50"}, {90, "p90", "p90"}, {99, "p99", "p99"},
		{99.9, "p99.9", "p99_9"}, {100, "max", "max"},
	};
	double unit_ns = strcmp(unit, "ms") == 0 ? (double)NS_PER_MS : (double)NS_PER_US;
	char row_key[40], row_label[48];

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		uint64_t value = points[i].percent >= 100
					 ? histogram->max
					 : histogram_percentile(histogram, points[i].percent);

		snprintf(row_key, sizeof(row_key), "%s_%s_%s", label, points[i].key, unit);
		snprintf(row_label, sizeof(row_label), "%s %s", label, points[i].name);
		report_number(report, row_key, row_label,
			      (struct report_value){(double)value / unit_ns, 3, unit});
	}
}

/* ---- the table ---- */

/* 1234567.8 with `decimals` 1 becomes "1,234,567.8". */
static void write_grouped(char *text, size_t size, double number, int decimals)
{
	char plain[64];
	size_t used = 0;

	snprintf(plain, sizeof(plain), "%.*f", decimals, number);
	size_t whole = strcspn(plain, ".");
	for (size_t i = 0; plain[i] && used + 2 < size; i++) {
		bool is_inside = i > 0 && i < whole && plain[i - 1] != '-';

		if (is_inside && (whole - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = plain[i];
	}
	text[used] = '\0';
}

static void print_row(const struct report_row *row, FILE *file)
{
	char number[64];

	if (row->label[0] == '\0')
		return;
	if (row->kind == REPORT_SECTION) {
		fprintf(file, "\n%s\n", row->label);
	} else if (row->kind == REPORT_TEXT) {
		fprintf(file, "  %-36s %s\n", row->label, row->text);
	} else {
		write_grouped(number, sizeof(number), row->number, row->decimals);
		fprintf(file, "  %-36s %16s %s\n", row->label, number, row->unit);
	}
}

void report_print_table(const struct report *report, FILE *file)
{
	for (unsigned i = 0; i < report->rows_count; i++)
		print_row(&report->rows[i], file);
}

/* ---- the JSON ---- */

static void print_string(const char *text, FILE *file)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\')
			fprintf(file, "\\%c", byte);
		else if (byte < 0x20 || byte >= 0x7F)
			fprintf(file, "\\u%04x", byte);
		else
			fputc(byte, file);
	}
	fputc('"', file);
}

static void print_member(const struct report_row *row, bool is_first, FILE *file)
{
	fputs(is_first ? "\n    " : ",\n    ", file);
	print_string(row->key, file);
	fputs(": ", file);
	if (row->kind == REPORT_TEXT)
		print_string(row->text, file);
	else
		fprintf(file, "%.*f", row->decimals, row->number);
}

void report_print_json(const struct report *report, FILE *file)
{
	bool is_first_section = true, is_first_member = true;

	fputs("{", file);
	for (unsigned i = 0; i < report->rows_count; i++) {
		const struct report_row *row = &report->rows[i];

		if (row->key[0] == '\0')
			continue;
		if (row->kind != REPORT_SECTION) {
			print_member(row, is_first_member, file);
			is_first_member = false;
			continue;
		}
		fputs(is_first_section ? "\n  " : "\n  },\n  ", file);
		print_string(row->key, file);
		fputs(": {", file);
		is_first_section = false;
		is_first_member = true;
	}
	fputs(is_first_section ? "}\n" : "\n  }\n}\n", file);
}
