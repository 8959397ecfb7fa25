-- Step 0024: public files as they are: words that mean something else here, codes with their text behind them, identifiers in
-- two columns, ends and starts that are no dates; and packs of definitions that need types of identifier of their own.

ALTER TABLE import.definition
    ADD COLUMN open_end_values text[] NOT NULL DEFAULT '{}' CONSTRAINT definition_open_end_values_no_nulls CHECK (array_position(open_end_values, NULL) IS NULL),
    ADD COLUMN unknown_start_values text[] NOT NULL DEFAULT '{}'
        CONSTRAINT definition_unknown_start_values_no_nulls CHECK (array_position(unknown_start_values, NULL) IS NULL AND '' <> ALL (unknown_start_values)),
    ADD COLUMN unknown_columns text NOT NULL DEFAULT 'each' CONSTRAINT definition_unknown_columns_check CHECK (unknown_columns IN ('each', 'once'));
COMMENT ON COLUMN import.definition.open_end_values IS 'What valid_to says when a period has no end, beside infinity; an empty text: an empty cell';
COMMENT ON COLUMN import.definition.unknown_start_values IS 'What valid_from says when the start of a period is not known; it is read as it stands, and told';
COMMENT ON COLUMN import.definition.unknown_columns IS 'How columns of a file that the definition does not know are told: each, with a warning for each; once, with one remark on all';

ALTER TABLE import.mapping
    ADD COLUMN words jsonb CONSTRAINT mapping_words_check CHECK (
        jsonb_typeof(words) = 'object' AND NOT jsonb_path_exists(words, 'strict $.* ? (@.type() != "string")', '{}', true)),
    ADD COLUMN cut_at text CONSTRAINT mapping_cut_at_check CHECK (cut_at <> ''),
    ADD COLUMN max_characters integer CONSTRAINT mapping_max_characters_check CHECK (max_characters > 0),
    ADD COLUMN alternatives jsonb CONSTRAINT mapping_alternatives_check CHECK (
        jsonb_typeof(alternatives) = 'array' AND NOT jsonb_path_exists(alternatives, 'strict $[*] ? (@.type() != "array" || @.size() == 0)', '{}', true)
        AND NOT jsonb_path_exists(alternatives, 'strict $[*][*] ? (@.type() != "string")', '{}', true)),
    ADD CONSTRAINT mapping_reads_a_source_column CHECK (num_nonnulls(words, cut_at, max_characters, alternatives) = 0 OR (source_column_id IS NOT NULL AND NOT is_ignored));
COMMENT ON COLUMN import.mapping.words IS 'Words of the file and what stands here for them: {"A": "active"}; an empty text: nothing. Other words stay as they are';
COMMENT ON COLUMN import.mapping.cut_at IS 'This and what follows it is left out, as the text behind a code';
COMMENT ON COLUMN import.mapping.max_characters IS 'Only so many characters are read, as of a code that is finer than those here: 62.01Z, 5: 62.01';
COMMENT ON COLUMN import.mapping.alternatives IS
    'Where the source column says nothing, or the file has it not: lists of other source columns, [["siren", "nic"]]; the cells of the first list whose columns all say something, one after the other';

INSERT INTO import.finding_code (level, severity, code, message, hint, can_change) VALUES
    ('row', 'info', 'start_unknown', '{column}: "{value}" stands for a start that is not known', 'The unit may be older', true),
    ('file', 'info', 'columns_ignored', '{count} columns are unknown and were ignored', NULL, false);

-- Packs: content is what import.install_pack() reads (src/sql/import_public.sql).
CREATE TABLE import.pack (
    code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    description text NOT NULL CHECK (btrim(description) <> ''),
    content jsonb NOT NULL CHECK (jsonb_typeof(content -> 'ident_types') = 'array' AND jsonb_typeof(content -> 'definitions') = 'array')
);
COMMENT ON TABLE import.pack IS 'Definitions for public files, with the types of identifier that they need; an administrator installs those that he wants';
COMMENT ON COLUMN import.pack.content IS 'ident_types: code, name, description, rule; definitions: slug, name, note, data_source, mode, valid_time_from, columns, ignored, …';

