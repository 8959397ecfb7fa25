/*-------------------------------------------------------------------------
 *
 * jose_json.c
 *	  JSON (RFC 8259), strictly: the one reading on which everybody agrees.
 *
 * Values go to one array in the order of the text, without recursion.  A
 * string without escapes stays where it is in the text; the others are
 * unescaped into a block of their own.
 *
 * IDENTIFICATION
 *	  src/jose_json.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* Objects of more members than this are looked through for duplicates by sorting. */
#define COMPARE_MEMBERS 16

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

typedef struct JsonReader
{
	const uint8_t *at;
	const uint8_t *end;
	size_t		len;			/* of the whole text */
	JoseJsonText *json;
	int			capacity;		/* of json->values */
	size_t		unescaped;		/* bytes used of json->strings */
	int			depth;
	int			open[JOSE_MAX_DEPTH];	/* containers not yet closed, as
										 * indexes of values */
	const JoseMemory *memory;
} JsonReader;

static void
skip_space(JsonReader *reader)
{
	while (reader->at < reader->end &&
		   (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t'))
		reader->at++;
}

/* The first byte that is not plain ASCII text: a quote, a backslash, a control character, or above 0x7F. */
static const uint8_t *
skip_plain(const uint8_t *at, const uint8_t *end)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (end - at >= 8)
	{
		uint64_t	word;

		/*
		 * A subtraction that borrows marks the byte and perhaps bytes after
		 * it, never one before.
		 */
		memcpy(&word, at, 8);
		word = (word | (word - EACH_BYTE(0x20)) | ((word ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
				((word ^ EACH_BYTE('\\')) - EACH_BYTE(1))) & EACH_BYTE(0x80);
		if (word != 0)
			return at + __builtin_ctzll(word) / 8;
		at += 8;
	}
#endif
	while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* The length of the UTF-8 sequence of a character above U+007F, or 0 when it is not well-formed (Unicode, table 3-7). */
static int
utf8_length(const uint8_t *at, const uint8_t *end)
{
	uint8_t		first = at[0];
	uint8_t		low = 0x80;
	uint8_t		high = 0xBF;
	int			length;

	if (first < 0xC2 || first > 0xF4)
		return 0;
	length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
	if (end - at < length)
		return 0;
	if (first == 0xE0)
		low = 0xA0;
	else if (first == 0xED)
		high = 0x9F;
	else if (first == 0xF0)
		low = 0x90;
	else if (first == 0xF4)
		high = 0x8F;
	if (at[1] < low || at[1] > high)
		return 0;
	for (int i = 2; i < length; i++)
		if ((at[i] & 0xC0) != 0x80)
			return 0;
	return length;
}

/* Reads the four digits of a \u escape; -1 when they are none. */
static int32_t
read_hex(JsonReader *reader)
{
	int32_t		code = 0;

	if (reader->end - reader->at < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		uint8_t		c = *reader->at++;

		if (c >= '0' && c <= '9')
			code = code << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return code;
}

/* Reads an escape from after its backslash; -1 when it is none, or U+0000, or half a surrogate pair. */
static int32_t
read_escape(JsonReader *reader)
{
	int32_t		code;
	int32_t		low;

	if (reader->at == reader->end)
		return -1;
	switch (*reader->at++)
	{
		case '"':
			return '"';
		case '\\':
			return '\\';
		case '/':
			return '/';
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		case 'u':
			break;
		default:
			return -1;
	}
	code = read_hex(reader);
	if (code <= 0 || (code >= 0xDC00 && code <= 0xDFFF))
		return -1;
	if (code < 0xD800 || code > 0xDBFF)
		return code;
	if (reader->end - reader->at < 6 || reader->at[0] != '\\' || reader->at[1] != 'u')
		return -1;
	reader->at += 2;
	low = read_hex(reader);
	if (low < 0xDC00 || low > 0xDFFF)
		return -1;
	return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

/*
 * Reads a string from after its opening quote.  What is unescaped is never
 * longer than it was, so a block as long as the text holds all of it.
 */
static bool
read_string(JsonReader *reader, JoseBytes *string)
{
	const uint8_t *from = reader->at;	/* what is not copied yet */
	uint8_t    *start = NULL;
	uint8_t    *out = NULL;

	for (;;)
	{
		int			length;

		reader->at = skip_plain(reader->at, reader->end);
		if (reader->at == reader->end || *reader->at < 0x20)
			return false;
		if (*reader->at >= 0x80)
		{
			length = utf8_length(reader->at, reader->end);
			if (length == 0)
				return false;
			reader->at += length;
			continue;
		}
		if (*reader->at == '"' && start == NULL)
			break;
		if (start == NULL)
		{
			if (reader->json->strings == NULL)
				reader->json->strings = reader->memory->alloc(reader->memory->arg, reader->len);
			start = out = (uint8_t *) reader->json->strings + reader->unescaped;
		}
		memcpy(out, from, (size_t) (reader->at - from));
		out += reader->at - from;
		if (*reader->at++ == '"')
		{
			reader->unescaped += (size_t) (out - start);
			*string = (JoseBytes) {start, (size_t) (out - start)};
			return true;
		}
		length = read_escape(reader);
		if (length < 0)
			return false;
		out = (uint8_t *) sb_write_character((char *) out, (uint32_t) length);
		from = reader->at;
	}
	*string = (JoseBytes) {from, (size_t) (reader->at - from)};
	reader->at++;
	return true;
}

/* Skips digits; false when there are none. */
static bool
read_digits(JsonReader *reader)
{
	const uint8_t *from = reader->at;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return reader->at > from;
}

/* Whether the next byte is this one; then it is skipped. */
static bool
skip_byte(JsonReader *reader, uint8_t byte)
{
	if (reader->at == reader->end || *reader->at != byte)
		return false;
	reader->at++;
	return true;
}

/* Reads a number; its value is not looked at. */
static bool
read_number(JsonReader *reader, JoseBytes *text)
{
	const uint8_t *from = reader->at;

	skip_byte(reader, '-');
	if (!skip_byte(reader, '0') && !read_digits(reader))
		return false;
	if (skip_byte(reader, '.') && !read_digits(reader))
		return false;
	if (skip_byte(reader, 'e') || skip_byte(reader, 'E'))
	{
		if (!skip_byte(reader, '+'))
			skip_byte(reader, '-');
		if (!read_digits(reader))
			return false;
	}
	*text = (JoseBytes) {from, (size_t) (reader->at - from)};
	return true;
}

/* Skips a word: true, false or null. */
static bool
read_word(JsonReader *reader, const char *word, size_t len)
{
	if ((size_t) (reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
		return false;
	reader->at += len;
	return true;
}

/* A new value at the end of the array. */
static JoseJson *
add_value(JsonReader *reader)
{
	JoseJsonText *json = reader->json;

	if (json->nvalues == reader->capacity)
	{
		int			capacity = reader->capacity < INT_MAX / 2 ? reader->capacity * 2 : INT_MAX;
		JoseJson   *values = reader->memory->alloc(reader->memory->arg, (size_t) capacity * sizeof(JoseJson));

		memcpy(values, json->values, (size_t) json->nvalues * sizeof(JoseJson));
		reader->memory->release(reader->memory->arg, json->values);
		json->values = values;
		reader->capacity = capacity;
	}
	return &json->values[json->nvalues++];
}

/* qsort's order of names: by length, then bytes. */
static int
compare_names(const void *a, const void *b)
{
	const JoseBytes *x = a;
	const JoseBytes *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->len == 0 ? 0 : memcmp(x->data, y->data, x->len);
}

/* Whether two members of a large object have one name. */
static bool
sort_finds_duplicate(const JsonReader *reader, const JoseJson *values, int object)
{
	int			n = values[object].nmembers;
	JoseBytes  *names = reader->memory->alloc(reader->memory->arg, (size_t) n * sizeof(JoseBytes));
	bool		found = false;
	int			at = object + 1;

	for (int i = 0; i < n; i++, at = values[at].end)
		names[i] = values[at].name;
	qsort(names, (size_t) n, sizeof(JoseBytes), compare_names);
	for (int i = 1; i < n && !found; i++)
		found = compare_names(&names[i - 1], &names[i]) == 0;
	reader->memory->release(reader->memory->arg, names);
	return found;
}

/* Whether two members of an object have one name. */
static bool
has_duplicate(const JsonReader *reader, int object)
{
	const JoseJson *values = reader->json->values;
	int			end = values[object].end;

	if (values[object].nmembers > COMPARE_MEMBERS)
		return sort_finds_duplicate(reader, values, object);
	for (int i = object + 1; i < end; i = values[i].end)
		for (int j = values[i].end; j < end; j = values[j].end)
			if (values[i].name.len == values[j].name.len &&
				memcmp(values[i].name.data, values[j].name.data, values[i].name.len) == 0)
				return true;
	return false;
}

/* Closes the innermost container, whose closing bracket was read. */
static bool
close_container(JsonReader *reader)
{
	int			container = reader->open[--reader->depth];
	JoseJson   *value = &reader->json->values[container];

	value->end = reader->json->nvalues;
	return value->type != JOSE_JSON_OBJECT || value->nmembers < 2 || !has_duplicate(reader, container);
}

/* Reads a scalar value or the opening bracket of a container. */
static bool
read_value(JsonReader *reader, JoseBytes name)
{
	JoseJson   *value = add_value(reader);

	value->name = name;
	value->text = (JoseBytes) {NULL, 0};
	value->nmembers = 0;
	value->end = reader->json->nvalues;
	if (reader->depth > 0)
		reader->json->values[reader->open[reader->depth - 1]].nmembers++;
	if (reader->at == reader->end)
		return false;
	switch (*reader->at)
	{
		case '"':
			value->type = JOSE_JSON_STRING;
			reader->at++;
			return read_string(reader, &value->text);
		case '{':
		case '[':
			if (reader->depth == JOSE_MAX_DEPTH)
				return false;
			value->type = *reader->at++ == '{' ? JOSE_JSON_OBJECT : JOSE_JSON_ARRAY;
			value->end = 0;		/* open */
			reader->open[reader->depth++] = reader->json->nvalues - 1;
			return true;
		case 't':
			value->type = JOSE_JSON_TRUE;
			return read_word(reader, "true", 4);
		case 'f':
			value->type = JOSE_JSON_FALSE;
			return read_word(reader, "false", 5);
		case 'n':
			value->type = JOSE_JSON_NULL;
			return read_word(reader, "null", 4);
		default:
			value->type = JOSE_JSON_NUMBER;
			return read_number(reader, &value->text);
	}
}

/*
 * Reads closing brackets and a comma after a value: true when another value
 * follows or all are closed, which the depth tells.
 */
static bool
read_between(JsonReader *reader)
{
	while (reader->depth > 0)
	{
		const JoseJson *container = &reader->json->values[reader->open[reader->depth - 1]];

		skip_space(reader);
		if (skip_byte(reader, container->type == JOSE_JSON_OBJECT ? '}' : ']'))
		{
			if (!close_container(reader))
				return false;
		}
		else if (container->nmembers == 0)
			return true;		/* the first member */
		else
			return skip_byte(reader, ',');
	}
	return true;
}

/* Reads the whole text; see jose_json_read(). */
static bool
read_text(JsonReader *reader)
{
	JoseBytes	name = {NULL, 0};

	skip_space(reader);
	if (!read_value(reader, name))
		return false;
	while (reader->depth > 0)
	{
		if (!read_between(reader))
			return false;
		if (reader->depth == 0)
			break;
		skip_space(reader);
		name = (JoseBytes) {NULL, 0};
		if (reader->json->values[reader->open[reader->depth - 1]].type == JOSE_JSON_OBJECT)
		{
			if (!skip_byte(reader, '"') || !read_string(reader, &name))
				return false;
			skip_space(reader);
			if (!skip_byte(reader, ':'))
				return false;
			skip_space(reader);
		}
		if (!read_value(reader, name))
			return false;
	}
	skip_space(reader);
	return reader->at == reader->end;
}

/*
 * Reads a text, which has to stay as long as the values do.  False, with
 * nothing to free, unless it is strict JSON as jose.h says.
 */
bool
jose_json_read(JoseJsonText *json, const char *text, size_t len, const JoseMemory *memory)
{
	JsonReader	reader;

	*json = (JoseJsonText) {NULL, 0, NULL};
	if (len == 0 || len >= INT_MAX)
		return false;
	reader.at = (const uint8_t *) text;
	reader.end = reader.at + len;
	reader.len = len;
	reader.json = json;
	reader.capacity = (int) (len / 24) + 4;
	reader.unescaped = 0;
	reader.depth = 0;
	reader.memory = memory;
	json->values = memory->alloc(memory->arg, (size_t) reader.capacity * sizeof(JoseJson));
	if (read_text(&reader))
		return true;
	jose_json_free(json, memory);
	return false;
}

/* Frees what jose_json_read() has made; may be called twice. */
void
jose_json_free(JoseJsonText *json, const JoseMemory *memory)
{
	if (json->values != NULL)
		memory->release(memory->arg, json->values);
	if (json->strings != NULL)
		memory->release(memory->arg, json->strings);
	*json = (JoseJsonText) {NULL, 0, NULL};
}

/* The member of an object by its name of so many bytes, or NULL. */
const JoseJson *
jose_json_find(const JoseJsonText *json, int object, JoseBytes name)
{
	const JoseJson *values = json->values;

	if (values == NULL || values[object].type != JOSE_JSON_OBJECT)
		return NULL;
	for (int i = object + 1; i < values[object].end; i = values[i].end)
		if (values[i].name.len == name.len && memcmp(values[i].name.data, name.data, name.len) == 0)
			return &values[i];
	return NULL;
}

/* The member of an object by its name, or NULL. */
const JoseJson *
jose_json_member(const JoseJsonText *json, int object, const char *name)
{
	return jose_json_find(json, object, (JoseBytes) {(const uint8_t *) name, strlen(name)});
}

/* The exponent of a number from after its e, held within what a text can be long. */
static int64_t
read_exponent(const uint8_t *at, const uint8_t *end)
{
	bool		negative = at < end && *at == '-';
	int64_t		exponent = 0;

	if (at < end && (*at == '-' || *at == '+'))
		at++;
	for (; at < end; at++)
		if (exponent < INT_MAX)
			exponent = exponent * 10 + (*at - '0');
	return negative ? -exponent : exponent;
}

/* A number as whole seconds, rounded down; see jose.h.  The digits are those before and after the point, in a row. */
bool
jose_json_seconds(const JoseJson *value, int64_t *seconds)
{
	const uint8_t *at = value->text.data;
	const uint8_t *end;
	const uint8_t *e = at;
	bool		negative = false;
	bool		fraction = false;
	int64_t		whole = 0;
	int64_t		places;			/* digits before the point, once the exponent
								 * has moved it */

	if (value->type != JOSE_JSON_NUMBER)
		return false;
	end = at + value->text.len;
	if (*at == '-')
	{
		negative = true;
		e = ++at;
	}
	while (e < end && *e >= '0' && *e <= '9')
		e++;
	places = e - at;
	while (e < end && (*e | 0x20) != 'e')
		e++;
	if (e < end)
		places += read_exponent(e + 1, end);
	for (; at < e; at++)
	{
		if (*at == '.')
			continue;
		if (places-- > 0)
			whole = whole * 10 + (*at - '0');
		else if (*at != '0')
			fraction = true;
		if (whole > JOSE_TIME_MAX)
			return false;
	}
	while (places-- > 0 && whole != 0)
	{
		whole *= 10;
		if (whole > JOSE_TIME_MAX)
			return false;
	}
	*seconds = negative ? -whole - fraction : whole;
	return *seconds >= -JOSE_TIME_MAX;
}
