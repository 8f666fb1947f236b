/* wsbench/bench.h - what all modes are made of: connect, publish, wait, judge, report.
 *
 * Layer   wsbench (may include: all of wsbench but the modes)
 * Threads the main thread
 * Memory  see the parts
 * Errors  false or NULL, said on stderr; what a run finds wrong goes into the report and the
 *         exit code
 */
#ifndef BELFRY_WSBENCH_BENCH_H
#define BELFRY_WSBENCH_BENCH_H

#include "wsbench/fleet.h"
#include "wsbench/floor.h"
#include "wsbench/kernel_memory.h"
#include "wsbench/process.h"
#include "wsbench/progress.h"
#include "wsbench/publisher.h"
#include "wsbench/report.h"

#define EXIT_WRONG 1   /* lost, double, reordered, failed */
#define EXIT_USAGE 2
#define EXIT_MACHINE 3 /* the run could not be made */

struct bench {
	const struct options *options;
	struct requests requests;
	struct rounds rounds;
	struct fleet *fleet;
	struct publisher *publisher; /* NULL: nothing is published */
	int broker_pid;		     /* 0: unknown */
	struct report report;
	struct progress progress;
	uint64_t opening_ns; /* what bench_connect() took in all */
	bool is_incomplete;  /* some deadline passed */
};

/* The soft limit on descriptors becomes the hard one; it bounds tables of direct ones, too. */
void bench_raise_descriptor_limit(void);

/* The first section: which mode, when, on what kernel. */
void bench_report_run(struct bench *bench);

/* Makes the rounds, the fleet and, when `has_publisher`, the publisher. */
MUST_CHECK bool bench_init(struct bench *bench, const struct options *options,
			   uint32_t rounds_count, bool has_publisher);
void bench_deinit(struct bench *bench);

/* Waits until `conns` clients are ready or have failed. */
void bench_connect(struct bench *bench, uint32_t conns);

/* Waits until `fleet` has `conns` ready clients, or failures instead, or the deadline. */
MUST_CHECK bool bench_wait_ready(struct bench *bench, struct fleet *fleet, uint32_t conns);

/* Lets time pass; answers of the publisher are taken meanwhile. */
void bench_sleep_until(struct bench *bench, uint64_t until_ns);

/* Waits for what the publisher has not been answered yet. */
void bench_await_answers(struct bench *bench);

/* ---- judging: stops the fleet ---- */

/* Adds the sections "connections" and "delivery" and what failed. `user_issued` as fleet_lost().
 * False: something was lost, double, reordered, refused or failed. */
MUST_CHECK bool bench_judge(struct bench *bench, const uint32_t *user_issued);

/* A row per thread of the broker: its CPU between two samples, and the sum, per `each` of them
 * (0: none) as well. */
void bench_report_cpu(struct bench *bench, const struct process_sample *before,
		      const struct process_sample *after, uint64_t each);

/* Wall and CPU time of this program itself. */
void bench_report_self(struct bench *bench);

/* Prints table and JSON as the options say. */
MUST_CHECK bool bench_print(struct bench *bench);

#endif
