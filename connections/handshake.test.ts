// The handshake, method by method: who gets in, who is told why not, and who is dropped without a word
// (behaviours §1.3–§1.5).
import { beforeEach, describe, expect, it } from 'vitest'
import { createUser } from '../broker/users.ts'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { ArgumentReader } from '../protocol/argument-reader.ts'
import { FrameWriter } from '../protocol/frame-writer.ts'
import {
  CONNECTION_CLOSE, CONNECTION_OPEN, CONNECTION_OPEN_OK, CONNECTION_START, CONNECTION_START_OK,
  CONNECTION_TUNE,
  CONNECTION_TUNE_OK,
} from '../protocol/methods.gen.ts'
import { decodeTable } from '../protocol/table.ts'
import { encodeTable, tableOf } from '../protocol/table-encode.ts'
import { Handshake, isProtocolHeader, SilentClose } from './handshake.ts'
import type { Tuning } from './handshake.ts'

let world: BrokerWorld
let writer: FrameWriter
let tuning: Tuning | null
let entered: string | null
beforeEach(async () => {
  world = await BrokerWorld.start()
  writer = new FrameWriter()
  tuning = entered = null
})

const short = (text: string): Buffer => Buffer.from([Buffer.byteLength(text), ...Buffer.from(text)])
const long = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
const plain = (user: string, password: string): Buffer => Buffer.from(`\0${user}\0${password}`)
const noProperties = tableOf({})
const told = tableOf({ capabilities: tableOf({ authentication_failure_close: true }) })

function newHandshake(isLoopback = true, certificateName: string | null = null): Handshake {
  const peer = { address: '192.0.2.1', port: 1, isLoopback, certificateName }
  return new Handshake(world.broker, writer, peer, {
    tuned: (agreed) => { tuning = agreed },
    opened: (user, vhost) => { entered = `${user.name} ${vhost.name}` },
  })
}

const send = (handshake: Handshake, id: number, args: Buffer): void =>
  handshake.onMethod(id, new ArgumentReader().over(args, 0, args.length))

function startOk(handshake: Handshake, mechanism: string, response: Buffer, properties = noProperties): void {
  const args = [long(encodeTable(properties)), short(mechanism), long(response), short('')]
  send(handshake, CONNECTION_START_OK, Buffer.concat(args))
}

function tuneOk(handshake: Handshake, channelMax: number, frameMax: number, heartbeat: number): void {
  const args = Buffer.alloc(8)
  args.writeUInt16BE(channelMax, 0)
  args.writeUInt32BE(frameMax, 2)
  args.writeUInt16BE(heartbeat, 6)
  send(handshake, CONNECTION_TUNE_OK, args)
}

const open = (handshake: Handshake, vhost: string): void =>
  send(handshake, CONNECTION_OPEN, Buffer.concat([short(vhost), short(''), Buffer.from([0])]))

/** Method ids of what was written since the last call. */
function written(): number[] {
  const bytes = Buffer.concat(writer.take())
  const ids: number[] = []
  for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt32BE(at + 3)) {
    ids.push(bytes.readUInt32BE(at + 7))
  }
  return ids
}

it.each([
  ['AMQP\0\0\x09\x01', true], ['AMQP\x01\x01\0\x09', true], ['AMQP\0\0\x09\0', false],
  ['AMQP\x01\x01\x08\0', false],
  ['AMQP\x03\x01\0\0', false], ['GET / HT', false], ['AMQP\0\0\x09', false],
])('the protocol header %j: %s', (text, isHeader) => {
  expect(isProtocolHeader(Buffer.from(text, 'latin1'))).toBe(isHeader)
})

it('goes from start to open-ok', () => {
  const handshake = newHandshake()
  handshake.start()
  startOk(handshake, 'PLAIN', plain('guest', 'secret'))
  tuneOk(handshake, 100, 8192, 7)
  expect(tuning).toEqual({ channelMax: 100, frameSizeMax: 8192, heartbeatS: 7 })
  open(handshake, '/')
  expect(entered).toBe('guest /')
  expect(written()).toEqual([CONNECTION_START, CONNECTION_TUNE, CONNECTION_OPEN_OK])
})

it('says what the server can in less than the 4,096 bytes that the Go client reads', () => {
  newHandshake().start()
  const frame = Buffer.concat(writer.take())
  expect(frame.length).toBeLessThan(4096)
  const properties = decodeTable(frame, 17, 17 + frame.readUInt32BE(13))
  const capabilities = properties.get('capabilities')
  expect(capabilities?.tag === 'F' && [...capabilities.value.values()].every(({ value }) => value === true))
    .toBe(true)
  expect(frame.includes('AMQPLAIN PLAIN')).toBe(true)
})

