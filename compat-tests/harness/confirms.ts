// The broker's confirms on a raw connection, as the set of publishes they answer: confirms may be batched by
// `multiple` and come in any order (behaviours §6.1). Called by test files. Invariant: a tag answered twice
// is an error.

import type { RawClient } from './raw-client.ts'

export interface Confirmed {
  acked: number[]
  nacked: number[]
}

/** Reads acks and nacks on a channel that gets nothing else, until all tags up to `count` are answered. */
export async function confirmedTags(client: RawClient, count: number): Promise<Confirmed> {
  const isAckedByTag = new Map<number, boolean>()
  while (isAckedByTag.size < count) {
    const { name, args } = await client.nextMethod()
    if (name !== 'basic.ack' && name !== 'basic.nack') throw new Error(`expected a confirm, got ${name}`)
    const tag = args['delivery-tag'] as number
    const first = args['multiple'] === true ? 1 : tag
    const covered = Array.from({ length: tag - first + 1 }, (_, index) => first + index)
      .filter((each) => !isAckedByTag.has(each))
    if (covered.length === 0) throw new Error(`tag ${tag} confirmed twice`)
    for (const each of covered) isAckedByTag.set(each, name === 'basic.ack')
  }
  const tags = [...isAckedByTag.keys()].toSorted((a, b) => a - b)
  return {
    acked: tags.filter((tag) => isAckedByTag.get(tag) === true),
    nacked: tags.filter((tag) => isAckedByTag.get(tag) === false),
  }
}
