import assert from 'node:assert/strict'
import { isAllowed, type Operation } from '@preflow/contract'
import type { Issued } from '../requests.ts'
import { row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import {
  ask,
  askFor,
  assertServerError,
  callThroughEngine,
  json,
  messagesOf,
  throughEngine,
  verdictsOf,
} from './engine-under-test.ts'
import { AT, IDT, issued, lastEvent, named, offered, op, passwordForm } from './tokens.ts'

/** Exactly what the row offers is offered. What the server offers depends on the token. */
const offer = (operation: 'add' | 'remove' | 'replace', ...paths: string[]) => [{ op: operation, paths }]

const SERVER_ERRORS = ['server_error', '500', 'internal_server_error', 'Internal_Server_Error']

export const filter: Section = {
  title: 'Operation filter',
  rows: [
    row(
      'E84',
      'offered add `/accessToken/claims/`, `/accessToken/scopes/`; add `/accessToken/claims/-`: kept',
      async stage => {
        const { issued, verdicts } = await askFor(stage, [op('+C/-', named('tier', 'gold'))])
        assert.deepEqual(offered(stage, 'add').slice(0, 2), ['/accessToken/claims/', '/accessToken/scopes/'])
        assert.deepEqual(verdicts, ['applied'])
        assert.equal(issued.accessToken?.['tier'], 'gold')
      },
    ),
    throughEngine(
      row('E85', 'offered redirect; redirect with url: kept', async stage => {
        const redirect = { op: 'redirect', url: 'https://pin.test/enter' }
        stage.extension('AUTHENTICATION').answer(() => json({ actionStatus: 'INCOMPLETE', operations: [redirect] }))
        const { outcome } = await callThroughEngine(stage, { action: { type: 'AUTHENTICATION' } })
        assert.equal(outcome.status, 'incomplete')
        assert.deepEqual(outcome.operations, [{ op: 'redirect', verdict: 'applied', reason: 'Redirect.' }])
      }),
    ),
    row('E86', 'offered replace of a claim; replace of that claim: kept', async stage => {
      const { issued, verdicts } = await askFor(
        stage,
        [op('~C/given_name', 'Nora')],
        stage.web,
        passwordForm(stage, 'openid'),
      )
      assert(offered(stage, 'replace').includes('/accessToken/claims/given_name'))
      assert.deepEqual(verdicts, ['applied'])
      assert.equal(issued.accessToken?.['given_name'], 'Nora')
    }),
    row('E87', 'offered add ...; remove `/accessToken/claims/testKey`: dropped', async stage => {
      const { verdicts } = await askFor(stage, [op('-C/testKey')])
      assert.deepEqual(verdicts, ['not_allowed'])
      assert.equal(isAllowed(op('-C/testKey'), offer('add', '/accessToken/claims/')), false)
    }),
    row(
      'E88',
      'offered replace `/accessToken/claims/testKey`, `/accessToken/scopes/`; replace `/accessToken/claims/0`: dropped',
      async stage => {
        const { verdicts } = await askFor(stage, [op('~C/0', 'x')])
        assert.deepEqual(verdicts, ['not_allowed'])
        const paths = ['/accessToken/claims/testKey', '/accessToken/scopes/']
        assert.equal(isAllowed(op('~C/0', 'x'), offer('replace', ...paths)), false)
      },
    ),
    row('E89', 'offered add `/accessToken/claims/`; add `/accessToken/claims/aud/-`: dropped', async stage => {
      // The server offers the audience itself. The elements of another claim are at the same depth.
      const { verdicts } = await askFor(stage, [op('+C/roles/-', 'admin')])
      assert.deepEqual(verdicts, ['not_allowed'])
      assert.equal(isAllowed(op('+A/-', 'x'), offer('add', '/accessToken/claims/')), false)
    }),
    row(
      'E90',
      'offered remove `/accessToken/claims/roles/`; remove `/accessToken/claims/roles/1`: kept',
      async stage => {
        const { issued, verdicts } = await askFor(stage, [op('-C/groups/1')], stage.web, passwordForm(stage, 'openid'))
        assert(offered(stage, 'remove').includes('/accessToken/claims/groups/'))
        assert.deepEqual(verdicts, ['applied'])
        assert.deepEqual(issued.accessToken?.['groups'], ['staff'])
      },
    ),
    row(
      'E91',
      'remove and replace only of paths that are not offered: all dropped; still SUCCESS, nothing applied, the diagnostic log lists them',
      async stage => {
        const { call, issued, verdicts } = await askFor(stage, [op('-C/sub'), op('~C/iss', 'x')])
        assert.deepEqual([call.status, ...verdicts], ['success', 'not_allowed', 'not_allowed'])
        assert.equal(issued.accessToken?.sub, stage.machine.clientId)
        const step = call.details.steps.find(
          ({ actionId }: { actionId: string }) => actionId === 'validate-action-response',
        )
        assert.deepEqual(
          [step.resultMessage, step.params.allowedOperations, step.params.notAllowedOperations],
          [
            'Validated operations to perform on Pre Issue Access Token action.',
            'empty',
            ['Operation: REMOVE Path: /accessToken/claims/sub', 'Operation: REPLACE Path: /accessToken/claims/iss'],
          ],
        )
      },
    ),
  ],
}

/** The claims that are the same in every token of this kind. */
function lastingClaims({ accessToken = {} }: Issued): object {
  const ofEachToken = ['exp', 'iat', 'nbf', 'jti']
  return Object.fromEntries(Object.entries(accessToken).filter(([name]) => !ofEachToken.includes(name)))
}

/** Operations that are offered and change nothing. */
async function assertIgnored(stage: Stage, ...operations: Operation[]): Promise<void> {
  const { issued: before } = await askFor(stage, [])
  const { issued: after, verdicts } = await askFor(stage, operations)
  assert.deepEqual([...new Set(verdicts)], ['rejected'])
  assert.equal(verdicts.length, operations.length)
  assert.deepEqual(lastingClaims(after), lastingClaims(before))
  assert.equal(after.lifetimeSeconds, before.lifetimeSeconds)
  assert.deepEqual(Object.keys(after.body), Object.keys(before.body))
}

const SCOPES = 'openid orders.write profile'

export const processors: Section = {
  title: 'Token processors',
  rows: [
    row('E92', 'add claim named `scope` under claims: ignored', stage =>
      assertIgnored(stage, op('+C/-', named('scope', 'admin'))),
    ),
    row('E93', 'add scope `/accessToken/scopes/-`: scope added', async stage => {
      const { issued } = await askFor(stage, [op('+S/-', 'jobs.run')])
      assert.equal(issued.accessToken?.['scope'], 'jobs.run')
      assert.equal(issued.body.scope, 'jobs.run')
    }),
    row('E94', 'add aud `/aud/-` URI: audience list size 2', async stage => {
      const { issued } = await askFor(stage, [op('+A/-', 'https://api.example.com')])
      assert.deepEqual(issued.accessToken?.aud, [stage.machine.clientId, 'https://api.example.com'])
    }),
    row('E95', 'add aud with list value: ignored', stage =>
      assertIgnored(stage, op('+A/-', ['https://api.example.com', 'https://b.example.com'])),
    ),
    row('E96', 'add claim at `/accessToken/claims/` (no `-`): ignored', stage =>
      assertIgnored(stage, op('+C/', named('tier', 'gold'))),
    ),
    row('E97', 'add claim with object value: ignored', stage =>
      assertIgnored(stage, op('+C/-', named('plan', { tier: 'gold' }))),
    ),
    row('E98', 'add response parameter object / int array / array of objects: added unchanged', async stage => {
      const parameters = { plan: { tier: 'gold' }, seats: [1, 2, 3], members: [{ name: 'Mira' }, { name: 'Nora' }] }
      const { issued } = await askFor(
        stage,
        Object.entries(parameters).map(([name, value]) => op('+P/-', named(name, value))),
      )
      const { members, plan, seats } = issued.body
      assert.deepEqual({ plan, seats, members }, parameters)
    }),
    row('E99', 'add response parameter `access_token`, null name, empty name: ignored', stage =>
      assertIgnored(
        stage,
        op('+P/-', named('access_token', 'forged')),
        op('+P/-', named(null, 'x')),
        op('+P/-', named('', 'x')),
      ),
    ),
    row('E100', 'remove `/response/parameters/refresh_token`: parameter suppressed', async stage => {
      const form = passwordForm(stage, 'openid')
      const { issued } = await askFor(stage, [op('-P/refresh_token')], stage.web, form)
      assert.deepEqual(['refresh_token' in issued.body, 'access_token' in issued.body], [false, true])
      assert(lastEvent(stage).response.parameters.includes('refresh_token'))
    }),
    row('E101', 'scopes [openid,email,profile], remove `-`: last removed', async stage => {
      stage.extension(AT).succeed(op('-S/-'))
      const { accessToken } = issued(await stage.redeem(stage.web, 'openid email profile'))
      const { scopes } = lastEvent(stage).accessToken
      assert.deepEqual([...scopes].sort(), ['email', 'openid', 'profile'])
      assert.equal(accessToken?.['scope'], scopes.slice(0, -1).join(' '))
    }),
    row('E102', 'remove `/scopes/2` and `/scopes/1`: only openid left (original indexes)', async stage => {
      stage.extension(AT).succeed(op('-S/2'), op('-S/1'))
      const { accessToken } = issued(await stage.redeem(stage.web, SCOPES))
      assert.deepEqual(lastEvent(stage).accessToken.scopes, SCOPES.split(' '))
      assert.equal(accessToken?.['scope'], 'openid')
      // The order of the operations does not matter, because an index refers to the sent list.
      stage.extension(AT).succeed(op('-S/1'), op('-S/2'))
      assert.equal(issued(await stage.redeem(stage.web, SCOPES)).accessToken?.['scope'], 'openid')
    }),
    row('E103', 'remove aud at path ending in `/aud/`: nothing removed', stage => assertIgnored(stage, op('-A/'))),
    row('E104', 'replace aud `/0` or `/-`: replaced; `/aud/` leaves original', async stage => {
      for (const path of ['~A/0', '~A/-']) {
        const { issued } = await askFor(stage, [op(path, 'https://api.example.com')])
        assert.deepEqual([issued.accessToken?.aud].flat(), ['https://api.example.com'])
      }
      await assertIgnored(stage, op('~A/', 'https://api.example.com'))
    }),
    row('E105', 'replace expires_in 0, -1, "abc": ignored', async stage => {
      const values = [0, -1, 'abc']
      await assertIgnored(stage, ...values.map(value => op('~C/expires_in', value)))
      await stage.remove(AT)
      await stage.configure(IDT)
      const lifetimeOf = ({ idToken }: Issued) => (idToken?.exp ?? 0) - (idToken?.iat ?? 0)
      const before = lifetimeOf(issued(await stage.redeem(stage.web, 'openid')))
      stage.extension(IDT).succeed(...values.map(value => op('~I/expires_in', value)))
      const answered = issued(await stage.redeem(stage.web, 'openid'))
      assert.equal(lifetimeOf(answered), before)
      assert.deepEqual((await stage.callsBehind(answered)).map(verdictsOf), [values.map(() => 'rejected')])
    }),
    row('E106', 'FAILED reason `server_error` / `500` / `internal_server_error`: processor exception', async stage => {
      for (const reason of SERVER_ERRORS) {
        stage.extension(AT).refuse(reason, 'Some description')
        const { call, issued } = await ask(stage)
        assertServerError(issued)
        assert.match(call.details.error.message, /^FAILED status should not be used to process server errors\./)
        assert(messagesOf(call).includes('Invalid value for failedReason attribute at FAILED state.'))
      }
    }),
  ],
}
