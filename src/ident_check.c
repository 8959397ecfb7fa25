/*-------------------------------------------------------------------------
 *
 * ident_check.c
 *	  What an identifier of a file must look like, and what is wrong with one.
 *
 * IDENTIFICATION
 *	  src/ident_check.c
 *
 *-------------------------------------------------------------------------
 */
#include "ident_check_internal.h"

#include <string.h>

static bool uses(const IdentRule *rule, IdentChecksum checksum);
static const char *pattern_fault(const IdentRule *rule, const IdentPattern *pattern);
static bool class_fits(char class, uint32_t character);
static int	fitting_characters(const IdentPattern *pattern, SbSlice value);
static bool fits_rule(const IdentRule *rule, SbSlice value);
static bool all_digits(SbSlice value);
static bool is_right(const IdentRule *rule, SbSlice value);
static bool pad(const IdentRule *rule, SbSlice value, char *out, SbSlice *padded);
static SbSlice trim(SbSlice value);
static bool cut_affixes(const IdentRule *rule, SbSlice *value);
static bool drop_ignored(const IdentRule *rule, char *start, SbSlice *value);
static IdentFinding *add_finding(IdentVerdict *verdict, ImportSeverity severity, const char *code);
static void judge_length(const IdentRule *rule, IdentVerdict *verdict, int length);
static uint32_t meant(char class, uint32_t character);
static void suggest_characters(const IdentRule *rule, IdentVerdict *verdict, const IdentPattern *pattern, IdentFinding *finding);
static void judge_form(const IdentRule *rule, IdentVerdict *verdict, int length);
static void judge_digits(const IdentRule *rule, IdentVerdict *verdict);
static void judge_script(IdentVerdict *verdict);

/* Patterns ------------------------------------------------------------------ */

bool
ident_pattern_read(SbSlice text, IdentPattern *pattern)
{
	pattern->length = 0;
	for (size_t i = 0; i < text.len;)
	{
		char		class = text.data[i++];
		int			times = 0;

		if (class <= ' ' || class > '~' || class == '{' || class == '}')
			return false;
		if (i < text.len && text.data[i] == '{')
		{
			for (i++; i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && times <= IDENT_LIMIT; i++)
				times = times * 10 + text.data[i] - '0';
			if (i == text.len || text.data[i++] != '}' || times == 0)
				return false;
		}
		else
			times = 1;
		if (times > IDENT_LIMIT - pattern->length)
			return false;
		memset(pattern->classes + pattern->length, class, (size_t) times);
		pattern->length += times;
	}
	return pattern->length > 0;
}

bool
ident_checksum_from_name(const char *name, IdentChecksum *checksum)
{
	static const char *const names[] = {
		[IDENT_CHECKSUM_NONE] = "none",
		[IDENT_CHECKSUM_MOD11] = "mod11",
		[IDENT_CHECKSUM_LUHN] = "luhn",
		[IDENT_CHECKSUM_MOD97_10] = "mod97_10",
		[IDENT_CHECKSUM_MOD97] = "mod97",
		[IDENT_CHECKSUM_DIGIT_SUM] = "digit_sum"
	};

	for (int i = 0; i < (int) (sizeof(names) / sizeof(names[0])); i++)
		if (strcmp(name, names[i]) == 0)
		{
			*checksum = (IdentChecksum) i;
			return true;
		}
	return false;
}

/* Every character of this class is a digit. */
bool
ident_fits_digit(char class)
{
	return class == IDENT_DIGIT || (class >= '0' && class <= '9');
}

/* Whether the rule, or an exception of it, uses a checksum. */
static bool
uses(const IdentRule *rule, IdentChecksum checksum)
{
	for (int i = 0; i < rule->nexceptions; i++)
		if (rule->exceptions[i].checksum == checksum)
			return true;
	return rule->checksum == checksum;
}

/* What is wrong with a form for the checksums that are used; NULL: nothing. */
static const char *
pattern_fault(const IdentRule *rule, const IdentPattern *pattern)
{
	bool		needs_digits = uses(rule, IDENT_CHECKSUM_MOD11) || uses(rule, IDENT_CHECKSUM_LUHN) ||
		uses(rule, IDENT_CHECKSUM_MOD97) || uses(rule, IDENT_CHECKSUM_DIGIT_SUM);
	bool		needs_letters = uses(rule, IDENT_CHECKSUM_MOD97_10);

	if ((needs_digits || needs_letters) && pattern->length < 3)
		return "a form is too short for check digits";
	if (uses(rule, IDENT_CHECKSUM_MOD11) && pattern->length != rule->nweights + 1)
		return "there must be a weight for each digit but the last";
	for (int i = 0; i < pattern->length; i++)
	{
		char		class = pattern->classes[i];

		if (needs_digits && !ident_fits_digit(class))
			return "such check digits need forms of digits";
		if (needs_letters && !ident_fits_digit(class) && class != IDENT_LETTER && class != IDENT_EITHER && (class < 'A' || class > 'Z'))
			return "such check digits need forms of digits and capital letters";
	}
	return NULL;
}

