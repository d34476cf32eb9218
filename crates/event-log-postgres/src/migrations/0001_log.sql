-- Version 1. Names and meanings of tables and columns are a public contract, the same as those of log.db: auditors and
-- analysts open the database with ordinary tools. Times are microseconds since 1970-01-01 UTC; event_readable shows
-- them as text. Texts compare byte by byte. Where a text that is not ours may hold any character (dedupe_key, number),
-- a backslash is stored as \\ and the character U+0000, which PostgreSQL does not store, as \0.

CREATE TABLE kami_log.event (
  merchant       text   COLLATE "C" NOT NULL, -- whose log
  position       bigint             NOT NULL, -- place in the merchant's log: 1, 2, 3, ... without a gap
  stream         text   COLLATE "C" NOT NULL, -- what it is about: order-..., pool-..., price-...
  version        bigint             NOT NULL, -- place in the stream: 0, 1, 2, ... without a gap
  type           text   COLLATE "C" NOT NULL, -- what happened
  schema_version integer            NOT NULL, -- the shape of the payload
  payload        text   COLLATE "C" NOT NULL, -- the fact (JSON)
  metadata       text   COLLATE "C" NOT NULL, -- event id, correlation, causation, actor, channel, epoch, unit (JSON)
  occurred_at    bigint             NOT NULL, -- when it happened, by the clock of whoever reported it
  recorded_at    bigint             NOT NULL, -- when it was recorded; never decreases along a log
  hash           bytea              NOT NULL, -- SHA-256 link of the merchant's chain
  PRIMARY KEY (merchant, position)
) PARTITION BY HASH (merchant);
CREATE UNIQUE INDEX event_stream ON kami_log.event (merchant, stream, version);

-- The head of each log. An append moves it, under the row's lock, from exactly where its writer believes it to be.
-- Room on the page lets the row move without touching its index.
CREATE TABLE kami_log.merchant (
  merchant    text   COLLATE "C" NOT NULL PRIMARY KEY,
  epoch       bigint             NOT NULL, -- the fencing token of the sequencer that owns the merchant
  position    bigint             NOT NULL, -- the last position; 0 for an empty log
  hash        bytea              NOT NULL, -- the hash of the last event; 32 zero bytes for an empty log
  recorded_at bigint             NOT NULL  -- when the last event was recorded; 0 for an empty log
) WITH (fillfactor = 25);

