import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { documentSettings } from '@preflow/extension/settings'
import { PREFIX, settings } from '@preflow/token-guard'

const path = fileURLToPath(new URL('../README.md', import.meta.url))

// Run this file with --test-update-snapshots to write the table.
test('the README lists every setting as it is', async t => {
  const readme = await readFile(path, 'utf8')
  const table = `<!-- settings -->\n${documentSettings(PREFIX, settings)}\n<!-- /settings -->`
  const expected = readme.replace(/<!-- settings -->[\s\S]*<!-- \/settings -->/, () => table)
  t.assert.fileSnapshot(expected, path, { serializers: [text => text] })
})
