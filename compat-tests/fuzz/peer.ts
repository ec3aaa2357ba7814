// One connection of a program: sends what it is told, keeps every frame it hears, answers the broker's
// closes. Called by play.ts. Invariant: `heard` has the frames in the order they came, but for the answers to
// its own fences (channel.flow) and openings; confirms are taken apart into one entry per publish.

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { methods } from '../harness/amqp-methods.ts'
import type { MethodName } from '../harness/amqp-methods.ts'
import { plainResponse, protocolHeader } from '../harness/raw-client.ts'
import { encodeFrame, encodeMethod, frameType } from '../harness/wire.ts'
import type { Args, Field } from '../harness/wire.ts'

/** Kinds of entries beside the three types of frames. */
export const entryKind = { ...frameType, ack: 100, nack: 101, dropped: 102, silent: 103, http: 104 } as const

export interface Entry {
  readonly channel: number
  readonly kind: number
  readonly payload: Buffer
}

export interface ChannelSide {
  isOpen: boolean
  isOpening: boolean
  fences: number
  /** channel.flow that the program itself sent. */
  flows: number
  /** Delivery tags to be settled. */
  unsettled: number[]
  /** 0 until confirm.select; then the number of the next publish. */
  nextPublish: number
  unconfirmed: number[]
  noAckTags: Set<string>
  /** no-ack of the consumers and gets whose answers are to come. */
  asked: boolean[]
}

export interface Address {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly vhost: string
}

const capabilities: Field[] = [
  'publisher_confirms', 'basic.nack', 'consumer_cancel_notify', 'connection.blocked',
  'authentication_failure_close', 'exchange_exchange_bindings',
].map((name): Field => [name, 't', true])

const idOf = (name: MethodName): number => methods[name][0] * 0x1_0000 + methods[name][1]
const id = {
  start: idOf('connection.start'), tune: idOf('connection.tune'), open: idOf('connection.open-ok'),
  connectionClose: idOf('connection.close'), connectionCloseOk: idOf('connection.close-ok'),
  channelOpenOk: idOf('channel.open-ok'), channelClose: idOf('channel.close'),
  channelCloseOk: idOf('channel.close-ok'), flowOk: idOf('channel.flow-ok'),
  confirmOk: idOf('confirm.select-ok'), consumeOk: idOf('basic.consume-ok'),
  deliver: idOf('basic.deliver'), getOk: idOf('basic.get-ok'), getEmpty: idOf('basic.get-empty'),
  ack: idOf('basic.ack'), nack: idOf('basic.nack'),
}
const replyPrefix = 'amq.rabbitmq.reply-to.'

export class Peer {
  /** Since the last time somebody took it. */
  heard: Entry[] = []
  readonly channels = new Map<number, ChannelSide>()
  isGone = false
  /** The last direct-reply name seen in a delivery. */
  replyName: string | null = null
  private isRunning = false
  private rest: Buffer = Buffer.alloc(0)
  private readonly socket: Socket
  private readonly address: Address
  private waiting: { condition: () => boolean, resolve: () => void }[] = []

  private constructor(address: Address) {
    this.address = address
    this.socket = connect({ host: address.host, port: address.port, noDelay: true })
    this.socket.on('data', (chunk: Buffer) => this.onData(chunk))
    this.socket.on('error', () => this.dropped())
    this.socket.on('close', () => this.dropped())
    this.socket.on('connect', () => this.socket.write(protocolHeader))
  }

  static async open(address: Address): Promise<Peer> {
    const peer = new Peer(address)
    await peer.until(() => peer.isRunning || peer.isGone, 60_000)
    if (!peer.isRunning) throw new Error(`no connection to ${address.host}:${address.port}`)
    peer.heard = []
    return peer
  }