CREATE TABLE kami_log.inbox (
  merchant       text   COLLATE "C" NOT NULL,
  message        text   COLLATE "C" NOT NULL, -- our id of the inbound message
  account        text   COLLATE "C" NOT NULL, -- where it came in: channel/shop, or api/... for token holders
  dedupe_key     text   COLLATE "C",          -- the channel's own id of the message; NULL when it was not verified
  content_hash   bytea              NOT NULL, -- SHA-256 of what must be equal for a repeat to be a repeat
  verdict        text   COLLATE "C" NOT NULL, -- accepted, rejected, refused, parked or conflict
  reason         text   COLLATE "C" NOT NULL, -- why, as a code; empty when accepted
  sealed_request bytea              NOT NULL, -- the raw request, sealed
  sealed_answer  bytea              NOT NULL, -- the answer that was given, sealed
  first_position bigint,                      -- the first event it caused; NULL when it caused none
  last_position  bigint,                      -- the last event it caused; NULL when it caused none
  received_at    bigint             NOT NULL, -- when it came in
  PRIMARY KEY (merchant, message)
) PARTITION BY HASH (merchant);
CREATE UNIQUE INDEX inbox_dedupe ON kami_log.inbox (merchant, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX inbox_received ON kami_log.inbox (merchant, received_at, message);
CREATE INDEX inbox_account ON kami_log.inbox (merchant, account, received_at, message);
CREATE INDEX inbox_unusual ON kami_log.inbox (merchant, verdict, received_at, message) WHERE verdict <> 'accepted';
CREATE INDEX inbox_caused ON kami_log.inbox (merchant, last_position, first_position)
  WHERE last_position IS NOT NULL;

CREATE TABLE kami_log.number (
  merchant  text COLLATE "C" NOT NULL,
  kind      text COLLATE "C" NOT NULL, -- order or txn
  namespace text COLLATE "C" NOT NULL, -- within what the number is unique: an account
  number    text COLLATE "C" NOT NULL, -- the channel's own number
  order_id  text COLLATE "C" NOT NULL, -- the order of ours it stands for
  PRIMARY KEY (merchant, kind, namespace, number)
) PARTITION BY HASH (merchant);

CREATE TABLE kami_log.snapshot (
  merchant text   COLLATE "C" NOT NULL PRIMARY KEY,
  position bigint             NOT NULL, -- the last position it contains
  hash     bytea              NOT NULL, -- the hash at that position
  shape    text   COLLATE "C" NOT NULL, -- the shape of the saved state
  state    bytea              NOT NULL  -- the state, opaque; may be deleted at any time
);

-- Sixteen parts, each with indexes a sixteenth of the size, vacuumed and copied beside the others.
-- What is sealed does not compress: it is stored as it is.
DO $$
BEGIN
  FOR part IN 0 .. 15 LOOP
    EXECUTE format('CREATE TABLE kami_log.event_%s PARTITION OF kami_log.event
                    FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    EXECUTE format('CREATE TABLE kami_log.inbox_%s PARTITION OF kami_log.inbox
                    FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    EXECUTE format('CREATE TABLE kami_log.number_%s PARTITION OF kami_log.number
                    FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    EXECUTE format('ALTER TABLE kami_log.inbox_%s ALTER COLUMN sealed_request SET STORAGE EXTERNAL,
                    ALTER COLUMN sealed_answer SET STORAGE EXTERNAL', part);
  END LOOP;
END $$;
ALTER TABLE kami_log.snapshot ALTER COLUMN state SET STORAGE EXTERNAL;

CREATE VIEW kami_log.event_readable AS
SELECT merchant, position, stream, version, type, schema_version,
       to_char(timestamptz 'epoch' AT TIME ZONE 'UTC' + occurred_at * interval '1 microsecond',
               'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at,
       to_char(timestamptz 'epoch' AT TIME ZONE 'UTC' + recorded_at * interval '1 microsecond',
               'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
       metadata::json #>> '{actor,kind}' AS actor_kind,
       metadata::json #>> '{actor,id}' AS actor,
       metadata::json ->> 'channel' AS channel,
       payload, metadata, encode(hash, 'hex') AS hash
FROM kami_log.event;

-- Stores one append of one or several merchants, whole or not at all. One call is one statement and one transaction:
-- nothing waits for a writer between two messages. The heads come in the order of their names, so that two appends
-- never wait for each other in a circle. Refuses with KM001 and the head's number in the arrays, epoch and position.
CREATE FUNCTION kami_log.append(
  of_heads text[], epochs bigint[], froms bigint[], tos bigint[], last_hashes bytea[], last_recorded bigint[],
  event_merchant text[], event_position bigint[], event_stream text[], event_version bigint[], event_type text[],
  event_schema integer[], event_payload text[], event_metadata text[], event_occurred bigint[],
  event_recorded bigint[], event_hash bytea[],
  inbox_merchant text[], inbox_message text[], inbox_account text[], inbox_key text[], inbox_content bytea[],
  inbox_verdict text[], inbox_reason text[], inbox_request bytea[], inbox_answer bytea[], inbox_first bigint[],
  inbox_last bigint[], inbox_received bigint[],
  number_merchant text[], number_kind text[], number_namespace text[], number_number text[], number_order text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  head record;
BEGIN
  FOR n IN 1 .. cardinality(of_heads) LOOP
    UPDATE kami_log.merchant AS m
       SET position = tos[n], hash = coalesce(last_hashes[n], m.hash),
           recorded_at = coalesce(last_recorded[n], m.recorded_at)
     WHERE m.merchant = of_heads[n]
       AND m.epoch = epochs[n]
       AND m.position = froms[n];
    IF NOT FOUND THEN
      SELECT m.epoch, m.position INTO head FROM kami_log.merchant AS m WHERE m.merchant = of_heads[n];
      RAISE EXCEPTION USING ERRCODE = 'KM001', MESSAGE = 'the head of the log is elsewhere',
        DETAIL = concat_ws(' ', n - 1, coalesce(head.epoch, 0), coalesce(head.position, 0));
    END IF;
  END LOOP;
  INSERT INTO kami_log.event
  SELECT * FROM unnest(event_merchant, event_position, event_stream, event_version, event_type, event_schema,
                       event_payload, event_metadata, event_occurred, event_recorded, event_hash);
  IF cardinality(inbox_merchant) > 0 THEN
    INSERT INTO kami_log.inbox
    SELECT * FROM unnest(inbox_merchant, inbox_message, inbox_account, inbox_key, inbox_content, inbox_verdict,
                         inbox_reason, inbox_request, inbox_answer, inbox_first, inbox_last, inbox_received);
  END IF;
  IF cardinality(number_merchant) > 0 THEN
    INSERT INTO kami_log.number
    SELECT * FROM unnest(number_merchant, number_kind, number_namespace, number_number, number_order);
  END IF;
END $$;
