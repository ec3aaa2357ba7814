// Errors by the spec's names: their codes, and texts that fit a short string however long names are.
import { assert, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AmqpError, cutReplyText, notFound, printBinary } from './errors.ts'
import { REPLY_CODES } from './reply-codes.gen.ts'
import type { ReplyName } from './reply-codes.gen.ts'

describe('an AmqpError', () => {
  it('says name and explanation as RabbitMQ does', () => {
    const error = notFound("no queue 'q' in vhost '/'")
    expect(error.replyText).toBe("NOT_FOUND - no queue 'q' in vhost '/'")
    expect([error.code, error.isHard]).toEqual([404, false])
  })

  it.each([
    ['accessRefused', 403, false], ['notFound', 404, false], ['resourceLocked', 405, false],
    ['preconditionFailed', 406, false], ['connectionForced', 320, true], ['frameError', 501, true],
    ['syntaxError', 502, true], ['commandInvalid', 503, true], ['channelError', 504, true],
    ['unexpectedFrame', 505, true], ['resourceError', 506, true], ['notAllowed', 530, true],
    ['notImplemented', 540, true], ['internalError', 541, true],
  ] satisfies readonly (readonly [ReplyName, number, boolean])[])('%s is %i', (name, code, isHard) => {
    const error = new AmqpError(name, 'why')
    expect([error.code, error.isHard]).toEqual([code, isHard])
    expect(error.message).toBe(`${REPLY_CODES[name].text} - why`)
  })
})

describe('cutReplyText', () => {
  it('leaves 255 bytes as they are', () => {
    const text = 'x'.repeat(255)
    expect(cutReplyText(text)).toBe(text)
  })

  it('cuts a longer text to 252 characters and three dots', () => {
    expect(cutReplyText('x'.repeat(256))).toBe(`${'x'.repeat(252)}...`)
  })

  it('cuts by bytes and between characters', () => {
    expect(cutReplyText('ü'.repeat(200))).toBe(`${'ü'.repeat(126)}...`)
    expect(cutReplyText(`x${'ü'.repeat(200)}`)).toBe(`x${'ü'.repeat(125)}...`)
    expect(cutReplyText('€'.repeat(100))).toBe(`${'€'.repeat(84)}...`)
    expect(cutReplyText(`xx${'🐇'.repeat(100)}`)).toBe(`xx${'🐇'.repeat(62)}...`)
  })

  it('gives a beginning of the text that fits, and not less than would', () => {
    const longText = string({ unit: 'binary', minLength: 60, maxLength: 300 })
      .filter((text) => Buffer.byteLength(text) > 255)
    assert(property(longText, (text) => {
      const cut = cutReplyText(text)
      const bytes = Buffer.byteLength(cut)
      expect(bytes).toBeLessThanOrEqual(255)
      expect(bytes).toBeGreaterThan(255 - 4)
      expect(text.startsWith(cut.slice(0, -3))).toBe(true)
      expect(Buffer.from(cut).toString()).toBe(cut)
    }), { numRuns: 500 })
  })
})

describe('printBinary', () => {
  it.each([
    ['', '<<>>'], ['foo', '<<"foo">>'], ['a b~', '<<"a b~">>'], ['\x00<\x00\n', '<<0,60,0,10>>'],
    ['say "\\\n', '<<"say \\"\\\\\\n">>'], ['\x7f', '<<127>>'], ['\xff', '<<255>>'], ['é', '<<233>>'],
  ])('prints %j as %s', (text, printed) => {
    expect(printBinary(Buffer.from(text, 'latin1'))).toBe(printed)
  })
})
