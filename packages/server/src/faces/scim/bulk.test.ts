import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Application, User } from '../../ground/store/model.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const PASSWORD = 'correct horse'

let world: World
let extension: Extension
let admin: User
before(async () => {
  extension = await startExtension()
  world = await startWorld()
  admin = await world.addUser({ isAdministrator: true }, PASSWORD)
})
after(async () => {
  await world.close()
  await extension.close()
})

const basic = ({ userName }: Pick<User, 'userName'>) =>
  `Basic ${Buffer.from(`${userName}:${PASSWORD}`).toString('base64')}`

async function send(method: string, path: string, body?: unknown, as = basic(admin)) {
  const response = await fetch(`${world.base}/scim2${path}`, {
    method,
    headers: { authorization: as, 'content-type': 'application/scim+json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

const bulk = (Operations: unknown[], more: object = {}, as?: string) =>
  send('POST', '/Bulk', { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], ...more, Operations }, as)
const statuses = ({ body }: Awaited<ReturnType<typeof bulk>>) =>
  body.Operations.map(({ status }: { status: unknown }) => status)

let last = 0
const newName = () => `bulk-${++last}`
const creation = (bulkId: string, data: object = {}) => ({
  ...{ method: 'POST', path: '/Users', bulkId },
  data: { userName: newName(), ...data },
})

test('a group refers to users that come after it, and the answers have the order of the request', async () => {
  const group = {
    ...{ method: 'post', path: '/Groups', bulkId: 'g' },
    data: { displayName: newName(), members: [{ value: 'bulkId:a' }, { value: 'bulkId:b' }] },
  }
  const done = await bulk([group, creation('a'), creation('b'), { method: 'DELETE', path: '/Users/bulkId:b' }])
  assert.deepEqual([done.status, statuses(done)], [200, ['201', '201', '201', '204']])
  assert.deepEqual(
    done.body.Operations.map(({ bulkId, method }: Record<string, unknown>) => [method, bulkId]),
    [
      ['POST', 'g'],
      ['POST', 'a'],
      ['POST', 'b'],
      ['DELETE', undefined],
    ],
  )
  const { location } = done.body.Operations[0]
  const id = location.split('/').at(-1)
  const { members } = (await send('GET', `/Groups/${id}`)).body
  assert.deepEqual(
    members.map(({ value }: { value: string }) => value),
    [done.body.Operations[1].location.split('/').at(-1)],
  )
})

test('PATCH, PUT and DELETE in one request, with versions', async () => {
  const { body: user } = await send('POST', '/Users', { userName: newName() })
  const patch = { schemas: [PATCH], Operations: [{ op: 'add', path: 'emails[type eq home].value', value: 'h@x' }] }
  const path = `/Users/${user.id}`
  const done = await bulk([
    { method: 'PATCH', path, data: patch, version: user.meta.version },
    { method: 'PUT', path, data: { userName: user.userName, nickName: 'N' }, version: user.meta.version },
    { method: 'PUT', path, data: { userName: user.userName, nickName: 'N' } },
    { method: 'DELETE', path },
    { method: 'PATCH', path, data: patch },
  ])
  assert.deepEqual(statuses(done), ['200', '412', '200', '204', '404'])
  assert.equal(done.body.Operations[1].response.status, '412')
  assert.equal(done.body.Operations[0].location, user.meta.location)
})

test('failOnErrors stops after that many errors, and without it everything is tried', async () => {
  const bad = { method: 'DELETE', path: '/Users/nobody' }
  assert.deepEqual(statuses(await bulk([creation('a'), bad, bad, creation('b')])), ['201', '404', '404', '201'])
  assert.deepEqual(statuses(await bulk([creation('a'), bad, bad, creation('b')], { failOnErrors: 1 })), ['201', '404'])
  const two = await bulk([creation('a'), bad, bad, creation('b')], { failOnErrors: 2 })
  assert.deepEqual(statuses(two), ['201', '404', '404'])
})

test('references that cannot be resolved fail their operation: a circle, an unknown one, one that failed', async () => {
  const group = (bulkId: string, member: string) => ({
    ...{ method: 'POST', path: '/Groups', bulkId },
    data: { displayName: newName(), members: [{ value: `bulkId:${member}` }] },
  })
  const done = await bulk([
    group('one', 'two'),
    group('two', 'one'),
    group('three', 'nobody'),
    creation('bad', { userName: '' }),
    group('four', 'bad'),
    creation('good'),
  ])
  assert.deepEqual(statuses(done), ['409', '409', '409', '400', '409', '201'])
})

test('a chain of a thousand references is resolved', async () => {
  const chain = Array.from({ length: 1000 }, (_, index) => ({
    ...{ method: 'POST', path: '/Groups', bulkId: `p${index}` },
    data: `bulkId:p${index + 1}`,
  }))
  const done = await bulk(chain)
  assert.deepEqual([done.status, done.body.Operations.length], [200, 1000])
})

test('a bad request is refused as a whole, and nothing is done', async () => {
  const userName = newName()
  const good = { ...creation('a'), data: { userName } }
  const refused: [unknown[], number, object?][] = [
    [[], 400],
    [[good, creation('a')], 400],
    [[good, { ...creation('b'), bulkId: undefined }], 400],
    [[good, { ...creation('b'), bulkId: 7 }], 400],
    [[good, { method: 'GET', path: '/Users/x' }], 400],
    [[good], 400, { failOnErrors: -1 }],
    [[good, { ...creation('b'), data: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) }], 400],
    [Array.from({ length: 1001 }, () => good), 413],
    ...[
      '/Me',
      '/Bulk',
      '/Users/.search',
      '/Users?x=1',
      '/Users/a/b',
      'Users',
      '//evil.example/Users',
      '/Schemas/x',
    ].map((path): [unknown[], number] => [[good, { method: 'PUT', path, data: {} }], 400]),
  ]
  for (const [operations, status, more] of refused) {
    assert.equal((await bulk(operations, more)).status, status, JSON.stringify(operations).slice(0, 200))
  }
  assert.equal((await send('POST', '/Bulk', `{"Operations":"${'x'.repeat(1_048_576)}"}`)).status, 413)
  assert.equal((await send('GET', '/Bulk')).status, 405)
  assert.equal((await send('GET', `/Users?filter=userName eq ${userName}`)).body.totalResults, 0)
})

test('an operation needs the permission that it needs alone, and the bulk request its own', async () => {
  const tokenWith = async (...scopes: string[]) => {
    const application: Application = await world.addApplication({ grantTypes: ['client_credentials'] }, scopes)
    const { body } = await world.token(application, { grant_type: 'client_credentials', scope: scopes.join(' ') })
    return `Bearer ${body.access_token}`
  }
  const operations = () => [creation('a'), { method: 'DELETE', path: `/Users/${admin.id}` }]
  assert.equal((await bulk(operations(), {}, await tokenWith('internal_user_mgt_create'))).status, 403)
  const creating = await bulk(
    operations(),
    {},
    await tokenWith('internal_bulk_resource_create', 'internal_user_mgt_create'),
  )
  assert.deepEqual(statuses(creating), ['201', '403'])
  const nothing = await bulk(operations(), {}, await tokenWith('internal_bulk_resource_create'))
  assert.deepEqual(statuses(nothing), ['403', '403'])
  // A manager of users cannot take over an administrator, alone or in bulk.
  const manager = await tokenWith('internal_bulk_resource_create', 'internal_user_mgt_update')
  const password = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'password', value: 'a new long password' }] }
  const takeover = await bulk([{ method: 'PATCH', path: `/Users/${admin.id}`, data: password }], {}, manager)
  assert.deepEqual(statuses(takeover), ['403'])
  assert.equal((await fetch(`${world.base}/scim2/Bulk`, { method: 'POST' })).status, 401)
})

test('the actions of single requests are called, and refuse single operations', async () => {
  await world.addAction('PRE_UPDATE_PASSWORD', extension.url, { version: 'v2' })
  extension.calls.length = 0
  extension.answer(({ body }) => ({
    body: { actionStatus: 'FAILED', failureReason: 'breached', failureDescription: `No ${body.event.action}.` },
  }))
  const done = await bulk([creation('a', { password: 'a long password 1' }), creation('b')])
  assert.deepEqual(statuses(done), ['400', '201'])
  assert.equal(done.body.Operations[0].response.scimType, 'breached')
  assert.equal(extension.calls[0]?.body.event.action, 'REGISTER')
  assert.equal(extension.calls.length, 1)
})
