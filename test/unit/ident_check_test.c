/*
 * Unit tests of the checks of identifiers (src/ident_check*.c).  TAP output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ident_check.h"
#include "tap.h"

/* Report one test of something. */
static void
about(bool passed, const char *what, const char *result)
{
	ok(passed, "%s: %s", what, result);
}

#define SLICE(text) {text, sizeof(text) - 1}

static const int orgnr_weights[] = {3, 2, 7, 6, 5, 4, 3, 2};
static const SbSlice orgnr_suffixes[] = {SLICE("MVA"), SLICE(".0")};
static const SbSlice orgnr_prefixes[] = {SLICE("NO")};
static const IdentException la_poste[] = {{SLICE("356000000"), IDENT_CHECKSUM_DIGIT_SUM, 5}};
static IdentPattern digits8[1];
static IdentPattern digits9[1];
static IdentPattern digits14[1];
static IdentPattern lei_form[1];
static IdentPattern vat_forms[2];
static IdentPattern uk_forms[2];
static const IdentRule orgnr = {
	.code = "no_orgnr", .patterns = digits9, .npatterns = 1, .checksum = IDENT_CHECKSUM_MOD11,
	.weights = orgnr_weights, .nweights = 8, .upper_case = true, .suffixes = orgnr_suffixes, .nsuffixes = 2,
	.prefixes = orgnr_prefixes, .nprefixes = 1, .ignored = SLICE(" .")
};
static const IdentRule siren = {.code = "fr_siren", .patterns = digits9, .npatterns = 1, .checksum = IDENT_CHECKSUM_LUHN};
static const IdentRule siret = {
	.code = "fr_siret", .patterns = digits14, .npatterns = 1, .checksum = IDENT_CHECKSUM_LUHN,
	.exceptions = la_poste, .nexceptions = 1, .ignored = SLICE(" ")
};
static const IdentRule lei = {
	.code = "lei", .patterns = lei_form, .npatterns = 1, .checksum = IDENT_CHECKSUM_MOD97_10, .upper_case = true
};
static const IdentRule vat = {.code = "be_vat", .patterns = vat_forms, .npatterns = 2, .checksum = IDENT_CHECKSUM_MOD97};
static const IdentRule uk = {
	.code = "uk", .severity = IMPORT_WARNING, .patterns = uk_forms, .npatterns = 2, .upper_case = true, .pad_zeros = true
};

/* The form that a text says. */
static bool
form(const char *text, IdentPattern *pattern)
{
	return ident_pattern_read((SbSlice) {text, strlen(text)}, pattern);
}

/*
 * What is said of a value, as text: codes with what they tell; the value and
 * the rule's buffer have no byte to spare.
 */
static void
judged(const IdentRule *rule, const char *value, const char *expected)
{
	IdentVerdict *verdict = malloc(sizeof(IdentVerdict));
	char	   *given = malloc(strlen(value) + 1);
	char		said[2000];
	int			len;

	memcpy(given, value, strlen(value));
	import_ident_check(rule, (SbSlice) {given, strlen(value)}, verdict);
	len = snprintf(said, sizeof(said), "%.*s", (int) verdict->value.len, verdict->value.data);
	for (int i = 0; i < verdict->nfindings; i++)
	{
		const IdentFinding *finding = &verdict->findings[i];

		len += snprintf(said + len, sizeof(said) - (size_t) len, " %c%s", "EWI"[finding->severity], finding->code);
		if (finding->expected.data != NULL)
			len += snprintf(said + len, sizeof(said) - (size_t) len, " expected %.*s", (int) finding->expected.len, finding->expected.data);
		if (finding->character.data != NULL)
			len += snprintf(said + len, sizeof(said) - (size_t) len, " %.*s at %d", (int) finding->character.len, finding->character.data, finding->position);
		if (finding->length > 0)
			len += snprintf(said + len, sizeof(said) - (size_t) len, " length %d", finding->length);
		for (int j = 0; j < finding->nlengths; j++)
			len += snprintf(said + len, sizeof(said) - (size_t) len, " or %d", finding->lengths[j]);
		for (int j = 0; j < finding->npositions; j++)
			len += snprintf(said + len, sizeof(said) - (size_t) len, " place %d", finding->positions[j]);
		if (finding->suggestion.data != NULL)
			len += snprintf(said + len, sizeof(said) - (size_t) len, " or %.*s", (int) finding->suggestion.len, finding->suggestion.data);
	}
	about(strcmp(said, expected) == 0, value, said);
	free(given);
	free(verdict);
}

