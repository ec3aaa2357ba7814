// Migration 2, applied by migrate.ts. Never edited once released. A level per message for queues with
// priorities, and views for people: what is in a head is decoded by SQL alone, because a shell has none of
// our functions, and at no cost to the broker, because nothing is stored twice.
//
// Layout of a head: store/head.ts. `h` is every byte's hex pair with commas between, then the hex text of the
// head: a byte's value is a third of the place where its pair is found first. `at` is a position in the head
// from 0. Views upon views with few parentheses: before 3.46 a view that nests deeply is "malformed database
// schema (parser stack overflow)", and the whole file with it (Debian 12 has 3.40).

const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
const u8 = (at: string): string => `instr(h, substr(h, ${PAIRS.join().length + 1} + 2 * (${at}), 2)) / 3`
const u16 = (at: string): string => `${u8(at)} << 8 | ${u8(`${at} + 1`)}`
const u32 = (at: string): string => `${u16(at)} << 8 | ${u8(`${at} + 2`)} << 8 | ${u8(`${at} + 3`)}`
const i64 = (at: string): string =>
  [4, 5, 6, 7].reduce((sql, n) => `${sql} << 8 | ${u8(`${at} + ${n}`)}`, u32(at))

/** AMQP 0-9-1 §4.2.6.1: the highest flag is the first property. s: short string, T: table, B: octet. */
const propertyRows = [
  ['content_type', 's'], ['content_encoding', 's'], ['headers', 'T'], ['delivery_mode', 'B'],
  ['priority', 'B'], ['correlation_id', 's'], ['reply_to', 's'], ['expiration', 's'], ['message_id', 's'],
  ['timestamp', 'l'], ['type', 's'], ['user_id', 's'], ['app_id', 's'], ['cluster_id', 's'],
].map(([name, type], place) => `(${place}, '${name}', '${type}')`).join(', ')

/** How many bytes a value takes, by type; tables and arrays are opened, not taken. */
const valueBytes = `CASE WHEN type IN ('S', 'x') THEN 4 + (${u32('at')}) WHEN type IN ('t', 'b', 'B') THEN 1
    WHEN type IN ('s', 'U', 'u') THEN 2 WHEN type IN ('I', 'i', 'f', 'F', 'A') THEN 4 WHEN type = 'D' THEN 5
    WHEN type = 'V' THEN 0 ELSE 8 END`

const valueJson = `CASE type
    WHEN 'S' THEN json_quote(CAST(substr(m.head, at + 5, ${u32('at')}) AS TEXT))
    WHEN 'x' THEN json_quote(hex(substr(m.head, at + 5, ${u32('at')})))
    WHEN 't' THEN iif(${u8('at')}, 'true', 'false') WHEN 'V' THEN 'null'
    WHEN 'F' THEN '{' WHEN 'A' THEN '['
    WHEN 'B' THEN ${u8('at')} WHEN 'b' THEN (${u8('at')} + 128) % 256 - 128
    WHEN 'u' THEN ${u16('at')}
    WHEN 's' THEN ((${u16('at')}) + 32768) % 65536 - 32768
    WHEN 'U' THEN ((${u16('at')}) + 32768) % 65536 - 32768
    WHEN 'i' THEN ${u32('at')} WHEN 'I' THEN ((${u32('at')}) + 2147483648) % 4294967296 - 2147483648
    WHEN 'D' THEN json_quote(${u32('at + 1')} || 'e-' || ${u8('at')})
    WHEN 'f' THEN json_quote(hex(substr(m.head, at + 1, 4)))
    WHEN 'd' THEN json_quote(hex(substr(m.head, at + 1, 8)))
    ELSE ${i64('at')} END`

