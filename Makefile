# statbus: a statistical business register as a PostgreSQL extension
#
# make, make install, make installcheck   as for any extension (PG_CONFIG=… chooses the server)
# make check                              the whole suite, sets up what it needs     (PG=17 or PG=18: in a cached folder)
# make matrix                             make check on the installed server, 17 and 18
# make demo, demo-stop, bench, fuzz       see README.md
# make indent                             lays out the C files as PostgreSQL does

# Targets that set things up themselves.  They come before, and without, PGXS: it may not be
# installed yet, and PGXS has a "check" of its own that only prints that it is not supported.
STANDALONE = check matrix demo demo-stop bench fuzz indent

ifneq ($(filter $(STANDALONE),$(MAKECMDGOALS)),)

.PHONY: $(STANDALONE)
check:
	@PG="$(PG)" test/check.sh
matrix:
	@test/matrix.sh
demo:
	@KEEP="$(KEEP)" FILES="$(FILES)" test/demo.sh start
demo-stop:
	@test/demo.sh stop
bench:
	@test/bench.sh
fuzz:
	@test/fuzz.sh
indent:
	@test/indent.sh

else

EXTENSION  = statbus
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" statbus.control)
MODULE_big = statbus
OBJS       = $(patsubst %.c,%.o,$(wildcard src/*.c))

# What `statbus.migrate()` runs: numbered steps once each, definitions every time.
STEPS       = $(sort $(wildcard src/sql/data/*.sql))
DEFINITIONS = $(sort $(wildcard src/sql/define/*.sql))

# Functions, in an order in which each may be declared.  Bodies are not checked at install, so
# only signatures and grants order these files.
CODE_PARTS = \
	src/sql/install.sql \
	src/sql/parse.sql \
	src/sql/temporal_algebra.sql \
	src/sql/temporal_sweep.sql \
	src/sql/temporal_keys.sql \
	src/sql/temporal_foreign_keys.sql \
	src/sql/temporal_merge.sql \
	src/sql/temporal_portion.sql \
	src/sql/code_lists.sql \
	src/sql/jose.sql \
	src/sql/auth.sql \
	src/sql/auth_keys.sql \
	src/sql/auth_request.sql \
	src/sql/auth_roles.sql \
	src/sql/auth_throttle.sql \
	src/sql/auth_session.sql \
	src/sql/auth_own_sessions.sql \
	src/sql/auth_explain.sql \
	src/sql/register.sql \
	src/sql/worker.sql \
	src/sql/import_definition.sql \
	src/sql/import_job.sql \
	src/sql/import_step.sql \
	src/sql/import_idents.sql \
	src/sql/import_public.sql \
	src/sql/import_upload.sql \
	src/sql/import_analyse.sql \
	src/sql/import_cells.sql \
	src/sql/import_plausible.sql \
	src/sql/import_rules.sql \
	src/sql/import_apply.sql \
	src/sql/import_said.sql \
	src/sql/import_apply_same.sql \
	src/sql/import_apply_new.sql \
	src/sql/import_apply_units.sql \
	src/sql/import_apply_parts.sql \
	src/sql/import_apply_erase.sql \
	src/sql/import_apply_faults.sql \
	src/sql/import_report.sql \
	src/sql/import_preview.sql \
	src/sql/import_recheck.sql \
	src/sql/import_rights.sql \
	src/sql/import_undo.sql \
	src/sql/import_progress.sql \
	src/sql/derive_stats.sql \
	src/sql/derive_segments.sql \
	src/sql/derive_rows.sql \
	src/sql/derive_used.sql \
	src/sql/derive.sql \
	src/sql/api.sql \
	src/sql/doctor.sql \
	build/migration.sql \
	src/sql/migrate.sql

# The install script.  guard.sql decides between a new register and the code for a restored one;
# types.sql precedes every function that mentions a type; footer.sql must be last.
SQL_PARTS = \
	src/sql/header.sql \
	src/sql/guard.sql \
	src/sql/roles.sql \
	src/sql/types.sql \
	src/sql/secrets.sql \
	$(CODE_PARTS) \
	src/sql/footer.sql

# An update script is what src/sql/upgrade says that its release and all later ones need (X.sql: what changed after
# release X), then all functions again, then migrate().
RELEASES = 0.1.0 0.2.0 0.3.0
UPGRADES = $(RELEASES:%=statbus--%--$(EXTVERSION).sql)
CHANGES  = $(wildcard src/sql/upgrade/*.sql)

DATA_built = build/statbus--$(EXTVERSION).sql $(addprefix build/,$(UPGRADES))

REGRESS        = install parse jose jose_vectors temporal_algebra temporal_aggregates temporal_sweep temporal_keys temporal_foreign_keys temporal_merge temporal_merge_cases temporal_merge_oracle temporal_merge_rights temporal_portion doctor code_lists register_units worker import_definition import_job import_units import_property import_apply import_cost import_findings import_idents import_dates import_cells import_identify import_values import_erase import_rules import_public import_upload import_report import_undo import_faults import_misuse import_changed import_not_permitted import_demo derive api auth_users auth_keys auth_switch auth_request auth_explain auth_session members policies privileges rights uninstall
ISOLATION      = temporal_keys temporal_foreign_keys temporal_merge temporal_portion auth_identity auth_users auth_keys auth_session import_cancel import_undo
ISOLATION_OPTS = --inputdir=test/isolation
# Without IPC::Run (Debian: libipc-run-perl) the TAP tests cannot run; the others can.
ifneq ($(shell perl -MIPC::Run -e 'print 1' 2>/dev/null),)
TAP_TESTS      = 1
else
$(info statbus: TAP tests are left out, Perl has no IPC::Run)
endif
PROVE_TESTS    = test/t/*.pl
EXTRA_CLEAN    = build

# RSA, EC and Ed25519; a server built without OpenSSL has no -lcrypto, and then there is only HMAC.
SHLIB_LINK    += $(filter -lcrypto, $(LIBS))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS does not look into headers.
$(OBJS): $(wildcard src/*.h)

build/migration.sql: src/sql/wrap.sh $(STEPS) $(DEFINITIONS)
	@mkdir -p build
	src/sql/wrap.sh "$(STEPS)" "$(DEFINITIONS)" > $@

build/statbus--$(EXTVERSION).sql: $(SQL_PARTS) Makefile
	@mkdir -p build
	cat $(SQL_PARTS) > $@

build/statbus--%--$(EXTVERSION).sql: src/sql/upgrade.sh $(CHANGES) src/sql/header.sql $(CODE_PARTS) src/sql/footer_upgrade.sql
	@mkdir -p build
	{ cat src/sql/header.sql; src/sql/upgrade.sh $*; cat $(CODE_PARTS) src/sql/footer_upgrade.sql; } > $@

endif
