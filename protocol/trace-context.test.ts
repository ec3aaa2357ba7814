// What is a trace context, and what is as if it were not there.
import { expect, test } from 'vitest'
import { isTraceState, readTraceParent } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test('a traceparent is read', () => {
  expect(readTraceParent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1 })
  expect(readTraceParent(`00-${TRACE}-${SPAN}-00`)?.flags).toBe(0)
})

test('a later version may say more, which is ignored', () => {
  expect(readTraceParent(`01-${TRACE}-${SPAN}-03-more`))
    .toEqual({ traceId: TRACE, spanId: SPAN, flags: 3 })
})

test.each([
  ['nothing', ''],
  ['a number', 5],
  ['no text', undefined],
  ['the version that is none', `ff-${TRACE}-${SPAN}-01`],
  ['version 00 with more', `00-${TRACE}-${SPAN}-01-more`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a parent of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a long parent', `00-${TRACE}-${SPAN}0-01`],
  ['no flags', `00-${TRACE}-${SPAN}`],
  ['spaces around it', ` 00-${TRACE}-${SPAN}-01 `],
])('%s is no traceparent', (_, value) => {
  expect(readTraceParent(value)).toBeNull()
})

test('a tracestate is printable ASCII of up to 512 characters', () => {
  expect(['a=b,c=d', '', 'x'.repeat(512)].map(isTraceState)).toEqual([true, true, true])
  expect(['x'.repeat(513), 'a=\n', 'a=ü', 7, undefined].map(isTraceState))
    .toEqual([false, false, false, false, false])
})
