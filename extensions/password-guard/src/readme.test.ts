import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { prefixOf, settingsOf } from '@preflow/extension/service'
import { documentSettings } from '@preflow/extension/settings'
import { passwordGuard } from './service.ts'

const path = fileURLToPath(new URL('../README.md', import.meta.url))

// Run this file with --test-update-snapshots to write the table.
test('the README lists every setting as it is', async context => {
  const readme = await readFile(path, 'utf8')
  assert.match(readme, /<!-- settings -->[\s\S]*<!-- \/settings -->/, 'the table has lost its place')
  const settings = documentSettings(prefixOf(passwordGuard), settingsOf(passwordGuard))
  const table = `<!-- settings -->\n${settings}\n<!-- /settings -->`
  const expected = readme.replace(/<!-- settings -->[\s\S]*<!-- \/settings -->/, () => table)
  context.assert.fileSnapshot(expected, path, { serializers: [text => text] })
})
