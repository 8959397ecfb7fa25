/*-------------------------------------------------------------------------
 *
 * csv.c
 *	  A reader of CSV files: from pieces of a file to its records.
 *
 * A record is read where it lies in the piece fed.  Only the one that a piece
 * ends in is copied, and more of the next piece is copied behind it until it
 * is whole.  Pieces that are not UTF-8 are decoded part by part, and the parts
 * are read like pieces.
 *
 * IDENTIFICATION
 *	  src/csv.c
 *
 *-------------------------------------------------------------------------
 */
#include "csv_internal.h"

#include <string.h>

/* How saved states of this version begin. */
#define SAVED_VERSION "sbcsv 1"

typedef struct CsvCodeEntry
{
	const char *name;
	bool		is_error;
	bool		is_fatal;
} CsvCodeEntry;

/* In the order of CsvCode. */
static const CsvCodeEntry codes[CSV_CODES] = {
	[CSV_FILE_EMPTY] = {"file_empty", true, true},
	[CSV_NOT_A_CSV] = {"not_a_csv", true, true},
	[CSV_ENCODING_UTF16] = {"encoding_utf16", true, true},
	[CSV_FILE_ENCODING] = {"encoding_invalid", true, true},
	[CSV_DELIMITER_MISMATCH] = {"delimiter_mismatch", true, true},
	[CSV_BOM_REMOVED] = {"bom_removed", false, false},
	[CSV_ENCODING_DETECTED] = {"encoding_detected", false, false},
	[CSV_DELIMITER_DETECTED] = {"delimiter_detected", false, false},
	[CSV_EXCEL_SEP_LINE] = {"excel_sep_line", false, false},
	[CSV_MIXED_LINE_ENDINGS] = {"mixed_line_endings", false, false},
	[CSV_NO_ROWS] = {"no_rows", false, false},
	[CSV_ROW_TOO_SHORT] = {"row_too_short", true, false},
	[CSV_ROW_TOO_LONG] = {"row_too_long", true, false},
	[CSV_QUOTE_UNCLOSED] = {"quote_unclosed", true, false},
	[CSV_NUL_BYTE] = {"nul_byte", true, false},
	[CSV_ENCODING_INVALID] = {"encoding_invalid", true, false},
	[CSV_FIELD_TOO_LONG] = {"field_too_long", true, false},
	[CSV_RECORD_TOO_LONG] = {"record_too_long", true, false},
	[CSV_QUOTE_INSIDE_FIELD] = {"quote_inside_field", false, false},
	[CSV_TEXT_AFTER_QUOTE] = {"text_after_quote", false, false}
};

/* The code as in import.finding_code. */
const char *
csv_code_name(CsvCode code)
{
	return codes[code].name;
}

bool
csv_is_error(CsvCode code)
{
	return codes[code].is_error;
}

/* Does the finding end the reading? */
bool
csv_is_fatal(CsvCode code)
{
	return codes[code].is_fatal;
}

/* Makes "memory" have at least "wanted" bytes; the first "used" stay what they are. */
void
csv_reserve(CsvState *state, char **memory, size_t *size, size_t used, size_t wanted)
{
	size_t		new_size = *size < 4096 ? 4096 : *size;
	char	   *new_memory;

	if (wanted <= *size)
		return;
	while (new_size < wanted)
		new_size *= 2;
	new_memory = state->memory.alloc(state->memory.context, new_size);
	if (used > 0)
		memcpy(new_memory, *memory, used);
	if (*memory != NULL)
		state->memory.release(state->memory.context, *memory);
	*memory = new_memory;
	*size = new_size;
}

/* Adds a finding of the file, to be given before anything else. */
void
csv_add_pending(CsvState *state, CsvCode code, int64_t line, const char *text)
{
	CsvFinding *finding = &state->pending[state->npending++];

	memset(finding, 0, sizeof(*finding));
	finding->code = code;
	finding->field = -1;
	finding->line = line;
	finding->offset = -1;
	finding->byte = -1;
	finding->text = text;
}

static CsvReader *
make_reader(const CsvMemory *memory)
{
	CsvReader  *reader = memory->alloc(memory->context, sizeof(CsvReader));
	CsvState   *state = memory->alloc(memory->context, sizeof(CsvState));

	memset(reader, 0, sizeof(*reader));
	memset(state, 0, sizeof(*state));
	state->memory = *memory;
	state->chunk = "";
	state->raw = "";
	state->fields = memory->alloc(memory->context, CSV_MAX_FIELDS * sizeof(CsvField));
	reader->state = state;
	return reader;
}

