import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  type AccessTokenEvent,
  type NamedValues,
  type Platform,
  platforms,
  present,
  SECRET_HEADERS,
  SECRET_PARAMETERS,
} from '@preflow/contract'
import type { ActionCall } from './call.ts'
import { callTo, clientCredentialsEvent, idTokenEvent, userEvent } from './calls.fixture.ts'
import { disclose } from './disclose.ts'

const next = platforms['wso2-is-next']

const headers = ['Content-Type', 'X-Header-1', 'X-Header-2', 'X-Header-3']
const params = ['x-param-1', 'X-Param-2', 'x-param-3']
const named = (names: readonly string[]): NamedValues[] => names.map(name => ({ name, value: [`value of ${name}`] }))

function requestWith(additionalHeaders: NamedValues[], additionalParams: NamedValues[]): AccessTokenEvent {
  return { ...clientCredentialsEvent, request: { clientId: 'm2m-7', additionalHeaders, additionalParams } }
}

function disclosing(changes: Partial<Platform['disclosing']>): Platform {
  return { ...next, disclosing: { ...next.disclosing, ...changes } }
}

function travelling(changes: Parameters<typeof callTo>[1]): { headers: string[]; params: string[] } {
  const event = requestWith(named(headers), named(params))
  const { request = {} } = disclose(callTo('http://extension.test/', { event, platform: next, ...changes }))
    .event as Partial<AccessTokenEvent>
  const names = (list?: NamedValues[]) => (list ?? []).map(({ name }) => name)
  const { additionalHeaders, additionalParams } = request as AccessTokenEvent['request']
  return { headers: names(additionalHeaders), params: names(additionalParams) }
}

interface Row {
  row: string
  action?: string[]
  server?: string[]
  platform?: Platform
  type?: ActionCall['action']['type']
  travels: string[]
}

suite('which headers are sent', () => {
  const rows: Row[] = [
    {
      row: 'E15 those that the action lists, in lower case',
      action: ['X-Header-1', 'x-header-2', 'X-Header-3'],
      travels: ['x-header-1', 'x-header-2', 'x-header-3'],
    },
    {
      row: 'E16 the list of the action replaces that of the server',
      action: ['X-Header-1', 'x-header-2'],
      server: ['content-type', 'x-header-3'],
      travels: ['x-header-1', 'x-header-2'],
    },
    {
      row: 'E17 the list of the server applies if the action has none',
      server: ['content-type', 'x-header-3'],
      travels: ['content-type', 'x-header-3'],
    },
    {
      row: 'E18 an excluded header is not sent although it is listed',
      action: ['x-header-1', 'x-header-2', 'x-header-3'],
      platform: disclosing({ excludedHeaders: ['x-header-2'] }),
      travels: ['x-header-1', 'x-header-3'],
    },
    {
      row: 'E19 exclusion ignores case',
      action: ['X-Header-2'],
      platform: disclosing({ excludedHeaders: ['x-header-2'] }),
      travels: [],
    },
    {
      row: 'E19 with the switch off it does not',
      action: ['X-Header-2'],
      platform: disclosing({ excludedHeaders: ['x-header-2'], caseInsensitiveExclusion: false }),
      travels: ['x-header-2'],
    },
    { row: 'E23 a password action forwards nothing', type: 'PRE_UPDATE_PASSWORD', travels: [] },
    { row: 'T52 an ID token action without a list forwards nothing', type: 'PRE_ISSUE_ID_TOKEN', travels: [] },
    {
      row: 'the list of the server is for access tokens only',
      type: 'PRE_ISSUE_ID_TOKEN',
      server: ['x-header-3'],
      travels: [],
    },
    {
      row: 'E24 T51 an access token action without lists forwards everything',
      travels: ['content-type', 'x-header-1', 'x-header-2', 'x-header-3'],
    },
  ]
  for (const { row, action, server, platform = next, type = 'PRE_ISSUE_ACCESS_TOKEN', travels } of rows) {
    test(row, () => {
      const sent = travelling({
        action: { type },
        endpoint: action ? { allowedHeaders: action } : {},
        ...present({ disclosure: server && { allowedHeaders: server } }),
        platform,
      })
      assert.deepEqual(sent.headers, travels)
    })
  }
})

