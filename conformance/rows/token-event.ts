import assert from 'node:assert/strict'
import { platforms } from '@preflow/contract'
import { disclose } from '@preflow/engine'
import type { Json } from '../extension-under-test.ts'
import { decodeTokens } from '../requests.ts'
import { notApplicable, row, type Section } from '../row.ts'
import { CALLBACK, type Stage, USER_SCOPES } from '../stage.ts'
import {
  AT,
  claimNames,
  IDT,
  inEngine,
  issued,
  joinBranch,
  lastEvent,
  MACHINE_FORM,
  named,
  offered,
  op,
  passwordForm,
  shown,
} from './tokens.ts'

/** F-USER, and what the extension of the access token action got. */
async function tellOfUser(stage: Stage, scope = USER_SCOPES): Promise<Json> {
  issued(await stage.redeem(stage.web, scope))
  return lastEvent(stage)
}

/** F-CC, likewise. */
async function tellOfMachine(
  stage: Stage,
  headers: Record<string, string> = {},
  form: Record<string, string> = {},
): Promise<Json> {
  issued(await stage.token(stage.machine, { ...MACHINE_FORM, ...form }, headers))
  return lastEvent(stage)
}

/** F-ID, and what the extension of the ID token action got. */
async function tellOfIdToken(stage: Stage, scope = 'openid profile groups'): Promise<Json> {
  await stage.configure(IDT)
  issued(await stage.redeem(stage.web, scope))
  return lastEvent(stage, IDT)
}

const headerNames = (event: Json): string[] =>
  (event.request.additionalHeaders ?? []).map(({ name }: { name: string }) => name)

const organizationsOf = (event: Json) => [event.organization.id, event.user.organization.id]

