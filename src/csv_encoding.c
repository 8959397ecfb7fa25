/*-------------------------------------------------------------------------
 *
 * csv_encoding.c
 *	  Encodings of CSV files: UTF-8 checked, others made UTF-8.
 *
 * IDENTIFICATION
 *	  src/csv_encoding.c
 *
 *-------------------------------------------------------------------------
 */
#include "csv_internal.h"

#include <string.h>

#include "utf8.h"

/* The characters of windows-1252 from 0x80 to 0x9f; 0: none. */
static const uint16_t windows_1252[32] = {
	0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0,
	0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178
};

typedef struct CsvEncodingName
{
	const char *name;			/* letters and digits, lower case */
	CsvEncoding encoding;
} CsvEncodingName;

static const CsvEncodingName encoding_names[] = {
	{"utf8", CSV_ENCODING_UTF8},
	{"utf16le", CSV_ENCODING_UTF16LE},
	{"utf16be", CSV_ENCODING_UTF16BE},
	{"windows1252", CSV_ENCODING_WINDOWS_1252},
	{"win1252", CSV_ENCODING_WINDOWS_1252},
	{"cp1252", CSV_ENCODING_WINDOWS_1252},
	{"1252", CSV_ENCODING_WINDOWS_1252},
	{"ansi", CSV_ENCODING_WINDOWS_1252},
	{"latin1", CSV_ENCODING_WINDOWS_1252},
	{"iso88591", CSV_ENCODING_WINDOWS_1252},
	{"usascii", CSV_ENCODING_UTF8},
	{"ascii", CSV_ENCODING_UTF8}
};

/* The encoding of that name, whatever the case and the marks between letters and digits; false when there is none. */
bool
csv_encoding_by_name(const char *name, size_t len, CsvEncoding *encoding)
{
	char		folded[16];
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
	{
		char		c = name[i];

		if (c == '-' || c == '_' || c == ' ')
			continue;
		if (n == sizeof(folded) - 1)
			return false;
		folded[n++] = c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
	}
	folded[n] = '\0';
	for (size_t i = 0; i < sizeof(encoding_names) / sizeof(encoding_names[0]); i++)
	{
		if (strcmp(folded, encoding_names[i].name) == 0)
		{
			*encoding = encoding_names[i].encoding;
			return true;
		}
	}
	return false;
}

/* The name by which people know the encoding. */
const char *
csv_encoding_name(CsvEncoding encoding)
{
	switch (encoding)
	{
		case CSV_ENCODING_DETECT:
			break;
		case CSV_ENCODING_UTF8:
			return "UTF-8";
		case CSV_ENCODING_UTF16LE:
			return "UTF-16LE";
		case CSV_ENCODING_UTF16BE:
			return "UTF-16BE";
		case CSV_ENCODING_WINDOWS_1252:
			return "windows-1252";
	}
	return NULL;
}

static inline bool
continues(const char *p)
{
	return ((unsigned char) *p & 0xc0) == 0x80;
}

/* How many bytes the character at "text" has; 0: it is none, as when "end" cuts it. */
size_t
csv_utf8_char(const char *text, const char *end)
{
	unsigned char first = (unsigned char) *text;
	unsigned char second;
	size_t		len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

	if (len <= 1)
		return len;
	if ((size_t) (end - text) < len)
		return 0;
	for (size_t i = 1; i < len; i++)
	{
		if (!continues(text + i))
			return 0;
	}

	/* Longer than need be; surrogates; beyond the last character. */
	second = (unsigned char) text[1];
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
		(first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	return len;
}

/* The first byte that begins no character; NULL: all is UTF-8. */
const char *
csv_utf8_bad(const char *text, const char *end)
{
	while (text < end)
	{
		size_t		len;

		if (end - text >= 8)
		{
			uint64_t	word;

			memcpy(&word, text, sizeof(word));
			if ((word & UINT64_C(0x8080808080808080)) == 0)
			{
				text += 8;
				continue;
			}
		}
		len = csv_utf8_char(text, end);
		if (len == 0)
			return text;
		text += len;
	}
	return NULL;
}

/* Writes the next unit of UTF-16, or keeps it when it begins a pair. */
static char *
put_unit(CsvProgress *now, char *out, uint16_t unit)
{
	bool		is_second = unit >= 0xdc00 && unit < 0xe000;

	if (now->surrogate != 0 && is_second)
	{
		uint32_t	c = 0x10000 + (((uint32_t) now->surrogate - 0xd800) << 10) + (unit - 0xdc00U);

		now->surrogate = 0;
		return sb_write_character(out, c);
	}
	if (now->surrogate != 0)
		*out++ = CSV_BAD;
	now->surrogate = 0;
	if (is_second)
		*out++ = CSV_BAD;
	else if (unit >= 0xd800 && unit < 0xdc00)
		now->surrogate = unit;
	else
		out = sb_write_character(out, unit);
	return out;
}

static char *
decode_utf16(CsvProgress *now, const unsigned char *raw, size_t len, bool at_end, char *out)
{
	int			high = now->encoding == CSV_ENCODING_UTF16BE ? 0 : 1;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char pair[2] = {now->odd, raw[i]};

		if (now->has_odd)
			out = put_unit(now, out, (uint16_t) (pair[high] << 8 | pair[1 - high]));
		else
			now->odd = raw[i];
		now->has_odd = !now->has_odd;
	}
	if (at_end && now->surrogate != 0)
		*out++ = CSV_BAD;
	if (at_end && now->has_odd)
		*out++ = CSV_BAD;
	if (at_end)
	{
		now->surrogate = 0;
		now->has_odd = false;
	}
	return out;
}

/*
 * Writes the bytes as UTF-8 to "out", which has room for CSV_DECODED_SIZE(len).
 * What is none of the encoding's characters becomes CSV_BAD.  Returns how many
 * bytes were written.  A character that the bytes cut is written with the next
 * bytes.
 */
size_t
csv_decode(CsvProgress *now, const char *raw, size_t len, bool at_end, char *out)
{
	const unsigned char *bytes = (const unsigned char *) raw;
	char	   *begin = out;

	if (now->encoding != CSV_ENCODING_WINDOWS_1252)
		return (size_t) (decode_utf16(now, bytes, len, at_end, out) - begin);
	for (size_t i = 0; i < len; i++)
	{
		uint16_t	c = bytes[i];

		if (c >= 0x80 && c < 0xa0)
			c = windows_1252[c - 0x80];
		if (c == 0 && bytes[i] != 0)
			*out++ = CSV_BAD;
		else
			out = sb_write_character(out, c);
	}
	return (size_t) (out - begin);
}
