import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { prefixOf, settingsOf } from '@preflow/extension/service'
import { documentSettings } from '@preflow/extension/settings'
import { passwordGuard } from './service.ts'

test('the README shows every setting as it is', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const table = documentSettings(prefixOf(passwordGuard), settingsOf(passwordGuard))
  assert.ok(readme.includes(table), `put this table into the README:\n${table}`)
})