INSERT INTO import.pack (code, name, description, content) VALUES
('sirene', 'France: Sirene', 'Legal units and establishments of the stock files StockUniteLegaleHistorique and StockEtablissementHistorique, every period a row', $pack${
 "ident_types": [
  {"code": "siren", "name": "SIREN", "description": "Nine digits of a French legal unit", "rule": "fr_siren"},
  {"code": "siret", "name": "SIRET", "description": "Fourteen digits of a French establishment", "rule": "fr_siret"}],
 "definitions": [
  {"slug": "sirene_unite_legale", "name": "France: legal units of Sirene, history", "note": "StockUniteLegaleHistorique: every period of a legal unit is a row.",
   "data_source": "nlr", "mode": "legal_unit", "valid_time_from": "source_columns", "strategy": "insert_or_replace",
   "import_as_null": ["", "[ND]"], "open_end_values": [""], "unknown_start_values": ["1900-01-01"],
   "columns": [
    {"heading": "siren", "target": "siren"},
    {"heading": "dateFin", "target": "valid_to"},
    {"heading": "dateDebut", "target": "valid_from"},
    {"heading": "etatAdministratifUniteLegale", "target": "status_code", "words": {"A": "active", "C": "passive"}},
    {"heading": "nomUniteLegale"},
    {"heading": "denominationUniteLegale", "target": "name", "alternatives": [["denominationUsuelle1UniteLegale"], ["nomUniteLegale"]]},
    {"heading": "denominationUsuelle1UniteLegale"},
    {"heading": "categorieJuridiqueUniteLegale", "target": "legal_form_code"},
    {"heading": "activitePrincipaleUniteLegale", "target": "primary_activity_category_code", "max_characters": 5}],
   "ignored": ["changementEtatAdministratifUniteLegale", "changementNomUniteLegale", "nomUsageUniteLegale", "changementNomUsageUniteLegale",
    "changementDenominationUniteLegale", "denominationUsuelle2UniteLegale", "denominationUsuelle3UniteLegale", "changementDenominationUsuelleUniteLegale",
    "changementCategorieJuridiqueUniteLegale", "nomenclatureActivitePrincipaleUniteLegale", "changementActivitePrincipaleUniteLegale",
    "nicSiegeUniteLegale", "changementNicSiegeUniteLegale", "economieSocialeSolidaireUniteLegale", "changementEconomieSocialeSolidaireUniteLegale",
    "societeMissionUniteLegale", "changementSocieteMissionUniteLegale", "caractereEmployeurUniteLegale", "changementCaractereEmployeurUniteLegale"]},
  {"slug": "sirene_etablissement", "name": "France: establishments of Sirene, history", "note": "StockEtablissementHistorique: every period of an establishment is a row.",
   "data_source": "nlr", "mode": "establishment_formal", "valid_time_from": "source_columns", "strategy": "insert_or_replace",
   "import_as_null": ["", "[ND]"], "open_end_values": [""], "unknown_start_values": ["1900-01-01"],
   "columns": [
    {"heading": "siren", "target": "legal_unit_siren"},
    {"heading": "nic"},
    {"heading": "siret", "target": "siret", "alternatives": [["siren", "nic"]]},
    {"heading": "dateFin", "target": "valid_to"},
    {"heading": "dateDebut", "target": "valid_from"},
    {"heading": "etatAdministratifEtablissement", "target": "status_code", "words": {"A": "active", "F": "passive"}},
    {"heading": "enseigne1Etablissement", "target": "name", "alternatives": [["denominationUsuelleEtablissement"], ["siret"], ["siren", "nic"]]},
    {"heading": "denominationUsuelleEtablissement"},
    {"heading": "activitePrincipaleEtablissement", "target": "primary_activity_category_code", "max_characters": 5}],
   "ignored": ["changementEtatAdministratifEtablissement", "enseigne2Etablissement", "enseigne3Etablissement", "changementEnseigneEtablissement",
    "changementDenominationUsuelleEtablissement", "nomenclatureActivitePrincipaleEtablissement", "changementActivitePrincipaleEtablissement",
    "caractereEmployeurEtablissement", "changementCaractereEmployeurEtablissement"]}]}$pack$),