suite('which parameters are sent', () => {
  const rows: Row[] = [
    { row: 'E20 those that the action lists, as they are written', action: params, travels: params },
    { row: 'E21 names are case-sensitive', server: ['x-Param-2', 'x-param-3'], travels: ['x-param-3'] },
    {
      row: 'E22 exclusions are case-sensitive too',
      action: params,
      platform: disclosing({ excludedParameters: ['x-param-1', 'x-param-2', 'x-param-3'] }),
      travels: ['X-Param-2'],
    },
    { row: 'E23 a password action forwards nothing', type: 'PRE_UPDATE_PASSWORD', travels: [] },
    { row: 'E24 an access token action without lists forwards everything', travels: params },
    { row: 'T53 a name in another case is another name', action: ['X-param-2'], travels: [] },
  ]
  for (const { row, action, server, platform = next, type = 'PRE_ISSUE_ACCESS_TOKEN', travels } of rows) {
    test(row, () => {
      const sent = travelling({
        action: { type },
        endpoint: action ? { allowedParameters: action } : {},
        ...present({ disclosure: server && { allowedParameters: server } }),
        platform,
      })
      assert.deepEqual(sent.params, travels)
    })
  }
})

test('E25: secrets are never sent, for any configuration and in any case', () => {
  const upper = (names: readonly string[]) => [...names, ...names.map(name => name.toUpperCase())]
  const event = requestWith(named(upper(SECRET_HEADERS)), named(upper(SECRET_PARAMETERS)))
  for (const platform of [
    next,
    platforms.preflow,
    disclosing({ caseInsensitiveExclusion: false, excludedHeaders: [], excludedParameters: [] }),
  ]) {
    for (const endpoint of [
      {},
      { allowedHeaders: upper(SECRET_HEADERS), allowedParameters: upper(SECRET_PARAMETERS) },
    ]) {
      const sent = disclose(callTo('http://extension.test/', { event, platform, endpoint }))
      assert.deepEqual((sent.event as AccessTokenEvent).request, { clientId: 'm2m-7' })
    }
  }
})

test('E26: all values of a header are sent, in the order of the request', () => {
  const event = requestWith([{ name: 'X-Forwarded-For', value: ['203.0.113.9', '198.51.100.7'] }], [])
  const sent = disclose(callTo('http://extension.test/', { event }))
  assert.deepEqual((sent.event as AccessTokenEvent).request.additionalHeaders, [
    { name: 'x-forwarded-for', value: ['203.0.113.9', '198.51.100.7'] },
  ])
})

test('T49: a listed header is found in any case', () => {
  const event = requestWith([{ name: 'x-client-source-ip', value: ['203.0.113.9'] }], [])
  const endpoint = { allowedHeaders: ['X-Client-Source-Ip'] }
  const sent = disclose(callTo('http://extension.test/', { event, endpoint }))
  assert.deepEqual((sent.event as AccessTokenEvent).request.additionalHeaders, [
    { name: 'x-client-source-ip', value: ['203.0.113.9'] },
  ])
})

test('T50: with a list, nothing else is sent', () => {
  const event = requestWith(named(['a', 'b', 'Authorization']), [])
  const sent = disclose(callTo('http://extension.test/', { event, endpoint: { allowedHeaders: ['a'] } }))
  assert.deepEqual((sent.event as AccessTokenEvent).request.additionalHeaders, named(['a']))
})