/* Forms are read, and nothing else. */
static void
test_patterns(void)
{
	static const char *const wrong[] = {"", "#{0}", "#{", "#{9", "#{x}", "{9}", "#{51}", "#{26}#{25}", "#{99999999999}", " #", "\xC3\x85", "#}", NULL};
	IdentPattern pattern;

	about(form("#{9}", &pattern) && pattern.length == 9, "#{9}", "nine digits");
	about(form("@@#{2}-*", &pattern) && pattern.length == 6 && memcmp(pattern.classes, "@@##-*", 6) == 0, "@@#{2}-*", "as it says");
	about(form("#{50}", &pattern), "#{50}", "the longest");
	for (int i = 0; wrong[i] != NULL; i++)
		about(!form(wrong[i], &pattern), wrong[i], "is none");
}

/* Which rules can be used. */
static void
test_faults(void)
{
	IdentRule	rule = orgnr;
	IdentChecksum checksum;

	about(ident_rule_fault(&orgnr) == NULL && ident_rule_fault(&siret) == NULL && ident_rule_fault(&lei) == NULL &&
		  ident_rule_fault(&vat) == NULL && ident_rule_fault(&uk) == NULL, "faults", "none of good rules");
	rule.nweights = 7;
	about(ident_rule_fault(&rule) != NULL, "faults", "a weight is missing");
	rule = orgnr;
	rule.patterns = lei_form;
	about(ident_rule_fault(&rule) != NULL, "faults", "modulo 11 of letters");
	rule = siret;
	rule.npatterns = 0;
	about(ident_rule_fault(&rule) != NULL, "faults", "no form");
	rule = siren;
	rule.checksum = IDENT_CHECKSUM_DIGIT_SUM;
	about(ident_rule_fault(&rule) != NULL, "faults", "no modulus");
	about(ident_checksum_from_name("mod97_10", &checksum) && checksum == IDENT_CHECKSUM_MOD97_10, "names", "mod97_10");
	about(!ident_checksum_from_name("crc", &checksum), "names", "crc is none");
}

