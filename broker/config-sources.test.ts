// Settings as people give them: where each value wins, and what is said about a wrong one.

import { describe, expect, test } from 'vitest'
import { resolveSettings } from './config-sources.ts'
import {
  defaultOf, flagOf, settingRows, settingsTable, showValue, testSuiteVariables, variablesOf,
} from './config.ts'
import type { RawSettings, Resolved } from './config-sources.ts'
import type { Settings } from './config.ts'

const nothing: RawSettings = { argv: [], env: {}, fileText: null, fileName: null, packageVersion: '1.2.3' }

function resolve(given: Partial<RawSettings>): Resolved {
  return resolveSettings({ ...nothing, ...given })
}

function settingsOf(given: Partial<RawSettings>): Settings {
  const resolved = resolve(given)
  if (!resolved.ok) throw new Error(resolved.problems.join('\n'))
  return resolved.settings
}

function problemsOf(given: Partial<RawSettings>): readonly string[] {
  const resolved = resolve(given)
  return resolved.ok ? [] : resolved.problems
}

describe('precedence', () => {
  const fileText = '{"amqp-port": 3, "http-port": 3, "heartbeat": 3}'
  const env = { LEVERET_AMQP_PORT: '2', LEVERET_HTTP_PORT: '2' }
  const argv = ['--amqp-port', '1']
  const all = { argv, env, fileText, fileName: 'leveret.json' }

  test('a flag wins over the environment, which wins over the file, which wins over the default', () => {
    expect(settingsOf(all)).toMatchObject({ amqpPort: 1, httpPort: 2, heartbeatSeconds: 3, channelMax: 2047 })
  })

  test('each value keeps where it came from', () => {
    const resolved = resolve(all)
    expect(resolved).toMatchObject({
      sources: {
        amqpPort: { from: 'flag', name: '--amqp-port' },
        httpPort: { from: 'environment', name: 'LEVERET_HTTP_PORT' },
        heartbeatSeconds: { from: 'file', name: 'leveret.json' },
        channelMax: { from: 'default', name: 'default' },
      },
    })
  })

  test('a repeated flag overrides the earlier one', () => {
    expect(settingsOf({ argv: ['--store', 'sqlite', '--store=memory'] }).store).toBe('memory')
  })

  test('a variable of RabbitMQ is honoured, after ours', () => {
    const rabbit = { RABBITMQ_DEFAULT_USER: 'rabbit', RABBITMQ_DEFAULT_VHOST: 'v' }
    expect(settingsOf({ env: { ...rabbit, LEVERET_DEFAULT_USER: 'hare' } }))
      .toMatchObject({ defaultUser: 'hare', defaultVhost: 'v' })
  })

  test('an empty variable counts as unset', () => {
    expect(settingsOf({ env: { LEVERET_STORE: '', RABBITMQ_DEFAULT_PASS: '' } }))
      .toMatchObject({ store: 'sqlite', defaultPass: 'guest' })
  })
})

describe('values', () => {
  test('defaults are those of RabbitMQ where it has the setting', () => {
    expect(settingsOf({})).toEqual({
      dataDirectory: './data', store: 'sqlite', host: '0.0.0.0', amqpPort: 5672, httpPort: 15672,
      tlsPort: null, tlsCertificate: null, tlsKey: null, tlsCa: null, tlsVerify: 'none',
      tlsFailIfNoPeerCert: false, tlsCertLoginFrom: 'distinguished_name',
      prometheusPort: null, logLevel: 'info', configFile: null, defaultUser: 'guest', defaultPass: 'guest',
      defaultVhost: '/', loadDefinitions: null,
      loopbackUsers: ['guest'], product: 'Leveret', productVersion: '1.2.3', frameMax: 131072,
      channelMax: 2047, heartbeatSeconds: 60, handshakeTimeoutMs: 10000, messageSizeMax: 16777216,
      residentBytesMax: 536870912,
      transactionSizeMax: 134217728, connectionMax: 0,
      memoryHighWatermark: 0.6, diskFreeLimit: 268435456, ballast: 67108864,
      consumerTimeoutMs: 1800000, webhooksAllowPrivate: false, tracing: false,
      url: null, user: null, password: null, vhost: null,
    })
  })

  test.each(settingRows)('the default of %s is a value that is allowed', (_name, row) => {
    expect(row.kind.schema.safeParse(defaultOf(row, '1.2.3')).success).toBe(true)
  })

  test.each([
    [['--tls-port', '5671'], ['tls-certificate: tls-port needs one', 'tls-key: tls-port needs one']],
    [['--tls-port', '0', '--tls-certificate', 'a', '--tls-key', 'b', '--tls-verify', 'peer'],
      ['tls-ca: tls-verify peer needs one']],
    [['--tls-port', '0', '--tls-certificate', 'a', '--tls-key', 'b', '--tls-fail-if-no-peer-cert', 'true'],
      ['tls-fail-if-no-peer-cert: true needs tls-verify peer, without which none is asked for']],
  ])('that contradict each other are refused together: %j', (argv, problems) => {
    expect(problemsOf({ argv })).toEqual(problems)
  })

  test('none takes an optional one away again', () => {
    expect(settingsOf({ argv: ['--tls-port', '5671', '--tls-port', 'none'] }).tlsPort).toBeNull()
  })

  test('a list is names with commas, or none', () => {
    const argv = ['--loopback-users', 'guest, admin']
    expect(settingsOf({ argv }).loopbackUsers).toEqual(['guest', 'admin'])
    expect(settingsOf({ env: { LEVERET_LOOPBACK_USERS: 'none' } }).loopbackUsers).toEqual([])
  })

  test('a value may start with a dash or hold an equals sign when it follows one', () => {
    expect(settingsOf({ argv: ['--default-pass=--a=b'] }).defaultPass).toBe('--a=b')
  })

  test('a secret is shown masked', () => {
    expect(showValue(settingsTable.defaultPass, 'hunter2')).toBe('********')
  })

  test('settings are frozen', () => {
    expect(Object.isFrozen(settingsOf({}))).toBe(true)
  })
})