suite('what is left out of the envelope', () => {
  const sent = (event: object, changes: Parameters<typeof callTo>[1] = {}) =>
    // biome-ignore lint/suspicious/noExplicitAny: the document as it travels
    JSON.parse(JSON.stringify(disclose(callTo('http://extension.test/', { ...changes, event })))) as any

  test('E31: an object without remaining members stays as an empty object', () => {
    assert.deepEqual(sent({ ...userEvent, userStore: { id: '', name: '' } }).event.userStore, {})
  })
  test('E32: platforms without correlation send no requestId', () => {
    assert.equal('requestId' in sent(userEvent, { platform: next }), false)
    assert.equal(sent(userEvent).requestId, 'rq-1')
  })
  test('E33: empty lists of headers and parameters are left out', () => {
    assert.deepEqual(sent(requestWith([], [])).event.request, { clientId: 'm2m-7' })
  })
  test('E34: zero stays', () => {
    assert.equal(sent(userEvent).event.organization.depth, 0)
  })
  test('E35: a sign-in step has its flow and offers a redirect', () => {
    const event = { tenant: { id: '1', name: 't' }, application: { id: 'a', name: 'A' }, currentStepIndex: 1 }
    const request = sent(event, { action: { type: 'AUTHENTICATION' }, flowId: 'f-1' })
    assert.equal(request.flowId, 'f-1')
    assert.deepEqual(request.allowedOperations, [{ op: 'redirect' }])
  })
  test('AU-48, AU-49: a return code is sent if it is listed, and on preflow always, but only to authenticators', () => {
    const request = { additionalParams: named(['returnCode', 'door']) }
    const step = { tenant: { id: '1', name: 't' }, application: { id: 'a', name: 'A' }, currentStepIndex: 2, request }
    const travels = (platform: Platform, allowedParameters: string[]) => {
      const endpoint = { allowedParameters }
      const action = { type: 'AUTHENTICATION' as const }
      const call = callTo('http://extension.test/', { event: step, platform, action, endpoint })
      return (disclose(call).event as typeof step).request.additionalParams?.map(({ name }) => name)
    }
    assert.deepEqual(travels(next, []), undefined)
    assert.deepEqual(travels(next, ['returnCode']), ['returnCode'])
    assert.deepEqual(travels(platforms.preflow, []), ['returnCode'])
    assert.deepEqual(travels(platforms.preflow, ['door']), ['returnCode', 'door'])
    const event = requestWith([], named(['returnCode', 'door']))
    const { params } = travelling({ event, platform: platforms.preflow, disclosure: { allowedParameters: ['door'] } })
    assert.deepEqual(params, ['door'])
  })
  test('a claim whose value is empty is sent with only its name', () => {
    for (const value of ['', [], {}, null]) {
      const event = { ...userEvent, accessToken: { tokenType: 'JWT', claims: [{ name: 'x', value }] } }
      assert.deepEqual(sent(event).event.accessToken.claims, [{ name: 'x' }])
    }
  })
  test('empty strings inside a list stay, because they are elements', () => {
    const event = { ...userEvent, accessToken: { tokenType: 'JWT', claims: [{ name: 'x', value: ['', 'a'] }] } }
    assert.deepEqual(sent(event).event.accessToken.claims, [{ name: 'x', value: ['', 'a'] }])
  })
  test('a profile attribute that is being removed is sent as an empty string or list', () => {
    const event = {
      initiatorType: 'USER',
      action: 'UPDATE',
      request: { claims: [{ uri: 'urn:a', value: '' }] },
      tenant: { id: '1', name: 't' },
      user: { id: 'u', claims: [{ uri: 'urn:b', value: ['x'], updatingValue: [] }], groups: [] },
    }
    const request = sent(event, { action: { type: 'PRE_UPDATE_PROFILE' } })
    assert.deepEqual(request.event.request.claims, [{ uri: 'urn:a', value: '' }])
    assert.deepEqual(request.event.user, { id: 'u', claims: [{ uri: 'urn:b', value: ['x'], updatingValue: [] }] })
    assert.equal('allowedOperations' in request, false)
  })
  test('the keys of the envelope have the order of the wire', () => {
    assert.deepEqual(Object.keys(sent(idTokenEvent, { action: { type: 'PRE_ISSUE_ID_TOKEN' } })), [
      'actionType',
      'event',
      'allowedOperations',
      'requestId',
    ])
  })
})
