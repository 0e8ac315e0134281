/** Writes `extensions/{name}/deploy/README.md` from the tables that `preflow new` uses. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deployDocument, readyMade } from 'preflow/scaffold'

for (const extension of Object.keys(readyMade)) {
  const folder = join(import.meta.dirname, '..', 'extensions', extension, 'deploy')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'README.md'), deployDocument(extension))
}
