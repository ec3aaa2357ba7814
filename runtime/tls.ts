// The TLS listener's files, read and tried before anything else is touched, so that a start which must fail
// says which of them is wrong. Called by server.ts.
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Settings } from '../broker/config.ts'
import type { TlsFiles, TlsWish } from '../connections/listener.ts'

/** A file of the TLS settings cannot be read, or is not what it should be. */
class TlsFilesUnusable extends Error {
  override name = 'TlsFilesUnusable'
}

/** null when TLS is not wanted. Errors: TlsFilesUnusable. */
export function readTls(settings: Settings): TlsWish | null {
  if (settings.tlsPort === null) return null
  const files = {
    certificate: read('tls-certificate', settings.tlsCertificate!), key: read('tls-key', settings.tlsKey!),
    ca: settings.tlsCa === null ? null : read('tls-ca', settings.tlsCa),
  }
  tryOut(files)
  return {
    ...files, verifiesPeer: settings.tlsVerify === 'peer', needsPeerCertificate: settings.tlsFailIfNoPeerCert,
    loginFrom: settings.tlsCertLoginFrom,
  }
}

function read(key: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new TlsFilesUnusable(`${key}: ${(cause as Error).message}`, { cause })
  }
}

function tryOut({ certificate, key, ca }: TlsFiles): void {
  try {
    createSecureContext({ cert: certificate, key, ...ca !== null && { ca } })
  } catch (cause) {
    const why = (cause as Error).message
    throw new TlsFilesUnusable(`tls-certificate, tls-key and tls-ca do not go together: ${why}`, { cause })
  }
}
