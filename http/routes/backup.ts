// POST /api/v1/backup: has the store copy its data to a file on the broker's machine, for administrators, who
// may replace all of it anyway. `leveret backup` is its client; RabbitMQ has nothing like it.
import { z } from 'zod'
import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest } from '../errors.ts'

export const backupEndpoints = [
  endpoint({
    method: 'POST', path: '/api/v1/backup', access: 'administrator',
    body: z.object({ file: z.string().min(1), overwrite: z.boolean().default(false) }),
    doc: 'Copies the store to the absolute path `file` on the broker\'s machine; answers with its size in '
      + '`bytes`. A file that is there is left alone without `overwrite`.',
    async handle({ door: { node }, body: { file, overwrite } }): Promise<Answer> {
      if (node.backUp === null) throw badRequest('the memory store has no file that could be copied')
      const bytes = await node.backUp(file, overwrite).catch((cause: unknown) => {
        throw badRequest(cause instanceof Error ? cause.message : String(cause))
      })
      return json({ file, bytes })
    },
  }),
]
