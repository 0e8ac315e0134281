import assert from 'node:assert/strict'
import type { Operation } from '@preflow/contract'
import type { Issued } from '../requests.ts'
import { row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { assertToken, assertVerdicts, FILTERED, user, userEdit } from './token-edits.ts'
import { AT, issued, named, op } from './tokens.ts'

const UPDATED = 'Expiry time updated.'
const FORMAT = 'Invalid expiry time format.'
const POSITIVE = 'Invalid expiry time. Must be positive.'
const ADDED = 'Response parameter added.'
const REMOVED = 'Response parameter removed.'
const EXISTS = 'A response parameter already exists with the given name.'

const lasting = (value: unknown) => op('~C/expires_in', value)
const add = (name: unknown, value: unknown) => op('+P/-', named(name, value))

/** F-USER after the operations, with its verdicts checked. */
async function issue(stage: Stage, operations: Operation[], log: string[]): Promise<Issued> {
  stage.extension(AT).succeed(...operations)
  const answer = issued(await user.issue(stage))
  await assertVerdicts(stage, answer, log)
  return answer
}

/** Lifetime of a refresh token in seconds, from introspection. */
export async function refreshLifetime(stage: Stage, { body }: Issued): Promise<number> {
  const { body: told } = await stage.post('/oauth2/introspect', stage.web, { token: body.refresh_token })
  assert.equal(told.active, true)
  return told.exp - told.iat
}

/** Refresh tokens in the database, because no client can use one that it did not get. */
function stored({ server, tenant }: Stage): number {
  const [row] = server.look(
    "select count(*) as stored from oidc_artifacts where tenant_id = ? and model = 'RefreshToken'",
    tenant.id,
  )
  return Number(row?.['stored'])
}

export const lifetimes: Section = {
  title: 'Lifetimes and response parameters',
  rows: [
    row('T172', '`~C/expires_in=900`: exp - iat and `expires_in` 900', async stage => {
      const answer = await issue(stage, [lasting(900)], [UPDATED])
      assertToken(answer, user, { lifetimeSeconds: 900 })
      assert.equal(answer.body.expires_in, 900)
    }),
    row('T173', '`~C/expires_in="900"`: the same', async stage => {
      const answer = await issue(stage, [lasting('900')], [UPDATED])
      assertToken(answer, user, { lifetimeSeconds: 900 })
      assert.equal(answer.body.expires_in, 900)
    }),
    userEdit('T174', '"+900": 900', [lasting('+900')], { log: [UPDATED], lifetimeSeconds: 900 }),
    userEdit('T175', '" 900", "15m", 900.5, true: unchanged', [' 900', '15m', 900.5, true].map(lasting), {
      log: [FORMAT, FORMAT, FORMAT, FORMAT],
    }),
    userEdit('T176', '0, -1: unchanged', [0, -1].map(lasting), { log: [POSITIVE, POSITIVE] }),
    userEdit('T177', '`~C/expires_in/=2000`: filtered', [op('~C/expires_in/', 2000)], { log: [FILTERED] }),
    userEdit('T178', '900, then 600: 600', [lasting(900), lasting(600)], {
      log: [UPDATED, UPDATED],
      lifetimeSeconds: 600,
    }),

    row('T179', '`~R/expires_in=40000`: the refresh token lives 40000 s', async stage => {
      const answer = await issue(stage, [op('~R/expires_in', 40_000)], [UPDATED])
      assert.equal(await refreshLifetime(stage, answer), 40_000)
    }),

    row('T180', '`~R/expires_in=40000` without refresh grant: filtered', async stage => {
      stage.extension(AT).succeed(op('~R/expires_in', 40_000))
      const client = await stage.addApplication({ grantTypes: ['authorization_code'] })
      const answer = issued(await stage.redeem(client, 'openid'))
      await assertVerdicts(stage, answer, [FILTERED])
      assert.equal(answer.body.refresh_token, undefined)
    }),

    row('T181', '`~R/expires_in=0`: unchanged', async stage => {
      const answer = await issue(stage, [op('~R/expires_in', 0)], [POSITIVE])
      assert.equal(await refreshLifetime(stage, answer), 7200)
    }),

    row('T182', '`+P/-` plan "pro": in the response, not in the token', async stage => {
      const answer = await issue(stage, [add('plan', 'pro')], [ADDED])
      assert.equal(answer.body.plan, 'pro')
      assertToken(answer, user, {})
    }),

    row('T183', 'value nested object, [1,2,3], [{"x":1},{"y":2}]: unchanged', async stage => {
      const values = { nested: { a: { b: [true, null] } }, numbers: [1, 2, 3], objects: [{ x: 1 }, { y: 2 }] }
      const operations = Object.entries(values).map(([name, value]) => add(name, value))
      const { body } = await issue(stage, operations, [ADDED, ADDED, ADDED])
      const { nested, numbers, objects } = body
      assert.deepEqual({ nested, numbers, objects }, values)
    }),

    row('T184', 'name access_token, "", null: nothing added', async stage => {
      const { body } = await issue(
        stage,
        [add('access_token', 'x'), add('', 'x'), add(null, 'x')],
        [EXISTS, 'Response parameter name cannot be empty.', 'Response parameter name cannot be empty.'],
      )
      assert.deepEqual(Object.keys(body).sort(), [
        'access_token',
        'expires_in',
        'id_token',
        'refresh_token',
        'scope',
        'token_type',
      ])
      assert.notEqual(body.access_token, 'x')
    }),

    row('T185', 'the same name twice: the first stays', async stage => {
      const { body } = await issue(stage, [add('plan', 'pro'), add('plan', 'basic')], [ADDED, EXISTS])
      assert.equal(body.plan, 'pro')
    }),

    row('T186', '`+P/anything`: accepted', async stage => {
      const { body } = await issue(stage, [op('+P/anything', named('plan', 'pro'))], [ADDED])
      assert.equal(body.plan, 'pro')
    }),

    row('T187', '`-P/refresh_token`: not in the response, but stored', async stage => {
      const before = stored(stage)
      const { body } = await issue(stage, [op('-P/refresh_token')], [REMOVED])
      assert.equal(body.refresh_token, undefined)
      assert.equal(stored(stage), before + 1)
    }),

    row('T188', '`-P/id_token`: no `id_token`', async stage => {
      const { body } = await issue(stage, [op('-P/id_token')], [REMOVED])
      assert.equal(body.id_token, undefined)
    }),

    row('T189', '`-P/scope`, `-P/access_token`: filtered', async stage => {
      const { body } = await issue(stage, [op('-P/scope'), op('-P/access_token')], [FILTERED, FILTERED])
      assert.equal(body.scope, 'cart.read openid orders.write')
      assert.equal(typeof body.access_token, 'string')
    }),

    row('T190', 'next refresh, extension without operations: `plan` absent, refresh token present', async stage => {
      const first = await issue(stage, [add('plan', 'pro'), op('-P/id_token')], [ADDED, REMOVED])
      stage.extension(AT).succeed()
      const { body } = issued(await stage.refresh(stage.web, first))
      assert.equal(body.plan, undefined)
      assert.equal(typeof body.refresh_token, 'string')
      assert.equal(typeof body.id_token, 'string')
    }),
  ],
}