/* What is wrong with a rule, in English; NULL: nothing. */
const char *
ident_rule_fault(const IdentRule *rule)
{
	const char *fault = NULL;

	if (rule->npatterns == 0 && (rule->checksum != IDENT_CHECKSUM_NONE || rule->nexceptions > 0))
		return "check digits need forms";
	for (int i = -1; i < rule->nexceptions; i++)
		if ((i < 0 ? rule->checksum : rule->exceptions[i].checksum) == IDENT_CHECKSUM_DIGIT_SUM &&
			(i < 0 ? rule->modulus : rule->exceptions[i].modulus) < 2)
			return "a digit sum needs a modulus";
	for (int i = 0; i < rule->nweights; i++)
		if (rule->weights[i] < 0 || rule->weights[i] > 10)
			return "weights are from 0 to 10";
	for (int i = 0; i < rule->npatterns && fault == NULL; i++)
		fault = pattern_fault(rule, &rule->patterns[i]);
	return fault;
}

/* Whether a character is of a class. */
static bool
class_fits(char class, uint32_t character)
{
	bool		is_digit = character >= '0' && character <= '9';
	bool		is_letter = character >= 'A' && character <= 'Z';

	switch (class)
	{
		case IDENT_DIGIT:
			return is_digit;
		case IDENT_LETTER:
			return is_letter;
		case IDENT_EITHER:
			return is_digit || is_letter;
		default:
			return character == (uint32_t) class;
	}
}

/* So many characters at the start of a value are as the pattern says. */
static int
fitting_characters(const IdentPattern *pattern, SbSlice value)
{
	const char *at = value.data;
	const char *end = value.data + value.len;
	int			count = 0;

	while (count < pattern->length && at < end && class_fits(pattern->classes[count], sb_next_character(&at, end)))
		count++;
	return count;
}

/* Whether a value is of a form of the rule.  Forms are ASCII. */
static bool
fits_rule(const IdentRule *rule, SbSlice value)
{
	for (int i = 0; i < rule->npatterns; i++)
		if ((size_t) rule->patterns[i].length == value.len &&
			fitting_characters(&rule->patterns[i], value) == rule->patterns[i].length)
			return true;
	return false;
}

/* Normalising --------------------------------------------------------------- */

static bool
all_digits(SbSlice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
	return value.len > 0;
}

/* Of a form, and with the check digits that it must have. */
static bool
is_right(const IdentRule *rule, SbSlice value)
{
	return fits_rule(rule, value) && ident_checksum_holds(rule, value);
}

/*
 * Digits that are too few, with zeros before them, or that are too many,
 * without such zeros, when that makes the identifier right.  The first form
 * counts for which it does.  `out' has IDENT_BYTES bytes.
 */
static bool
pad(const IdentRule *rule, SbSlice value, char *out, SbSlice *padded)
{
	size_t		leading = 0;

	if (!all_digits(value))
		return false;
	while (leading < value.len && value.data[leading] == '0')
		leading++;
	for (int i = 0; i < rule->npatterns; i++)
	{
		size_t		length = (size_t) rule->patterns[i].length;
		size_t		zeros = length > value.len ? length - value.len : 0;
		size_t		surplus = value.len > length ? value.len - length : 0;

		if (zeros + surplus == 0 || leading < surplus)
			continue;
		*padded = (SbSlice) {out, length};
		memset(out, '0', zeros);
		memcpy(out + zeros, value.data + surplus, length - zeros);
		if (is_right(rule, *padded))
			return true;
	}
	return false;
}

/* Without spaces at its ends. */
static SbSlice
trim(SbSlice value)
{
	while (value.len > 0 && value.data[0] == ' ')
	{
		value.data++;
		value.len--;
	}
	while (value.len > 0 && value.data[value.len - 1] == ' ')
		value.len--;
	return value;
}