describe('credentials', () => {
  it('by AMQPLAIN are a table without its length', () => {
    startOk(newHandshake(), 'AMQPLAIN', encodeTable(tableOf({ LOGIN: 'guest', PASSWORD: 'secret' })))
    expect(written()).toEqual([CONNECTION_TUNE])
  })

  it('may have a NUL in the password', () => {
    world.broker.access.putUser(createUser('u', 'a\0b', [], world.broker.random))
    startOk(newHandshake(), 'PLAIN', plain('u', 'a\0b'))
    expect(written()).toEqual([CONNECTION_TUNE])
  })

  it.each<[string, string, Buffer]>([
    ['PLAIN without the first NUL', 'PLAIN', Buffer.from('guest\0secret')],
    ['PLAIN with an authzid', 'PLAIN', Buffer.from('zid\0guest\0secret')],
    ['PLAIN with one NUL', 'PLAIN', Buffer.from('\0guest')],
    ['an empty response', 'PLAIN', Buffer.alloc(0)],
    ['AMQPLAIN without a password', 'AMQPLAIN', encodeTable(tableOf({ LOGIN: 'guest' }))],
    ['AMQPLAIN that does not decode', 'AMQPLAIN', Buffer.from([5, 1, 2])],
    ['a mechanism in the wrong case', 'plain', plain('guest', 'secret')],
    ['a mechanism that is not offered', 'EXTERNAL', plain('guest', 'secret')],
  ])('%s are answered with silence', (_what, mechanism, response) => {
    expect(() => startOk(newHandshake(), mechanism, response, told)).toThrow(SilentClose)
    expect(written()).toEqual([])
  })

  it('that are wrong are answered with a reason only to who can read it', () => {
    expect(() => startOk(newHandshake(), 'PLAIN', plain('guest', 'wrong'))).toThrow(SilentClose)
    expect(() => startOk(newHandshake(), 'PLAIN', plain('guest', 'wrong'), told)).toThrow(
      'ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. '
      + 'For details see the broker logfile.')
    expect(() => startOk(newHandshake(), 'PLAIN', plain('nobody', 'secret'), told)).toThrow('ACCESS_REFUSED')
  })

  it('by EXTERNAL are the certificate, and need no password', () => {
    world.broker.access.putUser(createUser('CN=worker', 'unused', [], world.broker.random))
    const handshake = newHandshake(false, 'CN=worker')
    handshake.start()
    expect(Buffer.concat(writer.take()).includes('AMQPLAIN PLAIN EXTERNAL')).toBe(true)
    startOk(handshake, 'EXTERNAL', Buffer.alloc(0))
    expect(written()).toEqual([CONNECTION_TUNE])
  })

  it.each([['', true], ['CN=nobody', true], ['guest', false]])(
    'by EXTERNAL are refused for the certificate %j', (name, isLoopback) => {
      expect(() => startOk(newHandshake(isLoopback, name), 'EXTERNAL', Buffer.alloc(0), told))
        .toThrow('ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL.')
    })

  it('of a loopback user count from this machine only', () => {
    expect(() => startOk(newHandshake(false), 'PLAIN', plain('guest', 'secret'), told))
      .toThrow('Login was refused')
  })
})

describe('tune-ok', () => {
  const tuned = (...args: [number, number, number]): Handshake => {
    const handshake = newHandshake()
    startOk(handshake, 'PLAIN', plain('guest', 'secret'))
    tuneOk(handshake, ...args)
    return handshake
  }

  it('of zeros takes our limits, but no heartbeat', () => {
    tuned(0, 0, 0)
    expect(tuning).toEqual({ channelMax: 2047, frameSizeMax: 131_072, heartbeatS: 0 })
  })

  it('takes any heartbeat', () => {
    tuned(1, 4096, 65_535)
    expect(tuning).toEqual({ channelMax: 1, frameSizeMax: 4096, heartbeatS: 65_535 })
  })

  it.each<[string, [number, number, number]]>([
    ['frame_max 131073', [0, 131_073, 0]], ['frame_max 4095', [0, 4095, 0]],
    ['channel_max 2048', [2048, 0, 0]],
  ])('beyond what is allowed is refused: %s', (text, args) => {
    expect(() => tuned(...args)).toThrow(`NOT_ALLOWED - ${text}`)
    expect(tuning).toBeNull()
  })
})

describe('a method out of order', () => {
  it.each([CONNECTION_TUNE_OK, CONNECTION_OPEN,
    CONNECTION_CLOSE])('is answered with silence before start-ok: %i', (id) => {
    expect(() => newHandshake().onMethod(id, new ArgumentReader())).toThrow(SilentClose)
  })

  it('is told so once the limits are agreed', () => {
    const handshake = newHandshake()
    expect(handshake.isTuned).toBe(false)
    startOk(handshake, 'PLAIN', plain('guest', 'secret'))
    expect(handshake.isTuned).toBe(false)
    tuneOk(handshake, 0, 0, 0)
    expect(handshake.isTuned).toBe(true)
  })
})

it('lets nobody into a vhost that is missing or forbidden', () => {
  world.broker.access.putUser(createUser('u', 'p', [], world.broker.random))
  for (const [vhost, text] of [['nope', 'vhost nope not found'],
    ['/', "access to vhost '/' refused for user 'u'"]] as const) {
    const handshake = newHandshake()
    startOk(handshake, 'PLAIN', plain('u', 'p'))
    tuneOk(handshake, 0, 0, 0)
    expect(() => open(handshake, vhost)).toThrow(`NOT_ALLOWED - ${text}`)
  }
  expect(entered).toBeNull()
})

it('remembers what the client says of itself', () => {
  const handshake = newHandshake()
  const capabilities = tableOf({ consumer_cancel_notify: true, 'connection.blocked': false, other: true })
  const properties = tableOf({ connection_name: 'worker 1', capabilities })
  startOk(handshake, 'PLAIN', plain('guest', 'secret'), properties)
  expect(handshake.client).toEqual({
    name: 'worker 1', mechanism: 'PLAIN', properties: encodeTable(properties), consumerCancelNotify: true,
      authenticationFailureClose: false, blocked: false,
  })
})
