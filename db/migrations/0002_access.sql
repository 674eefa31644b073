-- Who may do what, and who did. Secrets are kept as SHA-256 only. Not part of any revision: a rollback must not
-- bring back a token.

CREATE TABLE tokens (
  name          TEXT PRIMARY KEY,
  uid           TEXT NOT NULL UNIQUE,
  generation    INTEGER NOT NULL,
  role          TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer', 'editor')),
  namespaces    TEXT NOT NULL,  -- names, joined by commas
  expires_at_ms INTEGER,        -- NULL: never
  secret_sha256 TEXT NOT NULL UNIQUE CHECK (length(secret_sha256) = 64),
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A node has at most one open enrolment and one credential; both end with the node.
CREATE TABLE node_enrolments (
  node_uid      TEXT PRIMARY KEY REFERENCES current_objects (uid) ON DELETE CASCADE,
  token_sha256  TEXT NOT NULL UNIQUE CHECK (length(token_sha256) = 64),
  expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE node_credentials (
  node_uid          TEXT PRIMARY KEY REFERENCES current_objects (uid) ON DELETE CASCADE,
  credential_sha256 TEXT NOT NULL UNIQUE CHECK (length(credential_sha256) = 64),
  created_at_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  number    INTEGER PRIMARY KEY,
  at_ms     INTEGER NOT NULL,
  author    TEXT NOT NULL,
  verb      TEXT NOT NULL,      -- create, update, delete, enrol, …
  kind      TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name      TEXT NOT NULL,
  revision  INTEGER             -- NULL: what it did is in no revision
) STRICT;
