import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ActionType, type Platform, platforms } from '@preflow/contract'
import { Problem } from '../../ground/problem.ts'
import type { Action, Application, Organization, User } from '../../ground/store/model.ts'
import { callIdOf } from '../actions/call-record.ts'
import type { Trigger, Triggered } from '../actions/trigger-action.ts'
import { remainingScopes } from './customisation.ts'
import { type DecisionPorts, decideTokens } from './decide-tokens.ts'
import type { TokenPlan } from './token-plan.ts'

const root: Organization = { id: 'o-1', tenantId: '41', name: 'Acme', handle: 'acme', depth: 0 }
const branch: Organization = { id: 'o-2', tenantId: '41', parentId: 'o-1', name: 'Branch', handle: 'branch', depth: 1 }
const issuer = {
  tenant: { id: '41', domain: 'acme', rootOrganizationId: 'o-1' },
  organization: root,
  path: '/t/acme',
  url: 'https://idp.test/t/acme/oauth2/token',
}
const application = {
  id: 'app-1',
  clientId: 'web1',
  accessTokenType: 'JWT',
  grantTypes: ['authorization_code', 'refresh_token'],
  userTokenLifetimeSeconds: 1800,
  applicationTokenLifetimeSeconds: 3600,
  refreshTokenLifetimeSeconds: 7200,
  idTokenLifetimeSeconds: 3600,
  accessTokenClaims: ['given_name'],
  audiences: ['https://api.shop.test'],
} as Application
const user = {
  id: 'u-9',
  organizationId: 'o-2',
  document: { name: { givenName: 'Mira' } },
  groups: [],
  roles: [],
} as unknown as User

const plan = (more: Partial<TokenPlan> = {}): TokenPlan => ({
  issuer,
  application,
  client: { address: '', headers: [] },
  parameters: [],
  grantType: 'authorization_code',
  user,
  userOrganization: branch,
  grantedScopes: ['openid', 'cart.read'],
  willIssueRefreshToken: true,
  tokens: ['access', 'id'],
  ...more,
})

/** Ports whose actions the test defines, and which record the calls. */
function world(
  act: (trigger: Trigger) => Partial<Triggered> = () => ({ status: 'skipped' }),
  disabled: ActionType[] = [],
  platform: Platform = platforms.preflow,
) {
  const asked: Trigger[] = []
  const ports: DecisionPorts = {
    async trigger(trigger) {
      const { type } = trigger
      if (trigger.appliesTo?.(platform) === false) return { status: 'skipped', type, platform } as Triggered
      asked.push(trigger)
      return {
        type,
        platform,
        callId: `c-${asked.length}`,
        ...act(trigger),
      } as Triggered
    },
    isDisabled: type => disabled.includes(type),
    newId: () => 'j-1',
    maxTokenLifetimeSeconds: 86_400,
    maxRefreshLifetimeSeconds: 7_776_000,
    isClient: async () => false,
  }
  return { asked, ports, types: () => asked.map(({ type }) => type) }
}

/** Token events are the same for every action. */
const action = {} as Action

/** An action that answers SUCCESS after changing the event. */
const changing =
  (change: (event: Record<string, never>) => void = () => undefined) =>
  (trigger: Trigger): Partial<Triggered> => {
    const event = structuredClone(trigger.eventFor(platforms.preflow, action))
    change(event as Record<string, never>)
    return { status: 'success', event, changes: { addedParameters: [], removedParameters: [] }, operations: [] }
  }

