/** What users can change in their own account, and what stays unchanged for every request. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { CORE_USER, ENTERPRISE_USER, WSO2_USER } from '../../ground/claims/local-claims.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { findUserById, verifyPassword } from '../../ground/store/users.ts'
import { startWorld, type World } from '../../world.fixture.ts'

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const PASSWORD = 'correct horse'
const LOCAL = 'http://wso2.org/claims/'
const EMAIL_FLAG = `${WSO2_USER}:emailVerified`
const PHONE_FLAG = `${WSO2_USER}:phoneVerified`

let world: World
let admin: User
let web: Application
let mira: User
before(async () => {
  world = await startWorld()
  admin = await world.addUser({ isAdministrator: true }, PASSWORD)
  web = await world.addApplication({ grantTypes: ['password'] }, ['internal_login', 'internal_user_mgt_update'])
})
after(() => world.close())

/** A user with a verified e-mail address and phone number. */
async function newUser(): Promise<void> {
  mira = await world.addUser(
    {
      claims: {
        [`${LOCAL}emailaddress`]: 'mira@example.com',
        [`${LOCAL}mobile`]: '+4670000001',
        [`${LOCAL}externalid`]: '4711',
        [`${LOCAL}identity/emailVerified`]: 'true',
        [`${LOCAL}identity/phoneVerified`]: 'true',
      },
    },
    PASSWORD,
  )
}

const basic = ({ userName }: User) => `Basic ${Buffer.from(`${userName}:${PASSWORD}`).toString('base64')}`
const stored = async () => (await findUserById(world.db, world.tenant.id, mira.id)) as User

async function signIn(scope: string): Promise<string> {
  const form = { grant_type: 'password', username: mira.userName, password: PASSWORD, scope }
  return (await world.token(web, form)).body.access_token
}

