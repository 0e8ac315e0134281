import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeIssues, parseActionRequest } from './index.ts'

const request = {
  actionType: 'PRE_ISSUE_ACCESS_TOKEN',
  event: {
    request: { clientId: 'm2m-7', grantType: 'client_credentials' },
    tenant: { id: '41', name: 'acme' },
    accessToken: { tokenType: 'JWT', claims: [{ name: 'sub', value: 'm2m-7' }] },
  },
  allowedOperations: [{ op: 'add', paths: ['/accessToken/claims/'] }],
}

function faultsOf(body: unknown): string {
  const parsed = parseActionRequest(body)
  return parsed.ok ? '' : describeIssues(parsed.issues)
}

test('a request with fields of a later revision is accepted, and the fields are kept', () => {
  const later = { ...request, trace: 't', event: { ...request.event, risk: { score: 1 } } }
  const parsed = parseActionRequest(later)
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.request, later)
})

test('every issue has its path, and not the value', () => {
  const secret = 's3cret'
  const faults = faultsOf({
    ...request,
    event: { ...request.event, tenant: { id: 41, name: secret }, accessToken: { tokenType: 'JWT', claims: [secret] } },
  })
  assert.match(faults, /event\.tenant\.id: /)
  assert.match(faults, /event\.accessToken\.claims\.0: /)
  assert.doesNotMatch(faults, /s3cret/)
})

test('an unknown action type is reported with the known ones', () => {
  assert.match(
    faultsOf({ ...request, actionType: 'PRE_REGISTRATION' }),
    /^actionType: must be one of PRE_ISSUE_ACCESS_TOKEN, /,
  )
})

test('the event is checked against its type', () => {
  assert.match(faultsOf({ ...request, actionType: 'PRE_ISSUE_ID_TOKEN' }), /^event\.idToken: /)
  assert.match(faultsOf({ ...request, actionType: 'PRE_UPDATE_PASSWORD' }), /event\.user: /)
})

for (const body of [undefined, null, [], 'text', {}, { actionType: 'PRE_ISSUE_ACCESS_TOKEN' }]) {
  test(`${JSON.stringify(body)} is not a request`, () => {
    assert.notEqual(faultsOf(body), '')
  })
}

test('an encrypted credential and a credential in characters are accepted', () => {
  const event = (updatingCredential: unknown) => ({
    actionType: 'PRE_UPDATE_PASSWORD',
    event: {
      initiatorType: 'USER',
      action: 'UPDATE',
      tenant: { id: '1', name: 't' },
      user: { id: 'u', updatingCredential },
    },
  })
  for (const credential of ['a.b.c.d.e', { type: 'PASSWORD', format: 'PLAIN_TEXT', value: ['a', 'b'] }]) {
    assert.equal(parseActionRequest(event(credential)).ok, true)
  }
  assert.equal(parseActionRequest(event({ type: 'PASSWORD', format: 'MD5', value: 'x' })).ok, false)
})
