/* uring/uring_setup.c - making a ring, and saying why it cannot be made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/assert.h"
#include "uring/uring_private.h"

/* One long from a file of /proc, `fallback` when it cannot be read. */
static long read_number(const char *path, const char *format, long fallback)
{
	char line[256];
	long value = fallback;
	FILE *file = fopen(path, "re");

	if (!file)
		return fallback;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, format, &value) == 1)
			break;
	fclose(file);
	return value;
}

/* What is refused, by what, and what to do. */
#define SWITCHED_OFF                                                                  \
	"io_uring is switched off on this machine: kernel.io_uring_disabled is %ld. " \
	"Set it to 0 (sysctl -w kernel.io_uring_disabled=0), or to 1 and add this "   \
	"process's group to kernel.io_uring_group."
#define FILTERED                                                                     \
	"io_uring is refused by a seccomp filter (%s). Container runtimes block it " \
	"by default: allow io_uring_setup, io_uring_enter and io_uring_register in " \
	"the seccomp profile."
#define TOO_OLD                                                                      \
	"kernel %s lacks an io_uring feature that is needed (%s). Linux 6.1 is the " \
	"oldest that works; 6.7 for limits per address and proxies."
#define FEW_DESCRIPTORS                                                             \
	"the limit on descriptors is too low for a table of connections: raise it " \
	"(ulimit -n, LimitNOFILE=) to 4096 or more; each shard holds as many."
#define LITTLE_MEMORY                                                               \
	"the kernel refuses memory for io_uring: raise the limit on locked memory " \
	"(ulimit -l, LimitMEMLOCK=) or the memory of this container."

/* Which of the three it is that refuses: the sysctl, seccomp, or the kernel's age. */
static void explain(int error, char *reason, size_t size)
{
	long disabled = read_number("/proc/sys/kernel/io_uring_disabled", "%ld", 0);
	long seccomp = read_number("/proc/self/status", "Seccomp: %ld", 0);
	struct utsname kernel;

	uname(&kernel);
	if (error == EPERM && disabled > 0)
		snprintf(reason, size, SWITCHED_OFF, disabled);
	else if ((error == EPERM || error == ENOSYS) && seccomp == 2)
		snprintf(reason, size, FILTERED, strerror(error));
	else if (error == ENOSYS || error == EINVAL)
		snprintf(reason, size, TOO_OLD, kernel.release, strerror(error));
	else if (error == EMFILE)
		snprintf(reason, size, FEW_DESCRIPTORS);
	else if (error == ENOMEM)
		snprintf(reason, size, LITTLE_MEMORY);
	else
		snprintf(reason, size, "io_uring cannot be set up on kernel %s: %s.",
			 kernel.release, strerror(error));
}

static const uint8_t shard_operations[] = {
	IORING_OP_POLL_ADD, IORING_OP_RECV,         IORING_OP_SEND,      IORING_OP_CLOSE,
	IORING_OP_MSG_RING, IORING_OP_ASYNC_CANCEL, IORING_OP_URING_CMD,
};

static int restrict_operations(struct uring *uring)
{
	struct io_uring_restriction rules[ARRAY_SIZE(shard_operations) + 1];
	unsigned count = 0;

	memset(rules, 0, sizeof(rules));
	for (; count < ARRAY_SIZE(shard_operations); count++) {
		rules[count].opcode = IORING_RESTRICTION_SQE_OP;
		rules[count].sqe_op = shard_operations[count];
	}
	rules[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	rules[count++].sqe_flags = IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
	return uring_shim_register_restrictions(&uring->ring, rules, count);
}

static int set_up(struct uring *uring, const struct uring_options *options)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED |
			 IORING_SETUP_SINGLE_ISSUER,
		.cq_entries = options->completions,
	};

	if (!options->shared)
		params.flags |= IORING_SETUP_DEFER_TASKRUN;
	int result = io_uring_queue_init_params(options->entries, &uring->ring, &params);

	if (result < 0)
		return result;
	uring->slots = options->slots;
	if (options->slots > 0)
		result = io_uring_register_files_sparse(&uring->ring, options->slots);
	if (result >= 0 && options->restricted)
		result = restrict_operations(uring);
	if (result < 0)
		io_uring_queue_exit(&uring->ring);
	return result;
}

enum status uring_create(const struct uring_options *options, struct uring **ret_uring,
			 char *reason, size_t reason_size)
{
	struct uring *uring = calloc(1, sizeof(*uring));

	ASSERT(options->completions > options->entries);
	if (!uring) {
		snprintf(reason, reason_size, "out of memory");
		return STATUS_NO_MEMORY;
	}
	int result = set_up(uring, options);

	if (result < 0) {
		explain(-result, reason, reason_size);
		free(uring);
		return STATUS_UNSUPPORTED;
	}
	*ret_uring = uring;
	return STATUS_OK;
}

void uring_destroy(struct uring *uring)
{
	if (!uring)
		return;
	io_uring_queue_exit(&uring->ring);
	free(uring);
}

enum status uring_start(struct uring *uring)
{
	return uring_shim_enable_rings(&uring->ring) < 0 ? STATUS_SYSTEM : STATUS_OK;
}
