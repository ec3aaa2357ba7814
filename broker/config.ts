// Every setting there is, one row each. config-sources.ts resolves what somebody gave against the rows,
// running-settings.ts changes the few that may change while the broker runs; --help, --print-config and
// docs/reference/config.md are read off the same rows. Invariant: a key added to the table needs no second
// edit: its flag (--key), its variable (LEVERET_KEY) and its place in the file follow.
import {
  asIs, BYTES_MAX, choice, integer, names, optional, text, watermark, yesOrNo,
} from './setting-kinds.ts'
import type { Kind } from './setting-kinds.ts'
import { z } from 'zod'

export interface Row<T> {
  readonly key: string
  readonly kind: Kind<T>
  readonly default: T | ((packageVersion: string) => T)
  readonly unit?: 'bytes' | 'seconds' | 'ms'
  readonly doc: string
  /** Variables honoured after LEVERET_<KEY>, so that what is written for a RabbitMQ container works here. */
  readonly alsoEnvironment?: readonly string[]
  readonly secret?: true
  /** Says where the file is, so the file cannot say it. */
  readonly notInFile?: true
  /** May be changed while the broker runs, until it stops. */
  readonly isChangeable?: true
}

function setting<T>(row: Row<T>): Row<T> {
  return row
}

export const settingsTable = {
  dataDirectory: setting({
    key: 'data', kind: text('a path'), default: './data',
    doc: 'Directory that holds the database; made when it is missing. One broker at a time may use it.',
  }),
  store: setting({
    key: 'store', kind: choice(['sqlite', 'memory']), default: 'sqlite',
    doc: 'Where durable things go. memory keeps nothing on disk: all is gone when the process ends.',
  }),
  host: setting({
    key: 'host', kind: text('an IP address or a host name'), default: '0.0.0.0',
    doc: 'Address that AMQP and HTTP listen on. 0.0.0.0 is every IPv4 interface, :: is IPv6 as well.',
  }),
  amqpPort: setting({
    key: 'amqp-port', kind: integer(0, 65_535), default: 5672,
    doc: 'Port for AMQP 0-9-1; 0 takes a free one.',
  }),
  tlsPort: setting<number | null>({
    key: 'tls-port', kind: optional(integer(0, 65_535)), default: null,
    doc: 'Port for AMQP 0-9-1 over TLS, 5671 by custom; 0 takes a free one.',
  }),
  tlsCertificate: setting<string | null>({
    key: 'tls-certificate', kind: optional(text('a path')), default: null,
    doc: 'PEM file with the certificate that clients are shown, and those between it and its authority.',
  }),
  tlsKey: setting<string | null>({
    key: 'tls-key', kind: optional(text('a path')), default: null,
    doc: 'PEM file with the private key of that certificate.',
  }),
  tlsCa: setting<string | null>({
    key: 'tls-ca', kind: optional(text('a path')), default: null,
    doc: 'PEM file with the authorities whose client certificates are accepted.',
  }),
  tlsVerify: setting({
    key: 'tls-verify', kind: choice(['none', 'peer']), default: 'none',
    doc: 'peer asks clients for a certificate and drops those whose certificate is not of tls-ca.',
  }),
  tlsFailIfNoPeerCert: setting({
    key: 'tls-fail-if-no-peer-cert', kind: yesOrNo, default: false,
    doc: 'With tls-verify peer: also drops clients that have no certificate.',
  }),
  tlsCertLoginFrom: setting<'distinguished_name' | 'common_name'>({
    key: 'tls-cert-login-from', kind: choice(['distinguished_name', 'common_name']),
    default: 'distinguished_name',
    doc: 'What of a client\'s certificate is its user name when it logs in by EXTERNAL.',
  }),
  httpPort: setting({
    key: 'http-port', kind: integer(0, 65_535), default: 15_672,
    doc: 'Port for the HTTP API and /metrics; 0 takes a free one.',
  }),
  prometheusPort: setting<number | null>({
    key: 'prometheus-port', kind: optional(integer(0, 65_535)), default: null,
    doc: 'Port for /metrics alone, RabbitMQ\'s is 15692; 0 takes a free one. The HTTP port has it, too.',
  }),
  logLevel: setting({
    key: 'log-level', default: 'info',
    kind: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    doc: 'Least severe level that is logged, as JSON lines, to stderr.',
  }),
  configFile: setting<string | null>({
    key: 'config', default: null,
    kind: { schema: z.string().min(1).nullable(), fromText: asIs, allowed: 'a path' },
    doc: 'JSON file with any of these settings, by the names in this table.', notInFile: true,
  }),
  url: setting<string | null>({
    key: 'url', kind: optional(text('an http or https address')), default: null,
    doc: 'HTTP address of the broker that commands talk to; none is the one on this machine, at http-port.',
  }),
  user: setting<string | null>({
    key: 'user', kind: optional(text('a user name')), default: null,
    doc: 'User that commands log in as; none is the default user.',
  }),
  password: setting<string | null>({
    key: 'password', kind: optional(text('a password')), default: null, secret: true,
    doc: 'Password that commands log in with; none is that of the default user.',
  }),
  vhost: setting<string | null>({
    key: 'vhost', kind: optional(text('a vhost name')), default: null,
    doc: 'Vhost that commands act in; none is the default vhost, and every vhost for lists.',
  }),
  defaultUser: setting({
    key: 'default-user', kind: text('a user name'), default: 'guest',
    doc: 'Administrator that is made when the data directory is new.',
    alsoEnvironment: ['RABBITMQ_DEFAULT_USER'],
  }),
  defaultPass: setting({
    key: 'default-pass', kind: text('a password that is not empty'), default: 'guest', secret: true,
    doc: 'Password of the default user.', alsoEnvironment: ['RABBITMQ_DEFAULT_PASS'],
  }),
  defaultVhost: setting({
    key: 'default-vhost', kind: text('a vhost name'), default: '/',
    doc: 'Vhost that is made when the data directory is new.', alsoEnvironment: ['RABBITMQ_DEFAULT_VHOST'],
  }),
  loadDefinitions: setting<string | null>({
    key: 'load-definitions', default: null,
    kind: { schema: z.string().min(1).nullable(), fromText: asIs, allowed: 'a path' },
    doc: 'JSON file of definitions, as RabbitMQ and /api/definitions export them, taken in at each start. '
      + 'With users or vhosts in it, a new data directory gets no default ones.',
  }),
  loopbackUsers: setting({
    key: 'loopback-users', kind: names, default: ['guest'],
    doc: 'Users that may only log in from this machine. none lets everybody in from everywhere.',
  }),
  product: setting({
    key: 'product', kind: text('a name'), default: 'Leveret',
    doc: 'Product that clients are told in server-properties.',
  }),
  productVersion: setting({
    key: 'product-version', kind: text('a version'), default: (packageVersion) => packageVersion,
    doc: 'Version that clients are told in server-properties.',
  }),
  frameMax: setting({
    key: 'frame-max', kind: integer(4096, 16_777_216), default: 131_072, unit: 'bytes',
    doc: 'Largest frame offered to clients; 4096 is the smallest that AMQP allows.',
  }),
  channelMax: setting({
    key: 'channel-max', kind: integer(1, 65_535), default: 2047,
    doc: 'Most channels on one connection.',
  }),
  heartbeatSeconds: setting({
    key: 'heartbeat', kind: integer(0, 65_535), default: 60, unit: 'seconds',
    doc: 'Heartbeat offered to clients; 0 offers none.',
  }),
  handshakeTimeoutMs: setting({
    key: 'handshake-timeout', kind: integer(1, 3_600_000), default: 10_000, unit: 'ms',
    doc: 'Time a new connection has to log in and open a vhost.',
  }),
  connectionMax: setting({
    key: 'connection-max', kind: integer(0, 1_000_000), default: 0,
    doc: 'Most connections at a time; one more is refused with 530 when it opens a vhost. 0 is no limit.',
  }),
  memoryHighWatermark: setting({
    key: 'memory-high-watermark', kind: watermark, default: 0.6,
    doc: 'Memory in use from which on publishers are blocked: a fraction of the machine\'s or container\'s '
      + 'memory, or bytes. 0 blocks them always.', isChangeable: true,
  }),
  diskFreeLimit: setting({
    key: 'disk-free-limit', kind: integer(0, BYTES_MAX), default: 268_435_456, unit: 'bytes',
    doc: 'Free space on the disk of the data directory below which publishers are blocked; 0 for no limit.',
    isChangeable: true,
  }),
  ballast: setting({
    key: 'ballast', kind: integer(0, BYTES_MAX), default: 67_108_864, unit: 'bytes',
    doc: 'Size of a file in the data directory that is given up when the disk is full, so that what is in '
      + 'flight and acknowledgements can still be stored; 0 for none. 64 MB cover what may be in flight.',
  }),
  messageSizeMax: setting({
    key: 'max-message-size', kind: integer(1, 536_870_912), default: 16_777_216, unit: 'bytes',
    doc: 'Largest message body accepted; a larger one closes the channel.',
  }),
  residentBytesMax: setting({
    key: 'resident-bytes', kind: integer(1_048_576, 1_099_511_627_776), default: 536_870_912, unit: 'bytes',
    doc: 'Memory that waiting messages may take before transient ones are written out too. Persistent ones '
      + 'leave memory as soon as their queue is longer than a few thousand.',
  }),
  transactionSizeMax: setting({
    key: 'max-transaction-size', kind: integer(1, 1_073_741_824), default: 134_217_728, unit: 'bytes',
    doc: 'Most that publishes may hold in memory between tx.select and tx.commit; more closes the channel.',
  }),
  webhooksAllowPrivate: setting({
    key: 'webhooks-allow-private', kind: yesOrNo, default: false,
    doc: 'Lets webhooks send to this machine and to private networks: loopback, private, link-local and '
      + 'other addresses that are nobody\'s on the internet.',
  }),
  tracing: setting({
    key: 'tracing', kind: yesOrNo, default: false,
    doc: 'Makes OpenTelemetry spans of what is published, waits and is delivered, for an SDK that is loaded '
      + 'into the process; see docs/tracing.md.',
  }),
  consumerTimeoutMs: setting({
    key: 'consumer-timeout', kind: integer(1, 315_360_000_000), default: 1_800_000, unit: 'ms',
    doc: 'Time a delivery of a quorum queue may be unsettled before it goes back to its queue; a queue or a '
      + 'consumer may say another.',
  }),
} satisfies Record<string, Row<unknown>>