/* Starts with a file.  A delimiter that cannot be one is as if none was said. */
CsvReader *
csv_begin(const CsvOptions *options, const CsvMemory *memory)
{
	CsvReader  *reader = make_reader(memory);
	CsvProgress *now = &reader->state->now;
	char		delimiter = options->delimiter;

	memcpy(now->version, SAVED_VERSION, sizeof(now->version));
	now->size = sizeof(CsvProgress);
	now->options.encoding = options->encoding;
	now->options.guess_windows_1252 = options->guess_windows_1252;
	if (delimiter != '"' && delimiter != '\n' && delimiter != '\r' && (unsigned char) delimiter < 0x80)
		now->options.delimiter = delimiter;
	now->options.header_line = options->header_line;
	now->options.field_limit = options->field_limit > 0 ? options->field_limit : CSV_FIELD_LIMIT;
	now->options.record_limit = options->record_limit > 0 ? options->record_limit : CSV_RECORD_LIMIT;
	now->options.detect_bytes = options->detect_bytes > 0 ? options->detect_bytes : CSV_DETECT_BYTES;
	now->line = 1;
	return reader;
}

void
csv_free(CsvReader *reader)
{
	CsvState   *state = reader->state;
	CsvMemory	memory = state->memory;
	void	   *parts[] = {state->held, state->decoded, state->clean, state->saved, state->fields, state, reader};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
	{
		if (parts[i] != NULL)
			memory.release(memory.context, parts[i]);
	}
}

/* The next piece of the file. */
void
csv_feed(CsvReader *reader, const char *data, size_t len)
{
	CsvState   *state = reader->state;

	state->now.bytes += (int64_t) len;
	reader->bytes = state->now.bytes;
	if (state->now.phase == CSV_PHASE_DETECT || state->now.encoding == CSV_ENCODING_UTF8)
	{
		state->chunk = data;
		state->chunk_len = len;
		state->chunk_pos = 0;
	}
	else
	{
		state->raw = data;
		state->raw_len = len;
	}
}

/* There is no next piece. */
void
csv_finish(CsvReader *reader)
{
	reader->state->now.finished = true;
}

/* The record of the last event is the heading. */
void
csv_take_header(CsvReader *reader)
{
	reader->state->now.has_header = true;
	reader->state->now.expected = reader->expected = reader->record.nfields;
}

/* Copies "len" more bytes of the piece behind those held. */
static void
hold(CsvState *state, size_t len)
{
	size_t		kept = state->held_end - state->held_start;

	if (state->held_start > 0 && kept > 0)
		memmove(state->held, state->held + state->held_start, kept);
	state->held_start = 0;
	state->held_end = kept;
	csv_reserve(state, &state->held, &state->held_size, kept, kept + len);
	memcpy(state->held + kept, state->chunk + state->chunk_pos, len);
	state->held_end += len;
	state->held_again += len;
	state->chunk_pos += len;
}

/* Decodes the next part of the piece fed.  Returns false when there is none. */
static bool
decode_more(CsvState *state)
{
	size_t		len = state->raw_len < CSV_DECODE_BYTES ? state->raw_len : CSV_DECODE_BYTES;
	bool		at_end = state->now.finished && len == state->raw_len;

	if (len == 0 && !(at_end && (state->now.has_odd || state->now.surrogate != 0)))
		return false;
	if (state->decoded == NULL)
		state->decoded = state->memory.alloc(state->memory.context, CSV_DECODED_SIZE(CSV_DECODE_BYTES));
	state->chunk_len = csv_decode(&state->now, state->raw, len, at_end, state->decoded);
	state->chunk = state->decoded;
	state->chunk_pos = 0;
	state->held_again = 0;
	state->raw += len;
	state->raw_len -= len;
	return true;
}

/* Has the file ended behind what is held and what is left of the piece? */
static bool
is_last(const CsvState *state)
{
	return state->now.finished && state->raw_len == 0 && !state->now.has_odd && state->now.surrogate == 0;
}

/*
 * Gets more bytes for a record that is not whole.  Those held at least double,
 * so that no byte is read often.  Returns false when there are no more now.
 */
static bool
hold_more(CsvState *state)
{
	size_t		kept = state->held_end - state->held_start;
	size_t		left;

	if (kept == 0)
	{
		/* The piece itself was read to its end. */
		hold(state, state->chunk_len - state->chunk_pos);
		kept = state->held_end;
	}
	while (state->chunk_pos == state->chunk_len)
	{
		if (!decode_more(state))
			return false;
	}
	left = state->chunk_len - state->chunk_pos;
	hold(state, left < 4096 || left < kept ? left : kept < 4096 ? 4096 : kept);
	return true;
}

