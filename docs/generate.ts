// Writes docs/reference/*.md from the tables, or with --check says which of them is stale and exits with 1.
// Run after a build: node dist/docs/generate.js [--check]. Part of `npm run generate` and `npm run check`.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../cli/package-version.ts'
import { referencePages } from './reference-pages.ts'

const directory = join(packageRoot(), 'docs', 'reference')
const isCheck = process.argv.includes('--check')

for (const [name, text] of referencePages()) {
  const file = join(directory, name)
  const isFresh = existsSync(file) && readFileSync(file, 'utf8') === text
  if (isFresh) continue
  if (isCheck) {
    process.stderr.write(`docs/reference/${name} is stale: run npm run generate\n`)
    process.exitCode = 1
  } else {
    mkdirSync(directory, { recursive: true })
    writeFileSync(file, text)
    process.stdout.write(`docs/reference/${name} written\n`)
  }
}
