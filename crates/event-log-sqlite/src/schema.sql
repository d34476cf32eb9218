-- Schema version 1. Names and meanings of tables and columns are a public contract: auditors and analysts
-- open this file with ordinary tools. Times are microseconds since 1970-01-01 UTC; event_readable shows
-- them as text. The comments inside the statements stay in the file (".schema" prints them).

CREATE TABLE event (
  merchant       TEXT    NOT NULL, -- whose log
  position       INTEGER NOT NULL, -- place in the merchant's log: 1, 2, 3, ... without a gap
  stream         TEXT    NOT NULL, -- what it is about: order-..., pool-..., price-...
  version        INTEGER NOT NULL, -- place in the stream: 0, 1, 2, ... without a gap
  type           TEXT    NOT NULL, -- what happened
  schema_version INTEGER NOT NULL, -- the shape of the payload
  payload        TEXT    NOT NULL, -- the fact (JSON)
  metadata       TEXT    NOT NULL, -- event id, correlation, causation, actor, channel, epoch, unit (JSON)
  occurred_at    INTEGER NOT NULL, -- when it happened, by the clock of whoever reported it
  recorded_at    INTEGER NOT NULL, -- when it was recorded; never decreases along a log
  hash           BLOB    NOT NULL, -- SHA-256 link of the merchant's chain
  PRIMARY KEY (merchant, position)
) STRICT;
CREATE UNIQUE INDEX event_stream ON event (merchant, stream, version);

CREATE TABLE merchant (
  merchant    TEXT    NOT NULL PRIMARY KEY,
  epoch       INTEGER NOT NULL, -- the fencing token of the sequencer that owns the merchant
  position    INTEGER NOT NULL, -- the last position; 0 for an empty log
  hash        BLOB    NOT NULL, -- the hash of the last event; 32 zero bytes for an empty log
  recorded_at INTEGER NOT NULL  -- when the last event was recorded; 0 for an empty log
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  merchant       TEXT    NOT NULL,
  message        TEXT    NOT NULL, -- our id of the inbound message
  account        TEXT    NOT NULL, -- where it came in: channel/shop, or api/... for token holders
  dedupe_key     TEXT,             -- the channel's own id of the message; NULL when it was not verified
  content_hash   BLOB    NOT NULL, -- SHA-256 of what must be equal for a repeat to be a repeat
  verdict        TEXT    NOT NULL, -- accepted, rejected, refused, parked or conflict
  reason         TEXT    NOT NULL, -- why, as a code; empty when accepted
  sealed_request BLOB    NOT NULL, -- the raw request, sealed
  sealed_answer  BLOB    NOT NULL, -- the answer that was given, sealed
  first_position INTEGER,          -- the first event it caused; NULL when it caused none
  last_position  INTEGER,          -- the last event it caused; NULL when it caused none
  received_at    INTEGER NOT NULL, -- when it came in
  PRIMARY KEY (merchant, message)
) STRICT;
CREATE UNIQUE INDEX inbox_dedupe ON inbox (merchant, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX inbox_received ON inbox (merchant, received_at, message);
CREATE INDEX inbox_account ON inbox (merchant, account, received_at, message);
CREATE INDEX inbox_unusual ON inbox (merchant, verdict, received_at, message) WHERE verdict <> 'accepted';
CREATE INDEX inbox_caused ON inbox (merchant, last_position, first_position) WHERE last_position IS NOT NULL;

CREATE TABLE number (
  merchant  TEXT NOT NULL,
  kind      TEXT NOT NULL, -- order or txn
  namespace TEXT NOT NULL, -- within what the number is unique: an account
  number    TEXT NOT NULL, -- the channel's own number
  order_id  TEXT NOT NULL, -- the order of ours it stands for
  PRIMARY KEY (merchant, kind, namespace, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot (
  merchant TEXT    NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL, -- the last position it contains
  hash     BLOB    NOT NULL, -- the hash at that position
  shape    TEXT    NOT NULL, -- the shape of the saved state
  state    BLOB    NOT NULL  -- the state, opaque; may be deleted at any time
) STRICT;

CREATE VIEW event_readable AS
SELECT merchant, position, stream, version, type, schema_version,
       strftime('%Y-%m-%dT%H:%M:%S', occurred_at / 1000000, 'unixepoch')
         || format('.%06dZ', occurred_at % 1000000) AS occurred_at,
       strftime('%Y-%m-%dT%H:%M:%S', recorded_at / 1000000, 'unixepoch')
         || format('.%06dZ', recorded_at % 1000000) AS recorded_at,
       metadata ->> '$.actor.kind' AS actor_kind,
       metadata ->> '$.actor.id' AS actor,
       metadata ->> '$.channel' AS channel,
       payload, metadata, lower(hex(hash)) AS hash
FROM event;

PRAGMA user_version = 1;
