// Certificates for tests, made on the fly by the openssl program, which Node cannot do without: an authority,
// a server that it vouches for, clients that it does and does not. Called by the tests of TLS.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const DAYS = '3650'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

export class Authority {
  readonly files: CertificateFiles
  private readonly folder: string

  /** `subject` as openssl wants it: /CN=test authority. */
  constructor(folder: string, subject: string) {
    this.folder = folder
    this.files = this.names(subject)
    openssl('req', '-x509', ...newKey(this.files.key), '-out', this.files.certificate, '-days', DAYS,
      '-subj', subject)
  }

  /** A certificate and its key, for 127.0.0.1 as well as for a client. */
  issue(subject: string): CertificateFiles {
    const files = this.names(subject)
    const [request, extensions] = [`${files.certificate}.csr`, `${files.certificate}.ext`]
    writeFileSync(extensions, 'subjectAltName = IP:127.0.0.1\n')
    openssl('req', ...newKey(files.key), '-out', request, '-subj', subject, '-utf8')
    openssl('x509', '-req', '-in', request, '-CA', this.files.certificate, '-CAkey', this.files.key,
      '-CAcreateserial', '-out', files.certificate, '-days', DAYS, '-extfile', extensions)
    return files
  }

  private names(subject: string): CertificateFiles {
    const base = join(this.folder, Buffer.from(subject).toString('hex').slice(-40))
    return { certificate: `${base}.crt`, key: `${base}.key` }
  }
}

const newKey = (file: string): string[] =>
  ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', file]

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
