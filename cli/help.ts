// --help and --print-config: text read off the tables, so that neither can forget a setting.

import { describeSource } from '../broker/config-sources.ts'
import { defaultOf, flagOf, settingRows, showPlain, showValue, variablesOf } from '../broker/config.ts'
import type { Sources } from '../broker/config-sources.ts'
import type { Settings } from '../broker/config.ts'
import { commands, subcommands } from './commands.ts'
import { exitCodes } from './exit-codes.ts'

export function helpText(packageVersion: string): string {
  return [
    'leveret [start] [--setting VALUE]…',
    '',
    'Starts an AMQP 0-9-1 broker. A flag wins over its environment variable, which wins over the',
    'configuration file, which wins over the default.',
    '',
    ...commands.map(({ flags, doc }) => `  ${flags.join(', ').padEnd(20)} ${doc}`),
    ...subcommands.flatMap(({ usage, doc }) => [`  leveret ${usage}`, `      ${doc}`]),
    '',
    'Settings:',
    ...settingRows.flatMap(([, row]) => {
      const allowed = row.unit === undefined ? row.kind.allowed : `${row.kind.allowed}, in ${row.unit}`
      const otherwise = showPlain(defaultOf(row, packageVersion))
      return [
        `  ${flagOf(row)}`,
        `      ${row.doc}`,
        `      ${allowed}; default ${otherwise}; ${variablesOf(row).join(', ')}`,
      ]
    }),
    '',
    'Exit codes:',
    ...Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padStart(2)}  ${meaning}`),
    '',
  ].join('\n')
}

/** key, value and where it came from, in columns; secrets are masked. */
export function configurationText(settings: Settings, sources: Sources): string {
  const lines = settingRows.map(([name, row]) => ({
    key: row.key, value: showValue(row, settings[name]), source: describeSource(sources[name]),
  }))
  const keyWidth = Math.max(...lines.map(({ key }) => key.length))
  const valueWidth = Math.max(...lines.map(({ value }) => value.length))
  return lines
    .map(({ key, value, source }) => `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${source}\n`)
    .join('')
}
