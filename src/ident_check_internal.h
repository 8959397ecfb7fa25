/*-------------------------------------------------------------------------
 *
 * ident_check_internal.h
 *	  What the files of the checks of identifiers share.
 *
 * IDENTIFICATION
 *	  src/ident_check_internal.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IDENT_CHECK_INTERNAL_H
#define STATBUS_IDENT_CHECK_INTERNAL_H

#include "ident_check.h"
#include "utf8.h"

extern size_t ident_put_character(uint32_t character, char *out);
extern int	ident_length(SbSlice value);
extern uint32_t ident_latin_lookalike(uint32_t character);
extern bool ident_fits_digit(char class);

extern bool ident_checksum_holds(const IdentRule *rule, SbSlice value);
extern SbSlice ident_expected_digits(const IdentRule *rule, SbSlice value, char expected[4]);

#endif							/* STATBUS_IDENT_CHECK_INTERNAL_H */
