// What an exchange that deduplicates has seen: asked when a route is found, told when the message is
// published. It is here for the shape; the broker gives an exchange the one that it has (queues/
// deduplication.ts). Invariant: asking changes nothing that anybody could see.

export interface DuplicateFilter {
  /** A message with this key came by before, and that still counts. */
  knows(key: string): boolean
}