async function send(method: string, path: string, body: unknown, as: string) {
  const response = await fetch(`${world.base}/scim2${path}`, {
    method,
    headers: { authorization: as, 'content-type': 'application/scim+json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

const patch = (path: string, as: string, ...Operations: object[]) =>
  send('PATCH', path, { schemas: [PATCH], Operations }, as)
const patchMe = (...operations: object[]) => patch('/Me', basic(mira), ...operations)
const putMe = (body: object) => send('PUT', '/Me', body, basic(mira))
const patchAsAdministrator = (...operations: object[]) => patch(`/Users/${mira.id}`, basic(admin), ...operations)

/** The verified flags as applications see them. */
async function flags() {
  const authorization = `Bearer ${await signIn('openid email phone')}`
  const response = await fetch(`${world.base}/oauth2/userinfo`, { headers: { authorization } })
  const { email_verified, phone_number_verified } = await response.json()
  return { email_verified, phone_number_verified }
}

test('AZ-01: users cannot verify their own e-mail address or phone number, in no spelling', async () => {
  await newUser()
  await patchAsAdministrator({ op: 'replace', path: EMAIL_FLAG, value: false })
  const before = await stored()
  for (const operation of [
    { op: 'replace', path: EMAIL_FLAG, value: true },
    { op: 'Replace', path: EMAIL_FLAG.toUpperCase(), value: 'true' },
    { op: 'add', path: WSO2_USER, value: { emailVerified: true } },
    { op: 'replace', value: { [WSO2_USER]: { EmailVerified: true } } },
    { op: 'replace', value: { [EMAIL_FLAG]: true } },
    { op: 'remove', path: PHONE_FLAG },
    { op: 'remove', path: WSO2_USER },
  ]) {
    const { body, status } = await patchMe({ op: 'replace', path: 'nickName', value: 'N' }, operation)
    assert.deepEqual([status, body.scimType], [400, 'mutability'], JSON.stringify(operation))
  }
  assert.deepEqual(await stored(), before)
  const { userName } = mira
  for (const body of [
    { ...before.document, userName, [WSO2_USER]: { emailVerified: true, phoneVerified: false } },
    { ...before.document, userName, [WSO2_USER]: {}, [EMAIL_FLAG]: true },
    { ...before.document, userName, [WSO2_USER.toUpperCase()]: { EMAILVERIFIED: true } },
    { ...before.document, userName, [WSO2_USER]: null },
  ]) {
    assert.equal((await putMe(body)).status, 200)
    assert.deepEqual((await stored()).document, before.document)
  }
  assert.deepEqual(await flags(), { email_verified: false, phone_number_verified: true })
})

test('AZ-02: a changed e-mail address or phone number is unverified unless an administrator sets its flag', async () => {
  const newEmail = { op: 'replace', path: 'emails', value: [{ value: 'new@example.com', primary: true }] }
  await newUser()
  assert.equal((await patchMe(newEmail)).status, 200)
  assert.deepEqual(await flags(), { email_verified: false, phone_number_verified: true })
  const phoneNumbers = [{ type: 'mobile', value: '+4670000002' }]
  await putMe({ ...(await stored()).document, userName: mira.userName, phoneNumbers })
  assert.deepEqual(await flags(), { email_verified: false, phone_number_verified: false })

  await newUser()
  assert.equal((await patchAsAdministrator(newEmail)).body[WSO2_USER].emailVerified, false)
  await newUser()
  const stated = await patchAsAdministrator(newEmail, { op: 'replace', path: EMAIL_FLAG, value: true })
  assert.equal(stated.body[WSO2_USER].emailVerified, true)
  const body = { ...stated.body, emails: [{ value: 'newest@example.com' }], [WSO2_USER]: { emailVerified: true } }
  const replaced = await send('PUT', `/Users/${mira.id}`, body, basic(admin))
  assert.equal(replaced.body[WSO2_USER].emailVerified, true)
  const silent = { ...body, emails: [{ value: 'last@example.com' }], [WSO2_USER]: {} }
  assert.equal((await send('PUT', `/Users/${mira.id}`, silent, basic(admin))).body[WSO2_USER].emailVerified, false)
})

test('other changes keep the flags, and removing an address removes its flag', async () => {
  await newUser()
  await patchMe(
    { op: 'add', path: 'nickName', value: 'N' },
    { op: 'add', path: 'emails', value: { value: 'second@example.com' } },
  )
  assert.deepEqual(await flags(), { email_verified: true, phone_number_verified: true })
  await patchMe({ op: 'remove', path: 'emails' })
  assert.deepEqual((await stored()).document[WSO2_USER], { phoneVerified: true })
})

test('AZ-03: users cannot activate themselves, rename themselves or join groups', async () => {
  await newUser()
  const before = await stored()
  for (const [name, value] of [
    ['active', true],
    ['userName', 'admin'],
    ['externalId', 'someone-else'],
    ['groups', [{ value: 'admins' }]],
    ['roles', [{ value: 'administrator' }]],
  ] as const) {
    for (const operation of [
      { op: 'replace', path: name, value },
      { op: 'add', value: { [name]: value } },
      { op: 'add', value: { [`${CORE_USER}:${name.toUpperCase()}`]: value } },
      { op: 'remove', path: name },
    ]) {
      const { body, status } = await patchMe(operation)
      assert.deepEqual([status, body.scimType], [400, 'mutability'], JSON.stringify(operation))
    }
    const replaced = await putMe({ ...before.document, userName: before.userName, [name]: value })
    assert.equal(replaced.status, 200)
    assert.deepEqual(await stored(), before)
  }
})

test('AZ-17: at /Me user name and password can set a password, an access token cannot', async () => {
  await newUser()
  const bearer = `Bearer ${await signIn('internal_login')}`
  const change = { op: 'replace', path: 'password', value: 'a long new password' }
  const opens = async (password: string) =>
    (await verifyPassword(world.db, world.tenant.id, mira.userName, password)) !== undefined
  assert.equal((await patch('/Me', bearer, change)).status, 403)
  assert.equal((await patch('/Me', bearer, { op: 'add', value: { Password: change.value } })).status, 403)
  const { document, userName } = await stored()
  assert.equal((await send('PUT', '/Me', { ...document, userName, password: change.value }, bearer)).status, 403)
  assert.equal((await patch('/Me', bearer, { op: 'replace', path: 'nickName', value: 'N' })).status, 200)
  assert.deepEqual([await opens(PASSWORD), await opens(change.value)], [true, false])
  assert.equal((await patchMe(change)).status, 200)
  assert.deepEqual([await opens(PASSWORD), await opens(change.value)], [false, true])
})

test('AZ-30: very large messages are refused at once, while probes are answered', async () => {
  await newUser()
  const before = await stored()
  const values = (count: number) => Array.from({ length: count }, (_, index) => ({ value: `${index}@x` }))
  const op = { op: 'add', path: 'emails', value: 'a@x' }
  const attempts = [
    () => patchMe({ op: 'add', path: 'emails', value: values(12_000) }),
    () => patchMe(...Array.from({ length: 65 }, () => op)),
    () => patchMe(...Array.from({ length: 12_000 }, () => op)),
    () => putMe({ userName: mira.userName, emails: values(20_000) }),
  ]
  for (const attempt of attempts) {
    const started = process.cpuUsage()
    const probes = fetch(`${world.server.address}/livez`)
    const { body, status } = await attempt()
    const { user } = process.cpuUsage(started)
    assert.deepEqual([status, body.scimType], [400, 'invalidValue'])
    assert.equal((await probes).status, 200)
    // Client and server share one process, and the first request of each kind compiles its code.
    assert.ok(user < 500_000, `${user} µs of CPU`)
  }
  assert.deepEqual(await stored(), before)
})

test('AZ-60: very deep filters are refused with a SCIM error', async () => {
  for (const filter of [
    `${'a.'.repeat(2000)}a eq "x"`,
    `${'('.repeat(1000)}userName eq "x"${')'.repeat(1000)}`,
    `${'not ('.repeat(500)}userName eq "x"${')'.repeat(500)}`,
    'emails['.repeat(500),
    `userName eq "${'x'.repeat(5000)}"`,
  ]) {
    const response = await fetch(`${world.base}/scim2/Users?filter=${encodeURIComponent(filter)}`, {
      headers: { authorization: basic(admin) },
    })
    const body = await response.json()
    assert.deepEqual([response.status, body.scimType], [400, 'invalidFilter'], filter.slice(0, 20))
    assert.match(body.detail, /^The filter is invalid\./)
    assert.doesNotMatch(body.detail, /undefined|Cannot|stack|RangeError|TypeError/)
  }
})

test('AZ-76: protected attributes stay unchanged for every request to /Me', async () => {
  await newUser()
  await patchAsAdministrator(
    { op: 'replace', path: EMAIL_FLAG, value: false },
    { op: 'replace', path: PHONE_FLAG, value: false },
  )
  const protectedOf = ({ document, groups, isActive, userName }: User) => {
    // Removing an address removes its flag, but a flag never becomes true.
    const { emailVerified = false, phoneVerified = false } = (document[WSO2_USER] ?? {}) as Record<string, unknown>
    return { externalId: document['externalId'], groups, isActive, userName, emailVerified, phoneVerified }
  }
  const names = [
    'active',
    'userName',
    'externalId',
    'groups',
    'roles',
    'id',
    'meta',
    'schemas',
    'nickName',
    WSO2_USER,
    ENTERPRISE_USER,
    CORE_USER,
    EMAIL_FLAG,
    PHONE_FLAG,
    `${CORE_USER}:active`,
    `${CORE_USER}:userName`,
  ]
  const spelled = fc.constantFrom(...names, ...names.map(name => name.toUpperCase()), ...names.map(name => `${name} `))
  const simple = fc.oneof(fc.boolean(), fc.constantFrom<unknown>('true', 'admin', null, '', [], {}, 0))
  const members = fc.dictionary(
    fc.constantFrom('emailVerified', 'phoneVerified', 'EMAILVERIFIED', 'gender', 'active', 'value', 'userName'),
    simple,
    { maxKeys: 3 },
  )
  const value = fc.oneof(
    simple,
    members,
    fc.array(members, { maxLength: 2 }),
    fc.dictionary(spelled, members, { maxKeys: 2 }),
  )
  const operation = fc.record(
    { op: fc.constantFrom('add', 'replace', 'remove'), path: spelled, value },
    { requiredKeys: ['op'], noNullPrototype: true },
  )
  const body = fc.dictionary(spelled, value, { maxKeys: 4 })
  const requests = fc.oneof(
    fc.array(operation, { minLength: 1, maxLength: 3 }).map(Operations => ['PATCH', { Operations }] as const),
    body.map(given => ['PUT', { userName: 'x', ...given }] as const),
  )
  const before = protectedOf(await stored())
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(requests, async ([method, message]) => {
      const { status } = await send(method, '/Me', message, basic(mira))
      seen.add(status)
      assert.ok([200, 400].includes(status), `${status}`)
      assert.deepEqual(protectedOf(await stored()), before)
    }),
    { seed: 20261130, numRuns: 150 },
  )
  assert.deepEqual([...seen].sort(), [200, 400])
})
