// Messages of a queue as lines of JSON in a file, and back: what `dlq export` and `dlq import` do. Called by
// dead-letters.ts. Invariant: neither has more of it in memory than a piece, but for a file that is read.
import { pathOf, Refused } from '../broker-client.ts'
import { readOperand, vhostOf } from '../command.ts'
import type { Call, Output } from '../command.ts'
import { CommandFailed } from '../command-failed.ts'
import { filterQuery } from './browse.ts'

/** In one request: every line of it is read before one is put. */
const LINES_MAX = 1_000
const CHARACTERS_MAX = 4_000_000

export async function exportLetters(call: Call): Promise<Output> {
  const { broker, operands: [queue = '', file = '-'], surroundings } = call
  const query = new URLSearchParams(filterQuery(call)).toString()
  const path = `/v1/queues${pathOf(vhostOf(call), queue)}/export${query === '' ? '' : `?${query}`}`
  let lines = 0
  let isNew = true
  for await (const text of broker.read(path)) {
    lines += text.split('\n').length - 1
    if (file === '-') surroundings.print(text)
    else if (isNew) surroundings.writeText(file, text)
    else surroundings.appendText(file, text)
    isNew = false
  }
  if (file === '-') return { value: null, text: '' }
  if (isNew) surroundings.writeText(file, '')
  return { value: { exported: lines }, text: `${lines} messages of queue ${queue} written to ${file}\n` }
}

export async function importLetters(call: Call): Promise<Output> {
  const { broker, operands: [queue = '', file = '-'] } = call
  const path = `/v1/queues${pathOf(vhostOf(call), queue)}/import`
  const total = { imported: 0, rejected: 0 }
  for (const { firstLine, text } of piecesOf(await readOperand(call, file))) {
    const { imported, rejected } = await broker.postText<typeof total>(path, text)
      .catch((error: unknown) => {
        if (!(error instanceof Refused) || firstLine === 1) throw error
        throw new CommandFailed(error.exit, `${error.message} (counted from line ${firstLine}; `
          + `${total.imported} messages before that were imported)`)
      })
    total.imported += imported
    total.rejected += rejected
  }
  const put = `${total.imported} messages put into queue ${queue}`
  if (total.rejected === 0) return { value: total, text: `${put}\n` }
  return { value: total, text: `${put}, ${total.rejected} rejected: it is full\n`, exit: 'notSo' }
}

function* piecesOf(text: string): Generator<{ readonly firstLine: number; readonly text: string }> {
  const lines = text.split('\n')
  let from = 0
  let characters = 0
  for (let at = 0; at < lines.length; at++) {
    characters += lines[at]!.length
    const isEnough = characters >= CHARACTERS_MAX || at - from + 1 >= LINES_MAX || at === lines.length - 1
    if (!isEnough) continue
    yield { firstLine: from + 1, text: lines.slice(from, at + 1).join('\n') }
    from = at + 1
    characters = 0
  }
}
