CREATE TABLE access (
	person_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	accepted_at BIGINT, 
	CONSTRAINT pk_access PRIMARY KEY (person_id, site_id), 
	CONSTRAINT fk_access_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_access_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_access_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE "accounts" (
	person_id VARCHAR NOT NULL, 
	phone_lookup VARCHAR NOT NULL, 
	profile BLOB NOT NULL, 
	since BIGINT NOT NULL, 
	joined INTEGER NOT NULL, frozen_at BIGINT, alerts_since BIGINT, codes_suffice_at BIGINT, alerts_by_mail BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_accounts PRIMARY KEY (person_id), 
	CONSTRAINT fk_accounts_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT uq_accounts_phone_lookup UNIQUE (phone_lookup), 
	CONSTRAINT uq_accounts_joined UNIQUE (joined)
);

CREATE TABLE "activation_codes" (
	name VARCHAR NOT NULL, 
	lookup VARCHAR NOT NULL, 
	attempts_left INTEGER NOT NULL, 
	expires_at BIGINT NOT NULL, 
	site_id VARCHAR NOT NULL, 
	replaces VARCHAR, 
	CONSTRAINT pk_activation_codes PRIMARY KEY (name), 
	CONSTRAINT fk_activation_codes_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE activity (
	person_id VARCHAR NOT NULL, 
	used_at BIGINT NOT NULL, 
	told_at BIGINT, 
	told_run INTEGER, 
	told_again_at BIGINT, 
	told_again_run INTEGER, 
	CONSTRAINT pk_activity PRIMARY KEY (person_id), 
	CONSTRAINT fk_activity_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE ages (
	person_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	staff VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_ages PRIMARY KEY (person_id, merchant_id), 
	CONSTRAINT fk_ages_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_ages_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE agreements (
	person_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	version VARCHAR, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_agreements PRIMARY KEY (person_id, merchant_id), 
	CONSTRAINT fk_agreements_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_agreements_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO "alembic_version" VALUES('0048');

CREATE TABLE alerts (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_alerts PRIMARY KEY (id), 
	CONSTRAINT fk_alerts_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE amounts (
	scope VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	pulse_above BIGINT, 
	digits_above BIGINT, 
	staff_above BIGINT, 
	unconfirmed_below BIGINT, 
	CONSTRAINT pk_amounts PRIMARY KEY (scope)
);

CREATE TABLE answers (
	device_id VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	fingerprint BLOB NOT NULL, 
	status INTEGER NOT NULL, 
	media_type VARCHAR NOT NULL, 
	body BLOB NOT NULL, 
	person_id VARCHAR, 
	answered_at BIGINT NOT NULL, 
	CONSTRAINT pk_answers PRIMARY KEY (device_id, "key"), 
	CONSTRAINT fk_answers_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE arrivals (
	id INTEGER NOT NULL, 
	joined INTEGER NOT NULL, 
	CONSTRAINT pk_arrivals PRIMARY KEY (id)
);

INSERT INTO "arrivals" VALUES(1,0);

CREATE TABLE audit (
	place BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	door VARCHAR NOT NULL, 
	who VARCHAR NOT NULL, 
	act VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	merchant_id VARCHAR, 
	details VARCHAR NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (place)
);

CREATE TABLE begun (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	phone_lookup VARCHAR NOT NULL, 
	browser VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	lookup VARCHAR, 
	verified BOOLEAN NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_begun PRIMARY KEY (id), 
	CONSTRAINT fk_begun_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT uq_begun_browser UNIQUE (browser), 
	CONSTRAINT uq_begun_lookup UNIQUE (lookup)
);

CREATE TABLE "candidates" (
	identification_id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	rarity FLOAT NOT NULL, 
	CONSTRAINT pk_candidates PRIMARY KEY (identification_id, person_id), 
	CONSTRAINT fk_candidates_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_candidates_identification_id FOREIGN KEY(identification_id) REFERENCES identifications (id) ON DELETE CASCADE
);

CREATE TABLE card_pages (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	name VARCHAR, 
	state VARCHAR NOT NULL, 
	expires_at BIGINT NOT NULL, reader VARCHAR, adds BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_card_pages PRIMARY KEY (id), 
	CONSTRAINT fk_card_pages_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE cards (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	detail BLOB NOT NULL, lookup VARCHAR, place INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_cards PRIMARY KEY (id), 
	CONSTRAINT fk_cards_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE "challenges" (
	id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	seed BLOB NOT NULL, 
	expires_at BIGINT NOT NULL, 
	commitment BLOB NOT NULL, 
	answer BLOB, 
	CONSTRAINT pk_challenges PRIMARY KEY (id)
);

CREATE TABLE claims (
	id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	person_id VARCHAR, 
	proof VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	expires_at BIGINT NOT NULL, about VARCHAR NOT NULL, 
	CONSTRAINT pk_claims PRIMARY KEY (id), 
	CONSTRAINT fk_claims_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE codes (
	subject VARCHAR NOT NULL, 
	person_id VARCHAR, 
	lookup VARCHAR NOT NULL, 
	attempts_left INTEGER NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_codes PRIMARY KEY (subject), 
	CONSTRAINT fk_codes_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE consent_texts (
	digest VARCHAR NOT NULL, 
	text VARCHAR NOT NULL, 
	CONSTRAINT pk_consent_texts PRIMARY KEY (digest)
);

CREATE TABLE consents (
	id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	device_id VARCHAR, 
	person_id VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	signature VARCHAR, 
	at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_consents PRIMARY KEY (id), 
	CONSTRAINT fk_consents_digest FOREIGN KEY(digest) REFERENCES consent_texts (digest), 
	CONSTRAINT fk_consents_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_consents_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_consents_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE device_orders (
	device_id VARCHAR NOT NULL, 
	serial BIGINT NOT NULL, 
	content VARCHAR NOT NULL, 
	CONSTRAINT pk_device_orders PRIMARY KEY (device_id), 
	CONSTRAINT fk_device_orders_device_id FOREIGN KEY(device_id) REFERENCES devices (id)
);

CREATE TABLE device_reports (
	device_id VARCHAR NOT NULL, 
	content VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_device_reports PRIMARY KEY (device_id), 
	CONSTRAINT fk_device_reports_device_id FOREIGN KEY(device_id) REFERENCES devices (id)
);

CREATE TABLE "devices" (
	id VARCHAR NOT NULL, 
	public_key BLOB NOT NULL, 
	name VARCHAR NOT NULL, 
	activated_at BIGINT NOT NULL, 
	infrared BOOLEAN NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	revoked_at BIGINT, 
	reader VARCHAR, 
	passes_many BOOLEAN NOT NULL, 
	CONSTRAINT pk_devices PRIMARY KEY (id), 
	CONSTRAINT fk_devices_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_devices_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE "doors" (
	device_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	direction VARCHAR NOT NULL, 
	everyone BOOLEAN NOT NULL, 
	hours VARCHAR NOT NULL, 
	area VARCHAR, 
	list_hours INTEGER NOT NULL, 
	CONSTRAINT pk_doors PRIMARY KEY (device_id), 
	CONSTRAINT fk_doors_site_id FOREIGN KEY(site_id) REFERENCES sites (id), 
	CONSTRAINT fk_doors_device_id FOREIGN KEY(device_id) REFERENCES devices (id)
);

CREATE TABLE "enrolments" (
	id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	phone_lookup VARCHAR NOT NULL, 
	profile BLOB NOT NULL, 
	sent INTEGER NOT NULL, 
	sent_at BIGINT NOT NULL, 
	verified BOOLEAN NOT NULL, 
	expires_at BIGINT NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	CONSTRAINT pk_enrolments PRIMARY KEY (id), 
	CONSTRAINT fk_enrolments_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_enrolments_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id)
);

CREATE TABLE entries (
	id VARCHAR NOT NULL, 
	identification_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_entries PRIMARY KEY (id), 
	CONSTRAINT fk_entries_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_entries_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_entries_site_id FOREIGN KEY(site_id) REFERENCES sites (id), 
	CONSTRAINT uq_entries_identification_id UNIQUE (identification_id)
);

CREATE TABLE errands (
	id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	payload BLOB NOT NULL, 
	person_digest BLOB, 
	attempts INTEGER NOT NULL, 
	due_at BIGINT NOT NULL, 
	CONSTRAINT pk_errands PRIMARY KEY (id)
);

CREATE TABLE "identifications" (
	id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	visit_id VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	attempts_left INTEGER NOT NULL, 
	person_id VARCHAR, 
	expires_at BIGINT NOT NULL, 
	pulse BOOLEAN NOT NULL, 
	merchant_id VARCHAR NOT NULL, digits BOOLEAN DEFAULT 0 NOT NULL, side VARCHAR, 
	CONSTRAINT pk_identifications PRIMARY KEY (id), 
	CONSTRAINT fk_identifications_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_identifications_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id)
);

CREATE TABLE inactivity_runs (
	id INTEGER NOT NULL, 
	began_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	told INTEGER NOT NULL, 
	deleted INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	fault VARCHAR, 
	CONSTRAINT pk_inactivity_runs PRIMARY KEY (id)
);

CREATE TABLE incidents (
	id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	person_id VARCHAR, 
	merchant_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	times INTEGER NOT NULL, 
	first_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	looked_at BIGINT, 
	looked_by VARCHAR, 
	note VARCHAR NOT NULL, 
	CONSTRAINT pk_incidents PRIMARY KEY (id), 
	CONSTRAINT fk_incidents_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_incidents_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE SET NULL
);

CREATE TABLE job_runs (
	name VARCHAR NOT NULL, 
	done_at BIGINT, 
	removed INTEGER NOT NULL, 
	removed_at BIGINT, 
	removed_in_all BIGINT NOT NULL, 
	failures INTEGER NOT NULL, 
	failed_at BIGINT, 
	fault VARCHAR, 
	CONSTRAINT pk_job_runs PRIMARY KEY (name)
);

CREATE TABLE kept_palms (
	person_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_kept_palms PRIMARY KEY (person_id, site_id), 
	CONSTRAINT fk_kept_palms_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_kept_palms_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_kept_palms_access FOREIGN KEY(person_id, site_id) REFERENCES access (person_id, site_id) ON DELETE CASCADE
);

CREATE TABLE kiosk_pictures (
	sha256 VARCHAR NOT NULL, 
	content BLOB NOT NULL, 
	ink VARCHAR, 
	CONSTRAINT pk_kiosk_pictures PRIMARY KEY (sha256)
);

CREATE TABLE kiosk_settings (
	scope VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	CONSTRAINT pk_kiosk_settings PRIMARY KEY (scope, name)
);

CREATE TABLE ledger (
	id INTEGER NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	purchase_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	debit VARCHAR NOT NULL, 
	credit VARCHAR NOT NULL, 
	minor BIGINT NOT NULL, 
	currency VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_ledger PRIMARY KEY (id), 
	CONSTRAINT ck_ledger_accounts CHECK (debit <> credit), 
	CONSTRAINT ck_ledger_minor CHECK (minor > 0), 
	CONSTRAINT fk_ledger_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT uq_ledger_kind UNIQUE (kind, subject)
);

CREATE TABLE mails (
	person_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	confirmed_at BIGINT, 
	expires_at BIGINT, 
	CONSTRAINT pk_mails PRIMARY KEY (person_id), 
	CONSTRAINT fk_mails_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE master_keys (
	id INTEGER NOT NULL, 
	mark VARCHAR NOT NULL, 
	CONSTRAINT pk_master_keys PRIMARY KEY (id)
);

CREATE TABLE memberships (
	person_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, lookup VARCHAR, 
	CONSTRAINT pk_memberships PRIMARY KEY (person_id, merchant_id), 
	CONSTRAINT fk_memberships_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_memberships_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE merchants (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	country VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	account VARCHAR, region VARCHAR, 
	CONSTRAINT pk_merchants PRIMARY KEY (id)
);

INSERT INTO "merchants" VALUES('first','','','',NULL,NULL);

CREATE TABLE nonces (
	device_id VARCHAR NOT NULL, 
	nonce VARCHAR NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_nonces PRIMARY KEY (device_id, nonce)
);

CREATE TABLE number_changes (
	session_id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	is_allowed BOOLEAN NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_number_changes PRIMARY KEY (session_id), 
	CONSTRAINT fk_number_changes_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_number_changes_session_id FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);

CREATE TABLE operator_acts (
	id INTEGER NOT NULL, 
	device_id VARCHAR NOT NULL, 
	act VARCHAR NOT NULL, 
	who VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_operator_acts PRIMARY KEY (id), 
	CONSTRAINT fk_operator_acts_device_id FOREIGN KEY(device_id) REFERENCES devices (id)
);

CREATE TABLE palm_changes (
	id INTEGER NOT NULL, 
	palm_id VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_palm_changes PRIMARY KEY (id)
);

CREATE TABLE palm_requests (
	id VARCHAR NOT NULL, 
	person_id VARCHAR, 
	merchant_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	device_id VARCHAR, 
	named BOOLEAN NOT NULL, 
	kind VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR, 
	made_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_palm_requests PRIMARY KEY (id), 
	CONSTRAINT fk_palm_requests_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_palm_requests_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_palm_requests_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE "palms" (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	side VARCHAR NOT NULL, 
	template BLOB NOT NULL, 
	version INTEGER NOT NULL, 
	transform VARCHAR NOT NULL, 
	CONSTRAINT pk_palms PRIMARY KEY (id), 
	CONSTRAINT fk_palms_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE passkey_challenges (
	id VARCHAR NOT NULL, 
	person_id VARCHAR, 
	challenge BLOB NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_passkey_challenges PRIMARY KEY (id), 
	CONSTRAINT fk_passkey_challenges_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE passkeys (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	lookup VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	since BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_passkeys PRIMARY KEY (id), 
	CONSTRAINT fk_passkeys_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT uq_passkeys_lookup UNIQUE (lookup)
);

CREATE TABLE persons (
	id VARCHAR NOT NULL, 
	wrapped_key BLOB NOT NULL, 
	CONSTRAINT pk_persons PRIMARY KEY (id)
);

CREATE TABLE presences (
	person_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	area VARCHAR NOT NULL, 
	since BIGINT NOT NULL, 
	CONSTRAINT pk_presences PRIMARY KEY (person_id, site_id, area), 
	CONSTRAINT fk_presences_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT fk_presences_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE "purchases" (
	id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	reference VARCHAR NOT NULL, 
	person_id VARCHAR, 
	identification_id VARCHAR, 
	amount_minor BIGINT NOT NULL, 
	currency VARCHAR NOT NULL, 
	card_brand VARCHAR NOT NULL, 
	card_last4 VARCHAR NOT NULL, 
	payment VARCHAR, 
	outcome VARCHAR NOT NULL, 
	decline_reason VARCHAR, 
	at BIGINT NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	account VARCHAR, told VARCHAR, dispute VARCHAR, terminal VARCHAR, card_id VARCHAR, asks_holder BOOLEAN, receipt VARCHAR, site_id VARCHAR, recognised_at BIGINT, told_at BIGINT, 
	CONSTRAINT pk_purchases PRIMARY KEY (id), 
	CONSTRAINT uq_purchases_identification_id UNIQUE (identification_id), 
	CONSTRAINT fk_purchases_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE SET NULL, 
	CONSTRAINT fk_purchases_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT uq_purchases_merchant_id UNIQUE (merchant_id, reference, device_id)
);

CREATE TABLE receipt_log (
	level INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT pk_receipt_log PRIMARY KEY (level, place), 
	CONSTRAINT uq_receipt_log_hash UNIQUE (hash)
);

CREATE TABLE "receipts" (
	id VARCHAR NOT NULL, 
	person_digest BLOB NOT NULL, 
	document VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	merchant_id VARCHAR, 
	CONSTRAINT pk_receipts PRIMARY KEY (id), 
	CONSTRAINT fk_receipts_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id)
);

CREATE TABLE reconciliations (
	day VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	content VARCHAR NOT NULL, 
	CONSTRAINT pk_reconciliations PRIMARY KEY (day)
);

CREATE TABLE refunds (
	id VARCHAR NOT NULL, 
	purchase_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	device_id VARCHAR NOT NULL, 
	reference VARCHAR NOT NULL, 
	of_the_rest BOOLEAN NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	provider_reference VARCHAR, 
	outcome VARCHAR NOT NULL, 
	failure_reason VARCHAR, 
	at BIGINT NOT NULL, reason VARCHAR, 
	CONSTRAINT pk_refunds PRIMARY KEY (id), 
	CONSTRAINT fk_refunds_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_refunds_purchase_id FOREIGN KEY(purchase_id) REFERENCES purchases (id), 
	CONSTRAINT uq_refunds_merchant_id UNIQUE (merchant_id, reference, device_id)
);

CREATE TABLE refused_uses (
	id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, site_id VARCHAR, 
	CONSTRAINT pk_refused_uses PRIMARY KEY (id), 
	CONSTRAINT fk_refused_uses_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_refused_uses_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE regions (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	CONSTRAINT pk_regions PRIMARY KEY (id)
);

CREATE TABLE sessions (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	lookup VARCHAR NOT NULL, 
	browser BLOB NOT NULL, 
	since BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, by_passkey BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_sessions_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE, 
	CONSTRAINT uq_sessions_lookup UNIQUE (lookup)
);

CREATE TABLE sign_ins (
	id VARCHAR NOT NULL, 
	person_id VARCHAR, 
	about VARCHAR NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_sign_ins PRIMARY KEY (id), 
	CONSTRAINT fk_sign_ins_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE site_clocks (
	site_id VARCHAR NOT NULL, 
	zone VARCHAR NOT NULL, 
	holidays VARCHAR NOT NULL, 
	CONSTRAINT pk_site_clocks PRIMARY KEY (site_id), 
	CONSTRAINT fk_site_clocks_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE site_hooks (
	site_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	secret BLOB NOT NULL, 
	CONSTRAINT pk_site_hooks PRIMARY KEY (site_id), 
	CONSTRAINT fk_site_hooks_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE sites (
	id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, law VARCHAR, 
	CONSTRAINT pk_sites PRIMARY KEY (id), 
	CONSTRAINT fk_sites_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id)
);

INSERT INTO "sites" VALUES('first','first','Shop',NULL);

CREATE TABLE staff (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	merchant_id VARCHAR, 
	site_id VARCHAR, 
	since BIGINT NOT NULL, 
	ended_at BIGINT, 
	CONSTRAINT pk_staff PRIMARY KEY (id), 
	CONSTRAINT fk_staff_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_staff_site_id FOREIGN KEY(site_id) REFERENCES sites (id)
);

CREATE TABLE staff_asked (
	id VARCHAR NOT NULL, 
	act VARCHAR NOT NULL, 
	arguments VARCHAR NOT NULL, 
	merchant_id VARCHAR, 
	door VARCHAR NOT NULL, 
	who VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	decided_by VARCHAR, 
	decided_at BIGINT, 
	CONSTRAINT pk_staff_asked PRIMARY KEY (id), 
	CONSTRAINT fk_staff_asked_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id)
);

CREATE TABLE staff_away (
	id VARCHAR NOT NULL, 
	link_id VARCHAR, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_staff_away PRIMARY KEY (id)
);

CREATE TABLE staff_links (
	id VARCHAR NOT NULL, 
	staff_id VARCHAR NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_staff_links PRIMARY KEY (id), 
	CONSTRAINT fk_staff_links_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id)
);

CREATE TABLE staff_passkeys (
	id VARCHAR NOT NULL, 
	staff_id VARCHAR NOT NULL, 
	credential_id BLOB NOT NULL, 
	public_key BLOB NOT NULL, 
	sign_count BIGINT NOT NULL, 
	since BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_staff_passkeys PRIMARY KEY (id), 
	CONSTRAINT fk_staff_passkeys_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id), 
	CONSTRAINT uq_staff_passkeys_credential_id UNIQUE (credential_id)
);

CREATE TABLE staff_sessions (
	id VARCHAR NOT NULL, 
	staff_id VARCHAR NOT NULL, 
	since BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_staff_sessions PRIMARY KEY (id), 
	CONSTRAINT fk_staff_sessions_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id)
);

CREATE TABLE staff_subjects (
	issuer VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	staff_id VARCHAR NOT NULL, 
	since BIGINT NOT NULL, 
	used_at BIGINT, 
	CONSTRAINT pk_staff_subjects PRIMARY KEY (issuer, subject), 
	CONSTRAINT fk_staff_subjects_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id)
);

CREATE TABLE support_bundles (
	device_id VARCHAR NOT NULL, 
	content VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_support_bundles PRIMARY KEY (device_id), 
	CONSTRAINT fk_support_bundles_device_id FOREIGN KEY(device_id) REFERENCES devices (id)
);

CREATE TABLE tallies (
	id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_tallies PRIMARY KEY (id)
);

CREATE TABLE tallies_of_palms (
	device_id VARCHAR NOT NULL, 
	site_id VARCHAR NOT NULL, 
	hour BIGINT NOT NULL, 
	light VARCHAR NOT NULL, 
	what VARCHAR NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_tallies_of_palms PRIMARY KEY (device_id, site_id, hour, light, what)
);

CREATE TABLE tickets (
	id VARCHAR NOT NULL, 
	person_id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_tickets PRIMARY KEY (id), 
	CONSTRAINT fk_tickets_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_tickets_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE "till_keys" (
	id VARCHAR NOT NULL, 
	merchant_id VARCHAR, 
	lookup VARCHAR NOT NULL, 
	made_at BIGINT NOT NULL, 
	expires_at BIGINT, 
	scopes VARCHAR NOT NULL, 
	CONSTRAINT pk_till_keys PRIMARY KEY (id), 
	CONSTRAINT fk_till_keys_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id)
);

CREATE TABLE webhook_deliveries (
	id VARCHAR NOT NULL, 
	receiver_id VARCHAR NOT NULL, 
	event_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at BIGINT, 
	state VARCHAR NOT NULL, 
	status INTEGER, 
	fault VARCHAR, 
	tried_at BIGINT, 
	CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id), 
	CONSTRAINT fk_webhook_deliveries_receiver_id FOREIGN KEY(receiver_id) REFERENCES webhook_receivers (id) ON DELETE CASCADE
);

CREATE TABLE webhook_events (
	id VARCHAR NOT NULL, 
	person_id VARCHAR, 
	merchant_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	CONSTRAINT pk_webhook_events PRIMARY KEY (id), 
	CONSTRAINT fk_webhook_events_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id), 
	CONSTRAINT fk_webhook_events_person_id FOREIGN KEY(person_id) REFERENCES persons (id) ON DELETE CASCADE
);

CREATE TABLE webhook_receivers (
	id VARCHAR NOT NULL, 
	merchant_id VARCHAR NOT NULL, 
	url VARCHAR NOT NULL, 
	events VARCHAR NOT NULL, 
	secret BLOB NOT NULL, 
	secret_before BLOB, 
	before_until BIGINT, 
	made_at BIGINT NOT NULL, 
	CONSTRAINT pk_webhook_receivers PRIMARY KEY (id), 
	CONSTRAINT fk_webhook_receivers_merchant_id FOREIGN KEY(merchant_id) REFERENCES merchants (id)
);

CREATE TABLE webhooks (
	id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	about VARCHAR NOT NULL, 
	received_at BIGINT NOT NULL, 
	applied BOOLEAN NOT NULL, attempts INTEGER DEFAULT '0' NOT NULL, due_at BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_webhooks PRIMARY KEY (id)
);

CREATE INDEX ix_errands_due_at ON errands (due_at);

CREATE INDEX ix_nonces_expires_at ON nonces (expires_at);

CREATE INDEX ix_answers_answered_at ON answers (answered_at);

CREATE INDEX ix_answers_person_id ON answers (person_id);

CREATE INDEX ix_cards_person_id ON cards (person_id);

CREATE INDEX ix_claims_expires_at ON claims (expires_at);

CREATE INDEX ix_claims_person_id ON claims (person_id);

CREATE INDEX ix_codes_expires_at ON codes (expires_at);

CREATE INDEX ix_codes_person_id ON codes (person_id);

CREATE INDEX ix_palms_person_id ON palms (person_id);

CREATE INDEX ix_candidates_person_id ON candidates (person_id);

CREATE INDEX ix_challenges_expires_at ON challenges (expires_at);

CREATE INDEX ix_purchases_outcome ON purchases (outcome);

CREATE INDEX ix_purchases_at ON purchases (at);

CREATE INDEX ix_purchases_person_id ON purchases (person_id);

CREATE INDEX ix_refunds_purchase_id ON refunds (purchase_id);

CREATE INDEX ix_refunds_outcome ON refunds (outcome);

CREATE INDEX ix_refunds_at ON refunds (at);

CREATE INDEX ix_identifications_expires_at ON identifications (expires_at);

CREATE INDEX ix_identifications_person_id ON identifications (person_id);

CREATE INDEX ix_identifications_visit ON identifications (device_id, visit_id);

CREATE INDEX ix_enrolments_person_id ON enrolments (person_id);

CREATE INDEX ix_enrolments_expires_at ON enrolments (expires_at);

CREATE INDEX ix_ledger_purchase_id ON ledger (purchase_id);

CREATE INDEX ix_ledger_at ON ledger (at);

CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger WHEN EXISTS (SELECT 1 FROM purchases WHERE id = OLD.purchase_id) BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE INDEX ix_card_pages_person_id ON card_pages (person_id);

CREATE INDEX ix_card_pages_name ON card_pages (name);

CREATE INDEX ix_card_pages_expires_at ON card_pages (expires_at);

CREATE INDEX ix_webhooks_received_at ON webhooks (received_at);

CREATE INDEX ix_webhooks_applied ON webhooks (applied);

CREATE INDEX ix_cards_lookup ON cards (lookup);

CREATE INDEX ix_card_pages_reader ON card_pages (reader);

CREATE INDEX ix_receipts_at ON receipts (at);

CREATE INDEX ix_sign_ins_person_id ON sign_ins (person_id);

CREATE INDEX ix_sign_ins_expires_at ON sign_ins (expires_at);

CREATE INDEX ix_sessions_person_id ON sessions (person_id);

CREATE INDEX ix_sessions_since ON sessions (since);

CREATE INDEX ix_sessions_seen_at ON sessions (seen_at);

CREATE INDEX ix_alerts_at ON alerts (at);

CREATE INDEX ix_alerts_person_id ON alerts (person_id);

CREATE INDEX ix_passkeys_person_id ON passkeys (person_id);

CREATE INDEX ix_passkey_challenges_person_id ON passkey_challenges (person_id);

CREATE INDEX ix_passkey_challenges_expires_at ON passkey_challenges (expires_at);

CREATE INDEX ix_number_changes_expires_at ON number_changes (expires_at);

CREATE INDEX ix_number_changes_person_id ON number_changes (person_id);

CREATE INDEX ix_refused_uses_at ON refused_uses (at);

CREATE INDEX ix_refused_uses_person_id ON refused_uses (person_id);

CREATE INDEX ix_activity_used_at ON activity (used_at);

CREATE INDEX ix_consents_ended_at ON consents (ended_at);

CREATE INDEX ix_consents_person_id ON consents (person_id);

CREATE INDEX ix_begun_person_id ON begun (person_id);

CREATE INDEX ix_begun_phone_lookup ON begun (phone_lookup);

CREATE INDEX ix_begun_expires_at ON begun (expires_at);

CREATE UNIQUE INDEX ix_devices_reader ON devices (reader);

CREATE INDEX ix_presences_since ON presences (since);

CREATE INDEX ix_tickets_person_id ON tickets (person_id);

CREATE INDEX ix_tickets_at ON tickets (at);

CREATE INDEX ix_entries_person_id ON entries (person_id);

CREATE INDEX ix_entries_at ON entries (at);

CREATE INDEX ix_mails_expires_at ON mails (expires_at);

CREATE INDEX ix_support_bundles_at ON support_bundles (at);

CREATE INDEX ix_operator_acts_device_id ON operator_acts (device_id);

CREATE INDEX ix_palm_changes_at ON palm_changes (at);

CREATE UNIQUE INDEX ix_staff_links_staff_id ON staff_links (staff_id);

CREATE INDEX ix_staff_links_expires_at ON staff_links (expires_at);

CREATE INDEX ix_staff_passkeys_staff_id ON staff_passkeys (staff_id);

CREATE INDEX ix_staff_sessions_staff_id ON staff_sessions (staff_id);

CREATE INDEX ix_staff_sessions_since ON staff_sessions (since);

CREATE INDEX ix_staff_sessions_seen_at ON staff_sessions (seen_at);

CREATE INDEX ix_audit_merchant_id ON audit (merchant_id);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE INDEX ix_memberships_lookup ON memberships (lookup);

CREATE INDEX ix_purchases_merchant ON purchases (merchant_id, at, id);

CREATE INDEX ix_webhook_receivers_merchant_id ON webhook_receivers (merchant_id);

CREATE INDEX ix_webhook_events_expires_at ON webhook_events (expires_at);

CREATE INDEX ix_webhook_events_person_id ON webhook_events (person_id);

CREATE INDEX ix_webhook_deliveries_at ON webhook_deliveries (at);

CREATE INDEX ix_webhook_deliveries_due_at ON webhook_deliveries (due_at);

CREATE INDEX ix_webhook_deliveries_receiver ON webhook_deliveries (receiver_id, at, id);

CREATE INDEX ix_tallies_subject ON tallies (subject, kind, at);

CREATE INDEX ix_tallies_at ON tallies (at);

CREATE INDEX ix_reconciliations_at ON reconciliations (at);

CREATE INDEX ix_incidents_person_id ON incidents (person_id);

CREATE INDEX ix_incidents_last_at ON incidents (last_at);

CREATE INDEX ix_tallies_of_palms_hour ON tallies_of_palms (hour);

CREATE UNIQUE INDEX ix_staff_subjects_staff_id ON staff_subjects (staff_id);

CREATE INDEX ix_staff_away_expires_at ON staff_away (expires_at);

CREATE INDEX ix_staff_asked_at ON staff_asked (at);

CREATE INDEX ix_palm_requests_device_id ON palm_requests (device_id);

CREATE INDEX ix_palm_requests_expires_at ON palm_requests (expires_at);

CREATE INDEX ix_palm_requests_person_id ON palm_requests (person_id);

CREATE INDEX ix_palm_requests_site ON palm_requests (site_id, state);
