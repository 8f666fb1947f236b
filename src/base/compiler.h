/* base/compiler.h - what the language lacks: attributes and small constants of the machine.
 *
 * Layer   base
 * Threads any
 * Memory  none
 * Errors  none
 */
#ifndef BELFRY_BASE_COMPILER_H
#define BELFRY_BASE_COMPILER_H

/* The caller must look at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* printf-like: `position` is the number of the format argument, `first` of the first value. */
#define PRINTF_LIKE(position, first) __attribute__((format(printf, position, first)))

/* Two variables written by different threads keep at least this distance, in bytes. */
#define CACHE_LINE_SIZE 64

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The struct of type `type` whose member `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
