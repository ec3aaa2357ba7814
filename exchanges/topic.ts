// topic: binding keys are patterns of words between dots, `*` one word, `#` any number of them (AMQP 0-9-1
// §3.1.3.3). A trie of words: routing walks only the branches that match, so its cost does not grow with the
// bindings that do not.
//
//   a.*.c   a.#          root ─ a ┬ * ─ c ●
//                                 └ # ●
import { preconditionFailed } from '../protocol/errors.ts'
import { DestinationCounts } from './destination-counts.ts'
import type { Binding, Destination } from './binding.ts'
import type { ExchangeType, HeaderSource, Router } from './exchange-type.ts'
import type { RouteSet } from './route-set.ts'

/** RabbitMQ since 4.3.5: each `#` multiplies the paths that a long key can take through the trie. */
const HASHES_MAX = 2

/** Most nodes have either words or destinations, so neither is made before it is needed. */
class TrieNode {
  words: Map<string, TrieNode> | null = null
  destinations: DestinationCounts | null = null

  get isEmpty(): boolean {
    return this.words === null && this.destinations === null
  }

  /** The node of a word below this one, made when it is not there. */
  under(word: string): TrieNode {
    this.words ??= new Map()
    let next = this.words.get(word)
    if (next === undefined) this.words.set(word, next = new TrieNode())
    return next
  }

  cut(word: string): void {
    this.words!.delete(word)
    if (this.words!.size === 0) this.words = null
  }

  remove(destination: Destination): void {
    this.destinations?.remove(destination)
    if (this.destinations?.isEmpty === true) this.destinations = null
  }
}

/** An empty key has no words; but between and around dots an empty word is a word (RabbitMQ). */
function wordsOf(key: string): string[] {
  return key === '' ? [] : key.split('.')
}

class TopicRouter implements Router {
  readonly isRepeatable = true
  readonly takesEveryKey = true
  private readonly root = new TrieNode()

  bind(binding: Binding): void {
    let node = this.root
    for (const word of wordsOf(binding.routingKey)) node = node.under(word)
    node.destinations ??= new DestinationCounts()
    node.destinations.add(binding.destination)
  }

  unbind(binding: Binding): void {
    const words = wordsOf(binding.routingKey)
    const path = [this.root]
    for (const word of words) {
      const next = path.at(-1)!.words?.get(word)
      if (next === undefined) return
      path.push(next)
    }
    path.at(-1)!.remove(binding.destination)
    for (let depth = words.length; depth > 0 && path[depth]!.isEmpty; depth--) {
      path[depth - 1]!.cut(words[depth - 1]!)
    }
  }

  route(routingKey: string, _headers: HeaderSource, out: RouteSet): void {
    walk(this.root, wordsOf(routingKey), 0, out)
  }
}

function walk(node: TrieNode, words: readonly string[], at: number, out: RouteSet): void {
  const { words: below } = node
  const hash = below?.get('#')
  if (hash !== undefined) {
    for (let rest = at; rest <= words.length; rest++) walkBelowHash(hash, words, rest, out)
  }
  if (at === words.length) {
    node.destinations?.addAllTo(out)
    return
  }
  if (below === null) return
  const star = below.get('*')
  if (star !== undefined) walk(star, words, at + 1, out)
  const word = words[at]!
  // A published `*` is a word like any other; the branch of that name has been walked.
  if (word === '*' || word === '#') return
  const next = below.get(word)
  if (next !== undefined) walk(next, words, at + 1, out)
}

/** A `#` that ends its pattern takes all the rest, so only the last position may count it. */
function walkBelowHash(hash: TrieNode, words: readonly string[], rest: number, out: RouteSet): void {
  if (rest === words.length || hash.words !== null) walk(hash, words, rest, out)
}

export const topic: ExchangeType = {
  name: 'topic',
  createRouter: () => new TopicRouter(),
  validateBinding(routingKey) {
    const hashes = wordsOf(routingKey).filter((word) => word === '#').length
    if (hashes > HASHES_MAX) {
      throw preconditionFailed(
        `Topic binding key '${routingKey}' uses ${hashes} '#' wildcards, at most ${HASHES_MAX} are allowed`)
    }
  },
}