/* Known identifiers, and what is wrong with others. */
static void
test_values(void)
{
	judged(&orgnr, "974760673", "974760673");
	judged(&orgnr, "974760674", "974760674 Eident_checksum expected 3");
	judged(&orgnr, "000000010", "000000010 Eident_checksum expected 9");
	judged(&orgnr, "974 760 673", "974760673 Iident_normalised");
	judged(&orgnr, "NO 974760673 MVA", "974760673 Iident_normalised");
	judged(&orgnr, "no974.760.673mva", "974760673 Iident_normalised");
	judged(&orgnr, "974760673.0", "974760673 Iident_normalised");
	judged(&orgnr, "97476067", "97476067 Eident_length length 8 or 9");
	judged(&orgnr, "0974760673", "0974760673 Eident_length length 10 or 9 or 974760673");
	judged(&orgnr, "9747606O3", "9747606O3 Eident_char O at 8");
	judged(&orgnr, "97476O673", "97476O673 Eident_char O at 6 or 974760673");
	judged(&orgnr, "97476\xD0\x9E" "673", "97476\xD0\x9E" "673 Eident_char \xD0\x9E at 6 or 974760673");
	judged(&orgnr, "9,74761E+08", "9,74761E+08 Eident_scientific");
	judged(&orgnr, "NO", "NO Eident_length length 2 or 9");
	judged(&orgnr, " .", " . Eident_length length 2 or 9");
	judged(&siren, "732829320", "732829320");
	judged(&siren, "732829321", "732829321 Eident_checksum expected 0");
	judged(&siren, "356000000", "356000000");
	judged(&siret, "73282932000074", "73282932000074");
	judged(&siret, "732 829 320 00074", "73282932000074 Iident_normalised");
	judged(&siret, "35600000049837", "35600000049837");
	judged(&siret, "35600000000048", "35600000000048");
	judged(&siret, "35600000049838", "35600000049838 Eident_checksum");
	judged(&lei, "5493001KJTIIGC8Y1R12", "5493001KJTIIGC8Y1R12");
	judged(&lei, "5493001kjtiigc8y1r12", "5493001KJTIIGC8Y1R12 Iident_normalised");
	judged(&lei, "5493001KJTIIGC8Y1R13", "5493001KJTIIGC8Y1R13 Eident_checksum expected 12");
	judged(&vat, "0403170701", "0403170701");
	judged(&vat, "0403170702", "0403170702 Eident_checksum expected 01");
	judged(&vat, "2403170701", "2403170701 Eident_char 2 at 1");
	judged(&uk, "SC123456", "SC123456");
	judged(&uk, "sc123456", "SC123456 Iident_normalised");
	judged(&uk, "1234567", "01234567 Iident_normalised");
	judged(&uk, "SCX23456", "SCX23456 Wident_char X at 3");
	judged(&uk, "5C123456", "5C123456 Wident_char C at 2");
	judged(&uk, "123456789", "123456789 Wident_length length 9 or 8");
}

/* Without a rule, and letters of two scripts. */
static void
test_scripts(void)
{
	char		longest[4 * IDENT_LIMIT + 5];
	char		said[4 * IDENT_LIMIT + 50];

	judged(NULL, "k1", "k1");
	judged(NULL, "9.1E+08", "9.1E+08 Eident_scientific");
	judged(NULL, "9E+", "9E+");
	judged(NULL, "9.E+08", "9.E+08");
	judged(NULL, "1e5", "1e5");
	judged(NULL, "\xD0\x90S", "\xD0\x90S Wmixed_script place 1 or AS");
	judged(NULL, "\xD0\x9E\xD0\x90O1", "\xD0\x9E\xD0\x90O1 Wmixed_script place 3 or \xD0\x9E\xD0\x90\xD0\x9E" "1");
	judged(NULL, "A\xD0\x96", "A\xD0\x96 Wmixed_script place 2");
	judged(NULL, "\xD0\x96\xD0\x90", "\xD0\x96\xD0\x90");
	judged(NULL, "\xC3\x85" "S", "\xC3\x85" "S");
	judged(NULL, "\xCE\x91K", "\xCE\x91K Wmixed_script place 1 or AK");
	judged(NULL, "\xFF", "\xFF");
	for (int i = 0; i <= IDENT_LIMIT; i++)
		memcpy(longest + 4 * i, "\xF0\x9F\x8F\xAD", 4);
	longest[4 * IDENT_LIMIT + 4] = '\0';
	snprintf(said, sizeof(said), "%s Etoo_long length 51", longest);
	judged(NULL, longest, said);
	judged(&orgnr, longest, said);
	longest[4 * IDENT_LIMIT] = '\0';
	judged(NULL, longest, longest);
	snprintf(said, sizeof(said), "%s Eident_length length 50 or 9", longest);
	judged(&orgnr, longest, said);
}

int
main(void)
{
	if (!form("#{8}", digits8) || !form("#{9}", digits9) || !form("#{14}", digits14) || !form("*{18}##", lei_form) ||
		!form("0#{9}", &vat_forms[0]) || !form("1#{9}", &vat_forms[1]) || !form("#{8}", &uk_forms[0]) || !form("@@#{6}", &uk_forms[1]))
		return 1;
	test_patterns();
	test_faults();
	test_values();
	test_scripts();
	return tap_end();
}