/* Goes on behind "len" bytes; those held that are in the piece too are read there from now on. */
static void
advance(CsvState *state, size_t len, bool in_held)
{
	size_t		kept;

	state->now.offset += (int64_t) len;
	if (!in_held)
	{
		state->chunk_pos += len;
		return;
	}
	state->held_start += len;
	state->held_tried = 0;
	kept = state->held_end - state->held_start;
	if (kept <= state->held_again)
	{
		state->chunk_pos -= kept;
		state->held_start = state->held_end = state->held_again = 0;
	}
}

/* Passes over the rest of a line that is too long.  Returns how much of it is there. */
static size_t
skip_line(CsvState *state, const char *start, const char *end)
{
	const char *p = start;

	if (state->now.skips_lf)
	{
		state->now.skips_lf = false;
		return *p == '\n' ? 1 : 0;
	}
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	if (p == end)
		return (size_t) (end - start);
	state->now.skips_line = false;
	state->now.skips_lf = *p == '\r';
	return (size_t) (p + 1 - start);
}

/* Says what the record that was read is. */
static CsvEvent
give_record(CsvReader *reader)
{
	CsvProgress *now = &reader->state->now;
	CsvRecord  *record = &reader->record;

	now->line += record->lines;
	if (csv_is_blank(record))
	{
		reader->blanks = ++now->blanks;
		record->nfindings = 0;
		record->is_error = false;
		return record->nfields == 1 && !record->fields[0].quoted ? CSV_BLANK_LINE : CSV_BLANK_ROW;
	}
	now->records++;
	if (!now->has_header)
		return record->line < now->options.header_line ? CSV_MORE : CSV_HEADER;
	record->number = reader->rows = ++now->rows;
	return CSV_RECORD;
}

/*
 * Is it worth while to read what is held once more?  Behind what was tried there
 * must be a line end, or more than a record may have; and a long record is tried
 * only when it has doubled, lest a file of quoted line ends in small pieces
 * takes for ever.
 */
static bool
is_worth_trying(CsvState *state)
{
	size_t		tried = state->held_tried;
	size_t		kept = state->held_end - state->held_start;
	const char *p = state->held + state->held_start + (tried > 0 ? tried - 1 : 0);
	size_t		len = kept - (tried > 0 ? tried - 1 : 0);

	if (kept <= state->now.options.record_limit + 1 && tried > 4096 && kept < 2 * tried)
		return false;
	state->held_tried = kept;
	return tried == 0 || kept > state->now.options.record_limit + 1 ||
		memchr(p, '\n', len) != NULL || memchr(p, '\r', len) != NULL;
}

/* Reads the next record; CSV_MORE: there is none yet; CSV_END: there is none. */
static CsvEvent
read_record(CsvReader *reader)
{
	CsvState   *state = reader->state;
	CsvProgress *now = &state->now;

	for (;;)
	{
		bool		in_held = state->held_end > state->held_start;
		const char *start = in_held ? state->held + state->held_start : state->chunk + state->chunk_pos;
		const char *end = in_held ? state->held + state->held_end : state->chunk + state->chunk_len;
		bool		at_end = is_last(state) && (!in_held || state->chunk_pos == state->chunk_len);
		bool		is_there = in_held || state->chunk_pos < state->chunk_len;
		size_t		len;

		if (is_there && (now->skips_line || now->skips_lf))
			advance(state, skip_line(state, start, end), in_held);
		else if (is_there && (!in_held || at_end || is_worth_trying(state)) &&
				 (len = csv_scan_record(state, &reader->record, start, end, at_end)) > 0)
		{
			CsvEvent	event;

			advance(state, len, in_held);
			event = give_record(reader);
			if (event != CSV_MORE)
				return event;
		}
		else if (is_there ? !hold_more(state) : !decode_more(state))
			return is_last(state) ? CSV_END : CSV_MORE;
	}
}

/* Holds back the first bytes of the file.  Returns whether there are enough to decide by. */
static bool
hold_first(CsvState *state)
{
	size_t		left = state->chunk_len - state->chunk_pos;
	size_t		wanted = state->now.options.detect_bytes - state->held_end;

	if (left > 0)
		hold(state, left < wanted ? left : wanted);
	return state->held_end == state->now.options.detect_bytes || state->now.finished;
}

