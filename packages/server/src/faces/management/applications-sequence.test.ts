import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { findApplicationById, updateApplication } from '../../ground/store/applications.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { assertRefused, createApiUnderTest, type TenantUnderTest } from './api-under-test.fixture.ts'

const BASIC = 'BasicAuthenticator'
const step = (id: number, ...authenticators: string[]) => ({
  id,
  options: authenticators.map(authenticator => ({ idp: 'LOCAL', authenticator })),
})
const sequence = (...steps: object[]) => ({ type: 'USER_DEFINED', steps })

const DEFAULT = { type: 'DEFAULT', steps: [step(1, BASIC)], subjectStepId: 1, attributeStepId: 1 }

onEachDatabase('the sign-in sequence of an application', open => {
  let db: Database
  let tenant: TenantUnderTest
  let at: string
  before(async () => {
    db = await open()
    tenant = await createApiUnderTest(db)()
    for (const [name, authenticationType] of [
      ['custom-door', 'IDENTIFICATION'],
      ['custom-code', 'VERIFICATION'],
    ]) {
      const endpoint = { uri: 'https://door.example/', authentication: { type: 'NONE' } }
      const body = { name, displayName: 'Door', authenticationType, endpoint }
      assert.equal((await tenant.call('POST', '/authenticators/custom', { body })).status, 201)
    }
    at = await create({ name: 'Shop' })
  })

  async function create(body: object): Promise<string> {
    const made = await tenant.call('POST', '/applications', { body })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return `/applications/${made.headers.get('location')?.split('/').at(-1)}`
  }

  const sequenceAt = async (path: string) => (await tenant.call('GET', path)).body.authenticationSequence
  const change = (authenticationSequence: object) => tenant.call('PATCH', at, { body: { authenticationSequence } })

  test('is the password by default', async () => {
    assert.deepEqual(await sequenceAt(await create({ name: 'Plain' })), DEFAULT)
  })

  test('can be set at creation, with the steps in any order', async () => {
    const steps = [step(2, 'custom-code'), step(1, BASIC, 'custom-door')]
    const authenticationSequence = { ...sequence(...steps), subjectStepId: 1, attributeStepId: 2 }
    assert.deepEqual(await sequenceAt(await create({ name: 'Two steps', authenticationSequence })), {
      ...authenticationSequence,
      steps: steps.toReversed(),
    })
  })

  test('is replaced as a whole, stays if it is absent, and can be reset to the default', async () => {
    assert.equal((await change(sequence(step(1, 'custom-door')))).status, 200)
    await tenant.call('PATCH', at, { body: { description: 'Other' } })
    assert.deepEqual((await sequenceAt(at)).steps, [step(1, 'custom-door')])
    const oidc = { grantTypes: ['client_credentials'] }
    await tenant.call('PUT', `${at}/inbound-protocols/oidc`, { body: oidc })
    assert.deepEqual((await sequenceAt(at)).steps, [step(1, 'custom-door')])
    assert.equal((await change({ type: 'DEFAULT' })).status, 200)
    assert.deepEqual(await sequenceAt(at), DEFAULT)
  })

  test('can be read and sent back unchanged', async () => {
    await change(sequence(step(1, BASIC), step(2, 'custom-code')))
    const shown = await sequenceAt(at)
    assert.equal((await change(shown)).status, 200)
    assert.deepEqual(await sequenceAt(at), shown)
    assert.equal((await change(DEFAULT)).status, 200)
    assert.equal((await change({ type: 'DEFAULT', steps: [step(1)], script: '' })).status, 200)
  })

  for (const [title, given, description] of [
    [
      'an unknown authenticator',
      sequence(step(1, 'custom-nobody')),
      /step 1: the authenticator "custom-nobody" does not exist\. Create it/,
    ],
    ['a gap between the steps', sequence(step(1, BASIC), step(3, 'custom-code')), /1, 2, 3 and so on\. Check step 3/],
    ['a step twice', sequence(step(1, BASIC), step(1, BASIC)), /Check step 1/],
    ['no step', sequence(), /list at least one step/],
    ['a step without options', sequence(step(1, BASIC), step(2)), /step 2 has no options/],
    ['an option twice', sequence(step(1, BASIC, BASIC)), /step 1 lists an authenticator twice/],
    [
      'a second factor in the first step',
      sequence(step(1, BASIC, 'custom-code')),
      /step 1: custom-code verifies an already identified user\. Move it to a later step/,
    ],
    [
      'an unknown subject step',
      { ...sequence(step(1, BASIC)), subjectStepId: 2 },
      /subjectStepId: step 2 does not exist\. The last step is 1/,
    ],
    [
      'an unknown attribute step',
      { ...sequence(step(1, BASIC)), attributeStepId: 3 },
      /attributeStepId: step 3 does not exist/,
    ],
    [
      'the default with more than the password',
      { type: 'DEFAULT', steps: [step(1, BASIC), step(2, 'custom-code')] },
      /Send "type": "USER_DEFINED"/,
    ],
    ['the default with another authenticator', { type: 'DEFAULT', steps: [step(1, 'custom-door')] }, /USER_DEFINED/],
    ['steps without a type', { steps: [step(1, 'custom-door')] }, /USER_DEFINED/],
    [
      'an identity provider',
      { type: 'USER_DEFINED', steps: [{ id: 1, options: [{ idp: 'Google', authenticator: 'X' }] }] },
      /idp: must be one of LOCAL/,
    ],
    ['a script', { ...sequence(step(1, BASIC)), script: 'var onLoginRequest = …' }, /script/],
    ['a step zero', sequence(step(0, BASIC)), /id: size must be at least 1/],
  ] as const) {
    test(`${title} is refused with advice, and nothing changes`, async () => {
      const before = await sequenceAt(at)
      assertRefused(await change(given), 400, 'UE-10000', description)
      assert.deepEqual(await sequenceAt(at), before)
    })
  }

  test('is the password for a system application, and cannot be changed', async () => {
    const path = await create({ name: 'Console' })
    const id = path.split('/').at(-1) ?? ''
    const application = await findApplicationById(db, tenant.tenant.id, id)
    assert.ok(application)
    const signIn = { steps: [{ options: ['custom-door'] }], subjectStep: 1, attributeStep: 1 }
    await updateApplication(db, { ...application, isSystem: true, signIn })
    assert.deepEqual(await sequenceAt(path), DEFAULT)
    assertRefused(
      await tenant.call('PATCH', path, { body: { authenticationSequence: sequence(step(1, 'custom-door')) } }),
      403,
      'PREFLOW-403',
      /belongs to the server/,
    )
  })
})