describe('when the actions run', () => {
  const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
  const AT = 'PRE_ISSUE_ACCESS_TOKEN'
  const ID = 'PRE_ISSUE_ID_TOKEN'
  const rows: [row: string, more: Partial<TokenPlan>, types: ActionType[]][] = [
    ['T1: code', {}, [AT, ID]],
    ['T3: password', { grantType: 'password' }, [AT, ID]],
    ['T5: refresh of a code', { grantType: 'refresh_token', previousGrant: 'authorization_code' }, [AT, ID]],
    ['refresh of a refreshed token', { grantType: 'refresh_token', previousGrant: 'refresh_token' }, [AT, ID]],
    ['T6: refresh of a device’s token', { grantType: 'refresh_token', previousGrant: 'device_code' }, [ID]],
    ['refresh of client credentials', { grantType: 'refresh_token', previousGrant: 'client_credentials' }, [ID]],
    ['T8: device code', { grantType: DEVICE }, [ID]],
    ['T9: token exchange', { grantType: 'urn:ietf:params:oauth:grant-type:token-exchange' }, []],
    ['JWT bearer', { grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer' }, []],
    ['T14: organization switch', { grantType: 'organization_switch' }, [ID]],
    ['T2: opaque tokens', { application: { ...application, accessTokenType: 'Default' } }, [ID]],
    ['T15: a system application', { application: { ...application, isSystem: true } }, [AT]],
    ['T30: without openid', { grantedScopes: ['cart.read'] }, [AT]],
  ]
  const reference = () => world(undefined, [], platforms['wso2-is-next'])
  for (const [row, more, types] of rows) {
    test(`${row}: ${types.join(' and ') || 'none'}`, async () => {
      const w = reference()
      await decideTokens(plan(more), w.ports)
      assert.deepEqual(w.types(), types)
    })

    test(`AZ-27: on preflow no grant and no format bypasses an action: ${row}`, async () => {
      const w = world()
      await decideTokens(plan(more), w.ports)
      const hasIdToken = !more.application?.isSystem && (more.grantedScopes ?? ['openid']).includes('openid')
      assert.deepEqual(w.types(), hasIdToken ? [AT, ID] : [AT])
    })
  }

  const responseTypes: [responseType: string, types: ActionType[]][] = [
    ['code id_token', [ID]],
    ['code id_token token', [ID]],
    ['id_token', []],
    ['id_token token', []],
    ['code token', []],
  ]
  for (const [responseType, types] of responseTypes) {
    test(`AZ-27: at the authorize endpoint of preflow both run for what is issued: ${responseType}`, async () => {
      const w = world()
      const { grantType: _, ...atAuthorize } = plan({ responseType, tokens: ['access'] })
      await decideTokens(atAuthorize, w.ports)
      assert.deepEqual(w.types(), [AT])
    })

    test(`at the authorize endpoint, ${responseType}: ${types.join() || 'none'}`, async () => {
      const w = reference()
      const { grantType: _, ...atAuthorize } = plan({ responseType })
      await decideTokens(atAuthorize, w.ports)
      assert.deepEqual(w.types(), types)
    })
  }

  test('T29: a rule about the grant sees N/A where there is none', async () => {
    const w = world()
    const { grantType: _, ...atAuthorize } = plan({ responseType: 'code id_token' })
    await decideTokens(atAuthorize, w.ports)
    assert.deepEqual(w.asked[0]?.facts, { application: 'app-1', grantType: 'N/A' })
  })

  const SERVER_SCOPES = ['internal_action_mgt_view', 'internal_action_mgt_update']
  const administrator = { ...user, isAdministrator: true }

  test('AZ-28: a token of an administrator or system application for the server alone triggers no action and is valid only there', async () => {
    const { user: _, ...ofApplication } = plan({ application: { ...application, isSystem: true } })
    for (const exempt of [plan({ user: administrator }), ofApplication]) {
      const w = world()
      const { accessToken } = await decideTokens({ ...exempt, grantedScopes: SERVER_SCOPES }, w.ports)
      assert.deepEqual(w.types(), [])
      assert.deepEqual(accessToken.audiences, [issuer.url])
    }
  })

  test('AZ-28: with any other scope, or for any other caller, the actions are called', async () => {
    const { user: _, ...ofApplication } = plan()
    for (const called of [
      plan({ user: administrator, grantedScopes: [...SERVER_SCOPES, 'cart.read'] }),
      plan({ user: administrator, grantedScopes: [] }),
      plan({ grantedScopes: ['internal_login'] }),
      plan({ user: administrator, grantedScopes: ['internal_login'] }),
      { ...ofApplication, grantedScopes: SERVER_SCOPES },
    ]) {
      const w = world()
      const { accessToken } = await decideTokens(called, w.ports)
      assert.deepEqual(w.types(), [AT])
      assert.equal(accessToken.audiences[0], application.clientId)
    }
  })
})

describe('the user in the event', () => {
  test('T43: the organization of the account, not of the issuer', async () => {
    const w = world()
    await decideTokens(plan(), w.ports)
    const event = w.asked[0]?.eventFor(platforms.preflow, action) as { organization: object; user: object }
    assert.deepEqual(event.organization, { id: 'o-1', name: 'Acme', orgHandle: 'acme', depth: 0 })
    assert.deepEqual(event.user, {
      id: 'u-9',
      organization: { id: 'o-2', name: 'Branch', orgHandle: 'branch', depth: 1 },
    })
  })

  test('T46: an unknown organization is left out', async () => {
    const w = world()
    const { userOrganization: _, ...without } = plan()
    await decideTokens(without, w.ports)
    const event = w.asked[0]?.eventFor(platforms.preflow, action) as { user: object }
    assert.deepEqual(event.user, { id: 'u-9' })
  })
})

describe('the stored customisation', () => {
  const stored = {
    accessToken: {
      claims: [{ name: 'tier', value: 'gold' }],
      audiences: ['https://crm.test'],
      lifetimeSeconds: 300,
      refreshTokenLifetimeSeconds: 40_000,
    },
  }
  const refresh = { grantType: 'refresh_token', previousGrant: 'authorization_code', stored } as const

  test('SUCCESS without operations fixes everything but attributes for later refreshes', async () => {
    const { customisation } = await decideTokens(plan(), world(changing()).ports)
    assert.deepEqual(customisation.accessToken, {
      claims: [{ name: 'given_name', value: 'Mira' }],
      changedClaims: [],
      audiences: ['web1', 'https://api.shop.test'],
      lifetimeSeconds: 1800,
      refreshTokenLifetimeSeconds: 7200,
    })
    assert.deepEqual(Object.keys(customisation), ['accessToken', 'idToken'])
  })

  test('a skipped action stores nothing', async () => {
    const { customisation } = await decideTokens(plan(), world().ports)
    assert.deepEqual(customisation, {})
  })

  test('T197: the stored customisation stays although no action runs any more', async () => {
    const { accessToken, customisation } = await decideTokens(plan(refresh), world().ports)
    assert.deepEqual(accessToken.claims, stored.accessToken.claims)
    assert.deepEqual(accessToken.audiences, stored.accessToken.audiences)
    assert.equal(accessToken.lifetimeSeconds, 300)
    assert.equal(accessToken.refreshToken?.lifetimeSeconds, 40_000)
    assert.deepEqual(customisation, stored)
  })

  test('T18: with both types disabled it is neither used nor stored', async () => {
    const off = world(undefined, ['PRE_ISSUE_ACCESS_TOKEN', 'PRE_ISSUE_ID_TOKEN'])
    const { accessToken, customisation } = await decideTokens(plan(refresh), off.ports)
    assert.deepEqual(accessToken.audiences, ['web1', 'https://api.shop.test'])
    assert.equal(accessToken.lifetimeSeconds, 1800)
    assert.deepEqual(customisation, {})
  })

  test('T18: with one type disabled it is used, as in the reference', async () => {
    const off = world(undefined, ['PRE_ISSUE_ACCESS_TOKEN'])
    const { accessToken } = await decideTokens(plan(refresh), off.ports)
    assert.equal(accessToken.lifetimeSeconds, 300)
    assert.deepEqual(off.types(), ['PRE_ISSUE_ID_TOKEN'])
  })

  test('RFC 6749, section 6: narrowing affects one token, the changes of an action affect all', () => {
    assert.deepEqual(remainingScopes(['a', 'b', 'c'], ['a', 'b', 'c'], ['a', 'b', 'c']), ['a', 'b', 'c'])
    assert.deepEqual(remainingScopes(['a', 'b', 'c'], ['a'], ['a']), ['a', 'b', 'c'])
    assert.deepEqual(remainingScopes(['a', 'b', 'c'], ['a', 'b'], ['b', 'd']), ['b', 'c', 'd'])
  })
})

describe('a refusal', () => {
  test('of the first action prevents the call of the second', async () => {
    const w = world(() => ({ status: 'failed', reason: 'access_denied' }))
    await assert.rejects(decideTokens(plan(), w.ports), (error: unknown) => {
      assert(error instanceof Problem)
      const { code, sentence, status } = error
      assert.deepEqual([status, code, sentence, callIdOf(error)], [400, 'access_denied', undefined, 'c-1'])
      return true
    })
    assert.deepEqual(w.types(), ['PRE_ISSUE_ACCESS_TOKEN'])
  })

  test('that cannot be explained to the client quotes only the id of the call', async () => {
    const error = { code: 'deadline' as const, message: 'No answer within 5000 ms.' }
    await assert.rejects(decideTokens(plan(), world(() => ({ status: 'error', error })).ports), {
      status: 500,
      code: 'server_error',
      sentence: 'Internal Server Error.',
      headers: { 'x-preflow-call-id': 'c-1' },
    })
  })
})