/* The findings of the whole file. */
static void
find_last(CsvState *state)
{
	CsvProgress *now = &state->now;

	if (now->mixed_line > 0)
		csv_add_pending(state, CSV_MIXED_LINE_ENDINGS, now->mixed_line, NULL);
	if (now->has_header && now->rows == 0)
		csv_add_pending(state, CSV_NO_ROWS, 0, NULL);
	if (now->records == 0)
		csv_add_pending(state, CSV_FILE_EMPTY, 0, NULL);
}

/* Gives the next finding of the file. */
static CsvEvent
give_finding(CsvReader *reader)
{
	CsvState   *state = reader->state;

	reader->finding = state->pending[state->next_pending++];
	if (state->next_pending == state->npending)
		state->next_pending = state->npending = 0;
	if (csv_is_fatal(reader->finding.code))
		state->now.phase = CSV_PHASE_END;
	return CSV_FINDING;
}

/* All of the piece is read or held: the caller may do with it what he wants. */
static CsvEvent
ask_for_more(CsvState *state)
{
	state->chunk = "";
	state->chunk_len = state->chunk_pos = 0;
	state->held_again = 0;
	return CSV_MORE;
}

/* What comes next in the file. */
CsvEvent
csv_next(CsvReader *reader)
{
	CsvState   *state = reader->state;
	CsvEvent	event;

	for (;;)
	{
		if (state->now.phase != CSV_PHASE_END && state->next_pending < state->npending)
			return give_finding(reader);
		switch (state->now.phase)
		{
			case CSV_PHASE_DETECT:
				if (!hold_first(state))
					return ask_for_more(state);
				state->now.phase = CSV_PHASE_RECORDS;
				if (state->held_end > 0)
					csv_detect(state);
				reader->encoding = state->now.encoding;
				reader->delimiter = state->now.delimiter;
				break;
			case CSV_PHASE_RECORDS:
				event = read_record(reader);
				if (event == CSV_MORE)
					return ask_for_more(state);
				if (event != CSV_END)
					return event;
				state->now.phase = CSV_PHASE_LAST;
				find_last(state);
				break;
			case CSV_PHASE_LAST:
				state->now.phase = CSV_PHASE_END;
				break;
			case CSV_PHASE_END:
				return CSV_END;
		}
	}
}

/* The state as bytes: what is plain data, and the bytes held. */
const char *
csv_save(CsvReader *reader, size_t *len)
{
	CsvState   *state = reader->state;
	size_t		kept = state->held_end - state->held_start;

	if (state->saved != NULL)
		state->memory.release(state->memory.context, state->saved);
	*len = sizeof(CsvProgress) + kept;
	state->saved = state->memory.alloc(state->memory.context, *len);
	memcpy(state->saved, &state->now, sizeof(CsvProgress));
	if (kept > 0)
		memcpy(state->saved + sizeof(CsvProgress), state->held + state->held_start, kept);
	return state->saved;
}

/* Could csv_save() have written this? */
static bool
is_saved(const CsvProgress *now, size_t held)
{
	return memcmp(now->version, SAVED_VERSION, sizeof(now->version)) == 0 && now->size == sizeof(*now) &&
		now->encoding <= CSV_ENCODING_WINDOWS_1252 && now->phase <= CSV_PHASE_END &&
		now->options.field_limit > 0 && now->options.record_limit > 0 &&
		(now->phase != CSV_PHASE_DETECT || held < now->options.detect_bytes) &&
		(now->phase != CSV_PHASE_RECORDS || (now->encoding != CSV_ENCODING_DETECT && now->delimiter != '\0'));
}

/* The reader that csv_save() saved; NULL: it was another version's. */
CsvReader *
csv_restore(const char *saved, size_t len, const CsvMemory *memory)
{
	CsvReader  *reader;
	CsvState   *state;
	CsvProgress now;

	if (len < sizeof(now))
		return NULL;
	memcpy(&now, saved, sizeof(now));
	if (!is_saved(&now, len - sizeof(now)))
		return NULL;
	reader = make_reader(memory);
	state = reader->state;
	state->now = now;
	len -= sizeof(now);
	csv_reserve(state, &state->held, &state->held_size, 0, len);
	if (len > 0)
		memcpy(state->held, saved + sizeof(now), len);
	state->held_end = len;
	reader->encoding = now.encoding;
	reader->delimiter = now.delimiter;
	reader->expected = now.expected;
	reader->rows = now.rows;
	reader->blanks = now.blanks;
	reader->bytes = now.bytes;
	return reader;
}
