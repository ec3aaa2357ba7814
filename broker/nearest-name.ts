// The name that somebody may have meant. config.ts puts it after every name it does not know. Invariant: two
// slips in a short name, or one in four letters of a long one, at most.

/** `: did you mean X?` when one of the known names is a slip or two away. */
export function suggestName(wrong: string, known: readonly string[]): string {
  const nearest = known
    .map((name) => ({ name, distance: editDistance(wrong, name) }))
    .reduce((best, each) => (each.distance < best.distance ? each : best))
  return nearest.distance <= Math.max(2, wrong.length / 4) ? `: did you mean ${nearest.name}?` : ''
}

/** Levenshtein's, a row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
