// A pair of seats in a vhost of its own, which nothing has been in: what a broker kept of other programs, as
// RabbitMQ does of a queue that is gone and of which amq.direct still has a route, is not there. Called by
// run.ts for programs that seem to differ; a vhost for each of all programs would take longer than they do.

import { Management } from './management.ts'
import type { BrokerPlace } from './management.ts'
import { Seat } from './stage.ts'
import type { Bench } from './verdict.ts'

let made = 0

/** Null where a broker has no management API to make one by. */
export async function onCleanBench<Result>(
  places: Readonly<Record<keyof Bench, BrokerPlace>>, work: (bench: Bench) => Promise<Result>,
): Promise<Result | null> {
  if (places.leveret.httpUrl === null || places.rabbit.httpUrl === null) return null
  const number = made++
  const vhost = `fuzz-${process.pid}-${number}`
  const [leveret, rabbit] = [await moved(places.leveret, vhost), await moved(places.rabbit, vhost)]
  const bench = { leveret: new Seat(leveret, 1_000 + number), rabbit: new Seat(rabbit, 1_000 + number) }
  try {
    return await work(bench)
  } finally {
    bench.leveret.end()
    bench.rabbit.end()
    await Promise.all([leveret, rabbit].map((place) => manage('DELETE', place)))
  }
}

async function moved(place: BrokerPlace, vhost: string): Promise<BrokerPlace> {
  const url = new URL(place.url)
  url.pathname = `/${vhost}`
  const there = { url: url.href, httpUrl: place.httpUrl }
  await manage('PUT', there)
  return there
}

async function manage(method: 'PUT' | 'DELETE', place: BrokerPlace): Promise<void> {
  const status = await new Management(place, '').request({ manage: method, path: '/vhosts/{vhost}' })
  if (status >= 300) throw new Error(`${method} of the vhost of ${place.url} answered ${status}`)
}
