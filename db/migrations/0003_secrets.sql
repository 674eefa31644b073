-- Private keys, passwords and the like: sealed (dataplane/tls/sealed_box.hpp) by a key that is not in this database.
-- Bodies name them by digest. A secret lives as long as a kept revision's body names it, which is what the references
-- below hold: revisions are never removed, so neither are secrets.

CREATE TABLE secrets (
  digest TEXT PRIMARY KEY CHECK (length(digest) = 64),  -- SHA-256 of what is sealed
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE object_secrets (
  uid      TEXT NOT NULL,
  revision INTEGER NOT NULL,
  digest   TEXT NOT NULL REFERENCES secrets (digest),
  PRIMARY KEY (uid, revision),
  FOREIGN KEY (uid, revision) REFERENCES objects (uid, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX object_secrets_by_digest ON object_secrets (digest);

-- Of the installation itself, in no revision: a rollback must not bring back an old one.
CREATE TABLE cluster_secrets (
  name   TEXT PRIMARY KEY,
  digest TEXT NOT NULL REFERENCES secrets (digest)
) STRICT, WITHOUT ROWID;
