// What a client did wrong, by the spec's own name. Domain code throws one of these and never writes a number;
// the generated table says which code it is and whether it closes the channel or the connection. Two catches
// turn them into bytes: connections/ (channel.close, connection.close) and http/ (a status).
import { REPLY_CODES } from './reply-codes.gen.ts'
import type { ReplyName } from './reply-codes.gen.ts'

/** RabbitMQ cuts a reply text that does not fit a short string to 252 characters and three dots. */
const REPLY_TEXT_BYTES_MAX = 255

export class AmqpError extends Error {
  override name = 'AmqpError'
  readonly replyName: ReplyName
  readonly code: number
  /** The text without the reply's name, as the HTTP door gives it. */
  readonly explanation: string
  readonly isHard: boolean
  /** False: the close carries 0/0, although a method was being worked on. */
  readonly namesMethod: boolean

  constructor(replyName: ReplyName, explanation: string, namesMethod = true) {
    super(`${REPLY_CODES[replyName].text} - ${explanation}`)
    this.replyName = replyName
    this.explanation = explanation
    this.code = REPLY_CODES[replyName].code
    this.isHard = REPLY_CODES[replyName].isHard
    this.namesMethod = namesMethod
  }

  get replyText(): string {
    return cutReplyText(this.message)
  }
}

/**
 * Cuts by bytes and never inside a character (RabbitMQ 4.3 answers 541 there, 3.10 cuts: behaviours §0.4).
 */
export function cutReplyText(text: string): string {
  if (Buffer.byteLength(text) <= REPLY_TEXT_BYTES_MAX) return text
  let cut = text.slice(0, REPLY_TEXT_BYTES_MAX - 3)
  while (Buffer.byteLength(cut) > REPLY_TEXT_BYTES_MAX - 3) cut = cut.slice(0, -1)
  if (/[\ud800-\udbff]$/.test(cut)) cut = cut.slice(0, -1)
  return `${cut}...`
}

/** RabbitMQ names no method here (behaviours §1.11). */
export const malformedUtf8 = (): AmqpError =>
  new AmqpError('frameError', 'Malformed UTF-8 in shortstr', false)

export const accessRefused = (why: string): AmqpError => new AmqpError('accessRefused', why)
export const notFound = (why: string): AmqpError => new AmqpError('notFound', why)
export const resourceLocked = (why: string): AmqpError => new AmqpError('resourceLocked', why)
export const preconditionFailed = (why: string): AmqpError => new AmqpError('preconditionFailed', why)
export const frameError = (why: string): AmqpError => new AmqpError('frameError', why)
export const commandInvalid = (why: string): AmqpError => new AmqpError('commandInvalid', why)
export const channelError = (why: string): AmqpError => new AmqpError('channelError', why)
export const unexpectedFrame = (why: string): AmqpError => new AmqpError('unexpectedFrame', why)
export const notAllowed = (why: string): AmqpError => new AmqpError('notAllowed', why)
export const notImplemented = (why: string): AmqpError => new AmqpError('notImplemented', why)
export const syntaxError = (why: string): AmqpError => new AmqpError('syntaxError', why)
export const connectionForced = (why: string): AmqpError => new AmqpError('connectionForced', why)

/** A binary as RabbitMQ prints it: `<<"text">>` when printable, `<<1,2,3>>` otherwise, `<<>>` when empty. */
export function printBinary(bytes: Buffer): string {
  if (bytes.length === 0) return '<<>>'
  const isPrintable = bytes.every((b) => (b >= 0x20 && b <= 0x7e) || (b >= 0x08 && b <= 0x0d) || b === 0x1b)
  return isPrintable ? `<<"${escapeText(bytes.toString('latin1'))}">>` : `<<${[...bytes].join(',')}>>`
}

/** As Erlang writes a string literal. */
function escapeText(text: string): string {
  return [...text].map((char) => ESCAPES.get(char) ?? char).join('')
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'], ['\\', '\\\\'], ['\b', '\\b'], ['\t', '\\t'], ['\n', '\\n'], ['\v', '\\v'], ['\f', '\\f'],
  ['\r', '\\r'], ['\u001b', '\\e'],
])
