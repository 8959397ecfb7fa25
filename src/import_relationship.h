/*-------------------------------------------------------------------------
 *
 * import_relationship.h
 *	  Analysis of a job about relationships: what its files share.
 *
 *	  import_relationship_sql.c       the ends of a row; its fate
 *	  import_relationship_links_sql.c what the register knows of links, what
 *									  links say of each other
 *	  import_relationship_share_sql.c shares and circles
 *
 * A row whose ends and type are sound is a link.  All links of a file are in
 * memory, 56 bytes each, in the order of the rows: a circle may need any.
 *
 * IDENTIFICATION
 *	  src/import_relationship.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_IMPORT_RELATIONSHIP_H
#define STATBUS_IMPORT_RELATIONSHIP_H

#include "import_identify.h"

/* A type of relationships that is in use. */
typedef struct RelationType
{
	int32		id;
	bool		is_primary;		/* at most one influencer at a time */
	SbSlice		code;
} RelationType;

/* What a row says beside its ends. */
typedef struct RelationRow
{
	int32		type;			/* of the types; -1: none */
	int32		hundredths;		/* import_percentage_hundredths() */
} RelationRow;

/* A row whose ends are sound. */
typedef struct RelationLink
{
	uint32		row_id;
	uint32		founding;		/* place of the first link of the entity */
	uint32		nrows;			/* of the entity, at its first link; then its
								 * batch */
	int32		influencing;
	int32		influenced;
	int32		type;			/* of the types */
	int32		relationship;	/* 0: new */
	DateADT		valid_from;
	DateADT		valid_until;
	int32		hundredths;
	bool		is_error;
} RelationLink;

typedef struct IdentifyLinks
{
	RelationType *types;
	int			ntypes;
	int			type_column;	/* -1: none */
	int			influenced_column;	/* whose value findings show; -1: none */
	ImportSpool *rows;			/* a RelationRow per row */
	RelationLink *links;
	int			nlinks;
	int64		max_links;
	int			next;			/* whose fate is asked for next */
} IdentifyLinks;

/* import_relationship_sql.c */
extern void import_link_remark_columns(ImportIdentify *identify, IdentifyRemark *remark, const SbSlice *cells);

/* import_relationship_links_sql.c */
extern void import_links_ask(ImportIdentify *identify, const char *query, int first, int count);
extern void import_links_judge(ImportIdentify *identify);

/* import_relationship_share_sql.c */
extern void import_links_judge_circles(ImportIdentify *identify);
extern void import_links_judge_shares(ImportIdentify *identify);

/*
 * Links as a table of parameters, for import_links_ask(); row is the place of
 * the link, hundredths of the share -1 when it has none.
 */
#define IMPORT_LINKS_PARAMETERS 8
#define IMPORT_LINKS_TABLE \
	"unnest($1, $2, $3, $4, $5, $6, $7, $8) AS k" \
	" (place, influencing_id, influenced_id, type_id, valid_from, valid_until, hundredths, is_primary)"

#endif							/* STATBUS_IMPORT_RELATIONSHIP_H */
