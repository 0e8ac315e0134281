import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { before, test } from 'node:test'
import { platforms } from '@preflow/contract'
import fc from 'fast-check'
import type { TriggerAction } from '../../domain/actions/trigger-action.ts'
import type { TokenHolder } from '../../domain/credentials/authenticate.ts'
import { DEFAULT_PASSWORD_RULES } from '../../domain/credentials/password-rules.fixture.ts'
import { createLimits } from '../../domain/limits/limits.ts'
import { createTenant } from '../../domain/tenants/create-tenant.ts'
import { localClaimsOf, withLocalClaims } from '../../ground/claims/document-claims.ts'
import type { MountedApi } from '../../ground/http/mount.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { listAuditRecords } from '../../ground/store/audit.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'
import { addOrganization, findOrganizationById } from '../../ground/store/organizations.ts'
import { findUserById, insertUser, updateUser, verifyPassword } from '../../ground/store/users.ts'
import { createScimApi } from './scim-api.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const WSO2 = 'urn:scim:wso2:schema'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const PASSWORD = 'correct horse'
const LOCAL = 'http://wso2.org/claims/'

const mira = {
  schemas: [CORE, ENTERPRISE, WSO2],
  userName: 'Mira',
  password: 'her wonderland',
  name: { givenName: 'Mira', familyName: 'Example' },
  nickName: 'M',
  emails: [
    { value: 'mira@example.com', primary: true },
    { value: 'mira@work.example', type: 'work' },
  ],
  phoneNumbers: [{ value: '+4912345', type: 'mobile' }],
  addresses: [{ type: 'home', locality: 'Berlin', country: 'DE' }],
  [ENTERPRISE]: { department: 'Sales' },
  [WSO2]: { dateOfBirth: '2000-01-01', emailAddresses: ['a@x', 'b@x'], emailVerified: true },
}

interface Answered {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  body: any
}
interface Asking {
  body?: unknown
  text?: string
  headers?: Record<string, string>
  as?: string
  organization?: Organization
}

/** `account/user-actions.test.ts` tests the actions. */
const noActions: TriggerAction = async ({ type }) => ({
  type,
  platform: platforms.preflow,
  status: 'skipped',
  why: 'No active action of this type.',
  trace: { attempts: [], steps: [], durationMs: 0 },
})

