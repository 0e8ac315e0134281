import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachDatabase } from './databases.fixture.ts'
import type { SignInFlow } from './model.ts'
import { purgeExpired } from './purge.ts'
import { changeSignInFlow, findSignInFlow, findSignInFlowOf, insertSignInFlow } from './sign-in-flows.ts'
import { FIRST_TENANT } from './tenants.ts'

const flow: SignInFlow = {
  id: '0123456789abcdef0123456789abcdef',
  tenantId: FIRST_TENANT.id,
  organizationId: 'root',
  interactionId: 'interaction-of-the-browser',
  version: 1,
  passed: [],
  request: { headers: [{ name: 'x-door', value: ['north gate'] }], parameters: [] },
  isDecided: false,
  expiresAt: 2000,
}

onEachDatabase('sign-ins in progress', open => {
  test('a flow is found by its id and by its interaction, until it expires', async () => {
    let now = 1000
    const db = await open({ now: () => now })
    await insertSignInFlow(db, flow)
    assert.deepEqual(await findSignInFlow(db, flow.id), flow)
    assert.deepEqual(await findSignInFlowOf(db, flow.interactionId), flow)
    assert.equal(await findSignInFlow(db, 'other'), undefined)
    assert.equal(await purgeExpired(db, 'sign_in_flows'), 0)
    now = 2000
    assert.equal(await findSignInFlow(db, flow.id), undefined)
    assert.equal(await findSignInFlowOf(db, flow.interactionId), undefined)
    assert.equal(await purgeExpired(db, 'sign_in_flows'), 1)
  })

  test('an interaction has one flow: the first', async () => {
    const db = await open({ now: () => 1000 })
    await insertSignInFlow(db, flow)
    await insertSignInFlow(db, { ...flow, id: 'f'.repeat(32) })
    assert.equal((await findSignInFlowOf(db, flow.interactionId))?.id, flow.id)
    assert.equal(await findSignInFlow(db, 'f'.repeat(32)), undefined)
  })

  test('of two changes from the same state only one is stored', async () => {
    const db = await open({ now: () => 1000 })
    await insertSignInFlow(db, flow)
    const passed = [{ authenticator: 'custom-door', userId: 'u1' }]
    assert.deepEqual(
      await Promise.all([changeSignInFlow(db, flow, { passed }), changeSignInFlow(db, flow, { isDecided: true })]).then(
        kept => kept.toSorted(),
      ),
      [false, true],
    )
    const kept = await findSignInFlow(db, flow.id)
    assert.equal(kept?.version, 2)
    assert.notEqual(kept?.isDecided, kept?.passed.length === 1)
  })

  test('a reader of the database learns neither the ids nor what the browser sent', async () => {
    const db = await open({ now: () => 1000 })
    await insertSignInFlow(db, flow)
    const rows = JSON.stringify(await db.queries.selectFrom('sign_in_flows').selectAll().execute())
    for (const secret of [flow.id, flow.interactionId, 'north gate']) assert(!rows.includes(secret), secret)
  })
})
