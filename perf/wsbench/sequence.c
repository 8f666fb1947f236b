/* wsbench/sequence.c - counting what came and what did not. */
#include "wsbench/sequence.h"

#define REMEMBERED 64u /* bits of sequence.missing */

void sequence_begin(struct sequence *sequence, uint32_t next)
{
	*sequence = (struct sequence){.next = next};
}

void sequence_resume(struct sequence *sequence)
{
	*sequence = (struct sequence){.next = sequence->next, .has_started = true};
}

static uint64_t low_bits(uint32_t count)
{
	return count >= REMEMBERED ? UINT64_MAX : (1ull << count) - 1;
}

static uint32_t count_bits(uint64_t bits)
{
	return (uint32_t)__builtin_popcountll(bits);
}

/* Moves `next` past `number`, with `gap` holes before it. */
static void advance(struct sequence *sequence, uint32_t number, uint32_t gap)
{
	uint32_t step = gap + 1;
	uint64_t holes = low_bits(gap);

	if (step >= REMEMBERED) {
		sequence->forgotten += count_bits(sequence->missing) + step - REMEMBERED;
		sequence->missing = UINT64_MAX - 1;
	} else {
		sequence->forgotten += count_bits(sequence->missing >> (REMEMBERED - step));
		sequence->missing = sequence->missing << step | holes << 1;
	}
	sequence->next = number + 1;
}

static enum arrival take_old(struct sequence *sequence, uint32_t number)
{
	uint32_t age = sequence->next - 1 - number;
	uint64_t bit = age < REMEMBERED ? 1ull << age : 0;

	if (!(sequence->missing & bit))
		return ARRIVAL_DOUBLE;
	sequence->missing &= ~bit;
	return ARRIVAL_LATE;
}

enum arrival sequence_take(struct sequence *sequence, uint32_t number)
{
	if (!sequence->has_started && number < sequence->next)
		sequence->next = number;
	sequence->has_started = true;
	if (number < sequence->next)
		return take_old(sequence, number);
	uint32_t gap = number - sequence->next;
	advance(sequence, number, gap);
	return gap > 0 ? ARRIVAL_AFTER_GAP : ARRIVAL_NEXT;
}

uint32_t sequence_holes(const struct sequence *sequence)
{
	return count_bits(sequence->missing) + sequence->forgotten;
}

uint32_t sequence_lost(const struct sequence *sequence, uint32_t end)
{
	uint32_t tail = end > sequence->next ? end - sequence->next : 0;

	return sequence_holes(sequence) + tail;
}