onEachDatabase('the SCIM API', open => {
  let db: Database
  let api: MountedApi
  const tokens = new Map<string, TokenHolder>()
  const faults: unknown[] = []
  let nowMs = 1_790_000_000_000
  before(async () => {
    db = await open({ now: () => ++nowMs })
    api = createScimApi(
      {
        db,
        now: () => ++nowMs,
        newId: randomUUID,
        trigger: noActions,
        passwordRules: DEFAULT_PASSWORD_RULES,
        log: { info: () => {}, error: (facts: unknown) => void faults.push((facts as { err: unknown }).err) },
        verifyAccessToken: async token => tokens.get(token),
        limits: createLimits(db, ['off']),
      },
      { maxBodyBytes: 20_000 },
    )
  })

  async function newTenant() {
    const domain = `t-${randomBytes(4).toString('hex')}`
    const tenant = (await createTenant(db, { domain }, { newId: randomUUID })) as Tenant
    const root = (await findOrganizationById(db, tenant.id, tenant.rootOrganizationId)) as Organization
    const administrator: User = {
      id: randomUUID(),
      tenantId: tenant.id,
      organizationId: root.id,
      userName: 'admin',
      document: {},
      groups: [],
      roles: [],
      isActive: true,
      isAdministrator: true,
      createdAt: 1,
      updatedAt: 1,
    }
    await insertUser(db, administrator, PASSWORD)
    const base = `http://id.example/t/${domain}/scim2`

    async function call(method: string, path: string, asking: Asking = {}): Promise<Answered> {
      const { as = `Basic admin:${PASSWORD}`, body, headers = {}, organization = root, text } = asking
      const [scheme, credentials = ''] = as.split(/ (.*)/)
      const content = text ?? (body === undefined ? undefined : JSON.stringify(body))
      const request = new Request(`http://id.example/scim2${path}`, {
        method,
        headers: {
          authorization: scheme === 'Basic' ? `Basic ${Buffer.from(credentials).toString('base64')}` : as,
          ...(content === undefined ? {} : { 'content-type': 'application/scim+json' }),
          ...headers,
        },
        ...(content === undefined ? {} : { body: content }),
      })
      const mounted: Mounted = { tenant, organization, prefix: `/t/${domain}`, origin: 'http://id.example' }
      const response = await api.fetch(request, mounted)
      const answer = await response.text()
      if (faults.length > 0) throw faults.pop()
      if (answer !== '') assert.equal(response.headers.get('content-type'), 'application/scim+json;charset=utf-8')
      return {
        status: response.status,
        headers: response.headers,
        body: answer === '' ? undefined : JSON.parse(answer),
      }
    }
    const create = async (body: object = mira): Promise<string> => {
      const made = await call('POST', '/Users', { body })
      assert.equal(made.status, 201, JSON.stringify(made.body))
      return made.body.id
    }
    const patch = (id: string, ...Operations: object[]) =>
      call('PATCH', `/Users/${id}`, { body: { schemas: [PATCH], Operations } })
    return { tenant, root, administrator, base, call, create, patch }
  }

  function assertFault(answered: Answered, status: number, scimType?: string, detail?: RegExp): void {
    assert.equal(answered.status, status, JSON.stringify(answered.body))
    assert.deepEqual(answered.body.schemas, ['urn:ietf:params:scim:api:messages:2.0:Error'])
    assert.equal(answered.body.status, String(status))
    assert.equal(answered.body.scimType, scimType)
    if (detail) assert.match(answered.body.detail, detail)
  }

  test('a created user is returned as stored, without the password, and can sign in', async () => {
    const { base, call, create, tenant } = await newTenant()
    const made = await call('POST', '/Users', { body: mira })
    assert.equal(made.status, 201)
    const { id, meta, password, ...rest } = made.body
    assert.equal(password, undefined)
    assert.deepEqual(rest, {
      schemas: [CORE, ENTERPRISE, WSO2],
      userName: 'Mira',
      name: { givenName: 'Mira', familyName: 'Example' },
      nickName: 'M',
      active: true,
      emails: [
        { value: 'mira@example.com', primary: true },
        { value: 'mira@work.example', type: 'work' },
      ],
      phoneNumbers: [{ value: '+4912345', type: 'mobile' }],
      addresses: [{ type: 'home', locality: 'Berlin', country: 'DE' }],
      [ENTERPRISE]: { department: 'Sales' },
      [WSO2]: { dateOfBirth: '2000-01-01', emailAddresses: ['a@x', 'b@x'], emailVerified: true },
    })
    assert.equal(meta.resourceType, 'User')
    assert.equal(meta.location, `${base}/Users/${id}`)
    assert.equal(made.headers.get('location'), meta.location)
    assert.equal(made.headers.get('etag'), meta.version)
    assert.deepEqual((await call('GET', `/Users/${id}`)).body, made.body)
    assert.equal((await verifyPassword(db, tenant.id, 'mira', 'her wonderland'))?.id, id)
    assert.ok(create)
  })

  test('attributes are stored as local claims by one table', async () => {
    const { create, tenant } = await newTenant()
    const user = await findUserById(db, tenant.id, await create())
    assert.deepEqual(user && localClaimsOf(user.document), {
      [`${LOCAL}givenname`]: 'Mira',
      [`${LOCAL}lastname`]: 'Example',
      [`${LOCAL}nickname`]: 'M',
      [`${LOCAL}emailaddress`]: 'mira@example.com',
      [`${LOCAL}emails.work`]: 'mira@work.example',
      [`${LOCAL}mobile`]: '+4912345',
      [`${LOCAL}addresses.locality`]: 'Berlin',
      [`${LOCAL}country`]: 'DE',
      [`${LOCAL}department`]: 'Sales',
      [`${LOCAL}dob`]: '2000-01-01',
      [`${LOCAL}emailAddresses`]: ['a@x', 'b@x'],
      [`${LOCAL}identity/emailVerified`]: 'true',
    })
  })

  test('e-mail addresses may be plain strings, and one address may be primary and have a type', async () => {
    const { call, create } = await newTenant()
    const plain = await create({ userName: 'plain', emails: ['a@x', { value: 'b@x', type: 'home' }] })
    assert.deepEqual((await call('GET', `/Users/${plain}`)).body.emails, [
      { value: 'a@x' },
      { value: 'b@x', type: 'home' },
    ])
    const both = await create({ userName: 'both', emails: [{ value: 'a@x', type: 'work', primary: true }] })
    assert.deepEqual((await call('GET', `/Users/${both}`)).body.emails, [{ value: 'a@x', type: 'work', primary: true }])
  })

  test('a user name that exists in any case is a conflict', async () => {
    const { call, create, patch } = await newTenant()
    await create()
    assertFault(await call('POST', '/Users', { body: { userName: 'MIRA' } }), 409, 'uniqueness')
    const other = await create({ userName: 'other' })
    assertFault(await patch(other, { op: 'replace', path: 'userName', value: 'mira' }), 409, 'uniqueness')
    assert.equal((await call('GET', `/Users/${other}`)).body.userName, 'other')
  })

  test('an invalid user is refused with the reason, and nothing is stored', async () => {
    const { call } = await newTenant()
    const cases: [unknown, string][] = [
      [{}, 'invalidValue'],
      [{ userName: '' }, 'invalidValue'],
      [{ userName: '  ' }, 'invalidValue'],
      [{ userName: 'a\nb' }, 'invalidValue'],
      [{ userName: 5 }, 'invalidValue'],
      [{ userName: 'x'.repeat(256) }, 'invalidValue'],
      [{ userName: 'a', password: '' }, 'invalidValue'],
      [{ userName: 'a', emails: [{ value: 'x', type: 'unheard-of' }] }, 'invalidValue'],
      [{ userName: 'a', name: 'Mira' }, 'invalidValue'],
      [{ userName: 'a', active: 'yes' }, 'invalidValue'],
      [[], 'invalidSyntax'],
      [null, 'invalidSyntax'],
      ['text', 'invalidSyntax'],
    ]
    for (const [body, scimType] of cases) {
      assertFault(await call('POST', '/Users', { body }), 400, scimType)
    }
    for (const text of ['', '{', '{"userName":"a\\u0000b"}']) {
      assertFault(await call('POST', '/Users', { text }), 400, 'invalidSyntax')
    }
    assertFault(await call('POST', '/Users', { text: '{}', headers: { 'content-type': 'text/xml' } }), 415)
    assertFault(await call('POST', '/Users', { body: { userName: 'a', title: 'x'.repeat(30_000) } }), 413)
    assert.equal((await call('GET', '/Users')).body.totalResults, 1)
  })

  test('replacing sets the given attributes, removes the others, and keeps the password if none is given', async () => {
    const { call, create, tenant } = await newTenant()
    const id = await create()
    const body = { schemas: [CORE], userName: 'mira2', emails: [{ value: 'new@x' }] }
    const replaced = await call('PUT', `/Users/${id}`, { body })
    assert.equal(replaced.status, 200)
    assert.equal(replaced.body.name, undefined)
    // The flag is kept: the new address is not verified.
    assert.deepEqual(replaced.body[WSO2], { emailVerified: false })
    assert.deepEqual(replaced.body.emails, [{ value: 'new@x' }])
    assert.equal((await verifyPassword(db, tenant.id, 'mira2', 'her wonderland'))?.id, id)
    await call('PUT', `/Users/${id}`, { body: { ...body, password: 'another heron' } })
    assert.equal((await verifyPassword(db, tenant.id, 'mira2', 'another heron'))?.id, id)
    assert.equal(await verifyPassword(db, tenant.id, 'mira2', 'her wonderland'), undefined)
  })

  test('claims without a SCIM attribute survive every change', async () => {
    const { create, patch, tenant } = await newTenant()
    const id = await create()
    const user = (await findUserById(db, tenant.id, id)) as User
    await updateUser(db, { ...user, document: withLocalClaims(user.document, { 'urn:own/claim': 'kept' }) })
    await patch(id, { op: 'replace', path: 'nickName', value: 'N' })
    const changed = await findUserById(db, tenant.id, id)
    const claims = localClaimsOf(changed?.document ?? {})
    assert.equal(claims['urn:own/claim'], 'kept')
    assert.equal(claims[`${LOCAL}nickname`], 'N')
  })

  test('a patch replaces, adds and removes by path, by value filter and without a path', async () => {
    const { call, create, patch } = await newTenant()
    const id = await create()
    const changed = await patch(
      id,
      { op: 'replace', path: 'name.givenName', value: 'Mirabelle' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@work.example' },
      { op: 'add', value: { title: 'Boss', [WSO2]: { gender: 'f' } } },
      { op: 'replace', path: `${WSO2}:dateOfBirth`, value: '2001-01-01' },
      { op: 'remove', path: 'nickName' },
      { op: 'remove', path: `${ENTERPRISE}:department` },
    )
    assert.equal(changed.status, 200, JSON.stringify(changed.body))
    assert.equal(changed.body.name.givenName, 'Mirabelle')
    assert.equal(changed.body.name.familyName, 'Example')
    assert.deepEqual(changed.body.emails[1], { value: 'new@work.example', type: 'work' })
    assert.equal(changed.body.title, 'Boss')
    assert.equal(changed.body.nickName, undefined)
    assert.equal(changed.body[ENTERPRISE], undefined)
    assert.deepEqual(changed.body[WSO2], {
      dateOfBirth: '2001-01-01',
      gender: 'f',
      emailAddresses: ['a@x', 'b@x'],
      emailVerified: true,
    })
    assert.deepEqual((await call('GET', `/Users/${id}`)).body, changed.body)
  })

  test('a patch sets a password with and without a path, and also alone', async () => {
    const { create, patch, tenant } = await newTenant()
    const id = await create()
    const signsIn = async (password: string) => (await verifyPassword(db, tenant.id, 'mira', password)) !== undefined
    const byPath = await patch(id, { op: 'replace', path: 'password', value: 'second heron' })
    assert.equal(byPath.status, 200)
    assert.equal(byPath.body.password, undefined)
    assert.ok(await signsIn('second heron'))
    await patch(id, { op: 'replace', value: { password: 'third heron', nickName: 'Third' } })
    assert.ok(await signsIn('third heron'))
    assertFault(await patch(id, { op: 'replace', path: 'password', value: '' }), 400, 'invalidValue')
    assert.ok(await signsIn('third heron'))
  })

  test('a patch that changes nothing returns the user with the same version', async () => {
    const { call, create, patch } = await newTenant()
    const id = await create()
    const before = await call('GET', `/Users/${id}`)
    const same = await patch(id, { op: 'replace', path: 'nickName', value: 'M' })
    assert.equal(same.status, 200)
    assert.deepEqual(same.body, before.body)
  })

  test('bad patches are refused and change nothing', async () => {
    const { call, create, patch } = await newTenant()
    const id = await create()
    const before = (await call('GET', `/Users/${id}`)).body
    const cases: [object[], string][] = [
      [[{ op: 'zap', path: 'nickName', value: 'x' }], 'invalidSyntax'],
      [[{ op: 'replace', path: 'unheardOf', value: 'x' }], 'invalidPath'],
      [[{ op: 'replace', path: 'name.givenName', value: { a: 1 } }], 'invalidValue'],
      [[{ op: 'remove' }], 'noTarget'],
      [[{ op: 'replace', path: 'emails[type eq "pager"].value', value: 'x' }], 'noTarget'],
      [[{ op: 'remove', path: 'userName' }], 'invalidValue'],
      [[], 'invalidValue'],
      [
        [
          { op: 'replace', path: 'nickName', value: 'changed' },
          { op: 'replace', path: 'nope', value: 1 },
        ],
        'invalidPath',
      ],
    ]
    for (const [operations, scimType] of cases) assertFault(await patch(id, ...operations), 400, scimType)
    for (const body of [null, [], {}, { schemas: [CORE], Operations: [] }, { schemas: [PATCH], Operations: 'x' }]) {
      assert.equal((await call('PATCH', `/Users/${id}`, { body })).status, 400)
    }
    assert.deepEqual((await call('GET', `/Users/${id}`)).body, before)
  })

  test('a deactivated user cannot sign in', async () => {
    const { create, patch, tenant } = await newTenant()
    const id = await create()
    assert.equal((await patch(id, { op: 'replace', path: 'active', value: false })).body.active, false)
    assert.equal(await verifyPassword(db, tenant.id, 'mira', 'her wonderland'), undefined)
  })

  test('a deleted user no longer exists', async () => {
    const { call, create } = await newTenant()
    const id = await create()
    assert.equal((await call('DELETE', `/Users/${id}`)).status, 204)
    assertFault(await call('DELETE', `/Users/${id}`), 404)
    assertFault(await call('GET', `/Users/${id}`), 404)
    assertFault(await call('GET', '/Users/a%00b'), 404)
  })

  test('filters find users by name in SQL and by other attributes in memory, ignoring case', async () => {
    const { call, create } = await newTenant()
    await create()
    await create({ userName: 'jonas', name: { givenName: 'Jonas' }, active: false, emails: ['jonas@example.com'] })
    const names = async (filter: string) => {
      const answered = await call('GET', `/Users?filter=${encodeURIComponent(filter)}`)
      assert.equal(answered.status, 200, JSON.stringify(answered.body))
      const found = answered.body.Resources.map(({ userName }: { userName: string }) => userName)
      assert.equal(answered.body.totalResults, found.length)
      return found
    }
    assert.deepEqual(await names('userName eq "mira"'), ['Mira'])
    assert.deepEqual(await names('userName Sw "MI"'), ['Mira'])
    assert.deepEqual(await names('userName co "ona"'), ['jonas'])
    assert.deepEqual(await names(`${CORE}:userName eq "mira"`), ['Mira'])
    assert.deepEqual(await names('userName eq "mira" or userName eq "jonas"'), ['Mira', 'jonas'])
    assert.deepEqual(await names('userName ew "ra"'), ['Mira'])
    assert.deepEqual(await names('not (userName eq "mira") and userName ne "admin"'), ['jonas'])
    assert.deepEqual(await names('name.givenName eq "MIRA"'), ['Mira'])
    assert.deepEqual(await names('emails.value co "@WORK.example"'), ['Mira'])
    assert.deepEqual(await names('emails[type eq "work"]'), ['Mira'])
    assert.deepEqual(await names('active eq false'), ['jonas'])
    assert.deepEqual(await names(`${WSO2}:dateOfBirth eq "2000-01-01"`), ['Mira'])
    assert.deepEqual(await names(`${ENTERPRISE}:department pr`), ['Mira'])
    assert.deepEqual(await names('userName sw "m" and active eq true'), ['Mira'])
    assert.deepEqual(await names('meta.created gt "2000-01-01T00:00:00Z" and userName eq "mira"'), ['Mira'])
    assert.deepEqual(await names('userName eq "nobody%"'), [])
    const [{ id }] = (await call('GET', '/Users?filter=userName+eq+"mira"')).body.Resources
    assert.deepEqual(await names(`id eq "${id}"`), ['Mira'])
  })

  test('an invalid filter is refused', async () => {
    const { call } = await newTenant()
    for (const filter of ['((', 'userName eq', 'userName', '"mira"', 'emails[type eq "work"', 'userName zz "x"']) {
      assertFault(await call('GET', `/Users?filter=${encodeURIComponent(filter)}`), 400, 'invalidFilter')
    }
    assertFault(await call('GET', '/Users?count=many'), 400, 'invalidValue')
  })

  test('pages start at one and report the total of matches, also for filters that SQL cannot evaluate', async () => {
    const { call, create } = await newTenant()
    for (const userName of ['a1', 'a2', 'a3', 'b1']) await create({ userName, nickName: userName })
    const page = async (query: string) => {
      const { body } = await call('GET', `/Users?${query}`)
      return [body.totalResults, body.startIndex, body.Resources.map((user: { userName: string }) => user.userName)]
    }
    assert.deepEqual(await page('startIndex=2&count=2'), [5, 2, ['a1', 'a2']])
    assert.deepEqual(await page('filter=userName+sw+"a"&startIndex=2&count=2'), [4, 2, ['a1', 'a2']])
    assert.deepEqual(await page('filter=nickName+sw+"a"&startIndex=2&count=1'), [3, 2, ['a2']])
    assert.deepEqual(await page('count=0'), [5, 1, []])
    assert.deepEqual(await page('startIndex=-1&count=1'), [5, 1, ['admin']])
  })

  test('attributes can be selected and excluded', async () => {
    const { call, create } = await newTenant()
    const id = await create()
    const chosen = (await call('GET', `/Users/${id}?attributes=userName,emails.value`)).body
    assert.deepEqual(chosen.emails, [{ value: 'mira@example.com' }, { value: 'mira@work.example' }])
    assert.equal(chosen.name, undefined)
    const left = (await call('GET', `/Users/${id}?excludedAttributes=emails`)).body
    assert.equal(left.emails, undefined)
    assert.equal(left.userName, 'Mira')
  })

  test('an outdated version changes nothing', async () => {
    const { call, create } = await newTenant()
    const id = await create()
    const version = (await call('GET', `/Users/${id}`)).headers.get('etag') ?? ''
    const body = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'nickName', value: 'N' }] }
    const headers = { 'if-match': version }
    assert.equal((await call('PATCH', `/Users/${id}`, { body, headers })).status, 200)
    assertFault(await call('PATCH', `/Users/${id}`, { body, headers }), 412, undefined, /Read it again/)
    assertFault(await call('DELETE', `/Users/${id}`, { headers }), 412)
    assert.equal((await call('DELETE', `/Users/${id}`, { headers: { 'if-match': '*' } })).status, 204)
  })

  test('users can manage their own account and no other', async () => {
    const { call, create, tenant } = await newTenant()
    const id = await create()
    const as = 'Basic mira:her wonderland'
    assert.equal((await call('GET', '/Me', { as })).body.id, id)
    const body = {
      schemas: [PATCH],
      Operations: [{ op: 'replace', value: { password: 'heron of mine', nickName: 'me' } }],
    }
    const changed = await call('PATCH', '/Me', { as, body })
    assert.equal(changed.body.nickName, 'me')
    assert.equal((await verifyPassword(db, tenant.id, 'mira', 'heron of mine'))?.id, id)
    assertFault(await call('GET', '/Me', { as }), 401)
    for (const [method, path] of [
      ['GET', '/Users'],
      ['GET', `/Users/${id}`],
      ['DELETE', `/Users/${id}`],
    ] as const) {
      assertFault(await call(method, path, { as: 'Basic mira:heron of mine' }), 403)
    }
  })

  test('an access token allows what its scopes name, and without credentials only the descriptions are available', async () => {
    const { call, create } = await newTenant()
    const id = await create()
    tokens.set('lister', { scopes: ['internal_user_mgt_list'], subject: 'client' })
    tokens.set('of-mira', { scopes: ['internal_login', 'internal_user_mgt_delete'], subject: id, isUser: true })
    assert.equal((await call('GET', '/Users', { as: 'Bearer lister' })).status, 200)
    assertFault(await call('GET', `/Users/${id}`, { as: 'Bearer lister' }), 403, undefined, /internal_user_mgt_view/)
    assertFault(await call('GET', '/Me', { as: 'Bearer lister' }), 403)
    assert.equal((await call('GET', '/Me', { as: 'Bearer of-mira' })).body.id, id)
    assertFault(await call('DELETE', `/Users/${id}`, { as: 'Bearer of-mira' }), 403)
    const refused = await call('GET', '/Users', { as: 'Bearer unknown' })
    assertFault(refused, 401)
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic/)
    for (const path of ['/ServiceProviderConfig', '/Schemas', '/ResourceTypes']) {
      assert.equal((await call('GET', path, { as: 'none' })).status, 200)
    }
  })

  test('AZ-24: a caller with fewer rights cannot change an administrator, and the last administrator stays', async () => {
    const { administrator, call, patch } = await newTenant()
    tokens.set('editor', { scopes: ['internal_user_mgt_update', 'internal_user_mgt_delete'], subject: 'client' })
    const body = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'password', value: 'taken-over' }] }
    const path = `/Users/${administrator.id}`
    assertFault(await call('PATCH', path, { as: 'Bearer editor', body }), 403, undefined, /You lack internal_/)
    assertFault(await call('DELETE', path, { as: 'Bearer editor' }), 403)
    assertFault(await call('DELETE', path), 403, undefined, /last administrator/)
    assertFault(await patch(administrator.id, { op: 'replace', path: 'active', value: false }), 403)
    assert.equal((await patch(administrator.id, { op: 'replace', path: 'nickName', value: 'Boss' })).status, 200)
  })

  test('users of an organization exist only in that organization', async () => {
    const { call, create, tenant, root } = await newTenant()
    const organization = {
      id: `o-${tenant.id}`,
      tenantId: tenant.id,
      parentId: root.id,
      name: 'O',
      handle: 'o',
      depth: 1,
    }
    await addOrganization(db, organization)
    const atRoot = await create()
    const made = await call('POST', '/Users', { organization, body: { userName: 'mira' } })
    assert.equal(made.status, 201)
    assertFault(await call('GET', `/Users/${atRoot}`, { organization }), 404)
    assertFault(await call('GET', `/Users/${made.body.id}`), 404)
    assert.equal((await call('GET', '/Users', { organization })).body.totalResults, 1)
  })

  test('the audit log records the names of changed attributes', async () => {
    const { administrator, call, create, patch, tenant } = await newTenant()
    const id = await create({ userName: 'mira', nickName: 'very-private' })
    await patch(id, { op: 'replace', value: { password: 'very-secret', nickName: 'more-private' } })
    await call('DELETE', `/Users/${id}`)
    const records = await listAuditRecords(db, tenant.id, { targetType: 'USER', targetId: id })
    assert.deepEqual(
      records.map(({ action, details, initiator }) => ({ action, details, initiator })),
      [
        { action: 'DELETE', details: {}, initiator: administrator.id },
        { action: 'UPDATE', details: { changed: ['password', `${LOCAL}nickname`] }, initiator: administrator.id },
        { action: 'ADD', details: { changed: [`${LOCAL}nickname`] }, initiator: administrator.id },
      ],
    )
    assert.doesNotMatch(JSON.stringify(records), /private|secret/)
  })

  test('the service describes its capabilities, schemas and resource types', async () => {
    const { base, call } = await newTenant()
    const config = (await call('GET', '/ServiceProviderConfig')).body
    assert.equal(config.patch.supported, true)
    assert.deepEqual(config.bulk, { supported: true, maxOperations: 1000, maxPayloadSize: 1_048_576 })
    const { Resources, totalResults } = (await call('GET', '/Schemas')).body
    assert.deepEqual(
      Resources.map(({ id }: { id: string }) => id),
      [
        ...[CORE, ENTERPRISE, WSO2, 'urn:ietf:params:scim:schemas:core:2.0:Group'],
        'urn:ietf:params:scim:schemas:extension:2.0:Role',
      ],
    )
    assert.equal(totalResults, 5)
    const wso2 = (await call('GET', `/Schemas/${WSO2}`)).body
    assert.equal(wso2.meta.location, `${base}/Schemas/${WSO2}`)
    assert.ok(wso2.attributes.some(({ name }: { name: string }) => name === 'dateOfBirth'))
    assertFault(await call('GET', '/Schemas/unknown'), 404)
    const type = (await call('GET', '/ResourceTypes/User')).body
    assert.equal(type.schema, CORE)
    assert.deepEqual((await call('GET', '/ResourceTypes')).body.Resources[0], type)
  })

  test('nonsense of every kind is refused and causes no server error', async () => {
    const { call, create } = await newTenant()
    const id = await create()
    const names = fc.constantFrom(
      'userName',
      'name.givenName',
      'emails',
      'emails[type eq "work"].value',
      'password',
      'active',
      WSO2,
    )
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>('mira@x', { value: 'v' }, [{ value: 'v' }], true),
    )
    const user = fc.dictionary(fc.oneof(names, fc.string()), values, { maxKeys: 4 })
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace'),
        path: fc.oneof(names, fc.string()),
        value: fc.oneof(values, user),
      },
      { requiredKeys: ['op'] },
    )
    const operator = fc.constantFrom(
      'eq',
      'co',
      'sw',
      'pr',
      'gt',
      'and',
      'not',
      '(',
      ')',
      '[',
      '"x"',
      'true',
      '5',
      '"\\\\"',
    )
    const filter = fc
      .array(fc.oneof(names, operator, fc.string({ maxLength: 5 })), { maxLength: 7 })
      .map(parts => parts.join(' '))
    const requests = fc.oneof(
      user.map(body => ['POST', '/Users', { userName: randomUUID(), ...body }] as const),
      user.map(body => ['PUT', `/Users/${id}`, { userName: 'mira', ...body }] as const),
      fc
        .array(operation, { maxLength: 3 })
        .map(Operations => ['PATCH', `/Users/${id}`, { schemas: [PATCH], Operations }] as const),
      fc.jsonValue().map(body => ['PATCH', `/Users/${id}`, body] as const),
      filter.map(text => ['GET', `/Users?filter=${encodeURIComponent(text)}`, undefined] as const),
      filter.map(text => ['GET', `/Users/${id}?attributes=${encodeURIComponent(text)}`, undefined] as const),
    )
    await fc.assert(
      fc.asyncProperty(requests, async ([method, path, body]) => {
        const { status } = await call(method, path, body === undefined ? {} : { body })
        assert.ok([200, 201, 400, 409].includes(status), `${method} ${path} answered ${status}`)
      }),
      {
        seed: Number(process.env['PREFLOW_FUZZ_SEED'] ?? 20261121),
        numRuns: 1_000_000,
        interruptAfterTimeLimit: Number(process.env['PREFLOW_FUZZ_MS'] ?? 1500),
        markInterruptAsFailure: false,
      },
    )
  })

  test('an unknown endpoint gets a 404 that points to /ResourceTypes', async () => {
    const { call } = await newTenant()
    assertFault(await call('GET', '/Grapes'), 404, undefined, /ResourceTypes/)
    assertFault(await call('POST', '/Bulk/1', { body: {} }), 404)
  })

  test('a server error is a 500 that reveals only its id in the log', async () => {
    const { tenant, root } = await newTenant()
    const logged: { traceId?: string }[] = []
    const broken = createScimApi({
      db: { ...db, queries: undefined as never },
      now: Date.now,
      newId: randomUUID,
      trigger: noActions,
      passwordRules: DEFAULT_PASSWORD_RULES,
      log: { info: () => {}, error: (facts: object) => void logged.push(facts) },
      verifyAccessToken: async () => undefined,
      limits: createLimits(db, ['off']),
    })
    const response = await broken.fetch(
      new Request('http://id.example/scim2/Users', { headers: { authorization: 'Basic YTpi' } }),
      { tenant, organization: root, prefix: '', origin: 'http://id.example' },
    )
    assert.equal(response.status, 500)
    const { detail } = (await response.json()) as { detail: string }
    assert.match(detail, new RegExp(`under ${logged[0]?.traceId}\\.$`))
  })
})
