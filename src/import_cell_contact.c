/*-------------------------------------------------------------------------
 *
 * import_cell_contact.c
 *	  Texts by which a unit can be reached: e-mail, telephone, web address.
 *
 * Only what nobody could use is told of.
 *
 * IDENTIFICATION
 *	  src/import_cell_contact.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_cell_internal.h"

#include <string.h>

/* Fewer digits are no number to call. */
#define PHONE_DIGITS 3

/* True for something, @, and a name with at least one dot; no space in it. */
bool
import_is_email(SbSlice text)
{
	const char *at = text.data;
	const char *end = text.data + text.len;
	size_t		part = 0;		/* characters since @ or the last dot */
	int			dots = 0;
	bool		in_domain = false;

	while (at < end)
	{
		uint32_t	c = sb_next_character(&at, end);

		if (import_is_space(c))
			return false;
		if (c == '@' || (c == '.' && in_domain))
		{
			if (part == 0 || (c == '@' && in_domain))
				return false;
			if (c == '.')
				dots++;
			in_domain = true;
			part = 0;
		}
		else
			part++;
	}
	return dots > 0 && part > 0;
}

/* True for digits with spaces and the usual marks between them, and perhaps + before them. */
bool
import_is_phone(SbSlice text)
{
	const char *at = text.data;
	const char *end = text.data + text.len;
	int			digits = 0;

	if (at < end && *at == '+')
		at++;
	while (at < end)
	{
		uint32_t	c = sb_next_character(&at, end);

		if ('0' <= c && c <= '9')
			digits++;
		else if (c != ' ' && c != 0xA0 && c != '(' && c != ')' && c != '-' && c != '.' && c != '/')
			return false;
	}
	return digits >= PHONE_DIGITS;
}

/* What comes after http:// or https://, if that is there. */
static const char *
after_scheme(SbSlice text)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (int i = 0; i < 2; i++)
	{
		size_t		len = strlen(schemes[i]);

		if (text.len >= len && sb_equal_fold(text.data, len, schemes[i], len))
			return text.data + len;
	}
	return text.data;
}

/* True for the name of a host with a dot in it, with or without http:// and a path; no space in it. */
bool
import_is_web_address(SbSlice text)
{
	const char *at = after_scheme(text);
	const char *end = text.data + text.len;
	size_t		part = 0;		/* characters since the last dot */
	int			dots = 0;
	bool		in_host = true;

	while (at < end)
	{
		uint32_t	c = sb_next_character(&at, end);

		if (import_is_space(c) || (in_host && c == '@'))
			return false;
		if (!in_host)
			continue;
		if (c == '/' || c == '?' || c == '#' || c == ':')
			in_host = false;
		else if (c == '.')
		{
			if (part == 0)
				return false;
			dots++;
			part = 0;
		}
		else
			part++;
	}
	return dots > 0 && part >= 2;
}
