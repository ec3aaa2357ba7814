// What Leveret tells Prometheus, read by Debian's: `promtool check metrics` on every page, and a server that
// scrapes. Leveret alone: what RabbitMQ says is compared in http-*.test.ts.

import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { freePorts } from '../harness/free-port.ts'
import { Management } from '../harness/management.ts'
import { until } from '../harness/poll.ts'
import { rootFolder } from './debian-root.ts'

const BOUND_MS = 60_000

for (const target of inject('targets').filter(({ isLeveret }) => isLeveret)) {
  const http = new Management(target)

  test.each([
    '/metrics', '/metrics/per-object', '/metrics/detailed?family=queue_metrics&family=queue_coarse_metrics',
  ])('promtool finds nothing wrong with %s', async (path) => {
    await http.put('/queues/%2F/prometheus', { durable: true })
    const page = await fetch(`${target.httpUrl}${path}`)
    const { status, stdout, stderr } = spawnSync('chroot', [rootFolder(), '/usr/bin/promtool', 'check',
      'metrics'],
      { input: await page.text(), encoding: 'utf8' })
    expect([path, status, stdout, stderr]).toEqual([path, 0, '', ''])
    await http.delete('/queues/%2F/prometheus')
  }, BOUND_MS)

  test('Prometheus scrapes and answers with what was counted', async () => {
    const root = rootFolder()
    const folder = await mkdtemp(join(root, 'tmp/leveret-prometheus-'))
    const inRoot = folder.slice(root.length)
    const [port] = await freePorts(1)
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify({
      scrape_configs: [{
        job_name: 'leveret', scrape_interval: '1s', scrape_timeout: '1s',
        static_configs: [{ targets: [new URL(target.httpUrl!).host] }],
      }],
    }))
    const server = spawn('chroot', [root, '/usr/bin/prometheus', `--config.file=${inRoot}/prometheus.yml`,
      `--storage.tsdb.path=${inRoot}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
    try {
      const value = await until('Prometheus knows the version', async () => {
        const query = 'query=rabbitmq_build_info'
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${query}`).catch(() => null)
        if (answer?.ok !== true) return null
        const { data } = await answer.json() as { data: { result: { metric: Record<string, string> }[] } }
        return data.result[0]?.metric ?? null
      }, BOUND_MS)
      expect(value).toMatchObject({ product_name: 'Leveret', job: 'leveret' })
    } finally {
      server.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    }
  }, 2 * BOUND_MS)
}
