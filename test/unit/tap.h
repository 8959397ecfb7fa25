/*-------------------------------------------------------------------------
 *
 * tap.h
 *	  What every unit test has: it prints TAP.
 *
 * IDENTIFICATION
 *	  test/unit/tap.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_TAP_H
#define STATBUS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int	tap_tests = 0;
static int	tap_failures = 0;

static void ok(bool passed, const char *format,...) __attribute__((format(printf, 2, 3)));

/* Report one test. */
static void
ok(bool passed, const char *format,...)
{
	va_list		arguments;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_tests);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	tap_failures += !passed;
}

/* Report how many tests there were; the exit code of the program, 1 when a test has failed. */
static int
tap_end(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures > 0;
}

#endif							/* STATBUS_TAP_H */
