import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createTenant, publishManagementApis } from '../../domain/tenants/create-tenant.ts'
import { deleteApiResource, findApiResource, listApiResources } from '../../ground/store/api-resources.ts'
import { deleteApplication } from '../../ground/store/applications.ts'
import { listAuditRecords } from '../../ground/store/audit.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import { addOrganization } from '../../ground/store/organizations.ts'
import { findRole } from '../../ground/store/roles.ts'
import { findUserById, listAdministrators } from '../../ground/store/users.ts'
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

const ROLE = 'urn:ietf:params:scim:schemas:extension:2.0:Role'
const ALL_PARTS = ['permissions', 'users', 'groups'].map(part => `internal_role_mgt_${part}_update`)

onEachDatabase(databaseUrl => {
  let world: World
  let boss: User
  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    await publishManagementApis(world.db, { newId: randomUUID })
    boss = await world.addUser({ isAdministrator: true }, PASSWORD)
  })
  after(() => world.close())

  const call = (method: string, path: string, asking: Partial<Asking> = {}) =>
    callScim(world, method, path, { as: boss.userName, ...asking })
  const newUser = (more: Partial<User> = {}) => world.addUser({ groups: [], ...more }, PASSWORD)
  const unique = (name: string) => `${name} ${randomUUID().slice(0, 8)}`
  const valuesOf = (list: { value: string }[] = []) => list.map(({ value }) => value).sort()

  async function newRole(more: object = {}, asking: Partial<Asking> = {}): Promise<Answered['body']> {
    const made = await call('POST', '/v2/Roles', { body: { displayName: unique('Role'), ...more }, ...asking })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return made.body
  }
  async function newGroup(members: User[] = [], below = ''): Promise<{ id: string; displayName: string }> {
    const body = { displayName: unique('Group'), members: members.map(({ id }) => ({ value: id })) }
    return (await call('POST', '/Groups', { body, below })).body
  }
  async function newTenant() {
    const place = await createTenant(world.db, { domain: `t-${randomUUID().slice(0, 8)}` }, { newId: randomUUID })
    assert.ok(place)
    return place
  }
  const patch = (id: string, ...operations: object[]) =>
    call('PATCH', `/v2/Roles/${id}`, { body: patchOf(...operations) })
  const permissions = (...names: string[]) => names.map(value => ({ value }))

  test('SR-01: a role without an audience is for the organization, and is returned without its lists', async () => {
    const [ann, group] = [await newUser(), await newGroup()]
    const body = {
      permissions: permissions('internal_user_mgt_list'),
      users: [{ value: ann.id }],
      groups: [{ value: group.id }],
    }
    const made = await newRole(body)
    assert.deepEqual(Object.keys(made).sort(), ['audience', 'displayName', 'id', 'meta', 'schemas'])
    assert.deepEqual(made.schemas, [ROLE])
    assert.deepEqual(made.audience, { value: world.organization.id, display: 'Acme', type: 'organization' })
    const base = `${world.base}/scim2`
    assert.equal(made.meta.location, `${base}/v2/Roles/${made.id}`)
    const read = (await call('GET', `/v2/Roles/${made.id}`)).body
    assert.deepEqual(read.permissions, [{ value: 'internal_user_mgt_list', display: 'internal_user_mgt_list' }])
    assert.deepEqual(read.users, [{ value: ann.id, display: ann.userName, $ref: `${base}/Users/${ann.id}` }])
    assert.deepEqual(read.groups, [{ value: group.id, display: group.displayName, $ref: `${base}/Groups/${group.id}` }])
    const { body: user } = await call('GET', `/Users/${ann.id}`)
    const shown = { value: made.id, display: made.displayName, $ref: made.meta.location, type: 'direct' }
    const audience = { audienceValue: world.organization.id, audienceDisplay: 'Acme', audienceType: 'organization' }
    assert.deepEqual(user.roles, [{ ...shown, ...audience }])
    assert.deepEqual((await call('GET', `/Groups/${group.id}`)).body.roles, user.roles)
  })

  test('SR-02: names are unique in their audience, which is the organization or one of its applications', async () => {
    const application = await world.addApplication()
    const displayName = unique('Clerk')
    const create = (audience?: object) => call('POST', '/v2/Roles', { body: { displayName, audience } })
    const ofApplication = { type: 'Application', value: application.id }
    const made = await create(ofApplication)
    assert.deepEqual(made.body.audience, { value: application.id, display: application.name, type: 'application' })
    const { associatedApplications } = (await call('GET', `/v2/Roles/${made.body.id}`)).body
    assert.deepEqual(associatedApplications, [{ value: application.id, display: application.name }])
    assert.equal((await create()).status, 201)
    assertFault(await create(ofApplication), 409, 'uniqueness')
    const again = { displayName: displayName.toUpperCase() }
    assertFault(await call('POST', '/v2/Roles', { body: again }), 409, 'uniqueness')
    for (const audience of [
      { type: 'application', value: randomUUID() },
      { type: 'application' },
      { type: 'organization', value: randomUUID() },
      { type: 'team', value: application.id },
    ]) {
      assertFault(await create(audience), 400, 'invalidValue')
    }
    await deleteApplication(world.db, world.tenant.id, application.id)
    assertFault(await call('GET', `/v2/Roles/${made.body.id}`), 404)
  })

  test('SR-03: bad names, unknown permissions, users and groups are refused, and nothing is created', async () => {
    const displayName = unique('Never')
    for (const bad of ['', 'a/b', 'system_x', 'SYSTEM_x', 'a\nb', 'x'.repeat(256), undefined]) {
      assertFault(await call('POST', '/v2/Roles', { body: { displayName: bad } }), 400, 'invalidValue')
    }
    for (const body of [
      { permissions: permissions('internal_dreams') },
      { permissions: permissions('internal_modify_tenants') },
      { permissions: [{ display: 'x' }] },
      { users: [{ value: randomUUID() }] },
      { groups: [{ value: boss.id }] },
    ]) {
      assertFault(await call('POST', '/v2/Roles', { body: { displayName, ...body } }), 400, 'invalidValue')
    }
    const filter = encodeURIComponent(`displayName eq "${displayName}"`)
    assert.equal((await call('GET', `/v2/Roles?filter=${filter}`)).body.totalResults, 0)
    assertFault(await call('GET', '/Roles'), 404)
    assertFault(await call('GET', `/v2/Roles/${randomUUID()}`), 404)
  })

  test('SR-04, SR-05: every form of PATCH changes users, groups and permissions, or is refused', async () => {
    const [ann, bob] = [await newUser(), await newUser()]
    const [group, other] = [await newGroup(), await newGroup()]
    const { id } = await newRole({ permissions: permissions('internal_user_mgt_list') })
    const leaves = async (part: string, expected: string[], ...operations: object[]) => {
      const { body, status } = await patch(id, ...operations)
      assert.equal(status, 200, JSON.stringify(body))
      assert.deepEqual(valuesOf(body[part]), expected.toSorted(), part)
    }
    await leaves('users', [ann.id], { op: 'add', value: { users: [{ value: ann.id }] } })
    await leaves('users', [ann.id, bob.id], { op: 'add', path: 'users', value: [{ value: bob.id }] })
    await leaves('users', [bob.id], { op: 'remove', path: `users[display eq ${ann.userName}]` })
    await leaves('users', [ann.id], { op: 'replace', path: 'users', value: [{ value: ann.id }] })
    await leaves('users', [], { op: 'remove', path: `users[value eq ${ann.id}]` })
    await leaves('groups', [group.id, other.id], { op: 'add', path: 'groups', value: [group.id, other.id] })
    await leaves('groups', [other.id], { op: 'remove', path: `groups[display eq "PRIMARY/${group.displayName}"]` })
    await leaves('groups', [], { op: 'replace', value: { groups: [] } })
    const [view, list] = ['internal_user_mgt_view', 'internal_user_mgt_list']
    await leaves('permissions', [list, view], { op: 'add', path: 'permissions', value: permissions(view) })
    await leaves('permissions', [view], { op: 'remove', path: `permissions[value eq ${list}]` })
    await leaves('permissions', [list], { op: 'replace', value: { permissions: permissions(list) } })
    const renamed = await patch(id, { op: 'replace', path: 'displayName', value: unique('Renamed') })
    assert.match(renamed.body.displayName, /^Renamed/)
    assert.equal(
      (await patch(id, { op: 'add', path: 'permissions', value: list })).body.meta.version,
      renamed.body.meta.version,
    )
    for (const [scimType, operation] of [
      ['invalidPath', { op: 'remove', path: 'members[users eq alex]' }],
      ['invalidValue', { op: 'add', path: 'users', value: [{ value: randomUUID() }] }],
      ['invalidValue', { op: 'add', path: 'permissions', value: [{ value: 'internal_dreams' }] }],
      ['mutability', { op: 'replace', path: 'audience', value: { type: 'application' } }],
      ['mutability', { op: 'replace', path: `users[value eq "${ann.id}"].display`, value: 'x' }],
      ['mutability', { op: 'add', path: 'associatedApplications', value: [{ value: 'x' }] }],
      ['noTarget', { op: 'remove' }],
    ] as const) {
      assertFault(await patch(id, { op: 'add', path: 'users', value: bob.id }, operation), 400, scimType)
    }
    assert.equal((await call('GET', `/v2/Roles/${id}`)).body.users.length, 0)
  })

  test('PUT replaces everything, keeps the audience, and obeys If-Match', async () => {
    const ann = await newUser()
    const { id } = await newRole({ permissions: permissions('internal_user_mgt_list'), users: [{ value: ann.id }] })
    const read = (await call('GET', `/v2/Roles/${id}`)).body
    const put = (body: object, headers = {}) => call('PUT', `/v2/Roles/${id}`, { body, headers })
    assert.equal((await put(read)).body.meta.version, read.meta.version)
    assertFault(await put(read, { 'if-match': 'W/"x"' }), 412)
    assertFault(await put({ ...read, audience: { type: 'application', value: 'x' } }), 400, 'mutability')
    const displayName = unique('Put')
    const { body } = await put({ displayName })
    assert.deepEqual([body.displayName, body.permissions, body.users], [displayName, [], []])
    assert.equal((await call('DELETE', `/v2/Roles/${id}`)).status, 204)
    assertFault(await put({ displayName }), 404)
  })

  test('SR-06: each list requires its own scope, and without it nothing is changed', async () => {
    const ann = await newUser()
    const { id } = await newRole({ users: [{ value: ann.id }] })
    const group = await newGroup()
    const scopes = ['create', 'update', 'delete', 'view'].map(name => `internal_role_mgt_${name}`)
    const parts = {
      users: [{ value: ann.id }],
      groups: [{ value: group.id }],
      permissions: permissions('internal_role_mgt_view'),
    }
    for (const part of ['users', 'groups', 'permissions'] as const) {
      const others = ALL_PARTS.filter(scope => scope !== `internal_role_mgt_${part}_update`)
      const as = await tokenFor(world, ...scopes, ...others)
      const displayName = unique('Denied')
      const body = { displayName, [part]: parts[part] }
      assertFault(await call('POST', '/v2/Roles', { as, body }), 403)
      assertFault(
        await call('PATCH', `/v2/Roles/${id}`, { as, body: patchOf({ op: 'add', path: part, value: parts[part] }) }),
        403,
      )
      assertFault(await call('PUT', `/v2/Roles/${id}`, { as, body }), 403)
      const filter = encodeURIComponent(`displayName eq "${displayName}"`)
      assert.equal((await call('GET', `/v2/Roles?filter=${filter}`, { as })).body.totalResults, 0)
    }
    // A PUT that would remove the users also changes them.
    const as = await tokenFor(world, ...scopes)
    assertFault(await call('PUT', `/v2/Roles/${id}`, { as, body: { displayName: unique('x') } }), 403)
    assert.deepEqual(valuesOf((await call('GET', `/v2/Roles/${id}`)).body.users), [ann.id])
  })

  test('SR-07: version 3 keeps users and groups below the role', async () => {
    const [ann, bob, group] = [await newUser(), await newUser(), await newGroup()]
    const name = unique('Three')
    const body = { displayName: name, users: [{ value: ann.id }], permissions: permissions('internal_user_mgt_list') }
    const as = await tokenFor(
      world,
      ...['meta_create', 'meta_update', 'view'].map(right => `internal_role_mgt_${right}`),
      'internal_user_mgt_list',
    )
    const made = await call('POST', '/v3/Roles', { as, body })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const { id, meta } = made.body
    assert.equal(meta.location, `${world.base}/scim2/v3/Roles/${id}`)
    const read = async () => (await call('GET', `/v3/Roles/${id}`)).body
    assert.deepEqual([(await read()).users, valuesOf((await read()).permissions)], [[], ['internal_user_mgt_list']])
    assertFault(await call('PUT', `/v3/Roles/${id}/Users`, { as, body: [] }), 403)

    assert.equal((await call('PUT', `/v3/Roles/${id}/Users`, { body: [{ value: ann.id }] })).status, 200)
    assert.deepEqual(valuesOf((await read()).users), [ann.id])
    const patchUsers = (...operations: object[]) =>
      call('PATCH', `/v3/Roles/${id}/Users`, { body: patchOf(...operations) })
    for (const [expected, operation] of [
      [[ann, bob], { op: 'add', value: [{ value: bob.id }] }],
      [[bob], { op: 'remove', path: `value eq ${ann.id}` }],
      [[], { op: 'remove', path: `users[value eq "${bob.id}"]` }],
      [[ann], { op: 'add', path: 'users', value: [{ value: ann.id }] }],
      [[bob], { op: 'replace', value: { users: [{ value: bob.id }] } }],
    ] as const) {
      const { body: patched, status } = await patchUsers(operation)
      assert.equal(status, 200, JSON.stringify(patched))
      assert.deepEqual(valuesOf(patched.users), expected.map(user => user.id).sort())
    }
    assertFault(await patchUsers({ op: 'replace', value: { displayName: 'x', permissions: [] } }), 400, 'invalidPath')
    assertFault(await patchUsers({ op: 'add', path: 'users', value: [{ value: group.id }] }), 400, 'invalidValue')
    assertFault(await call('PUT', `/v3/Roles/${id}/Users`, { body: {} }), 400, 'invalidSyntax')
    assert.deepEqual(valuesOf((await call('PUT', `/v3/Roles/${id}/Groups`, { body: [group.id] })).body.groups), [
      group.id,
    ])
    assertFault(
      await call('PATCH', `/v3/Roles/${id}`, { body: patchOf({ op: 'add', path: 'users', value: ann.id }) }),
      400,
      'invalidPath',
    )
    assert.deepEqual((await read()).displayName, name)
    const put = await call('PUT', `/v3/Roles/${id}`, { as, body: { displayName: name, permissions: [] } })
    assert.deepEqual([put.body.permissions, valuesOf(put.body.users)], [[], [bob.id]])
  })

  test('SR-08: roles are found by name and audience, counted and sorted, and have their lists only if these are selected', async () => {
    const application = await world.addApplication()
    const [tag, ann] = [unique('Tag'), await newUser()]
    await newRole({
      displayName: `${tag} b`,
      audience: { type: 'application', value: application.id },
      users: [{ value: ann.id }],
    })
    await newRole({ displayName: `${tag} a` })
    const find = async (query: Record<string, string>) =>
      (await call('GET', `/v2/Roles?${new URLSearchParams(query)}`)).body
    const filter = `displayName sw "${tag}"`
    const found = await find({ filter, sortBy: 'displayName' })
    assert.deepEqual(
      found.Resources.map((role: { displayName: string }) => role.displayName),
      [`${tag} a`, `${tag} b`],
    )
    assert.deepEqual(Object.keys(found.Resources[0]).sort(), ['audience', 'displayName', 'id', 'meta', 'schemas'])
    assert.equal((await find({ filter: `${filter} and audience.type eq application` })).totalResults, 1)
    assert.equal(
      (await find({ filter: `audience.value eq "${application.id}" or displayName eq "${tag} A"` })).totalResults,
      2,
    )
    assert.deepEqual(
      [(await find({ filter, count: '0' })).totalResults, (await find({ filter, count: '0' })).Resources],
      [2, []],
    )
    assert.equal((await find({ filter: `users.value eq "${ann.id}"` })).totalResults, 1)
    const [whole] = (
      await find({ filter, attributes: 'users,displayName', sortBy: 'displayName', sortOder: 'descending' })
    ).Resources
    assert.deepEqual(valuesOf(whole.users), [ann.id])
    assert.equal(
      (await call('POST', '/v2/Roles/.search', { body: { filter, startIndex: 2, count: 5 } })).body.itemsPerPage,
      1,
    )
    assertFault(await call('GET', '/v2/Roles?sortBy=users'), 400, 'invalidValue')
  })

  test('AZ-25: a caller cannot create, extend, assign or delete a role with a permission that they lack', async () => {
    const mallory = await newUser()
    const group = await newGroup([mallory])
    const strong = await newRole({ permissions: permissions('internal_user_mgt_delete') })
    const weak = await newRole()
    const rights = ['create', 'update', 'delete', 'view', 'meta_create', 'meta_update'].map(
      name => `internal_role_mgt_${name}`,
    )
    const as = await tokenFor(world, ...rights, ...ALL_PARTS)
    const users = [{ value: mallory.id }]
    const given = permissions('internal_user_mgt_delete')
    const administrator = `administrator-${world.organization.id}`
    for (const version of ['v2', 'v3']) {
      const at = `/${version}/Roles`
      assertFault(await call('POST', at, { as, body: { displayName: unique('x'), permissions: given, users } }), 403)
      assertFault(
        await call('PUT', `${at}/${weak.id}`, { as, body: { displayName: unique('x'), permissions: given } }),
        403,
      )
      const extend = patchOf({ op: 'add', path: 'permissions', value: given })
      assertFault(await call('PATCH', `${at}/${weak.id}`, { as, body: extend }), 403)
      for (const id of [strong.id, administrator]) assertFault(await call('DELETE', `${at}/${id}`, { as }), 403)
    }
    for (const id of [strong.id, administrator]) {
      for (const [path, value] of [
        ['users', users],
        ['groups', [{ value: group.id }]],
      ] as const) {
        assertFault(await call('PATCH', `/v2/Roles/${id}`, { as, body: patchOf({ op: 'add', path, value }) }), 403)
      }
      assertFault(await call('PUT', `/v3/Roles/${id}/Users`, { as, body: users }), 403)
      assertFault(
        await call('PATCH', `/v3/Roles/${id}/Groups`, {
          as,
          body: patchOf({ op: 'add', value: [{ value: group.id }] }),
        }),
        403,
      )
    }
    assert.deepEqual((await findUserById(world.db, world.tenant.id, mallory.id))?.roles, [])
    // With the permission everything is allowed.
    const able = await tokenFor(world, ...rights, ...ALL_PARTS, 'internal_user_mgt_delete')
    assert.equal(
      (
        await call('PATCH', `/v2/Roles/${strong.id}`, {
          as: able,
          body: patchOf({ op: 'add', path: 'users', value: users }),
        })
      ).status,
      200,
    )
    assert.equal(
      (await call('POST', '/v2/Roles', { as: able, body: { displayName: unique('x'), permissions: given, users } }))
        .status,
      201,
    )
  })

  test('AZ-25, SR-09: the last administrator cannot be removed in any way', async () => {
    const place = await newTenant()
    const own = { tenantId: place.id, organizationId: place.rootOrganizationId }
    const chief = await newUser({ ...own, userName: 'chief', isAdministrator: true })
    const deputy = await newUser({ ...own, userName: 'deputy' })
    const asChief = (method: string, path: string, body?: object) =>
      callScim({ ...world, base: `${world.server.address}/t/${place.domain}` }, method, path, {
        as: 'chief',
        ...(body ? { body } : {}),
      })
    const role = `administrator-${place.rootOrganizationId}`
    const leave = () =>
      asChief('PATCH', `/v2/Roles/${role}`, patchOf({ op: 'remove', path: `users[value eq "${chief.id}"]` }))

    assertFault(await leave(), 403)
    assertFault(await asChief('PUT', `/v3/Roles/${role}/Users`, []), 403)
    assertFault(
      await asChief('PATCH', `/Users/${chief.id}`, patchOf({ op: 'replace', path: 'active', value: false })),
      403,
    )
    assertFault(await asChief('DELETE', `/Users/${chief.id}`), 403)
    assertFault(await asChief('DELETE', `/v2/Roles/${role}`), 403)

    // An administrator by a group counts, until the group changes.
    const { body: group } = await asChief('POST', '/Groups', { displayName: 'Admins', members: [{ value: chief.id }] })
    assert.equal((await asChief('PUT', `/v3/Roles/${role}/Groups`, [{ value: group.id }])).status, 200)
    assert.equal((await leave()).status, 200)
    assertFault(await asChief('DELETE', `/Groups/${group.id}`), 403)
    assertFault(await asChief('PATCH', `/Groups/${group.id}`, patchOf({ op: 'remove', path: 'members' })), 403)
    assertFault(await asChief('PUT', `/Groups/${group.id}`, { displayName: 'Admins' }), 403)
    assertFault(await asChief('PUT', `/v3/Roles/${role}/Groups`, []), 403)
    assertFault(await asChief('DELETE', `/Users/${chief.id}`), 403)

    // An inactive administrator does not count.
    const added = patchOf(
      { op: 'add', path: 'members', value: deputy.id },
      { op: 'remove', path: `members[value eq "${chief.id}"]` },
    )
    assert.equal(
      (await asChief('PATCH', `/Users/${deputy.id}`, patchOf({ op: 'replace', path: 'active', value: false }))).status,
      200,
    )
    assertFault(await asChief('PATCH', `/Groups/${group.id}`, added), 403)
    assert.equal(
      (await asChief('PATCH', `/Users/${deputy.id}`, patchOf({ op: 'replace', path: 'active', value: true }))).status,
      200,
    )
    assert.equal((await asChief('PATCH', `/Groups/${group.id}`, added)).status, 200)
    assert.deepEqual(
      (await listAdministrators(world.db, place.id)).map(({ id }) => id),
      [deputy.id],
    )
  })

  test('if two administrators remove each other concurrently, one stays', async () => {
    const place = await newTenant()
    const own = { tenantId: place.id, organizationId: place.rootOrganizationId, isAdministrator: true }
    const [one, other] = [await newUser({ ...own, userName: 'one' }), await newUser({ ...own, userName: 'other' })]
    const at = { ...world, base: `${world.server.address}/t/${place.domain}` }
    const role = `administrator-${place.rootOrganizationId}`
    const answers = await Promise.all([
      callScim(at, 'PATCH', `/v2/Roles/${role}`, {
        as: 'one',
        body: patchOf({ op: 'remove', path: `users[value eq "${other.id}"]` }),
      }),
      callScim(at, 'PATCH', `/Users/${one.id}`, {
        as: 'other',
        body: patchOf({ op: 'replace', path: 'active', value: false }),
      }),
    ])
    assert.equal((await listAdministrators(world.db, place.id)).filter(({ isActive }) => isActive).length, 1)
    assert.equal(
      answers.filter(({ status }) => status === 200).length,
      1,
      JSON.stringify(answers.map(({ body }) => body)),
    )
  })

  test('fixed roles show their permissions and can get members, but cannot be changed otherwise', async () => {
    const ann = await newUser()
    const id = `administrator-${world.organization.id}`
    const { body: read } = await call('GET', `/v2/Roles/${id}`)
    assert.ok(valuesOf(read.permissions).includes('internal_user_mgt_delete'))
    for (const [method, body] of [
      ['PATCH', patchOf({ op: 'replace', path: 'displayName', value: 'Boss' })],
      ['PATCH', patchOf({ op: 'remove', path: 'permissions[value eq "internal_user_mgt_delete"]' })],
      ['PUT', { ...read, permissions: permissions('internal_user_mgt_list') }],
      ['DELETE', undefined],
    ] as const) {
      assertFault(await call(method, `/v2/Roles/${id}`, body ? { body } : {}), 403)
    }
    const users = [...read.users, { value: ann.id }]
    for (const body of [
      { ...read, users },
      { displayName: read.displayName, users: read.users },
    ]) {
      assert.equal((await call('PUT', `/v2/Roles/${id}`, { body })).status, 200)
      const isAdministrator = (await findUserById(world.db, world.tenant.id, ann.id))?.isAdministrator
      assert.equal(isAdministrator, body.users === users)
    }
  })

  test('roles of organizations are separate and give no right at the root', async () => {
    const [alpha, beta] = ['alpha', 'beta'].map((name): Organization => {
      const handle = `${name}-${randomUUID().slice(0, 8)}`
      return { id: randomUUID(), tenantId: world.tenant.id, parentId: world.organization.id, name, handle, depth: 1 }
    }) as [Organization, Organization]
    for (const one of [alpha, beta]) await addOrganization(world.db, one)
    const [inAlpha, inBeta] = [alpha, beta].map(({ id }) => ({ organizationId: id }))
    const [carla, boris] = [await newUser(inAlpha), await newUser(inBeta)]
    const below = `/o/${alpha.id}`
    const body = {
      displayName: unique('Warden'),
      permissions: permissions('internal_org_user_mgt_list'),
      users: [{ value: carla.id }],
    }
    const { id } = await newRole(body, { below })
    for (const elsewhere of ['', `/o/${beta.id}`]) {
      for (const [method, more] of [
        ['GET', {}],
        ['DELETE', {}],
        ['PUT', { body }],
      ] as const) {
        assertFault(await call(method, `/v2/Roles/${id}`, { below: elsewhere, ...more }), 404)
      }
      const { body: listed } = await call('GET', '/v2/Roles?count=1000', { below: elsewhere })
      assert.ok(!listed.Resources.some((role: { id: string }) => role.id === id))
    }
    const application = await world.addApplication()
    for (const bad of [
      { permissions: permissions('internal_user_mgt_list') },
      { users: [{ value: boris.id }] },
      { audience: { type: 'application', value: application.id } },
      { audience: { type: 'organization', value: world.organization.id } },
    ]) {
      assertFault(
        await call('POST', '/v2/Roles', { below, body: { displayName: unique('x'), ...bad } }),
        400,
        'invalidValue',
      )
    }
  })

  test('a right in one organization grants nothing in another', async () => {
    const [alpha, beta] = ['alpha', 'beta'].map((name): Organization => {
      const handle = `${name}-${randomUUID().slice(0, 8)}`
      return { id: randomUUID(), tenantId: world.tenant.id, parentId: world.organization.id, name, handle, depth: 1 }
    }) as [Organization, Organization]
    for (const one of [alpha, beta]) await addOrganization(world.db, one)
    // A user of the root administers Alpha, and manages roles in Beta only.
    const ann = await newUser()
    await world.db.queries
      .insertInto('role_members')
      .values({ role_id: `administrator-${alpha.id}`, user_id: ann.id })
      .execute()
    const rights = ['create', 'view'].map(name => `internal_org_role_mgt_${name}`)
    const { id } = await newRole(
      { permissions: permissions(...rights, 'internal_org_role_mgt_permissions_update') },
      { below: `/o/${beta.id}` },
    )
    await world.db.queries.insertInto('role_members').values({ role_id: id, user_id: ann.id }).execute()
    const as = ann.userName
    const create = (name: string, below: string) =>
      call('POST', '/v2/Roles', { as, below, body: { displayName: unique('x'), permissions: permissions(name) } })
    assert.equal((await create('internal_org_role_mgt_view', `/o/${beta.id}`)).status, 201)
    assertFault(await create('internal_org_user_mgt_delete', `/o/${beta.id}`), 403)
    assert.equal((await create('internal_org_user_mgt_delete', `/o/${alpha.id}`)).status, 201)
    assertFault(await create('internal_org_user_mgt_delete', ''), 403)
  })

  test('deleting an API removes its permissions from every role', async () => {
    await world.addApplication({}, ['orders.read'])
    const resource = (await listApiResources(world.db, world.tenant.id)).find(({ scopes }) =>
      scopes.some(({ name }) => name === 'orders.read'),
    )
    const { id } = await newRole({ permissions: permissions('orders.read') })
    await deleteApiResource(world.db, world.tenant.id, resource?.id ?? '')
    assert.equal(await findApiResource(world.db, world.tenant.id, resource?.id ?? ''), undefined)
    assert.deepEqual((await findRole(world.db, world.tenant.id, id))?.permissions, [])
  })

  test('changes of roles are audited', async () => {
    const ann = await newUser()
    const { id } = await newRole({ permissions: permissions('internal_user_mgt_list') })
    await patch(id, { op: 'add', path: 'users', value: ann.id }, { op: 'remove', path: 'permissions' })
    await call('DELETE', `/v2/Roles/${id}`)
    const records = await listAuditRecords(world.db, world.tenant.id, { targetType: 'ROLE', targetId: id })
    const byAction = Object.fromEntries(records.map(({ action, details }) => [action, details]))
    assert.deepEqual(byAction['ADD'], { permissions: ['internal_user_mgt_list'] })
    assert.deepEqual(byAction['UPDATE'], { changed: ['permissions'], permissions: [], addedUsers: [ann.id] })
    assert.deepEqual(new Set(records.map(({ initiator }) => initiator)), new Set([boss.id]))
    assert.ok('DELETE' in byAction)
  })
})
