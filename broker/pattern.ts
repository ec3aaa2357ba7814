// Regular expressions as administrators of RabbitMQ write them: in permissions and policies, matched
// anywhere in a name. RabbitMQ's are PCRE; JavaScript's differ in little that occurs there, and that is
// translated: options at the start `(?i)`, `\A`, `\z`, `\Z`. What neither side knows is refused when it
// is set, never when a name is checked.

export class PatternInvalid extends Error {
  override name = 'PatternInvalid'
  /** `{"missing closing parenthesis",1}`: RabbitMQ's way to say what and where. */
  readonly tuple: string

  constructor(tuple: string) {
    super(tuple)
    this.tuple = tuple
  }
}

/** PCRE's words for what JavaScript finds; any other mistake is told in JavaScript's. */
const PCRE_WORDS: readonly (readonly [string, string])[] = [
  ['Unterminated group', 'missing closing parenthesis'],
  ['Unterminated character class', 'missing terminating ] for character class'],
  ['Unmatched \')\'', 'unmatched closing parenthesis'],
  ['Nothing to repeat', 'quantifier does not follow a repeatable item'],
  ['\\ at end of pattern', '\\ at end of pattern'],
]

/** The options that both know by the same letter. */
const LEADING_OPTIONS = /^\(\?([ims]+)\)/

/** Errors: PatternInvalid. */
export function compilePattern(text: string): RegExp {
  const options = LEADING_OPTIONS.exec(text)?.[1] ?? ''
  const source = text.replace(LEADING_OPTIONS, '')
    .replace(/\\(\\|A|z|Z)/g, (escape) => (escape === '\\\\' ? escape : escape === '\\A' ? '^' : '$'))
  try {
    return new RegExp(source, [...new Set(options)].join(''))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const words = PCRE_WORDS.find(([javaScript]) => error.message.includes(javaScript))?.[1] ?? error.message
    throw new PatternInvalid(`{${JSON.stringify(words)},${Buffer.byteLength(text)}}`)
  }
}
