/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extensionProblems } from '../../../domain/actions/extension-problems.ts'
import { stageSeam } from './seam.fixture.ts'
import { TOKEN_REQUEST } from './token-request.ts'

const stage = stageSeam()

/** A refresh with every possible error. */
const EVERYTHING_WRONG = {
  client: 'web:wrong',
  grantType: 'unheard_of',
  scope: '"',
  isRepeated: true,
  isTokenKnown: false,
  isWithinLimits: false,
  isUserActive: false,
}
type Mistakes = typeof EVERYTHING_WRONG

/** The corrections with which a request passes each check, in the order of the table. */
const RIGHT: Record<string, Partial<Mistakes>> = {
  'authenticate the client': { client: 'machine:secret' },
  'find the grant type': { grantType: 'refresh_token' },
  'check that the client may use the grant type': { client: 'web:secret' },
  'check that no parameter is repeated': { isRepeated: false },
  'check that the scope is well-formed': { scope: 'openid' },
  'check the code, refresh token or password': { isTokenKnown: true },
  'check the limits of client and tenant': { isWithinLimits: true },
  'check that the user is active': { isUserActive: true },
}

async function send(mistakes: Mistakes, refreshToken: string) {
  stage.isUserActive = mistakes.isUserActive
  stage.isWithinLimits = mistakes.isWithinLimits
  const form: [string, string][] = [
    ['grant_type', mistakes.grantType],
    ['refresh_token', mistakes.isTokenKnown ? refreshToken : 'unknown'],
    ['scope', mistakes.scope],
  ]
  if (mistakes.isRepeated) form.push(['refresh_token', 'another'])
  return stage.post('/token', form, mistakes.client)
}

test('the first failed check decides the response, in the order of the table', async () => {
  const { body } = await stage.exchange()
  stage.decision = () => {
    throw extensionProblems.refused({ reason: 'the error of the action' })
  }
  let request = EVERYTHING_WRONG
  const seen: [string, unknown][] = []
  for (const { step } of TOKEN_REQUEST) {
    seen.push([step, (await send(request, body.refresh_token)).body.error])
    if (step === 'call the actions') break
    const right = RIGHT[step]
    assert(right, `${step}: say here how a request gets past it`)
    request = { ...request, ...right }
  }
  assert.deepEqual(
    seen,
    TOKEN_REQUEST.slice(0, seen.length).map(({ step, refusal }) => [step, refusal]),
  )
})

test('nothing is written before the code is consumed, and nothing is refused afterwards', async () => {
  const { status } = await stage.exchange()
  assert.deepEqual([status, stage.events], [200, ['decide', 'consume AuthorizationCode', 'save RefreshToken']])
  const consume = TOKEN_REQUEST.findIndex(({ step }) => step === 'consume')
  assert(TOKEN_REQUEST.slice(0, consume + 1).every(({ refusal }) => refusal !== undefined))
  assert(TOKEN_REQUEST.slice(consume + 1).every(({ refusal }) => refusal === undefined))
})