/* Take away one suffix or prefix, when something is left; false: there is none. */
static bool
cut_affixes(const IdentRule *rule, SbSlice *value)
{
	for (int i = 0; i < rule->nsuffixes + rule->nprefixes; i++)
	{
		bool		at_end = i < rule->nsuffixes;
		SbSlice		affix = at_end ? rule->suffixes[i] : rule->prefixes[i - rule->nsuffixes];
		SbSlice		rest = {value->data, value->len - affix.len};

		if (affix.len == 0 || affix.len >= value->len)
			continue;
		if (memcmp(at_end ? value->data + rest.len : value->data, affix.data, affix.len) != 0)
			continue;
		if (!at_end)
			rest.data += affix.len;
		rest = trim(rest);
		if (rest.len == 0)
			continue;
		*value = rest;
		return true;
	}
	return false;
}

/* Take away the characters that do not count, when something is left; false: nothing changed. */
static bool
drop_ignored(const IdentRule *rule, char *start, SbSlice *value)
{
	size_t		len = 0;

	for (size_t i = 0; i < value->len; i++)
		len += memchr(rule->ignored.data, value->data[i], rule->ignored.len) == NULL;
	if (len == 0 || len == value->len)
		return false;
	len = 0;
	for (size_t i = 0; i < value->len; i++)
		if (memchr(rule->ignored.data, value->data[i], rule->ignored.len) == NULL)
			start[len++] = value->data[i];
	*value = (SbSlice) {start, len};
	return true;
}

SbSlice
import_ident_normalise(const IdentRule *rule, SbSlice value, char buffer[IDENT_BYTES])
{
	SbSlice		result = {buffer, value.len};
	SbSlice		padded;
	char		digits[IDENT_BYTES];

	if (rule == NULL || value.len > IDENT_BYTES || fits_rule(rule, value) || ident_is_scientific(value) ||
		ident_length(value) > IDENT_LIMIT)
		return value;
	memcpy(buffer, value.data, value.len);
	if (rule->upper_case)
		for (size_t i = 0; i < value.len; i++)
			if (buffer[i] >= 'a' && buffer[i] <= 'z')
				buffer[i] -= 'a' - 'A';
	while (!fits_rule(rule, result) &&
		   (cut_affixes(rule, &result) || (rule->ignored.len > 0 && drop_ignored(rule, buffer, &result))))
		;
	if (rule->pad_zeros && pad(rule, result, digits, &padded) && padded.len > result.len)
	{
		memcpy(buffer, padded.data, padded.len);
		result = (SbSlice) {buffer, padded.len};
	}
	return result.len == value.len && memcmp(result.data, value.data, value.len) == 0 ? value : result;
}

/* Judging ------------------------------------------------------------------- */

bool
ident_is_scientific(SbSlice value)
{
	const char *at = value.data;
	const char *end = value.data + value.len;

#define SKIP_DIGITS() \
	do { \
		const char *first = at; \
		while (at < end && *at >= '0' && *at <= '9') \
			at++; \
		if (at == first) \
			return false; \
	} while (0)

	SKIP_DIGITS();
	if (at < end && (*at == '.' || *at == ','))
	{
		at++;
		SKIP_DIGITS();
	}
	if (end - at < 2 || (at[0] != 'e' && at[0] != 'E') || at[1] != '+')
		return false;
	at += 2;
	SKIP_DIGITS();
	return at == end;
#undef SKIP_DIGITS
}

/* The next finding, empty. */
static IdentFinding *
add_finding(IdentVerdict *verdict, ImportSeverity severity, const char *code)
{
	IdentFinding *finding = &verdict->findings[verdict->nfindings++];

	memset(finding, 0, sizeof(*finding));
	finding->severity = severity;
	finding->code = code;
	if (severity == IMPORT_ERROR)
		verdict->is_refused = true;
	return finding;
}

/* No form of the rule has so many characters. */
static void
judge_length(const IdentRule *rule, IdentVerdict *verdict, int length)
{
	IdentFinding *finding = add_finding(verdict, rule->severity, "ident_length");
	SbSlice		padded;

	finding->type = rule->code;
	finding->length = length;
	for (int i = 1; i <= IDENT_LIMIT; i++)
		for (int j = 0; j < rule->npatterns; j++)
			if (rule->patterns[j].length == i)
			{
				finding->lengths[finding->nlengths++] = i;
				break;
			}
	if (pad(rule, verdict->value, verdict->suggestions[0], &padded))
		finding->suggestion = padded;
}

/* The character of a class that somebody may have meant who wrote this one. */
static uint32_t
meant(char class, uint32_t character)
{
	character = ident_latin_lookalike(character);
	if (class_fits(class, character))
		return character;
	if (ident_fits_digit(class))
		switch (character)
		{
			case 'O':
			case 'o':
				return '0';
			case 'I':
			case 'l':
				return '1';
			default:
				return character;
		}
	return character == '0' ? 'O' : character == '1' ? 'I' : character;
}

