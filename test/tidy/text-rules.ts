// What one file may look like: its size, and words that must not be in it. Length of functions is not here:
// oxlint's max-lines-per-function (60) in .oxlintrc.json counts them with a real parser.

import { codeOf, commentsOf } from './source.ts'
import type { Source } from './source.ts'

const LINES_MAX = 450
const COLUMNS_MAX = 110

/** Generated files are as long as the protocol makes them. */
export function checkLength({ path, text }: Source): string[] {
  const count = text.trimEnd().split('\n').length
  if (path.endsWith('.gen.ts') || count <= LINES_MAX) return []
  return [`${path} has ${count} lines, more than ${LINES_MAX}`]
}

export function checkColumns({ path, text }: Source): string[] {
  if (path.endsWith('.gen.ts')) return []
  return linesWhere(text, (line) => [...line].length > COLUMNS_MAX)
    .map((line) => `${path}:${line} is wider than ${COLUMNS_MAX} columns`)
}

/** The environment is read once, in one place. Suites hand theirs to brokers; examples are users' code. */
export function checkEnvironment({ path, text }: Source): string[] {
  const isFree = path === 'cli/main.ts' || /^(?:test|compat-tests|bench|examples)\//.test(path)
  return isFree ? [] : linesWhere(codeOf(text), (line) => /\bprocess\s*\.\s*env\b|\bprocess\[/.test(line))
    .map((line) => `${path}:${line} reads process.env: settings come from broker/config.ts`)
}

export function checkConsole({ path, text }: Source): string[] {
  if (path.startsWith('examples/')) return []
  return linesWhere(codeOf(text), (line) => /\bconsole\s*\./.test(line))
    .map((line) => `${path}:${line} uses console: log through the logger, or write to stdout from a script`)
}

/** With the number of an issue, as in TODO(#12), it is allowed. */
export function checkTodo({ path, text }: Source): string[] {
  return linesWhere(commentsOf(text), (line) => /\b(?:TODO|FIXME|XXX)\b(?!\(?\s*#\d)/.test(line))
    .map((line) => `${path}:${line} has a mark for later without an issue's number`)
}

// Statements that no sentence of prose looks like. Drawings and quoted calls pass.
const statement = new RegExp(
  '^\\s*//\\s*(?:'
  + [
    String.raw`import .* from ['"]`,
    String.raw`export (?:const|function|class|interface|type) \w+`,
    String.raw`(?:const|let|var) [\w{[][^=]* = `,
    String.raw`(?:if|for|while|switch) \(.*\) \{$`,
    String.raw`(?:return|await|throw) [\w.]+(?: \w+)?\(.*\)$`,
    String.raw`(?:this\.)?\w+(?:\.\w+)*\([^)]*\);?$`,
    String.raw`\} else \{$`,
  ].join('|')
  + ')',
)

export function checkCommentedOutCode({ path, text }: Source): string[] {
  return linesWhere(commentsOf(text), (line) => statement.test(line))
    .map((line) => `${path}:${line} looks like code in a comment: delete it, git remembers`)
}

function linesWhere(text: string, holds: (line: string) => boolean): number[] {
  return text.split('\n').flatMap((line, index) => (holds(line) ? [index + 1] : []))
}
