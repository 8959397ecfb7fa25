/*-------------------------------------------------------------------------
 *
 * jose_json_test.c
 *	  Unit tests of src/jose_json.c: what is JSON, what its values are, and numbers as times.
 *
 * Prints TAP.  Exits with 1 when a test fails.
 *
 * IDENTIFICATION
 *	  test/unit/jose_json_test.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jose_memory.h"
#include "tap.h"

#define length(array) ((int) (sizeof(array) / sizeof((array)[0])))

static bool
is(JoseBytes value, const char *text)
{
	return value.data != NULL && value.len == strlen(text) && memcmp(value.data, text, value.len) == 0;
}

typedef struct JsonCase
{
	const char *text;
	bool		good;
} JsonCase;

static const JsonCase json_cases[] = {
	{"{}", true}, {"[]", true}, {"1", true}, {"\"\"", true}, {"true", true}, {"false", true}, {"null", true},
	{" \t\r\n{ \"a\" : [ 1 , { } ] } \n", true},
	{"", false}, {" ", false}, {"{", false}, {"}", false}, {"[", false}, {"[1", false}, {"[1,", false}, {"[1,]", false},
	{"[,1]", false}, {"[1 2]", false}, {"[1]]", false}, {"[1}", false}, {"{]", false}, {"{\"a\"}", false}, {"{\"a\":}", false},
	{"{\"a\":1,}", false}, {"{,}", false}, {"{\"a\" 1}", false}, {"{\"a\":1 \"b\":2}", false}, {"{a:1}", false},
	{"{'a':1}", false}, {"{1:1}", false}, {"{} {}", false}, {"{}x", false}, {"1 1", false}, {"\xEF\xBB\xBF{}", false},
	{"// c\n{}", false}, {"{}\f", false}, {"\v{}", false},
	{"tru", false}, {"True", false}, {"truex", false}, {"nul", false}, {"NaN", false}, {"Infinity", false}, {"-Infinity", false},
	/* numbers */
	{"0", true}, {"-0", true}, {"-1", true}, {"10", true}, {"0.5", true}, {"1e5", true}, {"1E+5", true}, {"1e-05", true}, {"-0.0e0", true},
	{"1e400", true}, {"01", false}, {"-01", false}, {"+1", false}, {".5", false}, {"1.", false}, {"-", false}, {"1e", false}, {"1e+", false},
	{"1.e5", false}, {"0x10", false}, {"1_0", false}, {"--1", false}, {"1e5.5", false}, {"00", false},
	/* strings */
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", true}, {"\"", false}, {"\"a", false}, {"\"\\", false}, {"\"\\\"", false}, {"\"\\x41\"", false},
	{"\"\\a\"", false}, {"\"\\U0041\"", false}, {"\"\\u\"", false}, {"\"\\u004\"", false}, {"\"\\u004g\"", false}, {"\"\\u 041\"", false},
	{"\"\t\"", false}, {"\"\n\"", false}, {"\"\x1F\"", false}, {"\"\x7F\"", true}, {"\" \"", true},
	{"\"\\u0000\"", false}, {"{\"\\u0000\":1}", false}, {"\"\\u0001\"", true},
	/* surrogates */
	{"\"\\uD83D\\uDE00\"", true}, {"\"\\ud83d\\ude00\"", true}, {"\"\\uD83D\"", false}, {"\"\\uDE00\"", false}, {"\"\\uD83D\\uD83D\"", false},
	{"\"\\uD83Dx\"", false}, {"\"\\uD83D\\n\"", false}, {"\"\\uD83D\\u0041\"", false}, {"\"\\uD7FF\"", true}, {"\"\\uE000\"", true},
	{"\"\\uDBFF\\uDFFF\"", true}, {"\"\\uD83D\\u\"", false}, {"\"\\uDE00\\uD83D\"", false}, {"\"\\uFFFF\"", true},

	/*
	 * UTF-8: each class of table 3-7 of Unicode at its ends, and what is just
	 * outside
	 */
	{"\"\xC2\x80\"", true}, {"\"\xDF\xBF\"", true}, {"\"\xC0\xAF\"", false}, {"\"\xC1\xBF\"", false}, {"\"\xC2\x7F\"", false}, {"\"\xC2\xC0\"", false},
	{"\"\xC2\"", false}, {"\"\x80\"", false}, {"\"\xBF\"", false},
	{"\"\xE0\xA0\x80\"", true}, {"\"\xE0\x9F\xBF\"", false}, {"\"\xE1\x80\x80\"", true}, {"\"\xEC\xBF\xBF\"", true}, {"\"\xE2\x82\"", false},
	{"\"\xE2\x82\x7F\"", false}, {"\"\xED\x9F\xBF\"", true}, {"\"\xED\xA0\x80\"", false}, {"\"\xED\xBF\xBF\"", false}, {"\"\xEE\x80\x80\"", true},
	{"\"\xEF\xBF\xBF\"", true}, {"\"\xE1\xC0\x80\"", false},
	{"\"\xF0\x90\x80\x80\"", true}, {"\"\xF0\x8F\xBF\xBF\"", false}, {"\"\xF1\x80\x80\x80\"", true}, {"\"\xF3\xBF\xBF\xBF\"", true},
	{"\"\xF4\x8F\xBF\xBF\"", true}, {"\"\xF4\x90\x80\x80\"", false}, {"\"\xF5\x80\x80\x80\"", false}, {"\"\xF8\x88\x80\x80\x80\"", false},
	{"\"\xFF\"", false}, {"\"\xFE\"", false}, {"\"\xF0\x90\x80\"", false}, {"\"\xF0\x90\x80\x7F\"", false}, {"\"\xF0\x90\xC0\x80\"", false},
	{"\xC3\xA9", false}, {"\"12345678\xC3\xA9\"", true}, {"\"1234567\xC3\xA9\"", true}, {"\"1234567\xC3\"", false},
	/* duplicates, compared as what they mean */
	{"{\"a\":1,\"a\":2}", false}, {"{\"a\":1,\"\\u0061\":2}", false}, {"{\"\\u00e9\":1,\"\xC3\xA9\":2}", false},
	{"{\"\\uD83D\\uDE00\":1,\"\xF0\x9F\x98\x80\":2}", false}, {"{\"\":1,\"\":2}", false}, {"{\"\":1,\" \":2}", true},
	{"{\"a\":{\"a\":{\"a\":1}}}", true}, {"{\"a\":{\"b\":1,\"b\":2}}", false}, {"[{\"a\":1},{\"a\":1}]", true},
	{"[{\"a\":1,\"c\":[{}],\"a\":1}]", false}, {"{\"a\":1,\"A\":2}", true}, {"{\"a\":{\"b\":1},\"b\":1}", true},
	{"{\"ab\":1,\"a\":1,\"abc\":1}", true},
};

