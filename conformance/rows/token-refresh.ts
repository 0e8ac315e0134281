import assert from 'node:assert/strict'
import type { Operation } from '@preflow/contract'
import type { Issued } from '../requests.ts'
import { differs, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { renameUser } from '../users.ts'
import { assertToken, assertVerdicts, user } from './token-edits.ts'
import { refreshLifetime } from './token-lifetime.ts'
import { AT, called, issued, lastEvent, named, op, passwordForm, shown } from './tokens.ts'

const add = (name: string, value: unknown) => op('+C/-', named(name, value))

/** F-USER's first token, with these changes by the extension. */
async function begin(stage: Stage, ...operations: Operation[]): Promise<Issued> {
  stage.extension(AT).succeed(...operations)
  return issued(await user.issue(stage))
}

async function refresh(stage: Stage, previous: Issued, ...operations: Operation[]): Promise<Issued> {
  stage.extension(AT).succeed(...operations)
  return issued(await stage.refresh(stage.web, previous))
}

/** The user is renamed to Zoe after the first token, which the extension changed. The refreshed token has this name. */
async function refreshAfterRenaming(stage: Stage, expected: string | undefined, ...operations: Operation[]) {
  const person = await stage.addUser()
  stage.extension(AT).succeed(...operations)
  const first = issued(await stage.token(stage.web, passwordForm({ user: person }, 'openid')))
  await renameUser(stage, person, 'Zoe')
  const second = await refresh(stage, first)
  if (expected !== undefined) assert.equal(shown(stage, 'given_name'), expected)
  assert.equal(second.accessToken?.['given_name'], expected)
}

/** One change of every kind that is kept, and its result in the token. */
const everything = [
  add('tier', 'gold'),
  op('+A/-', 'crm.test'),
  op('~C/expires_in', 300),
  op('+S/-', 'billing.read'),
  op('-S/0'),
]
const changed = {
  claims: { tier: 'gold' },
  aud: ['web1', 'https://api.shop.test', 'crm.test'],
  lifetimeSeconds: 300,
  scopes: ['billing.read', 'openid', 'orders.write'],
}

export const refreshing: Section = {
  title: 'Refresh and persistence',
  rows: [
    row('T191', 'first run added tier "gold", refresh changes more: both', async stage => {
      const first = await begin(stage, add('tier', 'gold'))
      const answer = await refresh(
        stage,
        first,
        add('region', 'eu'),
        op('~C/given_name', 'Ann'),
        op('+A/-', 'crm.test'),
        op('-S/0'),
        op('~C/expires_in', 600),
      )
      assertToken(answer, user, {
        claims: { tier: 'gold', region: 'eu', given_name: 'Ann' },
        aud: ['web1', 'https://api.shop.test', 'crm.test'],
        scopes: ['openid', 'orders.write'],
        lifetimeSeconds: 600,
      })
    }),

    row('T192', 'refresh without operations: tier, audience, lifetime, scopes as before', async stage => {
      const first = await begin(stage, ...everything)
      assertToken(first, user, changed)
      const second = await refresh(stage, first)
      assertToken(second, user, changed)
      assertToken(await refresh(stage, second), user, changed)
    }),

    row('T193', 'refresh adds tier "silver": stays gold', async stage => {
      const answer = await refresh(stage, await begin(stage, add('tier', 'gold')), add('tier', 'silver'))
      await assertVerdicts(stage, answer, ['An access token claim already exists.'])
      assertToken(answer, user, { claims: { tier: 'gold' } })
    }),

    row('T194', 'refresh `~C/tier=silver`: silver, also on later refreshes', async stage => {
      const second = await refresh(stage, await begin(stage, add('tier', 'gold')), op('~C/tier', 'silver'))
      assertToken(second, user, { claims: { tier: 'silver' } })
      assertToken(await refresh(stage, second), user, { claims: { tier: 'silver' } })
    }),

    row('T195', 'first run set 300 s, refresh without operations: 300 again', async stage => {
      const answer = await refresh(stage, await begin(stage, op('~C/expires_in', 300)))
      assertToken(answer, user, { lifetimeSeconds: 300 })
      assert.equal(answer.body.expires_in, 300)
    }),

    row('T196', 'refresh token of 40000 s, refresh sets 50000: shown 40000, lives 50000', async stage => {
      const first = await begin(stage, op('~R/expires_in', 40_000))
      assert.equal(await refreshLifetime(stage, first), 40_000)
      const second = await refresh(stage, first, op('~R/expires_in', 50_000))
      assert.deepEqual(lastEvent(stage).refreshToken.claims, [named('expires_in', 40_000)])
      assert.equal(await refreshLifetime(stage, second), 50_000)
    }),

    row('T197', 'action deleted before the refresh: customisations stay, and are stored again', async stage => {
      const first = await begin(stage, ...everything)
      await stage.remove(AT)
      const second = issued(await stage.refresh(stage.web, first))
      assertToken(second, user, changed)
      assertToken(issued(await stage.refresh(stage.web, second)), user, changed)
      assert.equal(called(stage).access, 1)
    }),

    row(
      'T198',
      "the user's given_name changed: the old value on refresh",
      stage => refreshAfterRenaming(stage, 'Mira'),
      differs('attributes that no operation changed follow the profile', async stage => {
        await refreshAfterRenaming(stage, 'Zoe')
        await refreshAfterRenaming(stage, 'M.', op('~C/given_name', 'M.'))
        await refreshAfterRenaming(stage, undefined, op('-C/given_name'))
      }),
    ),

    row('T199', 'refresh with `scope=cart.read`: shown as requested, token narrowed', async stage => {
      const first = await begin(stage)
      const answer = issued(await stage.refresh(stage.web, first, { scope: 'cart.read' }))
      assert.deepEqual(lastEvent(stage).request.scopes, ['cart.read'])
      assertToken(answer, user, { scopes: ['cart.read'] })
    }),

    row('T200', 'AT FAILED on refresh: 400, the refresh token is unchanged, retry works', async stage => {
      const first = await begin(stage)
      const introspect = async () =>
        (await stage.post('/oauth2/introspect', stage.web, { token: first.body.refresh_token })).body
      const before = await introspect()
      assert.equal(before.active, true)
      stage.extension(AT).refuse('access_denied', 'Not now.')
      const refused = await stage.refresh(stage.web, first)
      assert.deepEqual([refused.status, refused.body.error], [400, 'access_denied'])
      assert.deepEqual(await introspect(), before)
      assertToken(await refresh(stage, first), user, {})
    }),

    row('T201', 'scope `billing.read` added at the first run, requested at the refresh: allowed', async stage => {
      const first = await begin(stage, op('+S/-', 'billing.read'))
      const answer = issued(await stage.refresh(stage.web, first, { scope: 'billing.read' }))
      assertToken(answer, user, { scopes: ['billing.read'] })
    }),
  ],
}
