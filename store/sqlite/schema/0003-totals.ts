// Migration 3, applied by migrate.ts. Never edited once released. How many messages and bytes a queue has,
// kept with every commit: counting 10 million entries of the index took seconds of a start that is to take
// one. What is purged and not yet deleted is still counted. The users of a shared body are counted when it
// loses one, by an index of its own, which costs nothing for bodies that are not shared.

export const totals = `
ALTER TABLE queue_scopes ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue_scopes ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE queue_scopes SET (count, bytes) =
  (SELECT count(*), coalesce(sum(size), 0) FROM messages WHERE messages.queue = queue_scopes.queue);

CREATE INDEX messages_by_body ON messages (body_id) WHERE body_id IS NOT NULL;
`
