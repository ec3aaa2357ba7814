// docs/durability.md names the test that holds each of its sentences: this one reads the page and fails when
// a test that it names is not there, or when a number in its table is not the programme's.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { programme } from './programme.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(`${root}docs/durability.md`, 'utf8')

/** What is named and missing. */
function missingTests(text: string, read: (file: string) => string): string[] {
  const named = [...text.matchAll(/`([\w./-]+\.test\.ts) › ([^`]+)`/g)]
  return named.filter(([, file = '', name = '']) => {
    const names = [...read(file).matchAll(/\b(?:test|it)(?:\.each\([^)]*\))?\(\s*['`](.*?)['`],/g)]
    return !names.some(([, found = '']) => found.includes(name))
  }).map(([whole]) => whole)
}

const readTest = (file: string): string => readFileSync(root + file, 'utf8')

test('every test that the page on durability names is there', () => {
  expect(page.match(/›/g)?.length).toBeGreaterThan(15)
  expect(missingTests(page, readTest)).toEqual([])
})

test('a sentence whose test is gone is told', () => {
  expect(missingTests('[`a.test.ts › holds`]', () => 'test(\'keeps its word\', () => {})')).toHaveLength(1)
  expect(missingTests('[`a.test.ts › keeps`]', () => 'test(\'keeps its word\', () => {})')).toEqual([])
})

test('the numbers of the page are those of the programme', () => {
  const rows = [...page.matchAll(/^\| `([\w-]+)`: [^|]+\| ([\d,]+) \| ([\d,]+) \|/gm)]
  const told = rows.map(([, name, pr = '', nightly = '']) => [name, pr, nightly])
  const known = Object.entries(programme).map(([name, { pr, nightly }]) => (
    [name, pr.toLocaleString('en'), nightly.toLocaleString('en')]))
  expect(told.toSorted()).toEqual(known.toSorted())
})
