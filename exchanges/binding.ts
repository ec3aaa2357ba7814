// A binding: from an exchange to a queue or another exchange. Its identity is (source, destination, routing
// key, arguments); binding the same twice is one binding (RabbitMQ).
import { canonicalTable } from '../protocol/table-json.ts'
import type { FieldTable } from '../protocol/table.ts'

/**
 * What a queue or an exchange looks like to a router. A Queue has this shape without exchanges/ knowing
 * queues/.
 */
export interface Destination {
  readonly kind: 'queue' | 'exchange'
  readonly name: string
  /** The number of the last routing that chose it: how RouteSet sees duplicates without a Set. */
  routeMark: number
}

export class Binding {
  readonly source: string
  readonly destination: Destination
  readonly routingKey: string
  readonly args: FieldTable
  /** Unique among the bindings of one source. */
  readonly key: string
  /** Survives a restart: source and destination are both durable. */
  readonly isDurable: boolean

  constructor(
    source: string, destination: Destination, routingKey: string, args: FieldTable, isDurable: boolean,
  ) {
    this.source = source
    this.destination = destination
    this.routingKey = routingKey
    this.args = args
    this.key = bindingKey(destination.kind, destination.name, routingKey, args)
    this.isDurable = isDurable
  }
}

export function bindingKey(
  kind: Destination['kind'], destination: string, routingKey: string, args: FieldTable,
): string {
  return JSON.stringify([kind, destination, routingKey, canonicalTable(args)])
}