('gleif', 'World: GLEIF level 1', 'Legal entities of the golden copy of the Global LEI Foundation, with their addresses', $pack${
 "ident_types": [
  {"code": "lei", "name": "LEI", "description": "Legal Entity Identifier, ISO 17442", "rule": "lei"}],
 "definitions": [
  {"slug": "gleif_level_1", "name": "World: entities of the LEI, level 1", "note": "Golden copy of level 1, CSV. What the definition does not know of its some 300 columns is told once.",
   "data_source": "other", "mode": "legal_unit", "valid_time_from": "job_provided", "strategy": "insert_or_update", "unknown_columns": "once",
   "columns": [
    {"heading": "LEI", "target": "lei"},
    {"heading": "Entity.LegalName", "target": "name"},
    {"heading": "Entity.LegalAddress.FirstAddressLine", "target": "postal_address_part1"},
    {"heading": "Entity.LegalAddress.AdditionalAddressLine.1", "target": "postal_address_part2"},
    {"heading": "Entity.LegalAddress.City", "target": "postal_postplace"},
    {"heading": "Entity.LegalAddress.Country", "target": "postal_country_iso_2"},
    {"heading": "Entity.LegalAddress.PostalCode", "target": "postal_postcode"},
    {"heading": "Entity.HeadquartersAddress.FirstAddressLine", "target": "physical_address_part1"},
    {"heading": "Entity.HeadquartersAddress.AdditionalAddressLine.1", "target": "physical_address_part2"},
    {"heading": "Entity.HeadquartersAddress.City", "target": "physical_postplace"},
    {"heading": "Entity.HeadquartersAddress.Country", "target": "physical_country_iso_2"},
    {"heading": "Entity.HeadquartersAddress.PostalCode", "target": "physical_postcode"},
    {"heading": "Entity.EntityStatus", "target": "status_code", "words": {"ACTIVE": "active", "INACTIVE": "passive", "NULL": ""}},
    {"heading": "Entity.EntityCreationDate", "target": "birth_date"}],
   "ignored": ["Entity.LegalAddress.Region", "Entity.HeadquartersAddress.Region", "Entity.LegalJurisdiction", "Entity.EntityCategory",
    "Entity.RegistrationAuthority.RegistrationAuthorityID", "Entity.RegistrationAuthority.RegistrationAuthorityEntityID",
    "Entity.LegalForm.EntityLegalFormCode", "Entity.LegalForm.OtherLegalForm", "Registration.InitialRegistrationDate", "Registration.LastUpdateDate",
    "Registration.RegistrationStatus", "Registration.NextRenewalDate", "Registration.ManagingLOU", "Registration.ValidationSources", "ConformityFlag"]}]}$pack$),
('companies_house', 'United Kingdom: Companies House', 'Live companies of the free company data product BasicCompanyData', $pack${
 "ident_types": [
  {"code": "company_number", "name": "Company number", "description": "Number of a company at Companies House", "rule": "uk_company_number"}],
 "definitions": [
  {"slug": "companies_house_basic", "name": "United Kingdom: companies, basic data", "note": "BasicCompanyData, CSV: live companies at one time. A company that is missing is not known to have ceased.",
   "data_source": "nlr", "mode": "legal_unit", "valid_time_from": "job_provided", "strategy": "insert_or_update", "date_formats": ["DD/MM/YYYY"],
   "columns": [
    {"heading": "CompanyName", "target": "name"},
    {"heading": "CompanyNumber", "target": "company_number"},
    {"heading": "RegAddress.AddressLine1", "target": "physical_address_part1"},
    {"heading": "RegAddress.AddressLine2", "target": "physical_address_part2"},
    {"heading": "RegAddress.PostTown", "target": "physical_postplace"},
    {"heading": "RegAddress.Country", "target": "physical_country_iso_2",
     "words": {"ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB", "NORTHERN IRELAND": "GB", "UNITED KINGDOM": "GB", "GREAT BRITAIN": "GB", "ENGLAND & WALES": "GB",
      "England": "GB", "Scotland": "GB", "Wales": "GB", "Northern Ireland": "GB", "United Kingdom": "GB", "Great Britain": "GB", "England & Wales": "GB",
      "IRELAND": "IE", "Ireland": "IE", "FRANCE": "FR", "GERMANY": "DE", "UNITED STATES": "US", "United States": "US"}},
    {"heading": "RegAddress.PostCode", "target": "physical_postcode"},
    {"heading": "CompanyStatus", "target": "status_code", "words": {"Active": "active", "Active - Proposal to Strike off": "active", "Liquidation": "active",
      "In Administration": "active", "In Administration/Administrative Receiver": "active", "ADMINISTRATIVE RECEIVER": "active", "RECEIVERSHIP": "active",
      "Live but Receiver Manager on at least one charge": "active", "VOLUNTARY ARRANGEMENT / ADMINISTRATIVE RECEIVER": "active", "RECEIVER MANAGER / ADMINISTRATIVE RECEIVER": "active",
      "ADMINISTRATION ORDER": "active", "VOLUNTARY ARRANGEMENT": "active", "VOLUNTARY ARRANGEMENT / RECEIVER MANAGER": "active"}},
    {"heading": "DissolutionDate", "target": "death_date"},
    {"heading": "IncorporationDate", "target": "birth_date"},
    {"heading": "SICCode.SicText_1", "target": "primary_activity_category_code", "cut_at": " - ", "words": {"None Supplied": ""}},
    {"heading": "SICCode.SicText_2", "target": "secondary_activity_category_code", "cut_at": " - "}],
   "ignored": ["RegAddress.CareOf", "RegAddress.POBox", "RegAddress.County", "CompanyCategory", "CountryOfOrigin",
    "Accounts.AccountRefDay", "Accounts.AccountRefMonth", "Accounts.NextDueDate", "Accounts.LastMadeUpDate", "Accounts.AccountCategory",
    "Returns.NextDueDate", "Returns.LastMadeUpDate", "Mortgages.NumMortCharges", "Mortgages.NumMortOutstanding", "Mortgages.NumMortPartSatisfied",
    "Mortgages.NumMortSatisfied", "SICCode.SicText_3", "SICCode.SicText_4", "LimitedPartnerships.NumGenPartners", "LimitedPartnerships.NumLimPartners", "URI",
    "PreviousName_1.CONDATE", "PreviousName_1.CompanyName", "PreviousName_2.CONDATE", "PreviousName_2.CompanyName", "PreviousName_3.CONDATE", "PreviousName_3.CompanyName",
    "PreviousName_4.CONDATE", "PreviousName_4.CompanyName", "PreviousName_5.CONDATE", "PreviousName_5.CompanyName", "PreviousName_6.CONDATE", "PreviousName_6.CompanyName",
    "PreviousName_7.CONDATE", "PreviousName_7.CompanyName", "PreviousName_8.CONDATE", "PreviousName_8.CompanyName", "PreviousName_9.CONDATE", "PreviousName_9.CompanyName",
    "PreviousName_10.CONDATE", "PreviousName_10.CompanyName", "ConfStmtNextDueDate", "ConfStmtLastMadeUpDate"]}]}$pack$);

