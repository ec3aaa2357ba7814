// Where settings come from: flags over environment over file over default. cli/main.ts reads argv, the
// environment and the file, and hands the raw material to `resolveSettings`. Invariant: pure. Nothing here
// reads the process or a file, so a test can resolve any combination.
import { z } from 'zod'
import { defaultOf, flagOf, settingRows, settingsTable, testSuiteVariables, variablesOf } from './config.ts'
import type { Row, SettingName, Settings } from './config.ts'
import { suggestName } from './nearest-name.ts'

/** Where a value came from: `name` is the flag, the variable or the file. */
export interface Source {
  readonly from: 'flag' | 'environment' | 'file' | 'default'
  readonly name: string
}

export interface RawSettings {
  /** Flags only: commands and --help are taken out before. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** null when there is no configuration file. */
  readonly fileText: string | null
  readonly fileName: string | null
  readonly packageVersion: string
}

export type Sources = Readonly<Record<SettingName, Source>>

export type Resolved =
  | { readonly ok: true; readonly settings: Settings; readonly sources: Sources }
  | { readonly ok: false; readonly problems: readonly string[] }

/** A value somebody gave, not yet checked. */
interface Given {
  readonly value: unknown
  readonly source: Source
}

type GivenByKey = Map<string, Given>

/** Flags over environment over file over default. A problem is one line: setting, value, source and limit. */
export function resolveSettings(raw: RawSettings): Resolved {
  const problems: string[] = []
  const layers = [readFlags(raw.argv, problems), readEnvironment(raw.env, problems), readFile(raw, problems)]
  const settings: Record<string, unknown> = {}
  const sources: Record<string, Source> = {}
  for (const [name, row] of settingRows) {
    const given = layers.map((layer) => layer.get(row.key)).find((each) => each !== undefined)
    if (given !== undefined) {
      const parsed = row.kind.schema.safeParse(given.value)
      if (!parsed.success) problems.push(refusal(row, given))
      else settings[name] = parsed.data
    } else settings[name] = defaultOf(row, raw.packageVersion)
    sources[name] = given?.source ?? { from: 'default', name: 'default' }
  }
  if (problems.length === 0) problems.push(...contradictions(settings as Settings))
  if (problems.length > 0) return { ok: false, problems }
  return { ok: true, settings: Object.freeze(settings) as Settings, sources: sources as Sources }
}

/** What settings that are each allowed may not say together. */
function contradictions({
  tlsPort, tlsCertificate, tlsKey, tlsCa, tlsVerify, tlsFailIfNoPeerCert,
}: Settings): string[] {
  if (tlsPort === null) return []
  const problems: string[] = []
  if (tlsCertificate === null) problems.push('tls-certificate: tls-port needs one')
  if (tlsKey === null) problems.push('tls-key: tls-port needs one')
  if (tlsVerify === 'peer' && tlsCa === null) problems.push('tls-ca: tls-verify peer needs one')
  if (tlsVerify === 'none' && tlsFailIfNoPeerCert) {
    problems.push('tls-fail-if-no-peer-cert: true needs tls-verify peer, without which none is asked for')
  }
  return problems
}

/** The configuration file has to be found, and read by the caller, before the rest can be resolved. */
export function findConfigFile(argv: readonly string[], env: RawSettings['env']): string | null {
  const key = settingsTable.configFile.key
  const given = readFlags(argv, []).get(key) ?? readEnvironment(env, []).get(key)
  return typeof given?.value === 'string' && given.value !== '' ? given.value : null
}

function readFlags(argv: readonly string[], problems: string[]): GivenByKey {
  const given: GivenByKey = new Map()
  const flags = settingRows.map(([, row]) => flagOf(row))
  for (let at = 0; at < argv.length; at++) {
    const [argument, next] = [argv[at] ?? '', argv[at + 1]]
    if (!argument.startsWith('--')) {
      problems.push(`unexpected argument ${quote(argument)}: start or a flag`)
      continue
    }
    const [, flag = argument, inline = null] = /^([^=]*)=([\s\S]*)$/.exec(argument) ?? []
    const following = next === undefined || next.startsWith('--') ? null : next
    // For an unknown flag too: its value is not a second problem.
    if (inline === null && following !== null) at++
    const value = inline ?? following
    if (!flags.includes(flag)) problems.push(`unknown flag ${flag}${suggestName(flag, flags)}`)
    else if (value === null) problems.push(`${flag} needs ${rowOf(flag).kind.allowed}`)
    else addFlag(given, flag, value)
  }
  return given
}

/** A repeated flag overrides: that is how arguments of `docker run` change those of an image. */
function addFlag(given: GivenByKey, flag: string, value: string): void {
  const row = rowOf(flag)
  given.set(row.key, { value: row.kind.fromText(value), source: { from: 'flag', name: flag } })
}

/** An empty variable counts as unset, as compose files cannot say "absent". */
function readEnvironment(env: RawSettings['env'], problems: string[]): GivenByKey {
  const given: GivenByKey = new Map()
  const known = settingRows.flatMap(([, row]) => variablesOf(row))
  for (const variable of Object.keys(env).toSorted()) {
    if (!variable.startsWith('LEVERET_') || known.includes(variable)) continue
    if (testSuiteVariables.includes(variable)) continue
    problems.push(`unknown environment variable ${variable}${suggestName(variable, known)}`)
  }
  for (const [, row] of settingRows) {
    const variable = variablesOf(row).find((each) => (env[each] ?? '') !== '')
    if (variable === undefined) continue
    given.set(row.key, {
      value: row.kind.fromText(env[variable] ?? ''), source: { from: 'environment', name: variable },
    })
  }
  return given
}

function readFile({ fileText, fileName }: RawSettings, problems: string[]): GivenByKey {
  const given: GivenByKey = new Map()
  if (fileText === null) return given
  const name = fileName ?? 'configuration file'
  const document = parseObject(fileText)
  if (typeof document === 'string') {
    problems.push(`${name}: ${document}`)
    return given
  }
  const known = settingRows.filter(([, row]) => row.notInFile !== true).map(([, row]) => row.key)
  for (const [key, value] of Object.entries(document)) {
    if (known.includes(key)) given.set(key, { value, source: { from: 'file', name } })
    else problems.push(`unknown key ${quote(key)} in ${name}${suggestName(key, known)}`)
  }
  return given
}

/** The object, or what is wrong with the text. */
function parseObject(fileText: string): Record<string, unknown> | string {
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(fileText))
    return parsed.success ? parsed.data : 'must be one JSON object with a key for each setting'
  } catch (error) {
    return `not JSON: ${String(error).replace(/\s+/g, ' ')}`
  }
}

function refusal(row: Row<unknown>, { value, source }: Given): string {
  const shown = row.secret === true ? 'the value given' : quote(value)
  return `${row.key}: ${shown} (from ${describeSource(source)}) is not ${row.kind.allowed}`
}

export function describeSource(source: Source): string {
  return source.from === 'default' ? 'default' : `${source.from} ${source.name}`
}

/** On one line and short, whatever somebody put there. */
function quote(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > 80 ? `${json.slice(0, 80)}…` : json
}

function rowOf(flag: string): Row<unknown> {
  const found = settingRows.find(([, row]) => flagOf(row) === flag)
  if (found === undefined) throw new Error(`no setting has the flag ${flag}`)
  return found[1]
}
