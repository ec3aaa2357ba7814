// The queues that the simulated clients share, and what may become of a message in each: facts for clients
// and checker alike. Invariant: of the queues that one message goes to at most one has a dead-letter queue,
// so that a letter is known by its message.
import { tableOf } from '../../protocol/table-encode.ts'
import type { FieldTable } from '../../protocol/table.ts'

export interface QueueRow {
  readonly name: string
  readonly isDurable: boolean
  readonly arguments: FieldTable
  /** Where its dead letters go, through the default exchange. */
  readonly deadLetters: string | null
  /** A full one refuses: its publishers may get a nack, and nobody ever the message. */
  readonly refuses: boolean
  /** Consumed without acks: a message is gone once it was handed out, wherever it got. */
  readonly isNoAck: boolean
  /** Purged now and then. */
  readonly isSwept: boolean
  /** What one publisher sends there is a group, whatever else it is. */
  readonly isGrouped: boolean
}

function row(name: string, more: Partial<Omit<QueueRow, 'arguments'>> = {}, args = {}): QueueRow {
  const { deadLetters = null } = more
  const letters = deadLetters === null
    ? {} : { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': deadLetters }
  return {
    isDurable: true, deadLetters, refuses: false, isNoAck: false, isSwept: false, isGrouped: false, ...more,
    name,
    arguments: tableOf({ ...args, ...letters }),
  }
}

/** The header that says which publisher a message is from, where that matters. */
export const GROUP_HEADER = 'publisher'

/** The fanout exchange leads to left and right. */
export const FAN = 'fan'
/** Last, wherever queues are looked at in order: what dies elsewhere ends here. */
const DEAD = row('dead')

const PLAIN: readonly QueueRow[] = [
  row('work'), row('left'), row('right'), row('brief', { isDurable: false }),
]

/** Each seed has some of them. */
const FEATURES: readonly QueueRow[] = [
  row('timed', { deadLetters: 'dead' }, { 'x-message-ttl': 60 }),
  row('capped', { deadLetters: 'dead' }, { 'x-max-length': 8 }),
  row('poison', { deadLetters: 'dead' }),
  row('strict', { refuses: true }, { 'x-max-length': 8, 'x-overflow': 'reject-publish' }),
  row('ranked', {}, { 'x-max-priority': 3 }),
  row('loose', { isNoAck: true }),
  row('swept', { isSwept: true }),
  row('grouped', { isGrouped: true }, { 'x-group-header': GROUP_HEADER }),
]

/** What is due goes by the wall clock: only where that does not jump. */
export const RETRIED: readonly QueueRow[] = [
  row('retried', { deadLetters: 'dead' }, { 'x-retry-delay': '20,60' }),
  row('patient', { deadLetters: 'dead', isGrouped: true }, {
    'x-retry-delay': '20,60', 'x-group-header': GROUP_HEADER, 'x-queue-type': 'quorum',
  }),
]

/** `isChosen` is asked once for each feature. */
export function drawQueues(isChosen: () => boolean, more: readonly QueueRow[] = []): readonly QueueRow[] {
  const features = [...FEATURES.filter(isChosen), ...more]
  return [...PLAIN, ...features, ...(features.some((each) => each.deadLetters !== null) ? [DEAD] : [])]
}

export const PRIORITY_MAX = 3

export interface Target {
  readonly exchange: string
  readonly routingKey: string
  readonly queues: readonly string[]
  readonly refuses: boolean
  readonly isGrouped: boolean
}

/** Where publishers publish to; the plain ones more often. */
export function targetsOf(queues: readonly QueueRow[]): readonly Target[] {
  const direct = (name: string): Target => {
    const { refuses = false, isGrouped = false } = queues.find((each) => each.name === name) ?? {}
    return { exchange: '', routingKey: name, queues: [name], refuses, isGrouped }
  }
  const plain = { refuses: false, isGrouped: false }
  const fan = { exchange: FAN, routingKey: '', queues: ['left', 'right'], ...plain }
  const nowhere = { exchange: '', routingKey: 'nowhere', queues: [], ...plain }
  return [
    direct('work'), direct('work'), fan, fan, nowhere,
    ...queues.filter(({ name }) => !['work', 'right', 'dead'].includes(name)).map(({ name }) => direct(name)),
  ]
}
