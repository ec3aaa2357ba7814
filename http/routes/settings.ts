// /api/v1/settings: what the broker runs by, and changing the few settings that may change while it does.
// RabbitMQ has `rabbitmqctl set_vm_memory_high_watermark` and `set_disk_free_limit` for that.
import { z } from 'zod'
import { settingRows } from '../../broker/config.ts'
import { listing, noContent } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { valueOf } from './users.ts'

const MASKED = '********'

export const settingEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/settings', access: 'administrator', list: 'plain',
    doc: 'Every setting with its value, secrets masked, and whether it can be changed while the broker runs.',
    handle: ({ door: { settings } }) => listing(settingRows, {
      name: ([, { key }]) => key, vhost: () => '',
      show: ([name, row]) => ({
        name: row.key, value: row.secret === true ? MASKED : settings.current[name],
        changeable: row.isChangeable === true,
      }),
    }),
  }),
  endpoint({
    method: 'PUT', path: '/api/v1/settings/:setting', access: 'administrator',
    body: z.object({ value: z.unknown() }),
    doc: 'Changes a setting that can be changed, until the broker stops. It is in force with the answer.',
    handle({ door: { settings }, params, body }) {
      settings.change(params.setting, valueOf(body))
      return noContent()
    },
  }),
]
