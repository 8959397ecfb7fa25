/*-------------------------------------------------------------------------
 *
 * sweep_sort.c
 *	  Radix sort of records of 64-bit words.
 *
 * Sorts by eight bits at a time, the least significant first, and only by bits
 * that differ between records.  Stable.
 *
 * IDENTIFICATION
 *	  src/sweep_sort.c
 *
 *-------------------------------------------------------------------------
 */
#include "sweep.h"

#include <string.h>

/* Up to eight bits of a word. */
typedef struct SweepDigit
{
	int			word;
	int			shift;
	unsigned	mask;
} SweepDigit;

static void count_digit(const uint64_t *records, size_t count, int width, SweepDigit digit, size_t *places);
static void sort_digit(const uint64_t *from, uint64_t *to, size_t count, int width,
					   SweepDigit digit, size_t *places);

/*
 * Sort records by fields, given from the least significant; varying tells per
 * word which bits differ at all.  spare has room for as many records.  Returns
 * which of the two holds the result.
 */
uint64_t *
sweep_sort(uint64_t *records, uint64_t *spare, size_t count, int width,
		   const SweepField *fields, int nfields, const uint64_t *varying)
{
	for (int i = 0; i < nfields; i++)
	{
		uint64_t	left = varying[fields[i].word] & fields[i].mask;

		while (left != 0)
		{
			size_t		places[256];
			SweepDigit	digit;
			uint64_t   *swap = records;

			digit.word = fields[i].word;
			digit.shift = __builtin_ctzll(left);
			digit.mask = (unsigned) ((fields[i].mask >> digit.shift) & 0xff);
			left &= ~((uint64_t) 0xff << digit.shift);
			count_digit(records, count, width, digit, places);
			sort_digit(records, spare, count, width, digit, places);
			records = spare;
			spare = swap;
		}
	}
	return records;
}

/* Where the records with each value of the digit begin. */
static void
count_digit(const uint64_t *records, size_t count, int width, SweepDigit digit, size_t *places)
{
	const uint64_t *word = records + digit.word;
	size_t		sum = 0;

	memset(places, 0, 256 * sizeof(size_t));
	for (size_t i = 0; i < count; i++)
		places[(word[i * width] >> digit.shift) & digit.mask]++;
	for (int value = 0; value < 256; value++)
	{
		size_t		here = places[value];

		places[value] = sum;
		sum += here;
	}
}

/* The loop of sort_digit(), to be compiled for a fixed width. */
static inline void
move_records(const uint64_t *from, uint64_t *to, size_t count, const int width,
			 SweepDigit digit, size_t *places)
{
	for (size_t i = 0; i < count; i++)
	{
		const uint64_t *record = from + i * width;
		uint64_t   *place = to + width * places[(record[digit.word] >> digit.shift) & digit.mask]++;

		for (int word = 0; word < width; word++)
			place[word] = record[word];
	}
}

/* Move the records to where they belong by the digit. */
static void
sort_digit(const uint64_t *from, uint64_t *to, size_t count, int width,
		   SweepDigit digit, size_t *places)
{
	switch (width)
	{
		case 2:
			move_records(from, to, count, 2, digit, places);
			break;
		case 3:
			move_records(from, to, count, 3, digit, places);
			break;
		case 4:
			move_records(from, to, count, 4, digit, places);
			break;
		default:
			move_records(from, to, count, width, digit, places);
			break;
	}
}
