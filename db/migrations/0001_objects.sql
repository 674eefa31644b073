-- Everything that is configured. `objects` is append-only history; `current_objects` is its newest state, which
-- the constraints hold together: names are unique, what is referred to exists, an address has one owner.

CREATE TABLE revisions (
  revision      INTEGER PRIMARY KEY,
  created_at_ms INTEGER NOT NULL,
  author        TEXT NOT NULL,
  summary       TEXT NOT NULL
) STRICT;

CREATE TABLE objects (
  uid           TEXT NOT NULL,
  revision      INTEGER NOT NULL REFERENCES revisions (revision),
  kind          TEXT NOT NULL,
  namespace     TEXT NOT NULL,  -- empty for what stands outside namespaces
  name          TEXT NOT NULL,
  generation    INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  body          TEXT,           -- NULL: deleted in this revision
  PRIMARY KEY (uid, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_by_revision ON objects (revision);
CREATE INDEX objects_by_name ON objects (kind, namespace, name, revision);

CREATE TRIGGER objects_are_never_changed BEFORE UPDATE ON objects
  BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER objects_are_never_removed BEFORE DELETE ON objects
  BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

CREATE TABLE current_objects (
  uid           TEXT PRIMARY KEY,
  revision      INTEGER NOT NULL,
  kind          TEXT NOT NULL,
  namespace     TEXT NOT NULL,
  name          TEXT NOT NULL,
  generation    INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  body          TEXT NOT NULL,
  UNIQUE (kind, namespace, name),
  FOREIGN KEY (uid, revision) REFERENCES objects (uid, revision)
) STRICT, WITHOUT ROWID;

-- By name, as users write them: deleting and creating an object under one name in one write keeps what refers to it.
CREATE TABLE refs (
  from_uid     TEXT NOT NULL REFERENCES current_objects (uid) ON DELETE CASCADE,
  pointer      TEXT NOT NULL,   -- JSON pointer of the reference in the body; empty: lives in that namespace
  to_kind      TEXT NOT NULL,
  to_namespace TEXT NOT NULL,
  to_name      TEXT NOT NULL,
  PRIMARY KEY (from_uid, pointer),
  FOREIGN KEY (to_kind, to_namespace, to_name) REFERENCES current_objects (kind, namespace, name)
    DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE INDEX refs_by_target ON refs (to_kind, to_namespace, to_name);

-- (address, port, tcp|udp) belongs to one shard or pool; listeners there differ in hostname.
CREATE TABLE endpoints (
  address   TEXT NOT NULL,
  port      INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
  transport TEXT NOT NULL CHECK (transport IN ('tcp', 'udp')),
  owner     TEXT NOT NULL,      -- 'shard/NAME'
  PRIMARY KEY (address, port, transport),
  UNIQUE (address, port, transport, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint_claims (
  uid       TEXT PRIMARY KEY REFERENCES current_objects (uid) ON DELETE CASCADE,
  address   TEXT NOT NULL,
  port      INTEGER NOT NULL,
  transport TEXT NOT NULL,
  owner     TEXT NOT NULL,
  hostname  TEXT NOT NULL,
  UNIQUE (address, port, transport, hostname),
  FOREIGN KEY (address, port, transport, owner) REFERENCES endpoints (address, port, transport, owner)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER endpoints_end_with_their_last_claim AFTER DELETE ON endpoint_claims BEGIN
  DELETE FROM endpoints
    WHERE address = OLD.address AND port = OLD.port AND transport = OLD.transport
      AND NOT EXISTS (SELECT 1 FROM endpoint_claims c
        WHERE c.address = OLD.address AND c.port = OLD.port AND c.transport = OLD.transport);
END;

-- Numbers that a data plane needs and that must not change hands while something may still mean the old owner.
CREATE TABLE allocations (
  space       TEXT NOT NULL,
  key         TEXT NOT NULL,
  number      INTEGER NOT NULL,
  released_in INTEGER,          -- revision; NULL: in use
  PRIMARY KEY (space, key),
  UNIQUE (space, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX allocations_released ON allocations (space, released_in) WHERE released_in IS NOT NULL;

INSERT INTO revisions VALUES (1, unixepoch() * 1000, 'headgate', 'first start');
INSERT INTO objects
  SELECT lower(hex(randomblob(16))), 1, 'namespace', '', 'default', 1, unixepoch() * 1000, unixepoch() * 1000, '{}';
INSERT INTO current_objects
  SELECT uid, revision, kind, namespace, name, generation, created_at_ms, updated_at_ms, body FROM objects;
