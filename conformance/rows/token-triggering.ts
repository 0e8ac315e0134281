import assert from 'node:assert/strict'
import { decodeTokens } from '../requests.ts'
import { differs, notApplicable, row, type Section } from '../row.ts'
import { CALLBACK, type Stage, USER_SCOPES } from '../stage.ts'
import {
  ACCESS_TOKEN_TYPE,
  AT,
  addFrontApplication,
  called,
  connectDevice,
  DEVICE_CODE,
  IDT,
  issued,
  joinBranch,
  land,
  lastEvent,
  MACHINE_FORM,
  named,
  op,
  passwordForm,
  rule,
  TOKEN_EXCHANGE,
} from './tokens.ts'

const RULE_SCOPE = 'openid'

/** Rows about rules: how often a code request of F-USER calls the extension under a rule. */
function underRule(make: (stage: Stage) => ReturnType<typeof rule>, calls: 0 | 1) {
  return async (stage: Stage) => {
    await stage.configure(AT, make(stage))
    stage.extension(AT).succeed(op('+C/-', named('tier', 'gold')))
    const { accessToken } = issued(await stage.redeem(stage.web, RULE_SCOPE))
    assert.equal(called(stage).access, calls)
    assert.equal(accessToken?.['tier'], calls === 1 ? 'gold' : undefined)
  }
}

/** Why `preflow` calls where the reference does not. */
const ALWAYS = 'the actions are called whatever grant and format a client picks, so that none goes around a policy'

type Calls = ReturnType<typeof called>

/** What was called since. */
function calledSince(stage: Stage, before: Calls): Calls {
  const now = called(stage)
  return { access: now.access - before.access, id: now.id - before.id }
}

function opaqueCode(calls: number) {
  return async (stage: Stage) => {
    const opaque = await stage.addApplication({ grantTypes: ['authorization_code'], accessToken: { type: 'Default' } })
    const { body, accessToken } = issued(await stage.redeem(opaque, 'openid'))
    assert.equal(typeof body.access_token, 'string')
    assert.equal(accessToken, undefined)
    assert.equal(called(stage).access, calls)
  }
}

function deviceChain(refreshes: number, calls: number) {
  return async (stage: Stage) => {
    const device = await stage.addApplication({ grantTypes: grantsOfDevice })
    let last = issued(await connectDevice(stage, device, 'openid'))
    for (let refresh = 0; refresh < refreshes; refresh++) last = issued(await stage.refresh(device, last))
    assert.equal(called(stage).access, calls)
  }
}

function deviceCode(calls: Calls) {
  return async (stage: Stage) => {
    await stage.configure(IDT)
    const device = await stage.addApplication({ grantTypes: grantsOfDevice })
    const { idToken } = issued(await connectDevice(stage, device, 'openid'))
    assert.equal(idToken?.sub, stage.user.id)
    assert.deepEqual(called(stage), calls)
    assert.equal(lastEvent(stage, IDT).request.grantType, DEVICE_CODE)
  }
}

/** Of an own token: that of another client is refused, whatever the platform. */
function exchange(calls: Calls) {
  return async (stage: Stage) => {
    const client = await stage.addApplication({ grantTypes: ['authorization_code', TOKEN_EXCHANGE] })
    const first = issued(await stage.redeem(client, 'openid'))
    await stage.configure(IDT)
    const before = called(stage)
    const form = {
      grant_type: TOKEN_EXCHANGE,
      subject_token: first.body.access_token,
      subject_token_type: ACCESS_TOKEN_TYPE,
    }
    const { accessToken } = issued(await stage.token(client, form))
    assert.equal(accessToken?.sub, stage.user.id)
    assert.deepEqual(calledSince(stage, before), calls)
  }
}

function implicit(calls: Calls) {
  return async (stage: Stage) => {
    await stage.configure(IDT)
    const front = await addFrontApplication(stage)
    for (const responseType of ['id_token', 'id_token token']) {
      assert.notEqual((await land(stage, front, responseType)).get('id_token'), null)
    }
    assert.deepEqual(called(stage), calls)
  }
}