/* Whether a text is read, from a block of its own so that sanitizers see each read behind it. */
static bool
reads(const char *text, size_t len)
{
	char	   *copy = malloc(len > 0 ? len : 1);
	JoseJsonText json;
	bool		good;

	memcpy(copy, text, len);
	good = jose_json_read(&json, copy, len, &memory);
	jose_json_free(&json, &memory);
	free(copy);
	return good;
}

static void
test_json(void)
{
	char		zero[] = "\"a\0b\"";

	for (int i = 0; i < length(json_cases); i++)
		ok(reads(json_cases[i].text, strlen(json_cases[i].text)) == json_cases[i].good,
		   "case %d is %s", i, json_cases[i].good ? "read" : "refused");
	ok(!reads(zero, sizeof(zero) - 1), "no zero byte in a string");
	ok(!reads("{}\0", 3) && !reads("\0", 1), "no zero byte outside");
}

/* Nested brackets around an empty object. */
static bool
reads_depth(int depth, char open, char close)
{
	char		text[20000];
	size_t		n = 0;

	for (int i = 0; i < depth; i++)
	{
		text[n++] = open;
		if (open == '{' && i < depth - 1)
		{
			memcpy(text + n, "\"a\":", 4);
			n += 4;
		}
	}
	for (int i = 0; i < depth; i++)
		text[n++] = close;
	return reads(text, n);
}

/* An object of n members with names of their own, but for two that may be one. */
static bool
reads_members(int n, int copy, int original)
{
	char	   *text = malloc((size_t) n * 16 + 16);
	size_t		at = 0;
	bool		good;

	text[at++] = '{';
	for (int i = 0; i < n; i++)
		at += (size_t) sprintf(text + at, "%s\"m%d\":%d", i > 0 ? "," : "", i == copy ? original : i, i);
	text[at++] = '}';
	good = reads(text, at);
	free(text);
	return good;
}

static void
test_json_limits(void)
{
	bool		good = true;
	bool		refused = true;

	ok(reads_depth(JOSE_MAX_DEPTH, '[', ']') && reads_depth(JOSE_MAX_DEPTH, '{', '}'), "the deepest");
	ok(!reads_depth(JOSE_MAX_DEPTH + 1, '[', ']') && !reads_depth(JOSE_MAX_DEPTH + 1, '{', '}'), "one deeper");
	ok(!reads_depth(3000, '[', ']') && !reads_depth(3000, '{', '}'), "much deeper");
	for (int n = 2; n < 40; n++)
	{
		good = good && reads_members(n, -1, 0);
		refused = refused && !reads_members(n, n - 1, 0) && !reads_members(n, n - 1, n - 2) && !reads_members(n, n / 2, 0 + (n / 2 == 0));
	}
	ok(good, "objects of up to 40 members");
	ok(refused, "a duplicate in objects of up to 40 members");
	ok(reads_members(2000, -1, 0) && !reads_members(2000, 1999, 0), "an object of 2000 members");
}

