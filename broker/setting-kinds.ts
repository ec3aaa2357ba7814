// The kinds of values that settings have: what is allowed, and how the text of a flag or a variable becomes
// one. Rows of config.ts pick theirs. Invariant: `allowed` completes "… is not" and "… needs", in every
// message.

import { z } from 'zod'

/** How a value is checked, how the text of a flag or a variable becomes one, and what is allowed. */
export interface Kind<T> {
  readonly schema: z.ZodType<T>
  readonly fromText: (text: string) => unknown
  readonly allowed: string
}

export const asIs = (text: string): unknown => text

export function integer(min: number, max: number): Kind<number> {
  return {
    schema: z.int().min(min).max(max),
    fromText: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
    allowed: `an integer from ${min} to ${max}`,
  }
}

export function choice<const T extends string>(words: readonly T[]): Kind<T> {
  return { schema: z.enum(words), fromText: asIs, allowed: `one of ${words.join(', ')}` }
}

export function text(allowed: string): Kind<string> {
  return { schema: z.string().min(1), fromText: asIs, allowed }
}

/** A setting that is off until somebody gives a value. */
export function optional<T>(kind: Kind<T>): Kind<T | null> {
  return {
    schema: kind.schema.nullable(), fromText: (text) => (text === 'none' ? null : kind.fromText(text)),
    allowed: `${kind.allowed}, or none`,
  }
}

export const yesOrNo: Kind<boolean> = {
  schema: z.boolean(),
  fromText: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
  allowed: 'true or false',
}

export const names: Kind<string[]> = {
  schema: z.array(z.string().min(1)),
  fromText: (text) => (text === 'none' ? [] : text.split(',').map((name) => name.trim())),
  allowed: 'names with commas between them, or none; in the file a JSON array of names',
}

/** 100 TiB: more than any disk that the broker is meant for. */
export const BYTES_MAX = 109_951_162_777_600

export const watermark: Kind<number> = {
  schema: z.union([z.number().min(0).max(1), z.int().min(1_048_576)]),
  fromText: (text) => (/^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text),
  allowed: 'a fraction from 0 to 1, or bytes from 1048576',
}
