import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { listAuditRecords } from '../../ground/store/audit.ts'
import { addMembers } from '../../ground/store/memberships.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import { addOrganization } from '../../ground/store/organizations.ts'
import { insertRole } from '../../ground/store/roles.ts'
import { findUserById } from '../../ground/store/users.ts'
import { onEachDatabase, startWorld, type World } from '../../world.fixture.ts'
import {
  type Answered,
  type Asking,
  assertFault,
  callScim,
  PASSWORD,
  patchOf,
  tokenFor,
} from './scim-client.fixture.ts'

const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
onEachDatabase(databaseUrl => {
  let world: World
  let boss: User
  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    boss = await world.addUser({ isAdministrator: true }, PASSWORD)
  })
  after(() => world.close())

  const call = (method: string, path: string, asking: Partial<Asking> = {}) =>
    callScim(world, method, path, { as: boss.userName, ...asking })

  const newUser = (more: Partial<User> = {}) => world.addUser({ groups: [], ...more }, PASSWORD)
  const unique = (name: string) => `${name} ${randomUUID().slice(0, 8)}`

  async function newGroup(members: User[] = [], more: object = {}): Promise<Answered['body']> {
    const body = { schemas: [GROUP], displayName: unique('Group'), members: members.map(({ id }) => ({ value: id })) }
    const made = await call('POST', '/Groups', { body: { ...body, ...more } })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return made.body
  }

  const patch = (id: string, ...operations: object[]) =>
    call('PATCH', `/Groups/${id}`, { body: patchOf(...operations) })

  async function membersOf(id: string): Promise<string[]> {
    const { body } = await call('GET', `/Groups/${id}`)
    return body.members.map(({ value }: { value: string }) => value)
  }

  test('a created group is returned with its members, and its members with the group', async () => {
    const ann = await newUser()
    const made = await newGroup([ann], { externalId: 'e-1' })
    const base = `${world.base}/scim2`
    assert.deepEqual(made.members, [
      { value: ann.id, display: ann.userName, type: 'User', $ref: `${base}/Users/${ann.id}` },
    ])
    assert.deepEqual([made.schemas, made.externalId, made.meta.resourceType], [[GROUP], 'e-1', 'Group'])
    const read = await call('GET', `/Groups/${made.id}`)
    assert.deepEqual([read.status, read.body, read.headers.get('etag')], [200, made, made.meta.version])
    const { body: user } = await call('GET', `/Users/${ann.id}`)
    assert.deepEqual(user.groups, [
      { value: made.id, display: made.displayName, $ref: `${base}/Groups/${made.id}`, type: 'direct' },
    ])
  })

  test('SG-02, SG-03: a name in use in any case is a 409, and a group with unknown members is not created', async () => {
    const { displayName } = await newGroup()
    const again = await call('POST', '/Groups', { body: { displayName: `PRIMARY/${displayName.toUpperCase()}` } })
    assertFault(again, 409, 'uniqueness')
    const name = unique('Never')
    for (const value of [randomUUID(), boss.userName]) {
      assertFault(
        await call('POST', '/Groups', { body: { displayName: name, members: [{ value }] } }),
        400,
        'invalidValue',
      )
    }
    const filter = encodeURIComponent(`displayName eq "${name}"`)
    assert.equal((await call('GET', `/Groups?filter=${filter}`)).body.totalResults, 0)
    for (const displayName of ['', ' ', 'a\nb', 'x'.repeat(256), 'OTHER/x', undefined]) {
      assertFault(await call('POST', '/Groups', { body: { displayName } }), 400, 'invalidValue')
    }
    assertFault(
      await call('POST', '/Groups', { body: { displayName: name, members: [{ display: 'x' }] } }),
      400,
      'invalidValue',
    )
    assertFault(await call('POST', '/Groups', { body: [] }), 400, 'invalidSyntax')
  })

  test('SG-04: members are added and removed once, and a request that changes nothing keeps the version', async () => {
    const [ann, bob] = [await newUser(), await newUser()]
    const { id, meta } = await newGroup([ann])
    const same = await patch(
      id,
      { op: 'add', path: 'members', value: [{ value: ann.id }] },
      { op: 'remove', path: `members[value eq "${bob.id}"]` },
    )
    assert.deepEqual([same.status, same.body.meta.version], [200, meta.version])
    const added = await patch(id, { op: 'add', value: { members: [{ value: bob.id }, { value: bob.id }] } })
    assert.notEqual(added.body.meta.version, meta.version)
    assert.deepEqual((await membersOf(id)).sort(), [ann.id, bob.id].sort())
  })

  test('every form of PATCH changes members, name and external id, or is refused', async () => {
    const [ann, bob, carl] = [await newUser(), await newUser(), await newUser()]
    const { id } = await newGroup([ann, bob, carl])
    const leaves = async (expected: User[], ...operations: object[]) => {
      const { body, status } = await patch(id, ...operations)
      assert.equal(status, 200, JSON.stringify(body))
      assert.deepEqual((await membersOf(id)).sort(), expected.map(one => one.id).sort())
    }
    await leaves([ann, carl], { op: 'Remove', path: 'members', value: [{ value: bob.id, $ref: null }] })
    await leaves([ann], { op: 'remove', path: `members[display eq "DEFAULT/${carl.userName}"]` })
    await leaves([ann, bob], { op: 'add', path: 'members', value: bob.id })
    await leaves([carl], { op: 'replace', path: 'members', value: [{ value: carl.id }] })
    await leaves([ann, bob], { op: 'replace', value: { members: [{ value: ann.id }, { value: bob.id }] } })
    await leaves([], { op: 'remove', path: `members[value eq ${ann.id} or value eq "${bob.id}"]` })
    await leaves([ann], { op: 'add', path: 'members', value: [{ value: ann.id }] })
    await leaves([], { op: 'remove', path: 'members' })
    await leaves(
      [bob],
      { op: 'add', path: 'members', value: ann.id },
      { op: 'replace', path: 'members', value: bob.id },
    )
    await leaves([ann, bob], { op: 'remove', path: 'members' }, { op: 'add', path: 'members', value: [ann.id, bob.id] })

    const name = unique('Renamed')
    const renamed = await patch(id, { op: 'replace', value: { id, displayName: name, externalId: 'e' } })
    assert.deepEqual([renamed.body.displayName, renamed.body.externalId], [name, 'e'])
    assert.equal('externalId' in (await patch(id, { op: 'remove', path: 'externalId' })).body, false)

    const refused: [string, object][] = [
      ['mutability', { op: 'replace', path: `members[value eq "${ann.id}"].display`, value: 'x' }],
      ['mutability', { op: 'replace', path: `members[value eq "${ann.id}"]`, value: { value: carl.id } }],
      ['mutability', { op: 'add', path: 'roles', value: [{ value: 'x' }] }],
      ['mutability', { op: 'replace', path: 'meta', value: {} }],
      ['invalidPath', { op: 'add', path: 'memberz', value: [] }],
      ['invalidValue', { op: 'add', path: 'members', value: [{ value: randomUUID() }] }],
      ['invalidValue', { op: 'remove', path: 'displayName' }],
      ['noTarget', { op: 'remove' }],
    ]
    for (const [scimType, operation] of refused) {
      assertFault(await patch(id, { op: 'add', path: 'members', value: carl.id }, operation), 400, scimType)
    }
    assert.deepEqual((await membersOf(id)).sort(), [ann.id, bob.id].sort())
  })

  test('PUT replaces the members, and without members removes all', async () => {
    const [ann, bob] = [await newUser(), await newUser()]
    const { displayName, id } = await newGroup([ann], { externalId: 'e' })
    const put = (body: object, headers = {}) => call('PUT', `/Groups/${id}`, { body, headers })
    const read = (await put({ id: 'other', displayName, members: [{ value: bob.id }] })).body
    assert.deepEqual([read.id, read.externalId], [id, undefined])
    assert.deepEqual(await membersOf(id), [bob.id])
    assert.equal((await put(read)).body.meta.version, read.meta.version)
    assertFault(await put({ displayName }, { 'if-match': 'W/"other"' }), 412)
    assert.deepEqual((await put({ displayName }, { 'if-match': read.meta.version })).body.members, [])
    assertFault(await put({ members: [] }), 400, 'invalidValue')
  })

  test('SG-09: concurrent changes all count', async () => {
    const users = await Promise.all(Array.from({ length: 8 }, () => newUser()))
    const { id } = await newGroup()
    const answers = await Promise.all(
      users.map(user => patch(id, { op: 'add', path: 'members', value: [{ value: user.id }] })),
    )
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.deepEqual((await membersOf(id)).sort(), users.map(user => user.id).sort())
  })

  test('groups are found by name, id, external id and member, selected, sorted and paged', async () => {
    const ann = await newUser()
    const tag = randomUUID().slice(0, 8)
    const made = []
    for (const name of ['b', 'a', 'c']) {
      made.push(await newGroup([ann], { displayName: `${tag} ${name}`, externalId: `${tag}-${name}` }))
    }
    const [b, a, c] = made.map(({ id }) => id)
    const found = async (query: Record<string, string>) => {
      const { body } = await call('GET', `/Groups?${new URLSearchParams(query)}`)
      return [body.totalResults, body.Resources.map(({ id }: { id: string }) => id)]
    }
    const [both, mine] = [`displayName sw "${tag}"`, `members eq "${ann.id}"`]
    assert.deepEqual(await found({ filter: both }), [3, [b, a, c]])
    assert.deepEqual(await found({ filter: both, sortBy: 'displayName', sortOder: 'descending' }), [3, [c, b, a]])
    assert.deepEqual(await found({ filter: both, startIndex: '2', count: '1' }), [3, [a]])
    assert.deepEqual(await found({ filter: `id eq "${a}" and ${mine}` }), [1, [a]])
    assert.deepEqual(await found({ filter: `members[value eq "${ann.id}"] and externalId eq "${tag}-c"` }), [1, [c]])
    assert.deepEqual(await found({ filter: `members.display eq ${ann.userName} and displayName ew " A"` }), [1, [a]])
    assert.deepEqual(await found({ filter: `${mine} and not (displayName eq "${tag} B")` }), [2, [a, c]])
    assert.deepEqual(await found({ filter: `displayName eq "default/${tag} B" or id eq "${c}"`, count: '0' }), [2, []])
    assert.deepEqual(await found({ filter: `displayName eq "DEFAULT/${tag} B"` }), [1, [b]])
    const short = { filter: both, count: '1', excludedAttributes: 'members' }
    const [one] = (await call('GET', `/Groups?${new URLSearchParams(short)}`)).body.Resources
    assert.deepEqual(Object.keys(one).sort(), ['displayName', 'externalId', 'id', 'meta', 'schemas'])
    const search = await call('POST', '/Groups/.search', { body: { filter: mine, attributes: ['members.value'] } })
    assert.deepEqual(search.body.Resources[0].members, [{ value: ann.id }])
    assertFault(await call('GET', '/Groups?filter=shoeSize%20eq%204'), 400, 'invalidFilter')
    assertFault(await call('GET', '/Groups?sortBy=members'), 400, 'invalidValue')
    assertFault(await call('GET', '/Groups?sortBy=constructor'), 400, 'invalidValue')
  })

  test('users are found by their group', async () => {
    const ann = await newUser()
    const { displayName, id } = await newGroup([ann])
    for (const filter of [
      `groups.value eq "${id}"`,
      `groups.display eq "${displayName}"`,
      `groups eq "${displayName}"`,
    ]) {
      const { body } = await call('GET', `/Users?filter=${encodeURIComponent(filter)}`)
      assert.deepEqual(
        body.Resources.map((user: User) => user.id),
        [ann.id],
        filter,
      )
    }
  })

  test('SG-08: a deleted user leaves the groups, and a deleted group its users', async () => {
    const [ann, bob] = [await newUser(), await newUser()]
    const { id } = await newGroup([ann, bob])
    assert.equal((await call('DELETE', `/Users/${ann.id}`)).status, 204)
    assert.deepEqual(await membersOf(id), [bob.id])
    assert.equal((await call('DELETE', `/Groups/${id}`)).status, 204)
    assertFault(await call('GET', `/Groups/${id}`), 404)
    assertFault(await call('DELETE', `/Groups/${id}`), 404)
    assert.equal('groups' in (await call('GET', `/Users/${bob.id}`)).body, false)
  })

  test('SG-10: a group exists only in its organization, and only users of that organization can be members', async () => {
    const [alpha, beta] = ['alpha', 'beta'].map(
      (name): Organization => ({
        ...{ id: randomUUID(), tenantId: world.tenant.id, parentId: world.organization.id },
        ...{ name, handle: unique(name).replace(' ', '-'), depth: 1 },
      }),
    ) as [Organization, Organization]
    for (const one of [alpha, beta]) await addOrganization(world.db, one)
    const inAlpha = await newUser({ organizationId: alpha.id })
    const name = unique('Shared')
    const body = { displayName: name, members: [{ value: inAlpha.id }] }
    const made = await call('POST', '/Groups', { body, below: `/o/${alpha.id}` })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    for (const below of ['', `/o/${beta.id}`]) {
      for (const [method, more] of [
        ['GET', {}],
        ['DELETE', {}],
        ['PUT', { body }],
      ] as const) {
        assertFault(await call(method, `/Groups/${made.body.id}`, { below, ...more }), 404)
      }
      assertFault(await call('POST', '/Groups', { body, below }), 400, 'invalidValue')
      assert.equal((await call('POST', '/Groups', { body: { displayName: name }, below })).status, 201)
    }
  })

  test('AZ-24: a caller cannot add themselves to a group with more rights', async () => {
    const mallory = await newUser()
    const { id } = await newGroup()
    const role = { id: randomUUID(), tenantId: world.tenant.id, name: unique('Role'), createdAt: 1, updatedAt: 1 }
    const audience = { type: 'organization', id: world.organization.id } as const
    await insertRole(world.db, { ...role, audience, permissions: ['internal_user_mgt_delete'] })
    await addMembers(world.db, 'groups of a role', role.id, [id])
    const body = patchOf({ op: 'add', path: 'members', value: mallory.id })
    const attempts = async (as: string) => [
      (await call('PATCH', `/Groups/${id}`, { as, body })).status,
      (await call('PUT', `/Groups/${id}`, { as, body: { displayName: unique('x') } })).status,
      (await call('DELETE', `/Groups/${id}`, { as })).status,
    ]
    const rights = ['internal_group_mgt_update', 'internal_group_mgt_delete']
    assert.deepEqual(await attempts(await tokenFor(world, ...rights)), [403, 403, 403])
    assert.deepEqual((await findUserById(world.db, world.tenant.id, mallory.id))?.groups, [])
    assert.deepEqual(await attempts(await tokenFor(world, ...rights, 'internal_user_mgt_delete')), [200, 200, 204])
  })

  test('changes are audited with the ids of added and removed members', async () => {
    const [ann, bob] = [await newUser(), await newUser()]
    const { id } = await newGroup([ann])
    await patch(
      id,
      { op: 'add', path: 'members', value: bob.id },
      { op: 'remove', path: `members[value eq "${ann.id}"]` },
    )
    await call('DELETE', `/Groups/${id}`)
    const records = await listAuditRecords(world.db, world.tenant.id, { targetType: 'GROUP', targetId: id })
    const shown = records.map(({ action, details, initiator }) => ({ action, details, initiator }))
    const by = { initiator: boss.id }
    assert.deepEqual(
      shown.toSorted((one, other) => one.action.localeCompare(other.action)),
      [
        { ...by, action: 'ADD', details: { changed: ['name'], added: [ann.id] } },
        { ...by, action: 'DELETE', details: {} },
        { ...by, action: 'UPDATE', details: { changed: ['members'], added: [bob.id], removed: [ann.id] } },
      ],
    )
  })
})
