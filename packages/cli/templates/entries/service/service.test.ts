import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, prefixOf } from '@preflow/extension/service'
import { service } from './service.ts'

test('without settings it does not start, and lists what is missing', async () => {
  const host = { env: {}, stdout: { write: () => true } }
  await assert.rejects(openService(service, host), new RegExp(`${prefixOf(service)}_CALLER: missing`))
})
