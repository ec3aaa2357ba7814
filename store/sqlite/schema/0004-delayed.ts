// Migration 4, applied by migrate.ts. Never edited once released. Messages that wait for their time: they are
// rows of `messages` like others, under the number of their queue below 0, and their level is when they are
// due, in milliseconds since the epoch; messages_by_level has them in that order. Here are the views.

export const delayed = `
CREATE VIEW delayed_messages AS
  SELECT q.scope AS vhost, q.name AS queue, m.id,
    datetime(d.level / 1000, 'unixepoch') AS due_at, d.level AS due_ms,
    m.routing_key, m.size,
    coalesce((SELECT count FROM redelivery r WHERE r.id = m.id), 0) AS deliveries,
    json_extract(m.properties, '$.message_id') AS message_id,
    m.headers,
    CAST(coalesce(m.body, (SELECT body FROM bodies b WHERE b.id = m.body_id)) AS TEXT) AS body
  FROM definitions q JOIN message_headers m ON m.queue = -json_extract(q.doc, '$.id')
  JOIN messages d ON d.id = m.id
  WHERE q.kind = 'queue' AND NOT EXISTS (
    SELECT 1 FROM purged p WHERE p.queue = m.queue AND m.id > p.after_id AND m.id <= p.last_id);
`
