/* hiredis/hiredis_shim.h - one table of reply functions for hiredis 0.14 and 1.x.
 *
 * Layer   third_party (may include: hiredis, libc); included by src/log and perf only
 * Threads any; a reader belongs to one thread
 * Memory  the table is static
 * Errors  none of its own
 *
 * redisReplyObjectFunctions changed with 1.0: arrays got a size_t, and two functions were added in
 * the middle for what RESP3 has (double, boolean). HIREDIS_REPLY_FUNCTIONS() declares a table that
 * fits the version at hand from five functions that are the same everywhere:
 *
 *	static void *on_string(const redisReadTask *task, char *text, size_t size);
 *	static void *on_array(const redisReadTask *task, size_t count);
 *	static void *on_integer(const redisReadTask *task, long long value);
 *	static void *on_nil(const redisReadTask *task);
 *	static void on_free(void *object);
 *	HIREDIS_REPLY_FUNCTIONS(reply_functions, on_string, on_array, on_integer, on_nil, on_free);
 *	reader = redisReaderCreateWithFunctions(&reply_functions);
 *
 * A RESP3 double arrives as its text, a boolean as 0 or 1, with task->type as hiredis names it.
 * `text` is borrowed until the function returns. NULL from any of them means out of memory.
 */
#ifndef BELFRY_HIREDIS_HIREDIS_SHIM_H
#define BELFRY_HIREDIS_HIREDIS_SHIM_H

#include <hiredis.h>
#include <read.h>
#include <stddef.h>

#if HIREDIS_MAJOR >= 1

#define HIREDIS_REPLY_FUNCTIONS(name, on_string, on_array, on_integer, on_nil, on_free)    \
	static void *name##_on_double(const redisReadTask *task, double value, char *text, \
				      size_t size)                                         \
	{                                                                                  \
		(void)value;                                                               \
		return on_string(task, text, size);                                        \
	}                                                                                  \
	static void *name##_on_bool(const redisReadTask *task, int value)                  \
	{                                                                                  \
		return on_integer(task, value);                                            \
	}                                                                                  \
	static redisReplyObjectFunctions name = {                                          \
		.createString = on_string,                                                 \
		.createArray = on_array,                                                   \
		.createInteger = on_integer,                                               \
		.createDouble = name##_on_double,                                          \
		.createNil = on_nil,                                                       \
		.createBool = name##_on_bool,                                              \
		.freeObject = on_free,                                                     \
	}

#else

#define HIREDIS_REPLY_FUNCTIONS(name, on_string, on_array, on_integer, on_nil, on_free) \
	static void *name##_on_array(const redisReadTask *task, int count)              \
	{                                                                               \
		return on_array(task, (size_t)count);                                   \
	}                                                                               \
	static redisReplyObjectFunctions name = {                                       \
		.createString = on_string,                                              \
		.createArray = name##_on_array,                                         \
		.createInteger = on_integer,                                            \
		.createNil = on_nil,                                                    \
		.freeObject = on_free,                                                  \
	}

#endif

/* Elements of the array that `task` opened, as its children see it (task->parent); hiredis changed
 * the type from int to long long. While on_array runs it is not set yet: use `count`. */
static inline size_t hiredis_task_elements(const redisReadTask *task)
{
	return task->elements > 0 ? (size_t)task->elements : 0;
}

/* The macro of 0.14 casts the pointer to int. Reaches the functions above as task->privdata. */
static inline void hiredis_reader_set_privdata(redisReader *reader, void *privdata)
{
	reader->privdata = privdata;
}

#endif
