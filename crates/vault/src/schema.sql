-- What the key-encryption key opens first. One row.
CREATE TABLE root (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    kek_version INTEGER NOT NULL,           -- counts rotations of the key-encryption key, from 1
    canary      BLOB    NOT NULL,           -- a known text; does not open under a wrong key
    pepper      BLOB    NOT NULL            -- root of fingerprints, pseudonyms and token digests
) STRICT;

-- Data keys, each wrapped by the key-encryption key. Rotation rewrites `wrapped` and nothing else.
CREATE TABLE data_key (
    id       INTEGER PRIMARY KEY,
    merchant TEXT    NOT NULL,
    purpose  TEXT    NOT NULL CHECK (purpose IN ('card_keys', 'messages', 'subjects', 'settings')),
    batch    INTEGER NOT NULL,              -- the batch of card keys; 0 for the other purposes
    seals    INTEGER NOT NULL,              -- how many texts it has sealed; a new key is made at 2^20
    wrapped  BLOB    NOT NULL
) STRICT;
CREATE INDEX data_key_owner ON data_key (merchant, purpose, batch, id);

-- Within one namespace no two card keys share a fingerprint.
CREATE TABLE namespace (
    id       INTEGER PRIMARY KEY,
    merchant TEXT NOT NULL,
    family   TEXT NOT NULL,
    UNIQUE (merchant, family)
) STRICT;

CREATE TABLE key_batch (
    id        INTEGER PRIMARY KEY,
    merchant  TEXT    NOT NULL,
    batch     INTEGER NOT NULL,             -- the number the log knows it by
    sku       TEXT    NOT NULL,
    namespace INTEGER NOT NULL REFERENCES namespace (id),
    UNIQUE (merchant, batch)
) STRICT;

CREATE TABLE card_key (
    key_batch   INTEGER NOT NULL REFERENCES key_batch (id),
    place       INTEGER NOT NULL,           -- the index in the batch, from 0
    namespace   INTEGER NOT NULL REFERENCES namespace (id),
    fingerprint BLOB    NOT NULL,           -- 16 bytes of a keyed digest over the normalised code
    data_key    INTEGER NOT NULL REFERENCES data_key (id),
    sealed      BLOB    NOT NULL,
    PRIMARY KEY (key_batch, place)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX card_key_fingerprint ON card_key (namespace, fingerprint);

-- People. `wrapped` is the person's own key; without it `sealed` is noise.
CREATE TABLE subject (
    merchant TEXT    NOT NULL,
    buyer    TEXT    NOT NULL,
    data_key INTEGER NOT NULL REFERENCES data_key (id),
    wrapped  BLOB    NOT NULL,
    sealed   BLOB    NOT NULL,
    PRIMARY KEY (merchant, buyer)
) STRICT, WITHOUT ROWID;

-- Channel set-up, which holds secrets.
CREATE TABLE setting (
    merchant TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    data_key INTEGER NOT NULL REFERENCES data_key (id),
    sealed   BLOB    NOT NULL,
    PRIMARY KEY (merchant, account)
) STRICT, WITHOUT ROWID;

-- Operator tokens: a keyed digest, never the secret.
CREATE TABLE token (
    public_id TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    digest    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Until when each poll of an account has fetched. Not secret; losing it costs repeats only.
CREATE TABLE poll_mark (
    merchant TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    poll     TEXT    NOT NULL,
    until_us INTEGER NOT NULL,              -- microseconds since 1970, UTC
    PRIMARY KEY (merchant, account, poll)
) STRICT, WITHOUT ROWID;