/* The values of a text, their order and ends. */
static void
test_json_values(void)
{
	const char *text = "{\"a\":[1,\"x\",{\"b\":null}],\"\\u0063\":\"\\u00e9\\uD83D\\uDE00\\n\\/\",\"d\":\"\xC3\xA9\",\"e\":{}}";
	JoseJsonText json;
	const JoseJson *value;
	bool		good = jose_json_read(&json, text, strlen(text), &memory);

	ok(good && json.nvalues == 9 && json.values[0].type == JOSE_JSON_OBJECT && json.values[0].nmembers == 4 &&
	   json.values[0].end == 9 && json.values[0].name.data == NULL, "values: the whole");
	ok(good && json.values[1].type == JOSE_JSON_ARRAY && json.values[1].nmembers == 3 && json.values[1].end == 6 &&
	   is(json.values[1].name, "a"), "values: an array");
	ok(good && json.values[2].type == JOSE_JSON_NUMBER && is(json.values[2].text, "1") && json.values[2].name.data == NULL &&
	   json.values[2].end == 3, "values: an element");
	ok(good && json.values[5].type == JOSE_JSON_NULL && is(json.values[5].name, "b") && json.values[4].end == 6, "values: inside");
	value = jose_json_member(&json, 0, "c");
	ok(value != NULL && is(value->text, "\xC3\xA9\xF0\x9F\x98\x80\n/"), "values: unescaped");
	value = jose_json_member(&json, 0, "d");
	ok(value != NULL && is(value->text, "\xC3\xA9"), "values: as it is");
	value = jose_json_member(&json, 0, "e");
	ok(value != NULL && value->type == JOSE_JSON_OBJECT && value->nmembers == 0, "values: empty");
	ok(jose_json_member(&json, 0, "b") == NULL && jose_json_member(&json, 1, "a") == NULL && jose_json_member(&json, 0, "") == NULL,
	   "values: no such member");
	ok(jose_json_member(&json, 4, "b") == &json.values[5], "values: of an inner object");
	jose_json_free(&json, &memory);
	jose_json_free(&json, &memory);
}

typedef struct SecondsCase
{
	const char *text;
	bool		good;
	int64_t		seconds;
} SecondsCase;

static const SecondsCase seconds_cases[] = {
	{"0", true, 0}, {"-0", true, 0}, {"1", true, 1}, {"-1", true, -1}, {"1800000000", true, 1800000000},
	{"1.8e9", true, 1800000000}, {"18E8", true, 1800000000}, {"1.8e+09", true, 1800000000}, {"0.0000018e15", true, 1800000000},
	{"1800000000.9", true, 1800000000}, {"-1.5", true, -2}, {"-1.0", true, -1}, {"-0.5", true, -1}, {"-0.0", true, 0},
	{"18000000005e-1", true, 1800000000}, {"-15e-1", true, -2}, {"15e-9", true, 0}, {"-15e-9", true, -1}, {"1e-400", true, 0},
	{"-1e-400", true, -1}, {"0e400", true, 0}, {"0e99999999999999999999", true, 0}, {"1e-99999999999999999999", true, 0},
	{"253402300799", true, JOSE_TIME_MAX}, {"253402300799.999", true, JOSE_TIME_MAX}, {"253402300800", false, 0},
	{"-253402300799", true, -JOSE_TIME_MAX}, {"-253402300799.1", false, 0}, {"-253402300800", false, 0},
	{"2.53402300799e11", true, JOSE_TIME_MAX}, {"2.534023008e11", false, 0}, {"1e12", false, 0}, {"1e400", false, 0}, {"-1e400", false, 0},
	{"1e99999999999999999999", false, 0}, {"9223372036854775807", false, 0}, {"18446744073709551616", false, 0},
	{"18446744075509551616", false, 0}, {"340282366920938463463374607431768211456", false, 0}, {"1e11", true, INT64_C(100000000000)},
	{"\"1\"", false, 0}, {"null", false, 0}, {"true", false, 0}, {"[1]", false, 0}, {"{}", false, 0},
};

static void
test_json_seconds(void)
{
	for (int i = 0; i < length(seconds_cases); i++)
	{
		const SecondsCase *test = &seconds_cases[i];
		JoseJsonText json;
		int64_t		seconds = 0;
		bool		good;

		good = jose_json_read(&json, test->text, strlen(test->text), &memory) &&
			jose_json_seconds(&json.values[0], &seconds) == test->good && (!test->good || seconds == test->seconds);
		ok(good, "seconds: %s", test->text);
		jose_json_free(&json, &memory);
	}
}

int
main(void)
{
	test_json();
	test_json_limits();
	test_json_values();
	test_json_seconds();
	ok(live == 0, "all memory is given back");
	return tap_end();
}
