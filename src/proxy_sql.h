/*-------------------------------------------------------------------------
 *
 * proxy_sql.h
 *	  The check of setting statbus.trusted_proxies.
 *
 * IDENTIFICATION
 *	  src/proxy_sql.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_PROXY_SQL_H
#define STATBUS_PROXY_SQL_H

#include "utils/guc.h"

extern bool statbus_check_trusted_proxies(char **newval, void **extra, GucSource source);

#endif							/* STATBUS_PROXY_SQL_H */