export const readable = `
ALTER TABLE messages ADD COLUMN level INTEGER NOT NULL DEFAULT 0;   -- in queues with priorities
CREATE INDEX messages_by_level ON messages (queue, level, id) WHERE level > 0;

-- purge:<queue>:<after>: messages with after < id <= value are gone, whether their rows are or not
UPDATE state SET key = key || ':0' WHERE key LIKE 'purge:%' AND key NOT LIKE 'purge:%:%';

DROP VIEW queue_messages;
DROP VIEW queues;

CREATE VIEW purged AS
  SELECT CAST(substr(key, 7) AS INTEGER) AS queue, value AS last_id,
    CAST(substr(key, 8 + length(CAST(substr(key, 7) AS INTEGER))) AS INTEGER) AS after_id
  FROM state WHERE key LIKE 'purge:%';

CREATE VIEW queues AS
  SELECT q.id, q.vhost, q.name, q.arguments, count(m.id) AS messages, coalesce(sum(m.size), 0) AS bytes
  FROM (
    SELECT json_extract(doc, '$.id') AS id, scope AS vhost, name,
      json_extract(doc, '$.arguments') AS arguments
    FROM definitions WHERE kind = 'queue') q
  LEFT JOIN messages m ON m.queue = q.id AND NOT EXISTS (
    SELECT 1 FROM purged p WHERE p.queue = m.queue AND m.id > p.after_id AND m.id <= p.last_id)
  GROUP BY q.vhost, q.name;

-- message_heads, message_properties, message_headers: steps on the way to queue_messages
CREATE VIEW message_heads AS
  SELECT id, queue, size, body_id, routing_key, body, head, '${PAIRS.join()}' || hex(head) AS h
  FROM messages;

-- the properties but the headers as JSON, with the place of the headers: a step per property
CREATE VIEW message_properties AS
  SELECT m.*, (
    WITH RECURSIVE
      property(place, name, type) AS (VALUES ${propertyRows}),
      exchange_end(h, at, raw) AS (SELECT m.h, 12 + (${u16('2').replaceAll('(h,', '(m.h,')}), 0),
      start(h, at) AS (SELECT h, at + iif(${u8('1')} & 2, 1 + ${u8('at')}, 0) FROM exchange_end),
      walk(h, flags, place, at, json) AS (
        SELECT h, ${u16('at')}, 0, at + 2, '{}' FROM start
        UNION ALL
        SELECT h, flags << 1 & 65535, walk.place + 1,
          CASE WHEN flags < 32768 THEN at WHEN type = 's' THEN at + 1 + ${u8('at')}
            WHEN type = 'T' THEN at + 4 + (${u32('at')}) WHEN type = 'B' THEN at + 1 ELSE at + 8 END,
          CASE WHEN flags < 32768 THEN json
            WHEN type = 's' THEN
              json_set(json, '$.' || name, CAST(substr(m.head, at + 2, ${u8('at')}) AS TEXT))
            WHEN type = 'T' THEN json_set(json, '$.headers_at', at)
            WHEN type = 'B' THEN json_set(json, '$.' || name, ${u8('at')})
            ELSE json_set(json, '$.' || name, ${i64('at')}) END
        FROM walk JOIN property ON property.place = walk.place)
    SELECT json FROM walk WHERE place = 14) AS properties
  FROM message_heads m;

-- The headers as JSON, read as a stream: open holds what is open, innermost first, each with its kind and
-- where it ends. A step closes what has ended, or reads a key and a type, or, after that, the value. Bytes
-- and floating point stay hex.
CREATE VIEW message_headers AS
  SELECT m.*, (
    WITH RECURSIVE
      start(h, at) AS (SELECT m.h, json_extract(m.properties, '$.headers_at')),
      stream(h, at, json, open, type) AS (
        SELECT h, at + 4, '{', printf('F%09d', at + 4 + (${u32('at')})), NULL FROM start WHERE at IS NOT NULL
        UNION ALL
        SELECT h,
          CASE WHEN type IS NOT NULL THEN at + ${valueBytes} WHEN at >= substr(open, 2, 9) + 0 THEN at
            WHEN open LIKE 'F%' THEN at + 2 + ${u8('at')} ELSE at + 1 END,
          CASE WHEN type IS NOT NULL THEN json || ${valueJson}
            WHEN at >= substr(open, 2, 9) + 0 THEN json || iif(open LIKE 'F%', '}', ']')
            ELSE json || iif(substr(json, -1) IN ('{', '['), '', ',') || iif(open LIKE 'F%',
              json_quote(CAST(substr(m.head, at + 2, ${u8('at')}) AS TEXT)) || ':', '') END,
          CASE WHEN type IN ('F', 'A') THEN printf('%s%09d', type, at + 4 + (${u32('at')})) || open
            WHEN type IS NULL AND at >= substr(open, 2, 9) + 0 THEN substr(open, 11) ELSE open END,
          CASE WHEN type IS NULL AND at < substr(open, 2, 9) + 0 THEN
            CAST(substr(m.head, iif(open LIKE 'F%', at + 2 + ${u8('at')}, at + 1), 1) AS TEXT) END
        FROM stream WHERE open <> '')
    SELECT json FROM stream WHERE open = '') AS headers
  FROM message_properties m;

-- expires_at: 52 bits of a double behind a leading 1, shifted by its exponent; NULL for Infinity, never
CREATE VIEW queue_messages AS
  SELECT q.scope AS vhost, q.name AS queue, m.id,
    CAST(substr(m.head, 13, ${u16('2')}) AS TEXT) AS exchange,
    m.routing_key, m.size,
    CASE WHEN hex(substr(m.head, 5, 8)) <> '7FF0000000000000' THEN datetime(
      ((${i64('4')} & 4503599627370495 | 4503599627370496) >> (1075 - (${u16('4')} >> 4))) / 1000,
      'unixepoch') END AS expires_at,
    coalesce((SELECT count FROM redelivery r WHERE r.id = m.id), 0) AS deliveries,
    ${u8('1')} & 1 AS is_dead_letter,
    ${['content_type', 'content_encoding', 'delivery_mode', 'priority', 'correlation_id', 'reply_to',
    'expiration', 'message_id', 'timestamp', 'type', 'user_id', 'app_id']
    .map((name) => `json_extract(m.properties, '$.${name}') AS ${name}`).join(',\n    ')},
    m.headers,
    CAST(coalesce(m.body, (SELECT body FROM bodies b WHERE b.id = m.body_id)) AS TEXT) AS body
  FROM definitions q JOIN message_headers m ON m.queue = json_extract(q.doc, '$.id')
  WHERE q.kind = 'queue'
    AND NOT EXISTS (
      SELECT 1 FROM purged p WHERE p.queue = m.queue AND m.id > p.after_id AND m.id <= p.last_id);

CREATE VIEW dead_letters AS
  SELECT vhost, queue, id, routing_key,
    json_extract(headers, '$."x-first-death-queue"') AS first_death_queue,
    json_extract(headers, '$."x-first-death-reason"') AS first_death_reason,
    json_extract(headers, '$."x-death"') AS deaths, body
  FROM queue_messages WHERE is_dead_letter;
`