export const event: Section = {
  title: 'Event and allowed operations',
  rows: [
    row('T31', 'F-CC: claims iss, client_id, aut, expires_in, aud, sub; no scopes anywhere', async stage => {
      const { request, accessToken } = await tellOfMachine(stage)
      assert.deepEqual(claimNames(stage), ['iss', 'client_id', 'aut', 'expires_in', 'aud', 'sub'])
      assert.deepEqual([accessToken.scopes, request.scopes], [undefined, undefined])
      assert.equal(shown(stage, 'iss'), `${stage.base}/oauth2/token`)
      assert.equal(shown(stage, 'sub'), stage.machine.clientId)
    }),

    row('T32', 'F-CC, pairwise subjects on (Asgardeo): `subject_type` before `sub`', async stage => {
      await stage.configure(AT, { platform: 'asgardeo' })
      await tellOfMachine(stage)
      assert.deepEqual(claimNames(stage), ['iss', 'client_id', 'aut', 'expires_in', 'aud', 'subject_type', 'sub'])
      assert.equal(shown(stage, 'subject_type'), 'public')
    }),

    row(
      'T33',
      'token binding `sso-session`: `binding_ref` and `binding_type` after `sub`',
      notApplicable(
        'tokens are not bound to sessions or cookies; `bindingType` of an application is accepted and ignored',
      ),
    ),

    row('T34', 'application lifetime 1800 s: `expires_in` is the number 1800', async stage => {
      await tellOfUser(stage)
      assert.equal(shown(stage, 'expires_in'), 1800)
    }),

    row('T35', 'one more audience: `aud` is client id and audience', async stage => {
      await tellOfUser(stage)
      assert.deepEqual(shown(stage, 'aud'), [stage.web.clientId, 'https://api.shop.test'])
    }),

    row('T36', '`scope=orders.write openid cart.read`: `accessToken.scopes` sorted', async stage => {
      const { accessToken } = await tellOfUser(stage, 'orders.write openid cart.read')
      assert.deepEqual(accessToken.scopes, ['cart.read', 'openid', 'orders.write'])
    }),

    row('T37', 'no refresh grant: the event has and offers nothing about a refresh token', async stage => {
      const client = await stage.addApplication({ grantTypes: ['authorization_code'] })
      issued(await stage.redeem(client, 'openid'))
      const { refreshToken, response } = lastEvent(stage)
      assert.equal(refreshToken, undefined)
      assert.deepEqual(response.parameters, ['access_token', 'token_type', 'scope', 'expires_in', 'id_token'])
      assert(!offered(stage, 'replace').includes('/refreshToken/claims/expires_in'))
      assert(!offered(stage, 'remove').includes('/response/parameters/refresh_token'))
    }),

    row('T38', 'refresh grant, 7200 s: `refreshToken.claims` is `expires_in` 7200, both paths offered', async stage => {
      const { refreshToken } = await tellOfUser(stage)
      assert.deepEqual(refreshToken, { claims: [named('expires_in', 7200)] })
      assert(offered(stage, 'replace').includes('/refreshToken/claims/expires_in'))
      assert(offered(stage, 'remove').includes('/response/parameters/refresh_token'))
    }),

    row('T39', 'refresh grant with lifetime 0: `expires_in` is -1', async stage => {
      const client = await stage.addApplication({ grantTypes: ['authorization_code', 'refresh_token'] })
      stage.server.seed(
        "update applications set settings = json_set(settings, '$.refreshTokenLifetimeSeconds', 0) where id = ?",
        client.id,
      )
      issued(await stage.redeem(client, 'openid'))
      assert.deepEqual(lastEvent(stage).refreshToken.claims, [named('expires_in', -1)])
    }),

    row('T40', 'granted scopes without `openid`: no `id_token` among the parameters, not removable', async stage => {
      const { response } = await tellOfUser(stage, 'cart.read')
      assert(!response.parameters.includes('id_token'))
      assert(!offered(stage, 'remove').includes('/response/parameters/id_token'))
    }),

    row('T41', 'code that came from a consent page: `session.sessionDataKeyConsent` names it', async stage => {
      const client = await stage.addApplication({ grantTypes: ['authorization_code'] }, { asksForConsent: true })
      const consent = await stage.visit(client, { scope: 'openid' })
      const landing = await stage.browser.submit(consent, { step: 'allow' })
      const code = new URL(landing.url).searchParams.get('code') ?? ''
      issued(await stage.token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }))
      const key = new URL(consent.url).pathname.split('/').at(-1)
      assert.deepEqual(lastEvent(stage).session, { sessionDataKeyConsent: key })
    }),

    row('T42', 'no consent page: no `session`', async stage => {
      assert.equal((await tellOfUser(stage)).session, undefined)
    }),

    row('T43', 'user of a child organization: `user.organization` is the child', async stage => {
      const { body: child } = await stage.must('POST', '/api/server/v1/organizations', {
        name: 'Child',
        orgHandle: 'child',
      })
      const user = await stage.addUser({ below: '/o/child' })
      const form = passwordForm({ user }, 'openid')
      issued(decodeTokens(await stage.post('/o/child/oauth2/token', stage.web, form)))
      assert.equal(lastEvent(stage).user.id, user.id)
      assert.deepEqual(organizationsOf(lastEvent(stage)), [child.id, child.id])
    }),

    row('T44', 'user of the root that switched to an organization: `user.organization` is that one', async stage => {
      const client = await stage.addApplication({
        grantTypes: ['authorization_code', 'organization_switch', 'refresh_token'],
      })
      const branch = await joinBranch(stage)
      const first = issued(await stage.redeem(client, 'openid'))
      let switched = await stage.token(client, {
        grant_type: 'organization_switch',
        token: first.body.access_token,
        switching_organization: branch.id,
      })
      // In the reference the switch itself calls no access token action, nor does the first refresh; the second does.
      for (let refresh = 0; refresh < 2; refresh++) switched = await stage.refresh(client, issued(switched))
      assert.equal(lastEvent(stage).request.grantType, 'refresh_token')
      assert.equal(lastEvent(stage).user.organization.id, branch.id)
    }),

    row('T45', 'neither: `user.organization` is that of the user', async stage => {
      const { user } = await tellOfUser(stage)
      assert.deepEqual(user, { id: stage.user.id, organization: stage.organization })
    }),

    row('T46', 'the organization does not exist: left out, the flow continues', async stage => {
      const user = await stage.addUser()
      const first = issued(await stage.token(stage.web, passwordForm({ user }, 'openid')))
      stage.server.seed("update users set organization_id = 'deleted' where id = ?", user.id)
      issued(await stage.refresh(stage.web, first))
      assert.deepEqual(lastEvent(stage).user, { id: user.id })
    }),

    row('T47', 'user store PRIMARY: `userStore` is `UFJJTUFSWQ==` and PRIMARY', async stage => {
      assert.deepEqual((await tellOfUser(stage)).userStore, { id: 'UFJJTUFSWQ==', name: 'PRIMARY' })
    }),

    row(
      'T48',
      'user id not resolvable: `user` absent, `userStore` present',
      notApplicable('every user has an id: it is the key of users'),
    ),

    row('T49', 'action allows `X-Client-Source-Ip`, request sends it: one entry in lower case', async stage => {
      await stage.configure(AT, { allowedHeaders: ['X-Client-Source-Ip'] })
      const { request } = await tellOfMachine(stage, { 'x-client-source-ip': '203.0.113.9' })
      assert.deepEqual(request.additionalHeaders, [named('x-client-source-ip', ['203.0.113.9'])])
    }),

    row('T50', 'action allows `x-a`; request has x-a, x-b, Authorization: only x-a', async stage => {
      await stage.configure(AT, { allowedHeaders: ['x-a'] })
      const { request } = await tellOfMachine(stage, { 'x-a': '1', 'x-b': '2' })
      assert.deepEqual(request.additionalHeaders, [named('x-a', ['1'])])
    }),

    row('T51', 'AT without lists: every header and parameter that is not excluded', async stage => {
      const { request } = await tellOfMachine(stage, { 'x-a': '1', 'x-b': '2', cookie: 'c=1' }, { channel: 'web' })
      const names = headerNames({ request })
      for (const name of ['x-a', 'x-b', 'user-agent']) assert(names.includes(name), name)
      for (const name of ['authorization', 'cookie']) assert(!names.includes(name), name)
      assert.deepEqual(request.additionalParams, [
        named('grant_type', ['client_credentials']),
        named('channel', ['web']),
      ])
    }),

    row('T52', 'IDT without lists: no headers, no parameters', async stage => {
      const { request } = await tellOfIdToken(stage)
      assert.deepEqual(Object.keys(request), ['clientId', 'grantType', 'scopes'])
    }),

    row('T53', 'allowed parameter `Channel`, request sends `channel=web`: not sent', async stage => {
      await stage.configure(AT, { allowedParameters: ['Channel'] })
      const { request } = await tellOfMachine(stage, {}, { channel: 'web' })
      assert.equal(request.additionalParams, undefined)
    }),

    inEngine(
      row('T54', 'the event is built with every header; the filter is a separate stage', async stage => {
        const headers = [named('authorization', ['Basic x']), named('x-a', ['1'])]
        const call = {
          action: {
            id: 'a-1',
            type: AT,
            version: 'v1',
            endpoint: { uri: 'https://x.test', authentication: { type: 'NONE' } },
          },
          platform: platforms[stage.platform.name],
          event: { request: { clientId: 'web1', additionalHeaders: headers }, accessToken: { claims: [] } },
          facts: {},
          requestId: 'rq-1',
        } as const
        const disclosed = disclose(call).event as Json
        assert.deepEqual(disclosed.request.additionalHeaders, [named('x-a', ['1'])])
        assert.deepEqual(call.event.request.additionalHeaders, headers)
      }),
    ),

    row('T55', 'claims string, list, and number: each removable, a list with a slash, before scopes', async stage => {
      // An extension adds the number as a claim. The next event has it.
      stage.extension(AT).succeed(op('+C/-', named('age', 41)))
      const first = issued(await stage.redeem(stage.web, USER_SCOPES))
      issued(await stage.refresh(stage.web, first))
      assert.equal(shown(stage, 'age'), 41)
      assert.deepEqual(offered(stage, 'remove').slice(0, 5), [
        '/accessToken/claims/given_name',
        '/accessToken/claims/groups/',
        '/accessToken/claims/age',
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
      ])
    }),

    row('T56', 'claim `address`, an object: no path for it', async stage => {
      const user = await stage.addUser({ attributes: { addresses: [{ type: 'home', country: 'NO' }] } })
      const client = await stage.addApplication({
        grantTypes: ['password'],
        accessToken: { accessTokenAttributes: ['given_name', 'address'] },
      })
      issued(await stage.token(client, passwordForm({ user }, 'openid')))
      assert.deepEqual(shown(stage, 'address'), { country: 'NO' })
      for (const operation of ['add', 'remove', 'replace']) {
        assert(!offered(stage, operation).some(path => path.includes('address')))
      }
    }),

    row('T57', 'no scopes granted: `S/` in all three lists', async stage => {
      await tellOfMachine(stage)
      for (const operation of ['add', 'remove', 'replace']) {
        assert(offered(stage, operation).includes('/accessToken/scopes/'))
      }
    }),

    row('T58', 'IDT with two user claims: replace ends with `expires_in`, add has two paths', async stage => {
      await tellOfIdToken(stage)
      assert.deepEqual(offered(stage, 'add', IDT), ['/idToken/claims/', '/idToken/claims/aud/'])
      assert.deepEqual(offered(stage, 'replace', IDT), [
        '/idToken/claims/given_name',
        '/idToken/claims/groups/',
        '/idToken/claims/aud/',
        '/idToken/claims/expires_in',
      ])
    }),

    row(
      'T59',
      'IDT, user of the provider `Google`: FEDERATED without id',
      notApplicable('users sign in only with accounts of this server; there are no federated identity providers'),
    ),
    row(
      'T60',
      'IDT, provider `sso` with an associated local user: LOCAL with id',
      notApplicable('users sign in only with accounts of this server; there are no federated identity providers'),
    ),
    row(
      'T61',
      'IDT without an authorised user: no `user`, no `userStore`',
      notApplicable('no ID token is drafted without its user'),
    ),
    row('T62', 'IDT, store unknown: no `userStore`', notApplicable('every user is in the only store, PRIMARY')),

    row('T63', 'IDT, request without `scope`: `request.scopes` are the granted', async stage => {
      await stage.configure(IDT)
      const first = issued(await stage.redeem(stage.web, 'profile openid'))
      assert.deepEqual(lastEvent(stage, IDT).request.scopes, ['openid', 'profile'])
      issued(await stage.refresh(stage.web, first, { scope: 'openid' }))
      assert.deepEqual(lastEvent(stage, IDT).request.scopes, ['openid'])
    }),

    row('T64', 'ID token lifetime 7200 s: claim `expires_in` 7200', async stage => {
      await stage.configure(IDT)
      const client = await stage.addApplication({
        grantTypes: ['authorization_code'],
        idToken: { expiryInSeconds: 7200 },
      })
      issued(await stage.redeem(client, 'openid'))
      assert.equal(shown(stage, 'expires_in', IDT), 7200)
    }),

    row(
      'T65',
      'refresh after a customised run: claims and `aud` as stored, `expires_in` of the last token',
      async stage => {
        stage
          .extension(AT)
          .succeed(
            op('+C/-', named('tier', 'gold')),
            op('-C/given_name'),
            op('+A/-', 'crm.test'),
            op('~C/expires_in', 300),
          )
        const first = issued(await stage.redeem(stage.web, USER_SCOPES))
        issued(await stage.refresh(stage.web, first))
        assert.deepEqual(claimNames(stage).slice(6), ['groups', 'tier'])
        assert.deepEqual(shown(stage, 'aud'), [stage.web.clientId, 'https://api.shop.test', 'crm.test'])
        assert.equal(shown(stage, 'expires_in'), 300)
      },
    ),

    row(
      'T66',
      'IDT flow context with request type `foo`: builder error',
      notApplicable(
        'an ID token is drafted at the token and the authorize endpoint; there is no third kind of request',
      ),
    ),
  ],
}
