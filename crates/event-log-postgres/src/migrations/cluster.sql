-- Who serves which merchant. Nothing of the log depends on these tables: they may be emptied at any time, and what keeps
-- two nodes from both writing a merchant is the epoch in kami_log.merchant. Builds of different age share them, so a
-- later build may only add columns that have a default. All instants are by this server's clock.

CREATE SCHEMA IF NOT EXISTS kami_cluster;

-- The nodes, each for as long as it says so.
CREATE TABLE IF NOT EXISTS kami_cluster.node (
  node        text COLLATE "C" NOT NULL PRIMARY KEY, -- its name
  process     text COLLATE "C" NOT NULL, -- which of the processes that ever had this name
  advertise   text             NOT NULL, -- where the others reach its HTTP; empty where they cannot
  version     text             NOT NULL, -- its build
  protocol    integer          NOT NULL, -- the newest form of forwarded requests that it reads
  merchants   text[]           NOT NULL, -- whom it may serve
  at_most     integer          NOT NULL, -- how many of them at once
  takes       boolean          NOT NULL, -- false while it is leaving
  alive_until timestamptz      NOT NULL
);

-- The merchants, each with the node that serves it until the lease ends.
CREATE TABLE IF NOT EXISTS kami_cluster.lease (
  merchant   text COLLATE "C" NOT NULL PRIMARY KEY,
  node       text COLLATE "C" NOT NULL DEFAULT '', -- empty: nobody has had it yet
  process    text COLLATE "C" NOT NULL DEFAULT '',
  term       bigint           NOT NULL DEFAULT 0,  -- raised whenever somebody takes it
  epoch      bigint           NOT NULL DEFAULT 0,  -- the log's epoch under which the node serves; 0 until it does
  expires_at timestamptz      NOT NULL DEFAULT '-infinity'
);

-- Work that is done beside the nodes, each kind for each merchant by one worker until the lease ends.
CREATE TABLE IF NOT EXISTS kami_cluster.work (
  work       text COLLATE "C" NOT NULL, -- which kind
  merchant   text COLLATE "C" NOT NULL,
  worker     text COLLATE "C" NOT NULL, -- its name
  process    text COLLATE "C" NOT NULL, -- which of the processes that ever had this name
  term       bigint           NOT NULL, -- raised whenever somebody takes it; from microseconds since 1970
  expires_at timestamptz      NOT NULL,
  PRIMARY KEY (work, merchant)
);