  /** False when the bound was reached first. */
  until(condition: () => boolean, boundMs: number): Promise<boolean> {
    if (condition()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const waiter = {
        condition,
        resolve: () => {
          clearTimeout(timer)
          resolve(true)
        },
      }
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== waiter)
        resolve(false)
      }, boundMs)
      this.waiting.push(waiter)
    })
  }

  send(channel: number, name: MethodName, args: Args = {}): void {
    this.write(encodeFrame(frameType.method, channel, encodeMethod(name, args)))
  }

  write(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  side(channel: number): ChannelSide {
    let side = this.channels.get(channel)
    if (side === undefined) {
      side = {
        isOpen: false, isOpening: false, fences: 0, flows: 0, unsettled: [], nextPublish: 0, unconfirmed: [],
        noAckTags: new Set(), asked: [],
      }
      this.channels.set(channel, side)
    }
    return side
  }

  async openChannel(channel: number, boundMs: number): Promise<void> {
    const side = this.side(channel)
    if (side.isOpen) return
    side.isOpening = true
    this.send(channel, 'channel.open')
    await this.until(() => side.isOpen || this.isGone, boundMs)
  }

  /** Sends a round trip; `isFenced` says when it is over. */
  fence(channel: number): void {
    const side = this.channels.get(channel)
    if (side?.isOpen !== true || this.isGone) return
    side.fences++
    this.send(channel, 'channel.flow', { active: true })
  }

  get isFenced(): boolean {
    if (this.isGone) return true
    for (const side of this.channels.values()) if (side.fences > 0) return false
    return true
  }

  openChannels(): number[] {
    return [...this.channels].filter(([, side]) => side.isOpen).map(([number]) => number)
  }

  destroy(): void {
    this.isGone = true
    this.socket.destroy()
  }

  private dropped(): void {
    if (!this.isGone) this.heard.push({ channel: 0, kind: entryKind.dropped, payload: Buffer.alloc(0) })
    this.end()
  }

  private end(): void {
    this.isGone = true
    this.channels.clear()
    this.wake()
  }

  private wake(): void {
    if (this.waiting.length === 0) return
    const met = this.waiting.filter(({ condition }) => condition())
    this.waiting = this.waiting.filter((waiter) => !met.includes(waiter))
    for (const { resolve } of met) resolve()
  }

  private onData(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    while (bytes.length - at >= 8) {
      const end = at + 7 + bytes.readUInt32BE(at + 3)
      if (end >= bytes.length) break
      this.onFrame(bytes[at]!, bytes.readUInt16BE(at + 1), bytes.subarray(at + 7, end))
      at = end + 1
    }
    this.rest = bytes.subarray(at)
    this.wake()
  }

  private onFrame(kind: number, channel: number, payload: Buffer): void {
    if (kind === frameType.heartbeat) return
    const entry = { channel, kind, payload }
    if (kind === frameType.header && payload.includes(replyPrefix)) this.noteReplyName(payload)
    if (kind !== frameType.method) this.heard.push(entry)
    else if (this.isRunning) this.onMethod(payload.readUInt32BE(0), entry)
    else this.onHandshake(payload.readUInt32BE(0), entry)
  }

  private noteReplyName(payload: Buffer): void {
    const at = payload.indexOf(replyPrefix)
    this.replyName = payload.toString('latin1', at, at + payload[at - 1]!)
  }

  private onHandshake(method: number, entry: Entry): void {
    const { user, password, vhost } = this.address
    if (method === id.start) {
      this.send(0, 'connection.start-ok', {
        'client-properties': [['capabilities', 'F', capabilities]], 'mechanism': 'PLAIN', 'locale': 'en_US',
        'response': plainResponse(user, password),
      })
    } else if (method === id.tune) {
      this.send(0, 'connection.tune-ok', { 'channel-max': 2047, 'frame-max': 131_072, 'heartbeat': 0 })
      this.send(0, 'connection.open', { 'virtual-host': vhost })
    } else if (method === id.open) this.isRunning = true
    else this.heard.push(entry)
  }

  private onMethod(method: number, entry: Entry): void {
    const { channel, payload } = entry
    const side = this.channels.get(channel)
    if (method === id.flowOk && side !== undefined) {
      if (side.flows === 0) {
        side.fences--
        return
      }
      side.flows--
    }
    if (method === id.channelOpenOk && side?.isOpening === true) {
      side.isOpening = false
      side.isOpen = true
      return
    }
    const isConfirm = method === id.ack || method === id.nack
    if (isConfirm && side !== undefined) return this.confirmed(method, entry, side)
    this.heard.push(entry)
    if (method === id.connectionClose) {
      this.send(0, 'connection.close-ok')
      this.end()
    } else if (method === id.connectionCloseOk) this.end()
    else if (method === id.channelClose) {
      this.send(channel, 'channel.close-ok')
      this.channels.delete(channel)
    } else if (method === id.channelCloseOk) this.channels.delete(channel)
    else if (side !== undefined) this.note(method, payload, side)
  }

  private note(method: number, payload: Buffer, side: ChannelSide): void {
    if (method === id.confirmOk) side.nextPublish ||= 1
    else if (method === id.consumeOk) {
      if (side.asked.shift() === true) side.noAckTags.add(payload.toString('latin1', 5))
    } else if (method === id.deliver) {
      const end = 5 + payload[4]!
      if (side.noAckTags.has(payload.toString('latin1', 5, end))) return
      side.unsettled.push(Number(payload.readBigUInt64BE(end)))
    } else if (method === id.getOk) {
      if (side.asked.shift() !== true) side.unsettled.push(Number(payload.readBigUInt64BE(4)))
    } else if (method === id.getEmpty) side.asked.shift()
  }

  private confirmed(method: number, { channel, payload }: Entry, side: ChannelSide): void {
    const tag = Number(payload.readBigUInt64BE(4))
    const isMultiple = (payload[12]! & 1) === 1
    const tags = isMultiple ? side.unconfirmed.filter((open) => open <= tag || tag === 0) : [tag]
    side.unconfirmed = side.unconfirmed.filter((open) => !tags.includes(open))
    const kind = method === id.ack ? entryKind.ack : entryKind.nack
    for (const each of tags) this.heard.push({ channel, kind, payload: Buffer.from(String(each)) })
  }
}
