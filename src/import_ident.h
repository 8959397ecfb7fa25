/*-------------------------------------------------------------------------
 *
 * import_ident.h
 *	  The identifiers of a file, each once, and which of them are one unit's.
 *
 * An identifier is a node: its type and value, the unit that the register
 * knows it to be of, and, joined with others, a tree.  Identifiers that stand
 * in one row, or that the register knows to be one unit's, are joined; the
 * rows of a tree are one entity of the file.  The root of a tree is a known
 * identifier when the tree has one.
 *
 * Pure: memory comes from the caller.  A distinct identifier takes 24 bytes,
 * its value with three more rounded up to a multiple of four, and 5 to 11
 * bytes of the table that finds it.
 *
 * IDENTIFICATION
 *	  src/import_ident.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_IDENT_H
#define STATBUS_IMPORT_IDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "parse.h"

/* A unit of the register: what kind it is and its number, in one. */
typedef uint32_t ImportUnit;

#define IMPORT_UNIT_NONE 0		/* the register does not know the identifier */
#define IMPORT_UNIT_OTHER 1		/* neither legal unit nor establishment */
#define IMPORT_LEGAL_UNIT(id) ((ImportUnit) (id) << 1)
#define IMPORT_ESTABLISHMENT(id) ((ImportUnit) (id) << 1 | 1)
#define import_unit_is_legal(unit) ((unit) > IMPORT_UNIT_OTHER && ((unit) & 1) == 0)
#define import_unit_is_establishment(unit) ((unit) > IMPORT_UNIT_OTHER && ((unit) & 1) != 0)
#define import_unit_id(unit) ((int32_t) ((unit) >> 1))

/* Flags of a node; those of trees count at the root. */
#define IMPORT_TREE_JOINED 0x01 /* more than one identifier */
#define IMPORT_TREE_AMBIGUOUS 0x02	/* more than one unit */
#define IMPORT_NODE_WANTED 0x04 /* a row refers to it, and it is not known */

/* The most rows and identifiers. */
#define IMPORT_MAX_ROWS UINT32_C(0xfffffff0)
#define IMPORT_MAX_IDENTS UINT32_C(0xfffffff0)
#define IMPORT_MAX_IDENT_TYPES 256
#define IMPORT_MAX_IDENT_LENGTH 65000

typedef struct ImportNode
{
	uint32_t	parent;			/* itself: a root */
	uint32_t	key;			/* where type and value are */
	uint32_t	flags;
	ImportUnit	unit;			/* of this identifier */
	uint32_t	first_row;		/* of the tree; 0: no row */
	uint32_t	rows;			/* of the tree; later, its batch */
} ImportNode;

/* A block of nodes or of values. */
typedef struct ImportIdentBlocks
{
	void	  **blocks;
	uint32_t	used;			/* blocks */
	uint32_t	room;
} ImportIdentBlocks;

typedef struct ImportIdents
{
	void	   *(*alloc) (void *arg, size_t size);
	void		(*release) (void *arg, void *memory);
	void	   *arg;
	uint64_t	seed;
	uint32_t	count;
	uint32_t   *slots;			/* number of a node plus one, and above the
								 * mask what its sum has there; 0: free */
	uint32_t	mask;			/* number of slots less one */
	ImportIdentBlocks nodes;
	ImportIdentBlocks values;
	uint32_t	value_room;		/* left in the last block of values */
} ImportIdents;

/*
 * alloc, release, arg and seed are the caller's; release() gets what alloc()
 * gave.  Room is made for as many as are expected, up to 16 MB.
 */
extern void import_idents_init(ImportIdents *idents, uint64_t expected);

/* The number of an identifier, which is new when it was not there. */
extern bool import_idents_add(ImportIdents *idents, int type, SbSlice value, uint32_t *node);
extern bool import_idents_find(const ImportIdents *idents, int type, SbSlice value, uint32_t *node);

extern ImportNode *import_idents_node(const ImportIdents *idents, uint32_t node);
extern int	import_idents_type(const ImportIdents *idents, uint32_t node);
extern SbSlice import_idents_value(const ImportIdents *idents, uint32_t node);

extern uint32_t import_idents_root(ImportIdents *idents, uint32_t node);
extern void import_idents_join(ImportIdents *idents, uint32_t a, uint32_t b);

#endif							/* STATBUS_IMPORT_IDENT_H */
