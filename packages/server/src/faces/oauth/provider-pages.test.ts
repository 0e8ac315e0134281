import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { showError } from './provider-pages.ts'

function shown(error: string, description?: string): string {
  const ctx = { set() {} } as unknown as KoaContextWithOIDC
  showError(ctx, { error, error_description: description })
  return String(ctx.body)
}

test('a server error is shown in a sentence for people, not in the library’s wording', () => {
  const page = shown('server_error', 'oops! something went wrong')
  assert.match(page, /An unexpected error occurred on the server\. Try again in a moment\./)
  assert.doesNotMatch(page, /oops/)
})

test('a client error is shown unchanged', () => {
  assert.match(shown('invalid_request', 'missing required parameter'), /missing required parameter/)
})
