// Asks a broker for its version by opening a connection. Called while a broker starts, to see that it
// answers.

import { connect } from 'amqplib'

/** The `version` of connection.start's server properties; rejects when the broker is not (yet) there. */
export async function serverVersion(url: string): Promise<string> {
  const connection = await connect(url, { timeout: 5_000 })
  // the socket may reset while it closes; the version is known by then
  connection.on('error', () => undefined)
  const { version } = connection.connection.serverProperties
  await connection.close()
  return version
}
