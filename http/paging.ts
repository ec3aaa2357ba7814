// The page that a query asks for, in RabbitMQ's limits and words. Without `page` there is none: then
// `page_size` and `name` count for nothing.
import { badRequest, HttpError } from './errors.ts'

const PAGE_SIZE = 100
const PAGE_SIZE_MAX = 500

export interface PageWish {
  readonly page: number
  readonly pageSize: number
  /** Empty: every name. */
  readonly name: string
  readonly isPattern: boolean
}

export type Query = Readonly<Record<string, string | undefined>>

/** Errors: HttpError. */
export function parsePage(query: Query): PageWish | null {
  const { page, page_size: size, name = '', use_regex: pattern } = query
  if (page === undefined) return null
  if (!isInteger(page) || (size !== undefined && !isInteger(size))) {
    throw badRequest('Pagination parameters are invalid')
  }
  const pageSize = size === undefined ? PAGE_SIZE : Number(size)
  if (Number(page) < 1 || pageSize < 1 || pageSize > PAGE_SIZE_MAX) {
    throw new HttpError(400, 'invalid_pagination_parameters',
      `Invalid pagination parameters: page number ${Number(page)}, page size ${size ?? 'undefined'}`)
  }
  return { page: Number(page), pageSize, name, isPattern: pattern === 'true' }
}

/**
 * Where the page starts among `count` rows. Errors: HttpError beyond the last page; an empty list has page 1.
 */
export function startOfPage({ page, pageSize }: PageWish, count: number): number {
  const start = (page - 1) * pageSize
  if (start < count || page === 1) return start
  throw new HttpError(400, 'page_out_of_range',
    `Page out of range, page: ${page} page size: ${pageSize}, len: ${count}`)
}

function isInteger(text: string): boolean {
  return /^-?\d{1,9}$/.test(text)
}
