// The registry of exchange types: adding one is a file and a line here.
import { direct } from './direct.ts'
import { fanout } from './fanout.ts'
import { headers } from './headers.ts'
import { topic } from './topic.ts'
import type { ExchangeType } from './exchange-type.ts'

export const exchangeTypes: ReadonlyMap<string, ExchangeType> = new Map(
  [direct, fanout, topic, headers].map((type) => [type.name, type]),
)
