// Rows of the table of versions (table.ts): permissions, limits, policies, the management API, command lines.

import type { OlderDifference } from './difference.ts'

export const ofManagement = {
  'channel-limit-text': {
    what: 'Text of the 530 for a channel too many of a user',
    older: '`… user limit of (1)`',
    newest: '`… user limit of 1`',
    since: 'by 4.3', source: 'behaviours §12.8',
  },
  'permission-named': {
    what: 'Text of the 403 for a missing permission',
    older: '`access to queue …`',
    newest: '`configure access to queue …`, and likewise write and read',
    since: 'by 4.3', source: 'behaviours §12.9',
  },
  'passive-permission': {
    what: 'A passive declare by a user without any permission on the name',
    older: 'answered',
    newest: 'channel closed with 403',
    since: '4.3.1', source: 'behaviours §12.10, release notes 4.2.6 and 4.3.1',
    fails: [{
      file: 'permissions', titles: /^a passive (queue|exchange)\.declare needs any permission/,
      sees: /not within .* closes the channel/,
    }],
  },
  'topic-permission-cc': {
    what: 'A topic permission and the keys of the CC header',
    older: 'not checked',
    newest: 'channel closed with 403',
    since: 'by 4.3', source: 'behaviours §12.11',
    fails: [{
      file: 'permissions',
      titles: /^a topic permission limits CC too$/, sees: /not within .* closes the channel/,
    }],
  },
  'topic-permission-exchange': {
    what: 'A topic permission when its exchange is deleted',
    older: 'stays',
    newest: 'is gone, too',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'permissions', titles: /^a topic permission goes with its exchange$/,
      sees: /\[ 'amq\.topic', 'auto', 'x' \] to deeply equal \[ 'amq\.topic', 'x' \]/,
    }],
  },
  'definitions-missing': {
    what: 'Definitions with a binding to a queue, or a topic permission on an exchange, that is not there',
    older: 'taken in',
    newest: '400',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'definitions', titles: /^definitions with a topic permission on an exchange/,
      sees: /\[ 204, undefined \] to/,
    }],
  },
  'definitions-fields': {
    what: 'Fields of definitions',
    older: 'no metadata or limits of vhosts, no types of queues; `internal` of exchanges; not the name of '
      + 'their cluster',
    newest: 'those, but for `internal`',
    since: 'by 4.3', source: 'seen',
    fails: [
      { file: 'http-identity', titles: /^the cluster can be given a name/, sees: /to match object/ },
    ],
  },
  'policy-apply-to': {
    what: 'What a policy may be for',
    older: '`queues`, `exchanges`, `all`',
    newest: '`classic_queues`, `quorum_queues` and `streams`, too',
    since: '3.12.0', source: 'behaviours §12.47, release notes 3.12.0',
    fails: [{
      file: 'policies', titles: /^a policy for (classic_queues|quorum_queues|streams) leaves/,
      sees: /apply-to '\w+' unrec/,
    }],
  },
  'policy-keys': {
    what: 'Keys of policies: target-group-size and consumer-timeout',
    older: 'unknown: 400',
    newest: 'there',
    since: '4.3.0', source: 'seen, release notes 4.3.0',
    fails: [{
      file: 'policies', titles: /^a policy with (target-group-size|consumer-timeout) is/,
      sees: /not recognised policy/,
    }],
  },
  'policy-kinds': {
    what: 'Which keys keep a policy from a classic queue',
    older: 'queue-leader-locator does; max-in-memory-length and max-in-memory-bytes do not',
    newest: 'the other way round',
    since: '4.0.1', source: 'behaviours §12.32, seen',
    fails: [{
      file: 'policies',
      titles: /^a policy with (queue-leader-locator|max-in-memory-\w+) .* a classic queue$/,
      sees: /not within .* q keeps/,
    }],
  },
  'rabbitmqadmin': {
    what: 'The rabbitmqadmin that comes with Debian\'s package',
    older: 'another program, with other options',
    newest: 'rabbitmqadmin 2',
    since: '4.3', source: 'seen',
    fails: [{ file: 'command-line', titles: /^Debian's rabbitmqadmin /, sees: /deeply equal/ }],
  },
  'http-challenge': {
    what: 'HTTP: `WWW-Authenticate` of a 401 with a body',
    older: 'there',
    newest: 'only when no credentials were sent',
    since: 'by 4.3', source: 'seen',
  },
  'http-login-text': {
    what: 'HTTP: reason of the 401 for a wrong password',
    older: '`Login failed`',
    newest: '`Not_Authorized`',
    since: 'by 4.3', source: 'seen',
    fails: [
      {
        file: 'http-errors', titles: /^(wrong credentials are|an unknown user is) refused/,
        sees: /\[ 401, /,
      },
      { file: 'http-identity', titles: /^a login that is wrong is refused$/, sees: /, 401, / },
    ],
  },
  'http-login': {
    what: 'HTTP: answer to `POST /api/login`',
    older: '`ok`',
    newest: 'the user, and a token to send',
    since: 'by 4.3', source: 'seen',
    fails: [{ file: 'http-identity', titles: /^a login answers the user/, sees: /\[ 200, 'ok' \]/ }],
  },
  'http-hash-password': {
    what: 'HTTP: `GET /api/auth/hash_password/{password}` with a password that is not plain ASCII',
    older: '400',
    newest: 'its hash',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'http-identity', titles: /^a hashed password opens/,
      sees: /hash_password\/\S+ answered 400/,
    }],
  },
  'http-body-limit': {
    what: 'HTTP: a body of ten million bytes and one',
    older: '500',
    newest: '400 `Exceeded HTTP request body size limit`',
    since: '3.11.24', source: 'release notes 3.11.24',
    fails: [{ file: 'http-errors', titles: /^a body of ten million bytes and one/, sees: /\[ 500, / }],
  },
  'http-unknown-node': {
    what: 'HTTP: a node that is not there',
    older: '500, and `Node … could not be contacted` for a queue on it',
    newest: '404, and `Node … is not a cluster member`',
    since: '3.12.13', source: 'release notes 3.12.13, seen',
    fails: [
      { file: 'http-errors', titles: /^an unknown node: /, sees: /\[ 500, null \]/ },
      { file: 'http-errors', titles: /^another node: /, sees: /bad_request/ },
      { file: 'http-identity', titles: /^a vhost that runs may be started/, sees: /bad_request/ },
    ],
  },
  'http-ack-mode': {
    what: 'HTTP: getting messages with an ack mode that is none',
    older: '500',
    newest: '400',
    since: 'by 4.3', source: 'seen',
    fails: [{ file: 'http-messages', titles: /^an ack mode that is none/, sees: /expected 500 to be 400/ }],
  },
  'http-publish-missing': {
    what: 'HTTP: publishing to an exchange that is not there',
    older: '400 with the text of the closed channel',
    newest: '404 `exchange_not_found`',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'http-messages', titles: /^an exchange must be there to be published to$/,
      sees: /\[ 400, /,
    }],
  },
  'http-bulk-delete': {
    what: 'HTTP: deleting users at once, of whom one is not there',
    older: '400',
    newest: '204',
    since: 'by 4.3', source: 'seen',
    fails: [{ file: 'http-resources', titles: /^users are listed/, sees: /expected 400 to be 204/ }],
  },
  'http-queue-actions': {
    what: 'HTTP: `POST /api/queues/{vhost}/{queue}/actions` on a classic queue',
    older: '204: synchronises a mirrored queue',
    newest: '400',
    since: '4.0.1', source: 'release notes 4.0.1 (mirrored queues are gone)',
    fails: [{ file: 'http-resources', titles: /^what is always refused/, sees: /expected 204 to be 400/ }],
  },
  'http-paging': {
    what: 'HTTP: a regular expression that is none, to filter a list by',
    older: '400 `Pagination parameters are invalid`',
    newest: 'finds nothing',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'http-topology', titles: /^lists are paged, filtered/,
      sees: /Pagination parameters are invalid/,
    }],
  },
  'http-fields': {
    what: 'HTTP: fields of vhosts, queues, connections, of `whoami`, and of queues with disable_stats',
    older: 'no `protected_from_deletion`, `peer_cert_serial_number`, `is_internal_user`, `online`; '
      + '`backing_queue_status` of another storage',
    newest: 'there',
    since: 'by 4.3', source: 'seen',
    fails: [
      { file: 'http-resources', titles: /^vhosts are listed, and stay while/, sees: /deep equally contain/ },
      {
        file: 'http-shapes', titles: /^(a queue|a connection, its channel and its consumer)$/,
        sees: /'\w+: [\w{}]+', …\(\d+\) \] to deeply/,
      },
      { file: 'http-shapes', titles: /^the small ones$/, sees: /name: 'guest'/ },
      {
        file: 'http-topology', titles: /^disable_stats leaves the facts$/,
        sees: /'arguments', 'auto_delete'/,
      },
    ],
  },
  'http-endpoints': {
    what: 'HTTP: endpoints that 3.10 does not have: `/queues/detailed`, `/deprecated-features`, '
      + '`/health/checks/is-in-service`, deletion protection, replicas of quorum queues, `DELETE /login`',
    older: '404 or 405',
    newest: 'there',
    since: 'by 4.3', source: 'release notes 3.11.19, 3.13.0; seen',
    fails: [
      {
        file: 'http-inventory',
        titles: / at \/(queues\/quorum\/.*\/(add|grow|delete|shrink)|vhosts\/.*\/protection|login)$/,
        sees: /\[ 405, \[ '(GET|POST)' \] \] to/,
      },
      {
        file: 'http-resources', titles: /^(topology is listed by vhost|features are none)/,
        sees: /answered 404/,
      },
      { file: 'http-shapes', titles: /^health checks$/, sees: /answered 404/ },
      { file: 'http-identity', titles: /^logging out needs no login$/, sees: /expected 405 to be 204/ },
    ],
  },
} as const satisfies Record<string, OlderDifference>
