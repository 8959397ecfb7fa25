/*-------------------------------------------------------------------------
 *
 * import_cell_text.c
 *	  Cells that hold text.
 *
 * Control characters become spaces; what is decomposed is composed.  The
 * rest is what may have gone wrong with a text on its way here.
 *
 * IDENTIFICATION
 *	  src/import_cell_text.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* What the characters of a text tell. */
typedef struct TextFacts
{
	uint32_t	control;		/* the first control character; 0: none */
	bool		is_mojibake;	/* UTF-8 that was read as Latin-1 */
	bool		may_be_mojibake;	/* ... as windows-1252 */
	bool		is_composed;	/* nothing to compose, for sure */
} TextFacts;

/*
 * True for a control character or a separator of lines.  U+0085 after A with
 * circumflex or tilde is none, but what is left of a letter.
 */
static inline bool
is_control(uint32_t c, uint32_t previous)
{
	if (c < 0x20 || c == 0x7f)
		return c != 0;
	if (c == 0x85)
		return previous != 0xC2 && previous != 0xC3;
	return c == 0x2028 || c == 0x2029;
}

/* Look at each character once. */
static TextFacts
look_at(SbSlice text)
{
	TextFacts	facts = {0, false, false, true};
	const char *at = text.data;
	const char *end = text.data + text.len;
	uint32_t	previous = 0;

	while (at < end)
	{
		uint32_t	c = sb_next_character(&at, end);

		if (facts.control == 0 && is_control(c, previous))
			facts.control = c;
		if ((previous == 0xC2 || previous == 0xC3) && 0x80 <= c && c <= 0xBF)
			facts.is_mojibake = true;
		else if ((previous == 0xC2 || previous == 0xC3) && c > 0xFF && import_misread_byte(c) >= 0)
			facts.may_be_mojibake = true;
		if (!import_is_composed(c))
			facts.is_composed = false;
		previous = c;
	}
	return facts;
}

/* The text with a space for each run of control characters, and no spaces around it. */
static SbSlice
clean(const ImportPlan *plan, SbSlice text)
{
	char	   *copy = plan->alloc(plan->arg, text.len + 1);
	const char *at = text.data;
	const char *end = text.data + text.len;
	uint32_t	previous = 0;
	bool		in_run = false;
	size_t		len = 0;

	while (at < end)
	{
		const char *start = at;
		uint32_t	c = sb_next_character(&at, end);

		if (!is_control(c, previous))
		{
			memcpy(copy + len, start, (size_t) (at - start));
			len += (size_t) (at - start);
			in_run = false;
		}
		else if (!in_run)
		{
			copy[len++] = ' ';
			in_run = true;
		}
		previous = c;
	}
	while (len > 0 && copy[len - 1] == ' ')
		len--;
	while (len > 0 && copy[0] == ' ')
	{
		copy++;
		len--;
	}
	return (SbSlice) {copy, len};
}

/* The name of a character, such as U+001F. */
static SbSlice
character_name(const ImportPlan *plan, uint32_t c)
{
	char		name[] = "U+0000";

	for (int i = 5; i > 1; i--)
	{
		name[i] = "0123456789ABCDEF"[c & 0xF];
		c >>= 4;
	}
	return import_copy(plan, name, 6);
}

/* True for what a spreadsheet may take for a formula. */
static bool
is_formula(SbSlice text)
{
	if (text.len == 0)
		return false;
	if (text.data[0] == '=' || text.data[0] == '@')
		return true;
	return (text.data[0] == '+' || text.data[0] == '-') && text.len > 1 &&
		(text.data[1] < '0' || text.data[1] > '9');
}

/*
 * True for a text in which "/n" stands for the end of a line: something right
 * before it, and an upper case letter or a digit after it.
 */
static bool
has_escaped_newline(SbSlice text)
{
	const char *end = text.data + text.len;
	const char *at = text.len == 0 ? NULL : memchr(text.data, '/', text.len);

	for (; at != NULL; at = memchr(at + 1, '/', (size_t) (end - at - 1)))
	{
		const char *after = at + 2;
		uint32_t	before;
		uint32_t	c;

		if (at == text.data || end - at < 3 || at[1] != 'n')
			continue;
		before = import_last_character(text.data, at);
		if (before == '/' || import_is_space(before))
			continue;
		c = sb_next_character(&after, end);
		if (('0' <= c && c <= '9') || import_is_upper(c))
			return true;
	}
	return false;
}

/* Cut a text that is too long, which is a finding. */
static SbSlice
judge_length(ImportJudge *judge, int column, SbSlice text)
{
	const ImportColumn *c = &judge->plan->columns[column];
	size_t		limit = (size_t) c->length_limit;
	bool		may_cut = judge->plan->truncate_overlong;
	ImportFinding *finding;
	size_t		length;

	if (c->length_limit <= 0 || text.len <= limit)
		return text;
	length = import_count_characters(text);
	if (length <= limit)
		return text;
	finding = import_add_cell_finding(judge, may_cut ? IMPORT_WARNING : IMPORT_ERROR,
									  may_cut ? "truncated" : "too_long", column);
	import_add_number(finding, "length", (int64_t) length);
	import_add_number(finding, "limit", c->length_limit);
	text.len = import_first_characters(text, limit);
	return text;
}

/* A text that was encoded twice, for sure or when it can be decoded again. */
static void
judge_mojibake(ImportJudge *judge, int column, bool is_sure)
{
	SbSlice		decoded = import_decode_again(judge->plan, judge->row->cells[column]);
	ImportFinding *finding;

	if (!is_sure && decoded.data == NULL)
		return;
	finding = import_add_cell_finding(judge, IMPORT_WARNING, "mojibake", column);
	if (decoded.data != NULL)
		import_add_text(finding, "suggestion", decoded);
}

/* A text, cleaned and cut. */
void
import_judge_text(ImportJudge *judge, int column)
{
	const ImportPlan *plan = judge->plan;
	const ImportColumn *c = &plan->columns[column];
	SbSlice		cell = judge->row->cells[column];
	ImportValue *value = &judge->row->values[column];
	TextFacts	facts = {0, false, false, true};
	SbSlice		text = cell;

	if (cell.data == NULL)
		return;
	if (!import_is_plain(cell))
		facts = look_at(cell);
	if (facts.control != 0)
	{
		ImportFinding *finding = import_add_cell_finding(judge, IMPORT_WARNING, "control_char", column);

		import_add_text(finding, "codepoint", character_name(plan, facts.control));
		text = clean(plan, cell);
	}
	else if (!facts.is_composed)
		text = plan->normalise(plan->arg, cell);
	value->is_parsed = true;
	value->is_null = false;
	value->text = judge_length(judge, column, text);

	if (!c->is_phone && is_formula(cell))
		import_add_cell_finding(judge, IMPORT_INFO, "formula_like", column);
	if (!c->is_phone && (facts.is_mojibake || facts.may_be_mojibake))
		judge_mojibake(judge, column, facts.is_mojibake);
	if (c->is_address_part && has_escaped_newline(cell))
		import_add_cell_finding(judge, IMPORT_WARNING, "escaped_newline", column);
	if (c->is_email && !c->is_address_part && !import_is_email(cell))
		import_add_cell_finding(judge, IMPORT_WARNING, "email_format", column);
	if (c->is_phone && !import_is_phone(cell))
		import_add_cell_finding(judge, IMPORT_WARNING, "phone_format", column);
	if (c->is_web_address && !import_is_web_address(cell))
		import_add_cell_finding(judge, IMPORT_WARNING, "web_format", column);
}
