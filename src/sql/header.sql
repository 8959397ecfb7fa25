-- statbus: install and update script, built from src/sql (order: Makefile)
\echo Use "CREATE EXTENSION statbus CASCADE" or "ALTER EXTENSION statbus UPDATE" to load this file. \quit

