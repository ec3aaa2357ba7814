// TypeScript text as the rules read it: what is code, what is comment, what is imported. A small scanner, not
// a parser: it knows strings, templates, comments and regular expressions, which is all that can hide or fake
// a word. Invariant: every answer has the length and the line breaks of the text, so that places in one are
// places in the other.

export interface Source {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
}

type Part = 'code' | 'string' | 'comment'

/** Code alone: comments and what is between quotes are blank. What templates hold in ${} is code. */
export function codeOf(text: string): string {
  return only(text, ['code'])
}

export function commentsOf(text: string): string {
  return only(text, ['comment'])
}

/** Specifiers of static, type-only and dynamic imports and of re-exports. */
export function importsOf(text: string): string[] {
  const code = codeOf(text)
  const specifiers: string[] = []
  for (const { index, 0: word } of code.matchAll(/\b(?:from|import)\s*\(?\s*(?=['"])/g)) {
    const quote = text[index + word.length]
    const start = index + word.length + 1
    if (quote !== undefined) specifiers.push(text.slice(start, text.indexOf(quote, start)))
  }
  return specifiers
}

function only(text: string, kept: readonly Part[]): string {
  let answer = ''
  for (const { part, from, to } of partsOf(text)) {
    const piece = text.slice(from, to)
    answer += kept.includes(part) ? piece : piece.replace(/[^\n]/g, ' ')
  }
  return answer
}

interface Piece {
  readonly part: Part
  readonly from: number
  readonly to: number
}

// Where a slash is a division: after a name, a number or a closing bracket. After `return` and the like it is
// not.
const beforeDivision = /(?:[\w$)\]]|\+\+|--)\s*$/
const wordsBeforePattern = /\b(?:return|typeof|case|in|of|do|else|throw|await|yield|void|delete)\s*$/

function* partsOf(text: string): Generator<Piece> {
  const openTemplates: number[] = []         // depth of braces at which each ${ was met
  let depth = 0
  let at = 0
  while (at < text.length) {
    const char = text[at] ?? ''
    const two = text.slice(at, at + 2)
    let to = at + 1
    let part: Part = 'code'
    if (two === '//') [part, to] = ['comment', endOfLine(text, at)]
    else if (two === '/*') [part, to] = ['comment', after(text, '*/', at + 2)]
    else if (char === '\'' || char === '"') [part, to] = ['string', endOfQuoted(text, at + 1, char)]
    else if (char === '/' && startsPattern(text, at)) [part, to] = ['string', endOfPattern(text, at + 1)]
    else if (char === '`' || (char === '}' && openTemplates.at(-1) === depth)) {
      if (char === '}') openTemplates.pop()
      to = endOfTemplateText(text, at + 1)
      part = 'string'
      if (text[to - 1] === '{') openTemplates.push(depth)
    } else if (char === '{') depth++
    else if (char === '}') depth--
    if (part === 'string') {
      // The quotes stay, so that importsOf finds them.
      yield { part: 'code', from: at, to: at + 1 }
      yield { part, from: at + 1, to: Math.max(at + 1, to - 1) }
      yield { part: 'code', from: Math.max(at + 1, to - 1), to }
    } else yield { part, from: at, to }
    at = to
  }
}

function startsPattern(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 40), at)
  return wordsBeforePattern.test(before) || !beforeDivision.test(before)
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

function after(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from)
  return end === -1 ? text.length : end + mark.length
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return Math.min(at + 1, text.length)
}

/** After the closing backtick, or after the brace of `${`. */
function endOfTemplateText(text: string, from: number): number {
  let at = from
  while (at < text.length && text[at] !== '`') {
    if (text.startsWith('${', at)) return at + 2
    at += text[at] === '\\' ? 2 : 1
  }
  return Math.min(at + 1, text.length)
}

function endOfPattern(text: string, from: number): number {
  let at = from
  let isInClass = false
  while (at < text.length && text[at] !== '\n' && (isInClass || text[at] !== '/')) {
    if (text[at] === '[') isInClass = true
    if (text[at] === ']') isInClass = false
    at += text[at] === '\\' ? 2 : 1
  }
  return Math.min(at + 1, text.length)
}