function organizationSwitch(calls: Calls) {
  return async (stage: Stage) => {
    await stage.configure(IDT)
    const client = await stage.addApplication({ grantTypes: ['authorization_code', 'organization_switch'] })
    const branch = await joinBranch(stage)
    const first = issued(await stage.redeem(client, 'openid'))
    const before = called(stage)
    const form = {
      grant_type: 'organization_switch',
      token: first.body.access_token,
      switching_organization: branch.id,
      scope: 'openid',
    }
    issued(await stage.token(client, form))
    assert.deepEqual(calledSince(stage, before), calls)
    const { id, orgHandle } = branch
    assert.deepEqual(lastEvent(stage, IDT).user.accessingOrganization, { id, name: 'Branch', orgHandle, depth: 1 })
  }
}

const grantsOfDevice = [DEVICE_CODE, 'refresh_token']

export const triggering: Section = {
  title: 'Triggering',
  rows: [
    row('T1', 'code grant, JWT, active action: called once before the token exists', async stage => {
      stage.extension(AT).succeed(op('+C/-', named('tier', 'gold')))
      const { accessToken } = issued(await stage.redeem(stage.web, USER_SCOPES))
      assert.equal(called(stage).access, 1)
      assert.equal(lastEvent(stage).request.grantType, 'authorization_code')
      assert.equal(accessToken?.['tier'], 'gold')
    }),

    row('T2', 'opaque token: not called, normal token', opaqueCode(0), differs(ALWAYS, opaqueCode(1))),

    row('T3', 'password grant: called with `grantType` password and the user', async stage => {
      issued(await stage.token(stage.web, passwordForm(stage, USER_SCOPES)))
      assert.equal(lastEvent(stage).request.grantType, 'password')
      assert.equal(lastEvent(stage).user.id, stage.user.id)
    }),

    row('T4', 'client credentials: called without `user` and `userStore`, `aut` is APPLICATION', async stage => {
      issued(await stage.token(stage.machine, MACHINE_FORM))
      const { user, userStore, accessToken } = lastEvent(stage)
      assert.deepEqual([user, userStore], [undefined, undefined])
      assert.deepEqual(accessToken.claims[2], named('aut', 'APPLICATION'))
    }),

    row('T5', 'refresh of a code-grant token: called with `grantType` refresh_token', async stage => {
      const first = issued(await stage.redeem(stage.web, USER_SCOPES))
      issued(await stage.refresh(stage.web, first))
      assert.equal(called(stage).access, 2)
      assert.equal(lastEvent(stage).request.grantType, 'refresh_token')
    }),

    row(
      'T6',
      'first refresh of a device-flow token: AT not called',
      deviceChain(1, 0),
      differs(ALWAYS, deviceChain(1, 2)),
    ),

    row('T7', 'second refresh in that chain: AT called', deviceChain(2, 1), differs(ALWAYS, deviceChain(2, 3))),

    row(
      'T8',
      'device-code request with `openid`: AT not called, IDT called with the device URN',
      deviceCode({ access: 0, id: 1 }),
      differs(ALWAYS, deviceCode({ access: 1, id: 1 })),
    ),

    row(
      'T9',
      'token exchange: neither called',
      exchange({ access: 0, id: 0 }),
      differs(ALWAYS, exchange({ access: 1, id: 1 })),
    ),

    row(
      'T10',
      'authorize `response_type=token`: AT not called',
      notApplicable(
        'the response type `token` alone is not available, because nothing binds such a token to its request; the token of `id_token token` is issued without a call, on `preflow` after one',
        async stage => {
          const front = await addFrontApplication(stage)
          assert.equal((await land(stage, front, 'token')).get('error'), 'unsupported_response_type')
          assert.notEqual((await land(stage, front, 'id_token token')).get('access_token'), null)
          assert.equal(called(stage).access, stage.platform.name === 'preflow' ? 1 : 0)
        },
      ),
    ),

    row('T11', 'authorize `code id_token`: IDT called, `responseType` set, `grantType` absent', async stage => {
      await stage.configure(IDT)
      const answer = await land(stage, await addFrontApplication(stage), 'code id_token')
      assert.notEqual(answer.get('id_token'), null)
      assert.deepEqual(called(stage), { access: 0, id: 1 })
      const { responseType, grantType } = lastEvent(stage, IDT).request
      assert.deepEqual([responseType, grantType], ['code id_token', undefined])
    }),

    row(
      'T12',
      'authorize `id_token` or `id_token token`: IDT not called',
      implicit({ access: 0, id: 0 }),
      differs(ALWAYS, implicit({ access: 1, id: 2 })),
    ),

    row('T13', 'client credentials that request `openid`: IDT not called', async stage => {
      await stage.configure(IDT)
      const { body } = issued(await stage.token(stage.machine, { ...MACHINE_FORM, scope: 'openid' }))
      assert.equal(body.id_token, undefined)
      assert.deepEqual(called(stage), { access: 1, id: 0 })
    }),

    row(
      'T14',
      '`organization_switch` with `openid`: IDT called, `accessingOrganization` present',
      organizationSwitch({ access: 0, id: 1 }),
      differs(
        'as in the row, and AT is called as well: no client goes around it',
        organizationSwitch({ access: 1, id: 1 }),
      ),
    ),

    row('T15', 'system application, code grant: AT called, IDT not', async stage => {
      await stage.configure(IDT)
      const portal = await stage.addApplication({ grantTypes: ['authorization_code'] })
      stage.server.seed(
        "update applications set settings = json_set(settings, '$.isSystem', json('true')) where id = ?",
        portal.id,
      )
      const { idToken } = issued(await stage.redeem(portal, 'openid'))
      assert.equal(idToken?.sub, stage.user.id)
      assert.deepEqual(called(stage), { access: 1, id: 0 })
    }),

    row('T16', 'AT answers `-P/id_token`: IDT skipped, no `id_token` in the response', async stage => {
      await stage.configure(IDT)
      stage.extension(AT).succeed(op('-P/id_token'))
      const { body } = issued(await stage.redeem(stage.web, USER_SCOPES))
      assert.equal(body.id_token, undefined)
      assert.deepEqual(called(stage), { access: 1, id: 0 })
    }),

    row('T17', 'action INACTIVE: not called, token unmodified', async stage => {
      const id = await stage.configure(AT)
      await stage.must('POST', `/api/server/v1/actions/preIssueAccessToken/${id}/deactivate`)
      stage.extension(AT).succeed(op('+C/-', named('tier', 'gold')))
      const { accessToken } = issued(await stage.redeem(stage.web, USER_SCOPES))
      assert.equal(called(stage).access, 0)
      assert.equal(accessToken?.['tier'], undefined)
    }),

    row('T18', 'type switched off on the server: not called; on refresh stored customisations ignored', async stage => {
      stage.extension(AT).succeed(op('+C/-', named('tier', 'gold')))
      const first = issued(await stage.redeem(stage.web, USER_SCOPES))
      assert.equal(first.accessToken?.['tier'], 'gold')
      const calls = called(stage)
      const form = { grant_type: 'refresh_token', refresh_token: first.body.refresh_token }
      // The ID token action of the same request would load the record (5.2).
      const other = await stage.server.restarted({ port: 0, disabledActions: [AT, IDT] })
      try {
        const path = `${other.socket}/t/${stage.tenant.domain}/oauth2/token`
        const { accessToken } = issued(decodeTokens(await stage.post(path, stage.web, form)))
        assert.equal(accessToken?.['given_name'], 'Mira')
        assert.equal(accessToken?.['tier'], undefined)
      } finally {
        await other.close()
      }
      assert.deepEqual(called(stage), calls)
    }),

    row(
      'T19',
      'rule `grantType equals password`, code request: not called',
      underRule(() => rule([['grantType', 'equals', 'password']]), 0),
    ),
    row(
      'T20',
      'rule `application equals <this>`: called',
      underRule(({ web }) => rule([['application', 'equals', web.id]]), 1),
    ),
    row(
      'T21',
      'rule `application equals <this>` AND `grantType equals authorization_code`: called',
      underRule(
        ({ web }) =>
          rule([
            ['application', 'equals', web.id],
            ['grantType', 'equals', 'authorization_code'],
          ]),
        1,
      ),
    ),
    row(
      'T22',
      'rule `application equals <this>` OR `grantType equals client_credentials`: called',
      underRule(
        ({ web }) => rule([['application', 'equals', web.id]], [['grantType', 'equals', 'client_credentials']]),
        1,
      ),
    ),
    row(
      'T23',
      'rule `grantType notEquals authorization_code`, code request: not called',
      underRule(() => rule([['grantType', 'notEquals', 'authorization_code']]), 0),
    ),
    row(
      'T24',
      'rule `application notEquals <this>`: not called',
      underRule(({ web }) => rule([['application', 'notEquals', web.id]]), 0),
    ),
    row(
      'T25',
      'rule `application notEquals <this>` AND `grantType notEquals authorization_code`: not called',
      underRule(
        ({ web }) =>
          rule([
            ['application', 'notEquals', web.id],
            ['grantType', 'notEquals', 'authorization_code'],
          ]),
        0,
      ),
    ),
    row(
      'T26',
      'rule `<other application>` OR `<other grant>`: not called',
      underRule(
        ({ machine }) => rule([['application', 'equals', machine.id]], [['grantType', 'equals', 'password']]),
        0,
      ),
    ),
    row(
      'T27',
      'rule names the client id instead of the id: not matched',
      underRule(({ web }) => rule([['application', 'equals', web.clientId]]), 0),
    ),

    row('T28', 'rule uses the field `email`: rejected at configuration; an existing one ends in 500', async stage => {
      const refused = await stage.call('POST', '/api/server/v1/actions/preIssueIdToken', {
        name: 'Under test',
        endpoint: { uri: stage.extension(IDT).url, authentication: { type: 'NONE' } },
        ...rule([['email', 'equals', 'x']]),
      })
      assert.deepEqual([refused.status, refused.body.code], [400, 'ACTION-60013'])

      const id = await stage.configure(AT, rule([['grantType', 'equals', 'password']]))
      stage.server.seed("update actions set settings = replace(settings, 'grantType', 'email') where id = ?", id)
      const { status, body } = await stage.redeem(stage.web, RULE_SCOPE)
      assert.deepEqual([status, body.error], [500, 'server_error'])
      assert.equal(called(stage).access, 0)
    }),

    row('T29', 'hybrid IDT, rule `grantType equals authorization_code`: not matched', async stage => {
      await stage.configure(IDT, rule([['grantType', 'equals', 'authorization_code']]))
      const front = await addFrontApplication(stage)
      const answer = await land(stage, front, 'code id_token')
      assert.notEqual(answer.get('id_token'), null)
      assert.equal(called(stage).id, 0)
      const code = answer.get('code') ?? ''
      issued(await stage.token(front, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }))
      assert.equal(called(stage).id, 1)
    }),

    row('T30', '`openid` requested but dropped: IDT not called, no `id_token` among the parameters', async stage => {
      await stage.configure(IDT)
      const { body } = issued(await stage.token(stage.machine, { ...MACHINE_FORM, scope: 'openid' }))
      assert.equal(body.scope, undefined)
      assert.deepEqual(called(stage), { access: 1, id: 0 })
      assert(!lastEvent(stage).response.parameters.includes('id_token'))
    }),
  ],
}