describe('problems', () => {
  test.each<[string, Partial<RawSettings>, string]>([
    ['a number out of range', { argv: ['--amqp-port', '70000'] },
      'amqp-port: 70000 (from flag --amqp-port) is not an integer from 0 to 65535'],
    ['a number that is none', { env: { LEVERET_HEARTBEAT: 'soon' } },
      'heartbeat: "soon" (from environment LEVERET_HEARTBEAT) is not an integer from 0 to 65535'],
    ['a word that is not among the choices', { argv: ['--store=redis'] },
      'store: "redis" (from flag --store) is not one of sqlite, memory'],
    ['a text where the file needs a number', { fileText: '{"channel-max": "9"}', fileName: 'l.json' },
      'channel-max: "9" (from file l.json) is not an integer from 1 to 65535'],
    ['an unknown key of the file', { fileText: '{"amqp_port": 1}', fileName: 'l.json' },
      'unknown key "amqp_port" in l.json: did you mean amqp-port?'],
    ['the file naming a file', { fileText: '{"config": "x"}', fileName: 'l.json' },
      'unknown key "config" in l.json'],
    ['a file that is a list', { fileText: '[]', fileName: 'l.json' },
      'l.json: must be one JSON object with a key for each setting'],
    ['an unknown variable', { env: { LEVERET_AMPQ_PORT: '1' } },
      'unknown environment variable LEVERET_AMPQ_PORT: did you mean LEVERET_AMQP_PORT?'],
    ['an unknown flag, without a second problem for its value', { argv: ['--prot', '1'] },
      'unknown flag --prot'],
    ['a flag without its value', { argv: ['--host', '--store', 'memory'] },
      '--host needs an IP address or a host name'],
    ['a stray argument', { argv: ['now'] }, 'unexpected argument "now": start or a flag'],
    ['a list with an empty name', { argv: ['--loopback-users=a,,b'] },
      'loopback-users: ["a","","b"] (from flag --loopback-users) is not names with commas between '
      + 'them, or none; in the file a JSON array of names'],
  ])('%s is named', (_what, given, problem) => {
    expect(problemsOf(given)).toEqual([problem])
  })

  test('a file that is not JSON is one line', () => {
    const [problem, ...others] = problemsOf({ fileText: '{\n  "store": memory\n}', fileName: 'l.json' })
    expect(problem).toMatch(/^l\.json: not JSON: [^\n]+$/)
    expect(others).toEqual([])
  })

  test('a refused password is not repeated', () => {
    expect(problemsOf({ argv: ['--default-pass='] })).toEqual([
      'default-pass: the value given (from flag --default-pass) is not a password that is not empty',
    ])
  })

  test('all problems are told at once', () => {
    expect(problemsOf({ argv: ['--store', 'x'], env: { LEVERET_HOTS: 'x' } })).toHaveLength(2)
  })

  test('variables of the test suites are left alone', () => {
    expect(problemsOf({ env: Object.fromEntries(testSuiteVariables.map((name) => [name, '1'])) })).toEqual([])
  })
})

test('no two settings share a key, a flag or a variable', () => {
  const taken = settingRows.flatMap(([, row]) => [row.key, flagOf(row), ...variablesOf(row)])
  expect(new Set(taken).size).toBe(taken.length)
})
