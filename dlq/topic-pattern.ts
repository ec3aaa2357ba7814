// Whether a routing key fits a pattern of a topic exchange, for filters: one pattern against one key, where a
// trie (exchanges/topic.ts) has nothing to share. `*` is one word, `#` any number of them.

export function matchesTopic(pattern: string, key: string): boolean {
  const wanted = wordsOf(pattern)
  const words = wordsOf(key)
  // reached[n]: what was read of the pattern fits the first n words.
  let reached = [true, ...words.map(() => false)]
  for (const each of wanted) {
    const next = reached.map(() => false)
    for (const [at, isReached] of reached.entries()) {
      if (each === '#') next[at] = isReached || (at > 0 && next[at - 1]!)
      else if (at > 0) next[at] = reached[at - 1]! && (each === '*' || each === words[at - 1])
    }
    reached = next
  }
  return reached.at(-1)!
}

/** An empty key has no words; between and around dots an empty word is a word (RabbitMQ). */
function wordsOf(key: string): string[] {
  return key === '' ? [] : key.split('.')
}
