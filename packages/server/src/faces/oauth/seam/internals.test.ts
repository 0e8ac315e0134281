import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

test('the version of oidc-provider is pinned exactly', () => {
  const { dependencies } = createRequire(import.meta.url)('../../../../package.json') as {
    dependencies: Record<string, string>
  }
  const { version } = createRequire(import.meta.url)('oidc-provider/package.json') as { version: string }
  assert.equal(dependencies['oidc-provider'], version)
})
