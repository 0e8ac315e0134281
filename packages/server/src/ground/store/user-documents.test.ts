import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { localClaimsOf } from '../claims/document-claims.ts'
import { documentOfClaims } from './claims-to-documents.ts'
import { openDatabase } from './database.ts'
import { openOlder, testSeal } from './databases.fixture.ts'
import { findUserById, listUsers, verifyPassword } from './users.ts'

const LOCAL = 'http://wso2.org/claims/'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const WSO2 = 'urn:scim:wso2:schema'

/** A user as the server stored it before documents. */
const CLAIMS = {
  [`${LOCAL}givenname`]: 'Mira',
  [`${LOCAL}lastname`]: 'Example',
  [`${LOCAL}nickname`]: 'M',
  [`${LOCAL}externalid`]: '4711',
  [`${LOCAL}emailaddress`]: 'mira@work.example',
  [`${LOCAL}emails.home`]: 'mira@home.example',
  [`${LOCAL}emails.work`]: 'mira@work.example',
  [`${LOCAL}mobile`]: '+4912345',
  [`${LOCAL}telephone`]: '+4967890',
  [`${LOCAL}addresses.locality`]: 'Berlin',
  [`${LOCAL}country`]: 'DE',
  [`${LOCAL}photourl`]: 'https://photos.example/mira',
  [`${LOCAL}department`]: 'Sales',
  [`${LOCAL}dob`]: '2000-01-01',
  [`${LOCAL}emailAddresses`]: ['a@x', 'b@x, really'],
  [`${LOCAL}identity/emailVerified`]: 'true',
  [`${LOCAL}identity/phoneVerified`]: 'false',
  [`${LOCAL}modified`]: '2026-01-01T00:00:00Z',
  'urn:own/claim': ['kept', 'too'],
}

const DOCUMENT = {
  name: { givenName: 'Mira', familyName: 'Example' },
  nickName: 'M',
  externalId: '4711',
  [ENTERPRISE]: { department: 'Sales' },
  [WSO2]: {
    dateOfBirth: '2000-01-01',
    emailAddresses: ['a@x', 'b@x, really'],
    emailVerified: true,
    phoneVerified: false,
  },
  emails: [
    { value: 'mira@work.example', primary: true, type: 'work' },
    { value: 'mira@home.example', type: 'home' },
  ],
  phoneNumbers: [
    { value: '+4912345', type: 'mobile' },
    { value: '+4967890', type: 'work' },
  ],
  photos: [{ value: 'https://photos.example/mira', primary: true }],
  addresses: [{ locality: 'Berlin', primary: true, country: 'DE' }],
  'http://wso2.org/claims': { [`${LOCAL}modified`]: '2026-01-01T00:00:00Z', 'urn:own/claim': ['kept', 'too'] },
}

test('the document of an older user has every claim in the form of SCIM', () => {
  const document = documentOfClaims(CLAIMS)
  assert.deepEqual(document, DOCUMENT)
  assert.deepEqual(localClaimsOf(document), CLAIMS)
})

test('a database without documents keeps all its users', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-documents-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'old.db')
  const older = await openOlder<Record<string, Record<string, unknown>>>(file, '0005-token-algorithm')
  const old = older.queries
  await old.insertInto('tenants').values({ id: '7', domain: 'old', root_organization_id: 'r', created_at: 1 }).execute()
  await old
    .insertInto('organizations')
    .values({ id: 'r', tenant_id: '7', parent_id: null, name: 'Old', handle: 'old', depth: 0, created_at: 1 })
    .execute()
  const row = (id: string, claims: object) => ({
    ...{ id, tenant_id: '7', organization_id: 'r', user_name: id, user_name_key: id, password: null },
    ...{ claims: JSON.stringify(claims), groups: '["staff"]', is_active: 1, created_at: 1, updated_at: 5 },
  })
  const mira = { ...row('mira', CLAIMS), password: 'scrypt.16.1.1.AAAA.AAAA' }
  const others = Array.from({ length: 2500 }, (_, index) => row(`u${index}`, { [`${LOCAL}title`]: `${index}` }))
  for (let from = 0; from < others.length; from += 500) {
    await old
      .insertInto('users')
      .values(others.slice(from, from + 500))
      .execute()
  }
  await old
    .insertInto('users')
    .values([mira, row('bare', {})])
    .execute()
  await older.close()

  const db = await openDatabase({ file, seal: testSeal, now: Date.now })
  t.after(() => db.close())
  const user = await findUserById(db, '7', 'mira')
  assert.deepEqual(user?.document, DOCUMENT)
  assert.deepEqual([user?.groups.map(({ name }) => name), user?.updatedAt], [['staff'], 5])
  assert.deepEqual((await findUserById(db, '7', 'bare'))?.document, {})
  const { total, users } = await listUsers(db, '7')
  assert.equal(total, 2502)
  for (const { document, id } of users) {
    if (id.startsWith('u')) assert.deepEqual(document, { title: id.slice(1) })
  }
  assert.equal(await verifyPassword(db, '7', 'mira', 'wrong'), undefined)
})
