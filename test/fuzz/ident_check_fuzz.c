/*-------------------------------------------------------------------------
 *
 * ident_check_fuzz.c
 *	  Fuzz target of the checks of identifiers: src/ident_check*.c without a
 *	  server.
 *
 * The first byte says which rule, the second how a value is normalised; a form
 * follows up to a NUL, the rest is the value.  Apart from what the sanitizers
 * see, these promises are held against each result:
 *	  - a normalised value is normalised;
 *	  - what is suggested, or has the digits that are expected, is right;
 *	  - a finding that is an error refuses the value, and nothing else does.
 *
 * IDENTIFICATION
 *	  test/fuzz/ident_check_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "ident_check.h"
#include "fuzz.h"

#include <string.h>

static bool
same(SbSlice a, SbSlice b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* A value that a finding proposes is right, but for letters of two scripts. */
static void
check_right(const IdentRule *rule, SbSlice value)
{
	IdentVerdict verdict;

	import_ident_check(rule, value, &verdict);
	CHECK(!verdict.is_normalised && !verdict.is_refused);
}

/* A finding holds what it promises. */
static void
check_finding(const IdentRule *rule, const IdentVerdict *verdict, const IdentFinding *finding)
{
	char		corrected[IDENT_BYTES];

	if (finding->suggestion.data != NULL && strcmp(finding->code, "mixed_script") != 0)
		check_right(rule, finding->suggestion);
	if (finding->expected.data == NULL)
		return;
	memcpy(corrected, verdict->value.data, verdict->value.len);
	memcpy(corrected + verdict->value.len - finding->expected.len, finding->expected.data, finding->expected.len);
	check_right(rule, (SbSlice) {corrected, verdict->value.len});
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int weights[] = {3, 2, 7, 6, 5, 4, 3, 2};
	static const SbSlice suffixes[] = {{"MVA", 3}, {".0", 2}};
	static const SbSlice prefixes[] = {{"NO", 2}, {"A", 1}};
	static const IdentException exceptions[] = {{{"35", 2}, IDENT_CHECKSUM_DIGIT_SUM, 5}, {{"1", 1}, IDENT_CHECKSUM_NONE, 0}};
	const char *text = (const char *) data + 2;
	const char *nul = size < 3 ? NULL : memchr(text, 0, size - 2);
	IdentPattern pattern;
	IdentRule	rule = {.code = "rule", .patterns = &pattern, .modulus = 7, .weights = weights, .suffixes = suffixes, .prefixes = prefixes, .exceptions = exceptions};
	IdentVerdict verdict;
	SbSlice		value;
	char		buffer[IDENT_BYTES];

	if (nul == NULL)
		return 0;
	value = (SbSlice) {nul + 1, size - 3 - (size_t) (nul - text)};
	if (value.len == 0)
		return 0;
	rule.npatterns = ident_pattern_read((SbSlice) {text, (size_t) (nul - text)}, &pattern);
	rule.checksum = (IdentChecksum) (data[0] % 6);
	rule.nexceptions = data[0] / 6 % 3;
	rule.nweights = rule.checksum == IDENT_CHECKSUM_MOD11 ? 8 : 0;
	rule.upper_case = data[1] & 1;
	rule.nsuffixes = data[1] >> 1 & 2;
	rule.nprefixes = data[1] >> 2 & 2;
	rule.pad_zeros = data[1] >> 5 & 1;
	if (data[1] & 64)
		rule.ignored = (SbSlice) {" .", 2};
	if (ident_rule_fault(&rule) != NULL)
		return 0;
	import_ident_check(data[1] & 128 ? NULL : &rule, value, &verdict);
	CHECK(verdict.nfindings >= 0 && verdict.nfindings <= IDENT_FINDINGS && verdict.value.len > 0);
	for (int i = 0; i < verdict.nfindings; i++)
	{
		CHECK(verdict.findings[i].severity != IMPORT_ERROR || verdict.is_refused);
		if ((data[1] & 128) == 0)
			check_finding(&rule, &verdict, &verdict.findings[i]);
	}
	CHECK(verdict.nfindings > 0 || !verdict.is_refused);
	CHECK(same(import_ident_normalise(data[1] & 128 ? NULL : &rule, verdict.value, buffer), verdict.value));
	return 0;
}