/* Suggest what looks the same and is right. */
static void
suggest_characters(const IdentRule *rule, IdentVerdict *verdict, const IdentPattern *pattern, IdentFinding *finding)
{
	const char *at = verdict->value.data;
	const char *end = at + verdict->value.len;
	SbSlice		suggestion = {verdict->suggestions[0], 0};

	for (int i = 0; i < pattern->length && at < end; i++)
		suggestion.len += ident_put_character(meant(pattern->classes[i], sb_next_character(&at, end)),
											  verdict->suggestions[0] + suggestion.len);
	if (is_right(rule, suggestion))
		finding->suggestion = suggestion;
}

/* Some form of the rule has so many characters, and none has these. */
static void
judge_form(const IdentRule *rule, IdentVerdict *verdict, int length)
{
	const char *at = verdict->value.data;
	const char *end = at + verdict->value.len;
	const char *start = at;
	const IdentPattern *nearest = NULL;
	IdentFinding *finding;
	int			most = -1;

	for (int i = 0; i < rule->npatterns; i++)
	{
		int			count = rule->patterns[i].length == length ? fitting_characters(&rule->patterns[i], verdict->value) : -1;

		if (count > most)
		{
			most = count;
			nearest = &rule->patterns[i];
		}
	}
	if (nearest == NULL)
	{
		judge_length(rule, verdict, length);
		return;
	}
	finding = add_finding(verdict, rule->severity, "ident_char");
	for (int i = 0; i <= most && at < end; i++)
	{
		start = at;
		(void) sb_next_character(&at, end);
	}
	finding->type = rule->code;
	finding->character = (SbSlice) {start, (size_t) (at - start)};
	finding->position = most + 1;
	suggest_characters(rule, verdict, nearest, finding);
}

/* The check digits are wrong. */
static void
judge_digits(const IdentRule *rule, IdentVerdict *verdict)
{
	IdentFinding *finding = add_finding(verdict, rule->severity, "ident_checksum");
	SbSlice		value = verdict->value;
	SbSlice		expected = ident_expected_digits(rule, value, verdict->expected);
	char		corrected[IDENT_BYTES];

	finding->type = rule->code;
	if (expected.data == NULL)
		return;
	memcpy(corrected, value.data, value.len - expected.len);
	memcpy(corrected + value.len - expected.len, expected.data, expected.len);
	value.data = corrected;
	if (is_right(rule, value))
		finding->expected = expected;
}

/* Letters of two scripts. */
static void
judge_script(IdentVerdict *verdict)
{
	IdentFinding *finding;
	bool		is_ascii = true;
	int			positions[IDENT_LIMIT];
	int			npositions;
	size_t		len;

	for (size_t i = 0; i < verdict->value.len; i++)
		is_ascii = is_ascii && (unsigned char) verdict->value.data[i] < 0x80;
	if (is_ascii || !ident_mixed_script(verdict->value, positions, IDENT_LIMIT, &npositions,
										verdict->suggestions[1], IDENT_BYTES, &len))
		return;
	finding = add_finding(verdict, IMPORT_WARNING, "mixed_script");
	finding->npositions = npositions;
	memcpy(finding->positions, positions, sizeof(int) * (size_t) npositions);
	if (len > 0)
		finding->suggestion = (SbSlice) {verdict->suggestions[1], len};
}

void
import_ident_check(const IdentRule *rule, SbSlice value, IdentVerdict *verdict)
{
	int			length;

	verdict->nfindings = 0;
	verdict->is_refused = false;
	verdict->value = import_ident_normalise(rule, value, verdict->buffer);
	verdict->is_normalised = verdict->value.data != value.data;
	length = ident_length(verdict->value);
	if (length > IDENT_LIMIT)
	{
		IdentFinding *finding = add_finding(verdict, IMPORT_ERROR, "too_long");

		finding->length = length;
		finding->limit = IDENT_LIMIT;
		return;
	}
	if (ident_is_scientific(verdict->value))
	{
		add_finding(verdict, IMPORT_ERROR, "ident_scientific");
		return;
	}
	if (rule != NULL && rule->npatterns > 0)
	{
		if (!fits_rule(rule, verdict->value))
			judge_form(rule, verdict, length);
		else if (!ident_checksum_holds(rule, verdict->value))
			judge_digits(rule, verdict);
	}
	judge_script(verdict);
	if (verdict->is_normalised)
		add_finding(verdict, IMPORT_INFO, "ident_normalised")->normalised = verdict->value;
}
