// The registry of exchange types: adding one is a file and a line here.
import { consistentHash } from './consistent-hash.ts'
import { delayedMessage } from './delayed-message.ts'
import { direct } from './direct.ts'
import { fanout } from './fanout.ts'
import { headers } from './headers.ts'
import { localRandom } from './local-random.ts'
import { messageDeduplication } from './message-deduplication.ts'
import { modulusHash } from './modulus-hash.ts'
import { random } from './random.ts'
import { recentHistory } from './recent-history.ts'
import { topic } from './topic.ts'
import type { ExchangeType } from './exchange-type.ts'

export const exchangeTypes: ReadonlyMap<string, ExchangeType> = new Map(
  [
    direct, fanout, topic, headers, consistentHash, modulusHash, random, localRandom, recentHistory,
    messageDeduplication, delayedMessage((name) => exchangeTypes.get(name) ?? null),
  ].map((type) => [type.name, type]),
)
