// Migration 1, applied by migrate.ts. Never edited once released: a change is a new file. For people: open
// the file with `sqlite3 'file:leveret.db?mode=ro'` and start at the views `queues` and `queue_messages`.
//
// The index covers what boot and purge need (count, bytes, users of shared bodies), so that neither reads a
// body: 1 M messages are indexed in under a second, read in six (reliability §4.4). `size` and `body_id`
// stand before the blobs so that a delete need not follow overflow pages to find them.

export const initial = `
CREATE TABLE messages (
  id          INTEGER PRIMARY KEY,     -- broker-wide order
  queue       INTEGER NOT NULL,
  size        INTEGER NOT NULL,        -- of the body, shared or not
  body_id     INTEGER,                 -- set when the body is shared with other queues
  crc         INTEGER NOT NULL,        -- crc32 of head, then body
  routing_key TEXT    NOT NULL,
  head        BLOB    NOT NULL,        -- store/head.ts: exchange, expiry, properties as on the wire
  body        BLOB                     -- the payload alone; NULL when it is shared
);
CREATE INDEX messages_by_queue ON messages (queue, id, size, body_id);

CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE redelivery (id INTEGER PRIMARY KEY, count INTEGER NOT NULL);

CREATE TABLE queue_scopes (queue INTEGER PRIMARY KEY, scope TEXT NOT NULL);
CREATE INDEX queue_scopes_by_scope ON queue_scopes (scope);

CREATE TABLE definitions (
  kind  TEXT NOT NULL,
  scope TEXT NOT NULL,                 -- the vhost; '' for what belongs to none
  name  TEXT NOT NULL,
  doc   TEXT NOT NULL,
  PRIMARY KEY (scope, kind, name)
) WITHOUT ROWID;

-- clean: 0 while an owner runs; lastId: at least every id of a message that is gone;
-- purge:<queue>: messages up to this id are gone, whether their rows are or not
CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE damaged (
  id     INTEGER NOT NULL,
  queue  INTEGER NOT NULL,
  found  INTEGER NOT NULL,             -- milliseconds since the epoch
  reason TEXT    NOT NULL,
  head   BLOB,
  body   BLOB
);

CREATE VIEW queues AS
  SELECT json_extract(doc, '$.id') AS id, scope, name FROM definitions WHERE kind = 'queue';

CREATE VIEW queue_messages AS
  SELECT q.scope, q.name AS queue, m.id, m.routing_key, CAST(coalesce(m.body, b.body) AS TEXT) AS body
  FROM messages m JOIN queues q ON q.id = m.queue LEFT JOIN bodies b ON b.id = m.body_id;
`
