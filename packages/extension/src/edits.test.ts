import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ActionRequest, type Events, present } from '@preflow/contract'
import { call, sampleRequest } from '@preflow/extension/testing'
import {
  addAudience,
  addClaim,
  addResponseParameter,
  addScope,
  allow,
  type DecisionRecord,
  defineExtension,
  type Edit,
  type EditFor,
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

const accessToken = (overrides = {}) => sampleRequest('PRE_ISSUE_ACCESS_TOKEN', overrides)
const idToken = sampleRequest('PRE_ISSUE_ID_TOKEN')

/** The operations for these edits, each as `op path` with its value, and the reports. */
async function sent(
  edits: readonly Edit[],
  request: ActionRequest<Events[keyof Events]> = accessToken(),
  lifetimesAs?: 'text' | 'number',
) {
  let record: DecisionRecord | undefined
  const extension = defineExtension(
    {
      preIssueAccessToken: () => allow(edits),
      preIssueIdToken: () => allow(edits as EditFor<'PRE_ISSUE_ID_TOKEN'>[]),
    },
    {
      caller: { type: 'none' },
      log: written => {
        record = written
      },
      ...present({ lifetimesAs }),
    },
  )
  const { answer } = await call(extension, request)
  assert.equal(answer.actionStatus, 'SUCCESS')
  const operations = (answer.operations ?? []).map(({ op, path, value }) =>
    value === undefined ? [op, path] : [op, path, value],
  )
  return { operations, reports: record?.reports ?? [] }
}

const sends = async (edits: readonly Edit[], operations: unknown[], request?: ActionRequest<Events[keyof Events]>) =>
  assert.deepEqual(await sent(edits, request), { operations, reports: [] })

async function reports(edits: readonly Edit[], pattern: RegExp, request?: ActionRequest<Events[keyof Events]>) {
  const { operations, reports } = await sent(edits, request)
  assert.deepEqual(operations, [])
  assert.equal(reports.length, 1)
  assert.match(reports[0] ?? '', pattern)
}

test('an added claim is an add at the end of the list', () =>
  sends([addClaim('tier', 'gold')], [['add', '/accessToken/claims/-', { name: 'tier', value: 'gold' }]]))

test('claims may be strings, numbers, booleans and lists of strings', async () => {
  const { operations } = await sent([
    addClaim('a', 'x'),
    addClaim('b', 7),
    addClaim('c', false),
    addClaim('d', ['x', 'y']),
    addClaim('e', []),
  ])
  assert.equal(operations.length, 5)
})

test('claims of other types are reported and not sent', async () => {
  for (const value of [{ a: 1 }, null, [1], ['a', 1], Number.NaN] as never[]) {
    await reports([addClaim('x', value)], /the claim x must be a string, a number/)
  }
})

test('an existing claim cannot be added, nor one that the platform writes, and scopes are no claim', async () => {
  await reports([addClaim('given_name', 'x')], /has the claim given_name/)
  await reports([addClaim('exp', 1)], /platform writes the claim exp itself/)
  await reports([addClaim('binding_ref', 'x')], /platform writes the claim binding_ref/)
  await reports([addClaim('Scope', 'x')], /Use addScope/)
})

test('the last of two adds of one claim wins, in one operation', () =>
  sends(
    [addClaim('tier', 'gold'), setClaim('tier', 'silver')],
    [['add', '/accessToken/claims/-', { name: 'tier', value: 'silver' }]],
  ))

test('setClaim replaces what the event offers and adds what is new', () =>
  sends(
    [setClaim('given_name', 'Ada'), setClaim('groups', ['staff']), setClaim('tier', 'gold')],
    [
      ['replace', '/accessToken/claims/given_name', 'Ada'],
      ['replace', '/accessToken/claims/groups/', ['staff']],
      ['add', '/accessToken/claims/-', { name: 'tier', value: 'gold' }],
    ],
  ))

test('a claim with a URI as its name is found', async () => {
  const claims = [
    { name: 'expires_in', value: 3600 },
    { name: 'https://shop.test/tier', value: 'gold' },
  ]
  await reports(
    [addClaim('https://shop.test/tier', 'x')],
    /has the claim/,
    accessToken({ event: { accessToken: { claims } } }),
  )
})

test('replaceClaim and removeClaim use only what is offered', async () => {
  await sends([replaceClaim('age', 42)], [['replace', '/accessToken/claims/age', 42]])
  await sends([removeClaim('groups')], [['remove', '/accessToken/claims/groups/']])
  await sends([removeClaim('not_there')], [])
  await reports([replaceClaim('sub', 'x')], /does not offer to replace the claim sub/)
  await reports([removeClaim('sub')], /does not offer to remove the claim sub/)
})

test('scopes are removed by their index in the event', () =>
  sends(
    [removeScope('cart.read'), removeScope('orders.write'), removeScope('not.there')],
    [
      ['remove', '/accessToken/scopes/0'],
      ['remove', '/accessToken/scopes/2'],
    ],
  ))

test('keepScopes removes the others, setScopes also adds what is missing', async () => {
  await sends(
    [keepScopes(['openid', 'billing.read'])],
    [
      ['remove', '/accessToken/scopes/0'],
      ['remove', '/accessToken/scopes/2'],
    ],
  )
  await sends(
    [setScopes(['openid', 'billing.read'])],
    [
      ['remove', '/accessToken/scopes/0'],
      ['remove', '/accessToken/scopes/2'],
      ['add', '/accessToken/scopes/-', 'billing.read'],
    ],
  )
})

test('a scope is added once, even if none was granted, and must be valid', async () => {
  await sends([addScope('openid'), addScope('a'), addScope('a')], [['add', '/accessToken/scopes/-', 'a']])
  await sends(
    [addScope('jobs.run')],
    [['add', '/accessToken/scopes/-', 'jobs.run']],
    accessToken({ event: { accessToken: { scopes: undefined } } }),
  )
  for (const scope of ['two words', '', 'a\\b', '"', 'caf\u00e9']) await reports([addScope(scope)], /printable ASCII/)
})

test('an answer cannot remove what it added to a list if indices are those of the event', async () => {
  const { operations, reports } = await sent([addScope('a'), removeScope('a')])
  assert.equal(operations.length, 1)
  assert.match(reports[0] ?? '', /cannot remove what it has added/)
})

test('audiences of an access token are counted as sent, those of an ID token as earlier operations left them', async () => {
  const edits = [removeAudience('web1'), removeAudience('https://api.shop.test')]
  await sends(edits, [
    ['remove', '/accessToken/claims/aud/0'],
    ['remove', '/accessToken/claims/aud/1'],
  ])
  await sends(
    edits,
    [
      ['remove', '/idToken/claims/aud/0'],
      ['remove', '/idToken/claims/aud/0'],
    ],
    idToken,
  )
})

test('a replaced audience moves to the end, which affects later indices of an ID token', () =>
  sends(
    [
      replaceAudience('web1', 'https://new.test'),
      removeAudience('https://api.bank.test'),
      removeAudience('https://new.test'),
    ],
    [
      ['add', '/idToken/claims/aud/-', 'https://new.test'],
      ['remove', '/idToken/claims/aud/0'],
      ['remove', '/idToken/claims/aud/1'],
      ['remove', '/idToken/claims/aud/1'],
    ],
    idToken,
  ))

test('lifetimes and audiences look like claims but are not edited as claims', async () => {
  await reports([setClaim('expires_in', 900)], /Use the functions for its lifetime/)
  await reports([removeClaim('aud')], /Use the functions for its audience/)
})

test('of several edits of one claim or parameter the last one is sent', async () => {
  await sends([setClaim('age', 42), removeClaim('age')], [['remove', '/accessToken/claims/age']])
  await sends([removeClaim('age'), setClaim('age', 42)], [['replace', '/accessToken/claims/age', 42]])
  await sends([addClaim('tier', 'gold'), removeClaim('tier')], [])
  await sends([addResponseParameter('hint', 1), removeResponseParameter('hint')], [])
})

test('an audience is a host name or an absolute URI', async () => {
  await sends([addAudience('api.test'), addAudience('web1')], [['add', '/accessToken/claims/aud/-', 'api.test']])
  for (const audience of ['urn:x:y', 'a b', 'under_score', 'https://a', '']) {
    await reports([addAudience(audience)], /host name or an absolute URI/)
  }
  await reports([replaceAudience('nobody', 'x')], /does not have the audience/)
})

test('a lifetime is sent as a string or as a number, without fractions', async () => {
  await sends([setExpiresIn(900.7)], [['replace', '/accessToken/claims/expires_in', '900']])
  const asNumber = await sent([setExpiresIn(900)], accessToken(), 'number')
  assert.deepEqual(asNumber.operations, [['replace', '/accessToken/claims/expires_in', 900]])
})

test('an impossible lifetime is reported', async () => {
  for (const seconds of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await reports([setExpiresIn(seconds)], /of at least 1/)
  }
  await reports([setExpiresIn(4e9)], /no lifetime above/)
})

test('shortenTo never lengthens, and an unchanged lifetime is not sent', async () => {
  await sends([shortenTo(900)], [['replace', '/accessToken/claims/expires_in', '900']])
  await sends([shortenTo(7200), shortenTo(3600), setExpiresIn(3600)], [])
})

test('several edits of a lifetime become one operation: the last one set, limited by the shortest', async () => {
  await sends(
    [setExpiresIn(7200), shortenTo(900), shortenTo(1200)],
    [['replace', '/accessToken/claims/expires_in', '900']],
  )
  await sends([shortenTo(900), setExpiresIn(3600)], [])
})

test('the lifetime of the refresh token is separate; -1 means that the platform does not know it', async () => {
  await sends([setRefreshExpiresIn(600)], [['replace', '/refreshToken/claims/expires_in', '600']])
  await sends([shortenRefreshTo(9000)], [])
  await sends(
    [shortenRefreshTo(9000)],
    [['replace', '/refreshToken/claims/expires_in', '9000']],
    accessToken({ event: { refreshToken: { claims: [{ name: 'expires_in', value: -1 }] } } }),
  )
})

test('response parameters are added under unused names and removed if offered', async () => {
  await sends(
    [addResponseParameter('hint', { a: [1] }), removeResponseParameter('refresh_token'), removeResponseParameter('x')],
    [
      ['add', '/response/parameters/-', { name: 'hint', value: { a: [1] } }],
      ['remove', '/response/parameters/refresh_token'],
    ],
  )
  await reports([addResponseParameter('scope', 'x')], /has its own scope/)
  await reports([addResponseParameter('error', 'x')], /has its own error/)
  await reports([addResponseParameter(' ', 'x')], /needs a name/)
})

test('an edit that the event does not offer is reported by its path and the others are sent', async () => {
  const request = accessToken({ allowedOperations: [{ op: 'add', paths: ['/accessToken/claims/'] }] })
  const { operations, reports } = await sent([shortenTo(900), addScope('a'), addClaim('tier', 'gold')], request)
  assert.deepEqual(operations, [['add', '/accessToken/claims/-', { name: 'tier', value: 'gold' }]])
  assert.match(reports[0] ?? '', /^shortenTo: replace \/accessToken\/claims\/expires_in is not among/)
  assert.match(reports[1] ?? '', /^addScope: add \/accessToken\/scopes\/- is not among/)
})

test('a request without allowedOperations offers nothing', () =>
  reports([shortenTo(1)], /not among the allowedOperations/, accessToken({ allowedOperations: undefined })))

test('an edit without a place in the event is reported', () => reports([addScope('a')], /has no scopes/, idToken))

test('an operation is written with op first and without members that the contract does not have', async () => {
  const extension = defineExtension(
    { preIssueAccessToken: () => allow([removeScope('openid'), addClaim('tier', 'gold')]) },
    { caller: { type: 'none' } },
  )
  const response = await extension.fetch(
    new Request('http://extension.test', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(accessToken()),
    }),
  )
  assert.equal(
    await response.text(),
    '{"actionStatus":"SUCCESS","operations":[{"op":"remove","path":"/accessToken/scopes/1"},' +
      '{"op":"add","path":"/accessToken/claims/-","value":{"name":"tier","value":"gold"}}]}',
  )
})
