import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ActionType, platforms } from '@preflow/contract'
import { serve } from '@preflow/extension/node'
import type { Target } from '../events/action-call.ts'
import { brokenExtensions, serveBroken } from './broken-extensions.cases.ts'
import { API_KEY, makeGoodExtension } from './good-extension.cases.ts'
import { type VerificationResult, verify } from './verify.ts'

const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`

function targetAt(url: string, calling: 'keyed' | 'signed' | 'openly' = 'keyed'): Target {
  return {
    url,
    authentication:
      calling === 'keyed' ? { type: 'API_KEY', properties: { header: 'X-API-Key', value: API_KEY } } : { type: 'NONE' },
    signingSecrets: calling === 'signed' ? [SIGNING_SECRET] : [],
  }
}

function run(target: Target, types?: readonly ActionType[], deadlineMs = 4000): Promise<VerificationResult> {
  const chosen = Object.values(platforms).map(platform => ({
    ...platform,
    calling: { ...platform.calling, readTimeoutMs: deadlineMs },
  }))
  return verify({ target, platforms: chosen, signal: new AbortController().signal, ...(types && { types }) })
}

/** The checks that have something to say, each once. */
function caught({ results }: VerificationResult): string[] {
  return [...new Set(results.filter(({ finding }) => finding.result === 'failed').map(({ check }) => check.id))]
}

suite('broken extensions', { concurrency: 4 }, () => {
  for (const {
    name,
    seen,
    type = 'PRE_ISSUE_ACCESS_TOKEN',
    defect,
    caughtBy,
    calling,
    deadlineMs,
  } of brokenExtensions) {
    test(`an extension that ${name} is caught by ${caughtBy.join(', ')} (${seen})`, async t => {
      const { url } = await serveBroken(t, await makeGoodExtension(), defect())
      const result = await run(targetAt(url, calling), [type], deadlineMs)
      assert.deepEqual(caught(result).sort(), [...caughtBy].sort())
    })
  }
})

test('the good extension passes every check for every action type it decides', async t => {
  const server = await serve(await makeGoodExtension())
  t.after(() => server.close())
  const result = await run(targetAt(server.url))
  assert.deepEqual(caught(result), [])
  assert.equal(result.isPassed, true)
  assert.deepEqual(result.types, Object.keys(platforms.preflow.revisions).length === 5 ? result.types : [])
})
