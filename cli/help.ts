// --help and --print-config: text read off the tables, so that neither can forget a setting.

import { describeSource } from '../broker/config-sources.ts'
import type { Sources } from '../broker/config-sources.ts'
import { defaultOf, flagOf, settingRows, showPlain, showValue, variablesOf } from '../broker/config.ts'
import type { Settings } from '../broker/config.ts'
import { usageOf } from './command.ts'
import type { Command } from './command.ts'
import { commands, jsonOption, printingFlags } from './commands.ts'
import { exitCodes } from './exit-codes.ts'

export function helpText(packageVersion: string): string {
  return [
    'leveret [start] [--setting VALUE]…',
    'leveret COMMAND … [--setting VALUE]…',
    '',
    'Starts an AMQP 0-9-1 broker, or asks one. A flag wins over its environment variable, which wins over '
      + 'the',
    'configuration file, which wins over the default.',
    '',
    ...printingFlags.map(({ flags, doc }) => `  ${flags.join(', ').padEnd(20)} ${doc}`),
    '',
    `Commands (--${jsonOption.name} ${jsonOption.doc}):`,
    ...commands.map(({ words, operands }) => `  leveret ${words} ${operands}`.trimEnd()),
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

export function commandHelp(command: Command): string {
  const options = [...command.options, jsonOption]
  return [
    `leveret ${usageOf(command)}`, '', command.doc, '',
    ...options.map(({ name, value, doc }) => `  ${`--${name} ${value ?? ''}`.padEnd(20)} ${doc}`),
    '', 'Settings that count: --url, --user, --password, --vhost; leveret --help lists them all.', '',
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
