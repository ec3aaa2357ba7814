// A listing by the query's wishes: filtered by name, sorted, one page of it, some columns of that. Without
// `sort` only the rows of the page are shown, so that a page of a hundred queues costs a hundred, whatever
// there are. Called by server.ts.
//
//   rows ─ name ─▶ filtered ─ sort ─▶ ordered ─ page ─▶ shown ─ columns ─▶ JSON, in slices
import type { Listing } from './answer.ts'
import { parseColumns, pickColumns, valueAt } from './columns.ts'
import { matchNames } from './name-filter.ts'
import { parsePage, startOfPage } from './paging.ts'
import type { PageWish, Query } from './paging.ts'
import { inSlices, sortedInSlices } from './slices.ts'

const PIECE_CHARACTERS = 65_536

/** In pieces. Errors: HttpError for a page that is not there or cannot be. */
export async function renderListing(listing: Listing, query: Query, isPaged: boolean): Promise<Buffer[]> {
  const wish = isPaged ? parsePage(query) : null
  const filtered = wish === null || wish.name === '' ? listing.rows : filter(listing, wish)
  const ordered = query['sort'] === undefined || query['sort'] === ''
    ? await sortedByName(listing, filtered, query) : await sortedBy(listing, filtered, query['sort'], query)
  const start = wish === null ? 0 : startOfPage(wish, filtered.length)
  const page = wish === null ? ordered.rows : ordered.rows.slice(start, start + wish.pageSize)
  const items = await toJson(page, ordered.show, query)
  if (wish === null) return items
  const head = pageHead(wish, listing.rows.length, filtered.length, page.length)
  return [Buffer.from(head), ...items, Buffer.from('}')]
}

interface Ordered {
  readonly rows: readonly unknown[]
  readonly show: (row: unknown) => object
}

function filter(listing: Listing, { name, isPattern }: PageWish): readonly unknown[] {
  return matchNames(listing.rows.map(listing.name), name, isPattern).map((at) => listing.rows[at])
}

async function sortedByName(listing: Listing, rows: readonly unknown[], query: Query): Promise<Ordered> {
  const { name, vhost } = listing
  const sorted = await sortedInSlices(rows, (a, b) => {
    const order = compareTexts(vhost(a), vhost(b))
    return order === 0 ? compareTexts(name(a), name(b)) : order
  })
  return { rows: inOrder(sorted, query), show: listing.show }
}

function inOrder<T>(sorted: readonly T[], query: Query): readonly T[] {
  return query['sort_reverse'] === 'true' ? sorted.toReversed() : sorted
}

/** Every row has to be shown to know its place. A sort of RabbitMQ's: what is not there comes first. */
async function sortedBy(
  listing: Listing, rows: readonly unknown[], sort: string, query: Query,
): Promise<Ordered> {
  const path = sort.split('.')
  const keyed: { shown: object; key: unknown }[] = []
  await inSlices(rows, (row) => {
    const shown = listing.show(row)
    keyed.push({ shown, key: valueAt(shown, path) })
  })
  const sorted = await sortedInSlices(keyed, (a, b) => compare(a.key, b.key))
  return { rows: inOrder(sorted, query).map(({ shown }) => shown), show: (row) => row as object }
}

/** Numbers before booleans before texts, as RabbitMQ's terms are ordered. */
function compare(a: unknown, b: unknown): number {
  const rank = rankOf(a) - rankOf(b)
  if (rank !== 0) return rank
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  return Number(a === true) - Number(b === true)
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function rankOf(value: unknown): number {
  const types = ['undefined', 'number', 'boolean', 'object', 'string']
  return value === null ? 0 : types.indexOf(typeof value)
}

/** The JSON array in pieces, so that no turn has to encode all of it. */
async function toJson(
  rows: readonly unknown[], show: (row: unknown) => object, query: Query,
): Promise<Buffer[]> {
  const columns = parseColumns(query['columns'])
  const pieces: Buffer[] = []
  let piece = '['
  let separator = ''
  await inSlices(rows, (row) => {
    const shown = show(row)
    piece += separator + JSON.stringify(columns === null ? shown : pickColumns(shown, columns))
    separator = ','
    if (piece.length < PIECE_CHARACTERS) return
    pieces.push(Buffer.from(piece))
    piece = ''
  })
  pieces.push(Buffer.from(`${piece}]`))
  return pieces
}

function pageHead({ page, pageSize }: PageWish, total: number, filtered: number, items: number): string {
  return `{"total_count":${total},"filtered_count":${filtered},"item_count":${items},"page":${page},`
    + `"page_size":${pageSize},"page_count":${Math.ceil(filtered / pageSize)},"items":`
}
