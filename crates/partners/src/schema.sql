-- What partners are to be told. Disposable, like the read models: made again from the log, at the cost of repeats.
CREATE TABLE IF NOT EXISTS place (
    merchant TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,             -- the last event of the log that was taken in
    hash     BLOB    NOT NULL              -- its hash, which tells logs apart
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS subscription (
    merchant  TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    url       TEXT    NOT NULL,
    types     TEXT    NOT NULL,            -- public types, separated by spaces; empty for all
    since     INTEGER NOT NULL,            -- the position at which it began: nothing before is told
    stopped   TEXT,                        -- why nothing is sent, until it is set again
    taken     INTEGER NOT NULL DEFAULT 0,  -- how many deliveries were taken
    PRIMARY KEY (merchant, name)
) STRICT, WITHOUT ROWID;

-- What is not taken yet. What is taken is deleted.
CREATE TABLE IF NOT EXISTS delivery (
    merchant   TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    event_type TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'dead')),
    tries      INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL,           -- microseconds since 1970, UTC
    last_error TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (merchant, name, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_order ON delivery (merchant, name, state, stream, position);
