import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAssignment, withPath } from './edit-path.ts'

const request = {
  requestId: 'rq-1',
  event: {
    request: { grantType: 'password', scopes: ['openid'], additionalHeaders: [{ name: 'host', value: ['a'] }] },
    accessToken: { claims: [{ name: 'expires_in', value: 3600 }] },
    user: { claims: [{ uri: 'http://wso2.org/claims/country', value: 'DE' }] },
  },
}

/** The event after one assignment. */
function eventAfter(path: string, value: unknown): typeof request.event {
  return (withPath(request, path, value) as typeof request).event
}

test('a path starts at the request, or at the event if it does not name a member of the request', () => {
  assert.equal(eventAfter('event.request.grantType', 'refresh_token').request.grantType, 'refresh_token')
  assert.equal(eventAfter('request.grantType', 'refresh_token').request.grantType, 'refresh_token')
  assert.equal((withPath(request, 'requestId', 'rq-2') as typeof request).requestId, 'rq-2')
})

test('the request itself is not changed', () => {
  const before = structuredClone(request)
  withPath(request, 'accessToken.claims.expires_in', 240)
  assert.deepEqual(request, before)
})

test('an entry of a named list is addressed by its name', () => {
  assert.deepEqual(eventAfter('accessToken.claims.expires_in', 240).accessToken.claims, [
    { name: 'expires_in', value: 240 },
  ])
  assert.deepEqual(eventAfter('user.claims[http://wso2.org/claims/country]', 'SE').user.claims, [
    { uri: 'http://wso2.org/claims/country', value: 'SE' },
  ])
  assert.deepEqual(eventAfter('user.claims[http://wso2.org/claims/country].updatingValue', 'SE').user.claims, [
    { uri: 'http://wso2.org/claims/country', value: 'DE', updatingValue: 'SE' },
  ])
})

test('an unknown name is added to the list', () => {
  assert.deepEqual(eventAfter('accessToken.claims.tier', 'gold').accessToken.claims.at(-1), {
    name: 'tier',
    value: 'gold',
  })
  assert.deepEqual(eventAfter('user.claims[http://wso2.org/claims/city]', 'Lund').user.claims.at(-1), {
    uri: 'http://wso2.org/claims/city',
    value: 'Lund',
  })
})

test('a forwarded header gets a list of values', () => {
  assert.deepEqual(eventAfter('request.additionalHeaders.x-client-source-ip', '8.8.8.8').request.additionalHeaders, [
    { name: 'host', value: ['a'] },
    { name: 'x-client-source-ip', value: ['8.8.8.8'] },
  ])
  const parameters = eventAfter('request.additionalParams.nonce', ['a', 'b']).request as { additionalParams?: unknown }
  assert.deepEqual(parameters.additionalParams, [{ name: 'nonce', value: ['a', 'b'] }])
})

test('entries of other lists are addressed by index, and one past the end appends', () => {
  assert.deepEqual(eventAfter('request.scopes.0', 'email').request.scopes, ['email'])
  assert.deepEqual(eventAfter('request.scopes.9', 'email').request.scopes, ['openid', 'email'])
})

test('missing objects on the path are created', () => {
  const event = eventAfter('session.sessionDataKeyConsent', 'k-1') as { session?: unknown }
  assert.deepEqual(event.session, { sessionDataKeyConsent: 'k-1' })
})

test('a path into a string is refused with a message', () => {
  assert.throws(() => withPath(request, 'request.grantType.x', 1), {
    message: 'event.request.grantType: is a string and has no member x.',
  })
})

test('a value is parsed as JSON if possible, and is a string otherwise', () => {
  assert.deepEqual(readAssignment('a.b=240'), { path: 'a.b', value: 240 })
  assert.deepEqual(readAssignment('a.b="240"'), { path: 'a.b', value: '240' })
  assert.deepEqual(readAssignment('a.b=null'), { path: 'a.b', value: null })
  assert.deepEqual(readAssignment('a.b=x=y'), { path: 'a.b', value: 'x=y' })
  assert.deepEqual(readAssignment('a[http://x?y=1]=z'), { path: 'a[http://x?y=1]', value: 'z' })
  assert.equal(readAssignment('a.b'), undefined)
})
