import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ActionType, type Platform, platforms } from '@preflow/contract'
import { callTo, userEvent } from './calls.fixture.ts'
import { isRetired, trimEvent, whyNotApplicable } from './revision.ts'

const passwordEvent = {
  initiatorType: 'ADMIN',
  action: 'UPDATE',
  tenant: { id: '1', name: 't' },
  organization: { id: 'o', name: 'O' },
  user: { id: 'u', organization: { id: 'o', name: 'O' }, claims: [], groups: ['g'], updatingCredential: 'jwe' },
}

const members = (type: ActionType, event: object, platform: Platform, version?: string) =>
  Object.keys(trimEvent(type, event, platform, {}, version)).join(' ')

test('an access token event has what its revision has', () => {
  const at = (platform: Platform) => members('PRE_ISSUE_ACCESS_TOKEN', userEvent, platform)
  assert.equal(at(platforms['wso2-is-7.0']), 'request tenant user userStore accessToken')
  assert.equal(at(platforms['wso2-is-7.2']), 'request tenant organization user userStore accessToken refreshToken')
  assert.equal(
    at(platforms['wso2-is-next']),
    'request tenant organization user userStore accessToken refreshToken session response',
  )
  assert.deepEqual(trimEvent('PRE_ISSUE_ACCESS_TOKEN', userEvent, platforms['wso2-is-7.0']).user, { id: 'u-9' })
})

test('a password event of the first revision has no organizations, claims or groups', () => {
  const trimmed = trimEvent('PRE_UPDATE_PASSWORD', passwordEvent, platforms['wso2-is-7.1'])
  assert.deepEqual(trimmed, {
    initiatorType: 'ADMIN',
    action: 'UPDATE',
    tenant: { id: '1', name: 't' },
    user: { id: 'u', updatingCredential: 'jwe' },
  })
})

test('an action of an older major version gets the newest event of that version', () => {
  assert.equal(
    members('PRE_UPDATE_PASSWORD', passwordEvent, platforms.preflow, 'v1'),
    'initiatorType action tenant organization user',
  )
})

test('trimming does not change the original event', () => {
  const before = structuredClone(userEvent)
  trimEvent('PRE_ISSUE_ACCESS_TOKEN', userEvent, platforms['wso2-is-7.0'])
  assert.deepEqual(userEvent, before)
})

test('E13: a password action of version 1 is not called for a registration', () => {
  const call = (version: string) =>
    callTo('http://extension.test/', {
      action: { type: 'PRE_UPDATE_PASSWORD', version },
      event: { ...passwordEvent, action: 'REGISTER' },
    })
  assert.equal(whyNotApplicable(call('v1')), 'Actions of version v1 do not have /action REGISTER.')
  assert.equal(whyNotApplicable(call('v2')), undefined)
  assert.match(whyNotApplicable({ ...call('v2'), platform: platforms['wso2-is-7.2'] }) ?? '', /REGISTER/)
})

test('a type that a platform does not have is never called there', () => {
  const call = callTo('http://extension.test/', {
    action: { type: 'PRE_ISSUE_ID_TOKEN' },
    platform: platforms['wso2-is-7.1'],
  })
  assert.equal(whyNotApplicable(call), 'WSO2 Identity Server 7.1 has no PRE_ISSUE_ID_TOKEN actions.')
})

test('E11 E12: versions up to the retired one no longer run', () => {
  const platform: Platform = { ...platforms.preflow, retiredUpTo: { PRE_UPDATE_PASSWORD: 'v1' } }
  const retired = (version: string) =>
    isRetired(callTo('http://extension.test/', { action: { type: 'PRE_UPDATE_PASSWORD', version }, platform }))
  assert.deepEqual([retired('v1'), retired('v2')], [true, false])
})