export type SettingName = keyof typeof settingsTable

export type Settings = {
  readonly [N in SettingName]: (typeof settingsTable)[N] extends Row<infer T> ? T : never
}

/** Rows in the table's order, as the help, the listing and the reference page want them. */
export const settingRows = Object.entries(settingsTable) as [SettingName, Row<unknown>][]

/** Belong to the test suites, which hand their environment to the brokers they start; ignored here. */
export const testSuiteVariables: readonly string[] = [
  'LEVERET_CLIENTS_REPORT', 'LEVERET_CLIENTS_ROOT', 'LEVERET_COMPAT', 'LEVERET_COMPAT_REPORT',
  'LEVERET_DEBIAN_MIRROR', 'LEVERET_RABBITMQ_ROOT', 'LEVERET_REFERENCE', 'LEVERET_SIM_SEED',
]

export function flagOf(row: Row<unknown>): string {
  return `--${row.key}`
}

/** In the order in which they are honoured. */
export function variablesOf(row: Row<unknown>): string[] {
  return [`LEVERET_${row.key.toUpperCase().replaceAll('-', '_')}`, ...(row.alsoEnvironment ?? [])]
}

export function defaultOf(row: Row<unknown>, packageVersion: string): unknown {
  return typeof row.default === 'function' ? row.default(packageVersion) : row.default
}

/** A value as one would write it after its flag; a secret shows only that there is one. */
export function showValue(row: Row<unknown>, value: unknown): string {
  return row.secret === true && value !== null ? '********' : showPlain(value)
}

export function showPlain(value: unknown): string {
  if (value === null) return 'none'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',')
  return String(value)
}
