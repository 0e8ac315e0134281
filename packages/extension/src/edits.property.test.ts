import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionTypes, type Events, type Operation, platforms } from '@preflow/contract'
import { applyOperations } from '@preflow/engine'
import { decide, sampleRequest } from '@preflow/extension/testing'
import fc from 'fast-check'
import {
  addAudience,
  addClaim,
  addResponseParameter,
  addScope,
  allow,
  type ClaimValue,
  type Edit,
  keepScopes,
  removeAudience,
  removeClaim,
  removeResponseParameter,
  removeScope,
  replaceAudience,
  replaceClaim,
  setClaim,
  setExpiresIn,
  setRefreshExpiresIn,
  setScopes,
  shortenRefreshTo,
  shortenTo,
} from './index.ts'

const claimName = fc.constantFrom('tier', 'given_name', 'age', 'groups', 'sub', 'exp', 'expires_in', 'scope', 'iat')
const claimValue: fc.Arbitrary<ClaimValue> = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.array(fc.string(), { maxLength: 3 }),
)
const scope = fc.constantFrom('cart.read', 'openid', 'orders.write', 'new.one', 'not a scope', '')
const scopeList = fc.uniqueArray(scope, { maxLength: 4 })
const audience = fc.constantFrom('web1', 'https://api.shop.test', 'https://new.test', 'no audience', 'urn:x')
const seconds = fc.oneof(fc.integer({ min: -1, max: 10_000 }), fc.double())
const parameter = fc.constantFrom('hint', 'scope', 'refresh_token', 'id_token', 'error', '')

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(fc.constantFrom(addClaim, replaceClaim, setClaim), claimName, claimValue).map(([make, n, v]) => make(n, v)),
  claimName.map(removeClaim),
  fc.tuple(fc.constantFrom(addAudience, removeAudience), audience).map(([make, value]) => make(value)),
  fc.tuple(audience, audience).map(([value, by]) => replaceAudience(value, by)),
  fc.tuple(fc.constantFrom(addScope, removeScope), scope).map(([make, value]) => make(value)),
  fc.tuple(fc.constantFrom(setScopes, keepScopes), scopeList).map(([make, value]) => make(value)),
  fc
    .tuple(fc.constantFrom(setExpiresIn, shortenTo, setRefreshExpiresIn, shortenRefreshTo), seconds)
    .map(([make, value]) => make(value)),
  fc.tuple(parameter, fc.jsonValue()).map(([name, value]) => addResponseParameter(name, value)),
  parameter.map(removeResponseParameter),
)

async function operationsFor(type: keyof Events, edits: readonly Edit[]): Promise<readonly Operation[]> {
  const decision = () => allow(edits as never[])
  const { answer } = await decide({ preIssueAccessToken: decision, preIssueIdToken: decision }, sampleRequest(type))
  assert.equal(answer.actionStatus, 'SUCCESS')
  return answer.operations ?? []
}

for (const type of ['PRE_ISSUE_ACCESS_TOKEN', 'PRE_ISSUE_ID_TOKEN'] as const) {
  test(`${type}: with any edits in any order, every platform applies every operation that is sent`, () =>
    fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 8 }), async edits => {
        const operations = await operationsFor(type, edits)
        const { event, allowedOperations = [] } = sampleRequest(type)
        for (const platform of Object.values(platforms)) {
          const applied = applyOperations(operations, allowedOperations, event, actionTypes[type], platform)
          assert.ok(applied.ok, `${platform.name} breaks: ${JSON.stringify(operations)}`)
          for (const verdict of applied.value.verdicts) {
            assert.equal(verdict.verdict, 'applied', `${platform.name}: ${JSON.stringify({ verdict, operations })}`)
          }
        }
      }),
      { numRuns: 200 },
    ))
}

test('setScopes grants exactly its scopes, for any granted scopes', () =>
  fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }),
      fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }),
      async (granted, wanted) => {
        const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { accessToken: { scopes: granted } } })
        const { answer } = await decide({ preIssueAccessToken: () => allow([setScopes(wanted)]) }, request)
        assert.equal(answer.actionStatus, 'SUCCESS')
        const applied = applyOperations(
          answer.operations ?? [],
          request.allowedOperations ?? [],
          request.event,
          actionTypes.PRE_ISSUE_ACCESS_TOKEN,
          platforms.asgardeo,
        )
        assert.ok(applied.ok)
        const { accessToken } = applied.value.event as typeof request.event
        assert.deepEqual(new Set(accessToken.scopes), new Set(wanted))
      },
    ),
    { numRuns: 100 },
  ))

/** Strings that are nearly scopes and audiences: built from the parts that their patterns distinguish. */
const nearly = fc
  .array(
    fc.constantFrom('a', 'Z', '7', '.', '-', '_', ':', '/', '://', '?', ' ', '\u00a0', '\n', '\u0085', '"', '\\', 'é'),
    {
      maxLength: 6,
    },
  )
  .chain(parts => fc.constantFrom(parts.join(''), `https://${parts.join('')}`))

for (const { what, make, path } of [
  { what: 'scope', make: addScope, path: '/accessToken/scopes/-' },
  { what: 'audience', make: addAudience, path: '/accessToken/claims/aud/-' },
]) {
  test(`a new ${what} is sent if and only if every platform accepts it`, () =>
    fc.assert(
      fc.asyncProperty(nearly, async value => {
        const [sent] = await operationsFor('PRE_ISSUE_ACCESS_TOKEN', [make(value)])
        const { event, allowedOperations = [] } = sampleRequest('PRE_ISSUE_ACCESS_TOKEN')
        for (const { name, edits, title } of Object.values(platforms)) {
          const operation: Operation = { op: 'add', path, value }
          const { places } = actionTypes.PRE_ISSUE_ACCESS_TOKEN
          const applied = applyOperations([operation], allowedOperations, event, { places }, { edits, title })
          assert.ok(applied.ok, name)
          assert.equal(applied.value.verdicts[0]?.verdict === 'applied', sent !== undefined, `${name}: ${value}`)
        }
      }),
      { numRuns: 500 },
    ))
}