-- The files of Brønnøysundregistrene year by year: brreg_hovedenhet and brreg_underenhet know the headings of both. A register
-- that has dropped these wants none of them.
INSERT INTO import.definition
    (slug, name, note, data_source_id, strategy, mode, valid_time_from, user_id, unique_units, custom, validation_error,
     default_retention_period, import_as_null, date_formats, decimal_mark, thousands, true_words, false_words)
SELECT d.slug || '_' || y.year, d.name || ', ' || y.year, format('CSV with the headings of %s, in any order; valid from January 1st of the file''s year.', y.year),
       d.data_source_id, d.strategy, d.mode, d.valid_time_from, NULL, d.unique_units, false, 'not validated yet',
       d.default_retention_period, d.import_as_null, d.date_formats, d.decimal_mark, d.thousands, d.true_words, d.false_words
FROM import.definition AS d
CROSS JOIN (VALUES (2024), (2025)) AS y (year)
WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet') AND NOT d.custom
AND NOT EXISTS (SELECT FROM import.definition AS x WHERE x.slug = d.slug || '_' || y.year OR x.name = d.name || ', ' || y.year)
ORDER BY d.id, y.year;

INSERT INTO import.definition_step (definition_id, step_id)
SELECT n.id, s.step_id
FROM import.definition AS d
JOIN import.definition_step AS s ON s.definition_id = d.id
JOIN import.definition AS n ON n.slug IN (d.slug || '_2024', d.slug || '_2025') AND NOT n.custom
WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet')
ORDER BY n.id, s.step_id;

INSERT INTO import.source_column (definition_id, column_name, priority, aliases)
SELECT n.id, h.column_name, row_number() OVER (PARTITION BY n.id ORDER BY h.priority), h.aliases
FROM import.definition AS d
JOIN import.source_column AS h ON h.definition_id = d.id
JOIN import.definition AS n ON n.slug IN (d.slug || '_2024', d.slug || '_2025') AND NOT n.custom
WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet')
-- What came with 2025.
AND NOT (n.slug LIKE '%\_2024' AND h.column_name IN (
    'registreringsdatoAntallAnsatteEnhetsregisteret', 'registreringsdatoantallansatteNAVAaregisteret', 'epostadresse', 'telefon', 'mobil',
    'registreringsdatoMerverdiavgiftsregisteret', 'registreringsdatoMerverdiavgiftsregisteretEnhetsregisteret', 'registreringsdatoFrivilligMerverdiavgiftsregisteret',
    'registreringsdatoFrivillighetsregisteret', 'registreringsdatoForetaksregisteret', 'registrertIPartiregisteret', 'registreringsdatoPartiregisteret',
    'registreringsnummerIHjemlandet', 'paategninger'))
ORDER BY n.id, h.priority;

INSERT INTO import.mapping (definition_id, source_column_id, source_value, source_expression, target_data_column_id, is_ignored)
SELECT n.id, k.id, m.source_value, m.source_expression, m.target_data_column_id, m.is_ignored
FROM import.definition AS d
JOIN import.mapping AS m ON m.definition_id = d.id
JOIN import.definition AS n ON n.slug IN (d.slug || '_2024', d.slug || '_2025') AND NOT n.custom
LEFT JOIN import.source_column AS h ON h.id = m.source_column_id
LEFT JOIN import.source_column AS k ON k.definition_id = n.id AND k.column_name = h.column_name
WHERE d.slug IN ('brreg_hovedenhet', 'brreg_underenhet')
AND (h.id IS NULL) = (k.id IS NULL)
ORDER BY n.id, m.id;
