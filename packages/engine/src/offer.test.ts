import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type AccessTokenEvent, type Platform, platforms, type TokenClaim } from '@preflow/contract'
import { clientCredentialsEvent, idTokenEvent, userEvent } from './calls.fixture.ts'
import { allowedOperationsFor } from './offer.ts'

const next = platforms['wso2-is-next']

function pathsOf(op: string, event: object, platform: Platform = next): string[] {
  const offered = allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', event, platform) ?? []
  return offered.find(entry => entry.op === op)?.paths ?? []
}

function withClaims(...claims: TokenClaim[]): AccessTokenEvent {
  return { ...clientCredentialsEvent, accessToken: { tokenType: 'JWT', claims } }
}

test('the newest contract offers on a code grant what its example shows', () => {
  assert.deepEqual(allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', userEvent, next), [
    {
      op: 'add',
      paths: ['/accessToken/claims/', '/accessToken/scopes/', '/accessToken/claims/aud/', '/response/parameters/'],
    },
    {
      op: 'remove',
      paths: [
        '/accessToken/claims/given_name',
        '/accessToken/claims/age',
        '/accessToken/claims/groups/',
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        '/response/parameters/refresh_token',
        '/response/parameters/id_token',
      ],
    },
    {
      op: 'replace',
      paths: [
        '/accessToken/claims/given_name',
        '/accessToken/claims/age',
        '/accessToken/claims/groups/',
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        '/accessToken/claims/expires_in',
        '/refreshToken/claims/expires_in',
      ],
    },
  ])
})

test('the first contract offers on client credentials what the published example shows', () => {
  assert.deepEqual(allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', clientCredentialsEvent, platforms['wso2-is-7.0']), [
    { op: 'add', paths: ['/accessToken/claims/', '/accessToken/scopes/', '/accessToken/claims/aud/'] },
    { op: 'remove', paths: ['/accessToken/scopes/', '/accessToken/claims/aud/'] },
    {
      op: 'replace',
      paths: ['/accessToken/scopes/', '/accessToken/claims/aud/', '/accessToken/claims/expires_in'],
    },
  ])
})

suite('access token paths depend on the event', () => {
  test('E28 T40: without openid there is no id_token to remove', () => {
    assert.ok(pathsOf('remove', userEvent).includes('/response/parameters/id_token'))
    const response = { parameters: ['access_token', 'token_type', 'scope', 'expires_in'] }
    assert.ok(!pathsOf('remove', { ...userEvent, response }).includes('/response/parameters/id_token'))
  })
  test('E29 T37 T38: refresh paths exist with the refresh token', () => {
    assert.ok(pathsOf('replace', userEvent).includes('/refreshToken/claims/expires_in'))
    assert.ok(!pathsOf('replace', clientCredentialsEvent).includes('/refreshToken/claims/expires_in'))
    assert.ok(!pathsOf('remove', clientCredentialsEvent).includes('/response/parameters/refresh_token'))
  })
  test('T55: strings, numbers and booleans have a path, lists one with a slash', () => {
    const event = withClaims(
      { name: 'a', value: 'x' },
      { name: 'b', value: 1 },
      { name: 'c', value: [] },
      { name: 'd', value: true },
    )
    assert.deepEqual(pathsOf('remove', event).slice(0, 4), [
      '/accessToken/claims/a',
      '/accessToken/claims/b',
      '/accessToken/claims/c/',
      '/accessToken/claims/d',
    ])
  })
  test('T56: objects and absent values have none', () => {
    const event = withClaims({ name: 'address', value: { city: 'x' } }, { name: 'empty' })
    assert.deepEqual(pathsOf('remove', event), ['/accessToken/scopes/', '/accessToken/claims/aud/'])
  })
  test('T57: scope paths exist without any scope', () => {
    for (const op of ['add', 'remove', 'replace']) {
      assert.ok(pathsOf(op, clientCredentialsEvent).includes('/accessToken/scopes/'))
    }
  })
  test('a contract before 1.3 has no response parameters, and 1.0 no refresh token', () => {
    const all = (platform: Platform) =>
      ['add', 'remove', 'replace'].flatMap(op => pathsOf(op, userEvent, platform)).join(' ')
    assert.doesNotMatch(all(platforms['wso2-is-7.2']), /response/)
    assert.match(all(platforms['wso2-is-7.2']), /refreshToken/)
    assert.doesNotMatch(all(platforms['wso2-is-7.1']), /refreshToken|response/)
  })
  test('only Preflow offers nothing about a refresh token that is not issued', () => {
    const offered = (platform: Platform) =>
      JSON.stringify(
        allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', userEvent, platform, { refreshTokenWillBeIssued: false }),
      )
    assert.match(offered(next), /refresh/)
    assert.doesNotMatch(offered(platforms.preflow), /refresh/)
  })
})

test('T58: an ID token offers its user claims, its audience, and its lifetime only to replace', () => {
  assert.deepEqual(allowedOperationsFor('PRE_ISSUE_ID_TOKEN', idTokenEvent, next), [
    { op: 'add', paths: ['/idToken/claims/', '/idToken/claims/aud/'] },
    { op: 'remove', paths: ['/idToken/claims/given_name', '/idToken/claims/groups/', '/idToken/claims/aud/'] },
    {
      op: 'replace',
      paths: [
        '/idToken/claims/given_name',
        '/idToken/claims/groups/',
        '/idToken/claims/aud/',
        '/idToken/claims/expires_in',
      ],
    },
  ])
})

test('password and profile offer nothing, a sign-in step a redirect', () => {
  assert.equal(allowedOperationsFor('PRE_UPDATE_PASSWORD', {}, next), undefined)
  assert.equal(allowedOperationsFor('PRE_UPDATE_PROFILE', {}, next), undefined)
  assert.deepEqual(allowedOperationsFor('AUTHENTICATION', {}, next), [{ op: 'redirect' }])
})
