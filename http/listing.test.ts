// Filtering, sorting, paging and columns of a list, by RabbitMQ's rules.
import { describe, expect, test } from 'vitest'
import { listing } from './answer.ts'
import type { Listing } from './answer.ts'
import { renderListing } from './listing.ts'
import type { Query } from './paging.ts'

const rows = [
  { name: 'b', vhost: '/', count: 2, stats: { rate: 5 } },
  { name: 'Hop', vhost: '/', count: 1, stats: { rate: 7 } },
  { name: 'a', vhost: 'z', count: 3 },
  { name: 'hare', vhost: '/', count: 9, stats: { rate: 0 } },
]
const list = listing(rows, { name: (row) => row.name, vhost: (row) => row.vhost, show: (row) => row })

/** The body, decoded. */
async function render(from: Listing, query: Query, isPaged: boolean): Promise<unknown> {
  return JSON.parse(Buffer.concat(await renderListing(from, query, isPaged)).toString()) as unknown
}

async function names(query: Query, isPaged = true): Promise<string[]> {
  const answer = await render(list, query, isPaged) as { items: { name: string }[] }
  return ('items' in answer ? answer.items : answer as { name: string }[]).map(({ name }) => name)
}

function page(query: Query): Promise<unknown> {
  return render(list, query, true)
}

describe('a list', () => {
  test('is ordered by vhost and name', async () => {
    expect(await names({})).toEqual(['Hop', 'b', 'hare', 'a'])
    expect(await names({ sort_reverse: 'true' })).toEqual(['a', 'hare', 'b', 'Hop'])
  })

  test('is sorted by a dotted path, and what lacks it comes first', async () => {
    expect(await names({ sort: 'stats.rate' })).toEqual(['a', 'hare', 'b', 'Hop'])
    expect(await names({ sort: 'count', sort_reverse: 'true' })).toEqual(['hare', 'a', 'b', 'Hop'])
    expect(await names({ sort: 'nonsense' })).toHaveLength(4)
  })

  test('has the columns that are asked for', async () => {
    const answer = await render(list, { columns: 'name,stats.rate' }, false)
    expect(answer).toContainEqual({ name: 'hare', stats: { rate: 0 } })
    expect(answer).toContainEqual({ name: 'a' })
  })

  test('without rows is an empty array', async () => {
    const none = listing([], { name: String, vhost: String, show: () => ({}) })
    expect(await render(none, {}, true)).toEqual([])
    expect(await render(none, { page: '1' }, true)).toMatchObject({
      items: [], page_count: 0, total_count: 0,
    })
  })

  test('that is not paged has no pages and no filter', async () => {
    expect(await names({ page: '9', name: 'hare' }, false)).toHaveLength(4)
  })
})

describe('a page', () => {
  test('says where it is', async () => {
    expect(await page({ page: '2', page_size: '3' })).toEqual({
      total_count: 4, filtered_count: 4, item_count: 1, page: 2, page_size: 3, page_count: 2,
        items: [rows[2]],
    })
  })

  test('is filtered by a part of the name, in any case', async () => {
    expect(await page({ page: '1', name: 'h' })).toMatchObject({ total_count: 4, filtered_count: 2,
      item_count: 2 })
    expect(await names({ name: 'h' })).toHaveLength(4)
  })

  test('is filtered by a pattern', async () => {
    expect(await names({ page: '1', name: '^h.*p$', use_regex: 'true' })).toEqual(['Hop'])
    expect(await names({ page: '1', name: '(', use_regex: 'true' })).toEqual([])
  })

  test('refuses a pattern that never ends', async () => {
    const evil = listing([{ name: 'a'.repeat(200) }],
      { name: (row) => row.name, vhost: () => '', show: (row) => row })
    const answer = renderListing(evil, { page: '1', name: '^(a+)+b$', use_regex: 'true' }, true)
    await expect(answer).rejects.toMatchObject({ status: 400 })
  })

  test.each([
    ['0', undefined, 'Invalid pagination parameters: page number 0, page size undefined'],
    ['1', '501', 'Invalid pagination parameters: page number 1, page size 501'],
    ['x', undefined, 'Pagination parameters are invalid'],
    ['1', 'x', 'Pagination parameters are invalid'],
    ['3', '2', 'Page out of range, page: 3 page size: 2, len: 4'],
  ])('%s of size %s is refused', async (number, size, reason) => {
    await expect(page({ page: number, page_size: size })).rejects.toMatchObject({ status: 400, reason })
  })
})
