// POST /api/v1/backup: has the store copy its data to a file on the broker's machine, for administrators, who
// may replace all of it anyway. Called by server.ts; `leveret backup` is its client. The body is
// {"file": absolute path, "overwrite": boolean}.

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { admit, CHALLENGE } from './auth.ts'
import type { BrokerView } from './broker-view.ts'

export const BACKUP_PATH = '/api/v1/backup'

const BODY_BYTES_MAX = 16 * 1024
const bodySchema = z.object({ file: z.string().min(1), overwrite: z.boolean().default(false) })

interface Answer {
  readonly status: number
  readonly body: object | undefined
}

export function addBackup(app: FastifyInstance, view: BrokerView): void {
  app.register((door, _options, done) => {
    door.removeAllContentTypeParsers()
    const options = { parseAs: 'string', bodyLimit: BODY_BYTES_MAX } as const
    door.addContentTypeParser('*', options, (_request, text, parsed) => parsed(null, text))
    door.post(BACKUP_PATH, async (request, reply) => {
      const admission = await admit(view, request.headers.authorization, request.ip)
      const { status, body } = 'refusal' in admission
        ? { status: 401, body: admission.refusal ?? undefined }
        : await backUp(view, admission.caller.tags, request.body)
      if (status === 401) void reply.header('www-authenticate', CHALLENGE)
      return reply.code(status).send(body)
    })
    done()
  })
}

async function backUp(view: BrokerView, tags: readonly string[], text: unknown): Promise<Answer> {
  if (!tags.includes('administrator')) {
    return { status: 401, body: { error: 'not_authorised', reason: 'Not administrator user' } }
  }
  if (view.backUp === null) return refusal('the memory store has no file that could be copied')
  try {
    const { file, overwrite } = bodySchema.parse(JSON.parse(String(text)))
    return { status: 200, body: { file, bytes: await view.backUp(file, overwrite) } }
  } catch (error) {
    return refusal(error instanceof Error ? error.message : String(error))
  }
}

function refusal(reason: string): Answer {
  return { status: 400, body: { error: 'bad_request', reason } }
}
