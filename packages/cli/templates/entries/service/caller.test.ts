import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openService, prefixOf } from '@preflow/extension/service'
import { call } from '@preflow/extension/testing'
import { service } from './service.ts'

const key = 'key-of-the-platform'
const env = {
  [`${prefixOf(service)}_CALLER`]: 'api-key',
  [`${prefixOf(service)}_CALLER_SECRETS`]: key,
  // __testVariables__
}

test('callers without the key are refused, and the platform is accepted', async t => {
  const { extension, close } = await openService(service, { env, stdout: { write: () => true } })
  t.after(() => close?.())
  assert.equal((await call(extension, {})).status, 401)
  // The key is right, but the body is not a request.
  assert.equal((await call(extension, {}, { headers: { 'x-api-key': key } })).status, 400)
})
