/* wsbench/report.h - the result: collected once, printed as a table and as JSON.
 *
 * Layer   wsbench (may include: base, histogram)
 * Threads the main thread
 * Memory  fixed; texts are copied and cut at REPORT_TEXT_MAX
 * Errors  rows beyond REPORT_ROWS_MAX are dropped
 *
 * Rows belong to the section that was begun last. The key is the JSON name, the label the table's;
 * a row without a label is in the JSON only, one without a key in the table only.
 */
#ifndef BELFRY_WSBENCH_REPORT_H
#define BELFRY_WSBENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/compiler.h"
#include "wsbench/histogram.h"

#define REPORT_ROWS_MAX 256
#define REPORT_TEXT_MAX 200

enum report_kind { REPORT_SECTION, REPORT_NUMBER, REPORT_TEXT };

struct report_row {
	enum report_kind kind;
	int decimals;
	double number;
	char key[40];
	char label[80];
	char unit[24];
	char text[REPORT_TEXT_MAX];
};

struct report {
	unsigned rows_count;
	struct report_row rows[REPORT_ROWS_MAX];
};

void report_section(struct report *report, const char *key, const char *label);

struct report_value {
	double number;
	int decimals;
	const char *unit;
};

void report_number(struct report *report, const char *key, const char *label,
		   struct report_value value);
void report_count(struct report *report, const char *key, const char *label, uint64_t count);
void report_text(struct report *report, const char *key, const char *label, const char *format,
		 ...) PRINTF_LIKE(4, 5);

/* Five rows: p50, p90, p99, p99.9 and max in `unit` of `unit_ns` ns each. */
void report_histogram(struct report *report, const char *label, const struct histogram *histogram,
		      const char *unit);

void report_print_table(const struct report *report, FILE *file);
void report_print_json(const struct report *report, FILE *file);

#endif
