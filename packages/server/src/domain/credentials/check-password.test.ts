import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import { insertUser } from '../../ground/store/users.ts'
import { createLimits } from '../limits/limits.ts'
import { makeIssuer } from '../tenants/issuer.ts'
import { createPasswordCheck } from './check-password.ts'

const request = {} as IncomingMessage

onEachDatabase('the check of a password', open => {
  async function startChecking() {
    const db = await open()
    const tenant = { ...FIRST_TENANT, rootOrganizationId: 'root' }
    const organization = await findOrganizationById(db, tenant.id, 'root')
    assert.ok(organization)
    const mira = {
      id: 'mira',
      tenantId: tenant.id,
      organizationId: 'root',
      userName: 'mira',
      document: {},
      groups: [],
      roles: [],
      isActive: true,
      isAdministrator: false,
      createdAt: 1,
      updatedAt: 1,
    }
    await insertUser(db, mira, 'correct horse')
    const issuer = makeIssuer('http://127.0.0.1', tenant, organization)
    const check = createPasswordCheck({
      db,
      limits: createLimits(db),
      clientRequestOf: () => ({ address: '198.51.100.7', headers: [] }),
    })
    return async (password: string) => (await check({ issuer, userName: 'mira', password }, request)).status
  }

  test('rejects every password after ten wrong ones, even the right one', async () => {
    const check = await startChecking()
    assert.equal(await check('correct horse'), 'right')
    for (let guess = 0; guess < 10; guess++) assert.equal(await check('wrong'), 'wrong')
    assert.equal(await check('correct horse'), 'resting')
  })

  test('reveals no more to concurrent attempts than to attempts one after the other', async () => {
    const check = await startChecking()
    const guesses = [...Array.from({ length: 40 }, () => 'wrong'), 'correct horse']
    const verdicts = await Promise.all(guesses.map(check))
    // The queue is full, or too many attempts failed before this one was checked.
    assert.match(String(verdicts.at(-1)), /resting|busy/)
  })
})
