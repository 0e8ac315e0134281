import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import type { Json } from '../extension-under-test.ts'
import { type Answered, basic, type Issued, request } from '../requests.ts'
import { differs, notApplicable, type Row, row, type Section } from '../row.ts'
import type { Client, Stage } from '../stage.ts'
import { type Person, patchOf } from '../users.ts'
import { API } from './doors.ts'
import { addOrganization } from './organizations.ts'
import { lastEvent } from './tokens.ts'

const ROLES = '/scim2/v2/Roles'

export const unique = (name: string): string => `${name} ${randomBytes(4).toString('hex')}`
export const references = (...ids: string[]): Json[] => ids.map(value => ({ value }))
export const valuesOf = (list: Json[] = []): string[] => list.map(({ value }) => value).sort()

/** Creates a role, by default for the organization. */
export async function addRole(stage: Stage, more: object = {}): Promise<Json> {
  return (await stage.must('POST', ROLES, { displayName: unique('Role'), ...more })).body
}

export async function addGroup(stage: Stage, members: Person[] = []): Promise<Json> {
  const body = { displayName: unique('Group'), members: references(...members.map(({ id }) => id)) }
  return (await stage.must('POST', '/scim2/Groups', body)).body
}

export function assertScimFault({ body, status }: Answered, expected: number, scimType?: string): void {
  assert.deepEqual([status, body.scimType], [expected, scimType], JSON.stringify(body))
}

const readRole = async (stage: Stage, id: string) => (await stage.must('GET', `${ROLES}/${id}`)).body
const basicOf = ({ password, userName }: Person) => basic(userName, password)

const scopesOfRoles = (...rights: string[]) => rights.map(right => `internal_role_mgt_${right}`)

/** `Authorization` of an application with these scopes of the server. */
async function toolWith(stage: Stage, ...scopes: string[]): Promise<string> {
  const tool = await stage.addApplication({ grantTypes: ['client_credentials'] }, { scopes })
  const { body } = await stage.token(tool, { grant_type: 'client_credentials', scope: scopes.join(' ') })
  return `Bearer ${body.access_token}`
}

/** An application whose users get scopes of the stage's API by their roles. */
async function addRbacApplication(
  stage: Stage,
  { audience = 'ORGANIZATION', scopes }: { audience?: string; scopes: string[] },
): Promise<Client> {
  const application = await stage.addApplication({ grantTypes: ['password', 'refresh_token', 'client_credentials'] })
  const { body } = await stage.must(
    'GET',
    `${API}/api-resources?filter=${encodeURIComponent('identifier eq https://api.shop.test')}`,
  )
  const api = { id: body.APIResources[0].id, policyIdentifier: 'RBAC', scopes }
  await stage.must('POST', `${API}/applications/${application.id}/authorized-apis`, api)
  await stage.must('PATCH', `${API}/applications/${application.id}`, {
    associatedRoles: { allowedAudience: audience, roles: [] },
  })
  return application
}

async function tokenOf(stage: Stage, client: Client, { password, userName }: Person, scope: string): Promise<Issued> {
  const issued = await stage.token(client, { grant_type: 'password', username: userName, password, scope })
  assert.equal(issued.status, 200, JSON.stringify(issued.body))
  return issued
}

const scopesOf = ({ body }: Issued): string[] => (body.scope ?? '').split(' ').filter(Boolean).sort()

/** The forms of WSO2's documentation, each with the part it changes and what is left. */
async function checkDocumentedForms(stage: Stage): Promise<void> {
  const [alex, kim] = [await stage.addUser(), await stage.addUser()]
  const [group, other] = [await addGroup(stage), await addGroup(stage)]
  const { id } = await addRole(stage)
  const leaves = async (part: string, expected: string[], operation: object) => {
    const { body } = await stage.must('PATCH', `${ROLES}/${id}`, patchOf(operation))
    assert.deepEqual(valuesOf(body[part]), expected.toSorted(), JSON.stringify(operation))
  }
  await leaves('users', [alex.id], { op: 'add', value: { users: references(alex.id) } })
  await leaves('users', [alex.id, kim.id], { op: 'add', path: 'users', value: references(kim.id) })
  await leaves('users', [alex.id], { op: 'replace', value: { users: references(alex.id) } })
  await leaves('users', [alex.id, kim.id], { op: 'replace', path: 'users', value: references(alex.id, kim.id) })
  await leaves('users', [kim.id], { op: 'remove', path: `users[value eq ${alex.id}]` })
  const slip = patchOf({ op: 'remove', path: 'members[users eq alex]' })
  assertScimFault(await stage.call('PATCH', `${ROLES}/${id}`, slip), 400, 'invalidPath')
  await leaves('users', [], { op: 'remove', path: `users[display eq ${kim.userName}]` })
  await leaves('groups', [group.id], { op: 'add', value: { groups: references(group.id) } })
  await leaves('groups', [group.id, other.id], { op: 'add', path: 'groups', value: references(other.id) })
  await leaves('groups', [other.id], { op: 'replace', value: { groups: references(other.id) } })
  await leaves('groups', [group.id, other.id], { op: 'replace', path: 'groups', value: references(group.id, other.id) })
  await leaves('groups', [other.id], { op: 'remove', path: `groups[value eq ${group.id}]` })
  await leaves('groups', [], { op: 'remove', path: `groups[display eq "PRIMARY/${other.displayName}"]` })
}

const sharing = notApplicable('roles cannot be shared with organizations yet')

const roleRows: Row[] = [
  row('SR-01', 'POST v2 minimal: 201, the audience is the organization', async stage => {
    const { audience, id, meta } = await addRole(stage)
    assert.deepEqual([audience.type, audience.value], ['organization', stage.organization.id])
    assert.equal(meta.location, `${stage.base}${ROLES}/${id}`)
  }),
  row(
    'SR-02',
    'audience of an application; unknown application: 400; same name in another audience: 201, in the same: 409',
    async stage => {
      const displayName = unique('Clerk')
      const audience = { type: 'application', value: stage.web.id }
      assert.deepEqual((await addRole(stage, { displayName, audience })).audience.value, stage.web.id)
      await addRole(stage, { displayName })
      assertScimFault(await stage.call('POST', ROLES, { displayName, audience }), 409, 'uniqueness')
      const unknown = { displayName, audience: { type: 'application', value: randomUUID() } }
      assertScimFault(await stage.call('POST', ROLES, unknown), 400, 'invalidValue')
    },
  ),
  row(
    'SR-03',
    'name with a slash, unknown permission: 400; unknown user: the reference fails with 500, here 400',
    differs('an unknown user is the error of the client', async stage => {
      for (const body of [
        { displayName: 'a/b' },
        { displayName: unique('x'), permissions: references('internal_dreams') },
        { displayName: unique('x'), users: references(randomUUID()) },
      ]) {
        assertScimFault(await stage.call('POST', ROLES, body), 400, 'invalidValue')
      }
    }),
  ),
  row(
    'SR-04',
    "the twelve PATCH forms of WSO2's documentation; its slip `members[users eq alex]`: 400",
    checkDocumentedForms,
  ),
  row('SR-05', 'permissions: added, removed, replaced', async stage => {
    const { id } = await addRole(stage, { permissions: references('cart.read') })
    const patch = (operation: object) => stage.must('PATCH', `${ROLES}/${id}`, patchOf(operation))
    await patch({ op: 'add', path: 'permissions', value: references('orders.write') })
    assert.deepEqual(valuesOf((await readRole(stage, id)).permissions), ['cart.read', 'orders.write'])
    await patch({ op: 'remove', path: 'permissions[value eq "cart.read"]' })
    assert.deepEqual(valuesOf((await readRole(stage, id)).permissions), ['orders.write'])
    await patch({ op: 'replace', path: 'permissions', value: references('jobs.run') })
    assert.deepEqual(valuesOf((await readRole(stage, id)).permissions), ['jobs.run'])
  }),
  row('SR-06', 'caller without `…_users_update` sends users: 403, nothing done', async stage => {
    const { id } = await addRole(stage)
    const tool = await toolWith(stage, ...scopesOfRoles('create', 'update', 'view'))
    const displayName = unique('Never')
    const users = references((await stage.addUser()).id)
    assertScimFault(await stage.call('POST', ROLES, { displayName, users }, tool), 403)
    const patch = patchOf({ op: 'replace', value: { displayName } }, { op: 'add', path: 'users', value: users })
    assertScimFault(await stage.call('PATCH', `${ROLES}/${id}`, patch, tool), 403)
    const filter = encodeURIComponent(`displayName eq "${displayName}"`)
    assert.equal((await stage.must('GET', `${ROLES}?filter=${filter}`)).body.totalResults, 0)
  }),
  row('SR-07', 'v3: POST ignores users; `/Users` PUT list; PATCH `value eq ID`', async stage => {
    const [alex, kim] = [await stage.addUser(), await stage.addUser()]
    const v3 = '/scim2/v3/Roles'
    const { body: made } = await stage.must('POST', v3, { displayName: unique('Three'), users: references(alex.id) })
    const users = async () => valuesOf((await readRole(stage, made.id)).users)
    assert.deepEqual(await users(), [])
    await stage.must('PUT', `${v3}/${made.id}/Users`, references(alex.id, kim.id))
    assert.deepEqual(await users(), [alex.id, kim.id].sort())
    await stage.must('PATCH', `${v3}/${made.id}/Users`, patchOf({ op: 'remove', path: `value eq ${alex.id}` }))
    assert.deepEqual(await users(), [kim.id])
  }),
  row(
    'SR-08',
    'filter `audience.type eq application and displayName sw x`; `or`: 400; count=0: totalResults 0',
    differs('the whole grammar of filters works, and the total is the real one', async stage => {
      const tag = unique('Tag')
      await addRole(stage, { displayName: `${tag} a`, audience: { type: 'application', value: stage.web.id } })
      await addRole(stage, { displayName: `${tag} b` })
      const total = async (query: Record<string, string>) =>
        (await stage.must('GET', `${ROLES}?${new URLSearchParams(query)}`)).body.totalResults
      assert.equal(await total({ filter: `audience.type eq application and displayName sw "${tag}"` }), 1)
      assert.equal(await total({ filter: `displayName eq "${tag} a" or displayName eq "${tag} b"` }), 2)
      assert.equal(await total({ filter: `displayName sw "${tag}"`, count: '0' }), 2)
    }),
  ),
  row('SR-09', 'the last administrator cannot leave the role: not by role, group, active or delete', async stage => {
    const { id } = stage.administrator
    const role = `administrator-${stage.organization.id}`
    const refused = async (method: string, path: string, body?: object) =>
      assertScimFault(await stage.call(method, path, body), 403)
    await refused('PATCH', `${ROLES}/${role}`, patchOf({ op: 'remove', path: `users[value eq "${id}"]` }))
    await refused('PATCH', `/scim2/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: false }))
    await refused('DELETE', `/scim2/Users/${id}`)
    const group = await addGroup(stage, [stage.administrator])
    await stage.must('PUT', `/scim2/v3/Roles/${role}/Groups`, references(group.id))
    await stage.must('PUT', `/scim2/v3/Roles/${role}/Users`, [])
    await refused('DELETE', `/scim2/Groups/${group.id}`)
    await refused('PATCH', `/scim2/Groups/${group.id}`, patchOf({ op: 'remove', path: 'members' }))
    await refused('PUT', `/scim2/v3/Roles/${role}/Groups`, [])
    await stage.must('PUT', `/scim2/v3/Roles/${role}/Users`, references(id))
    await stage.must('DELETE', `/scim2/Groups/${group.id}`)
  }),
  row('SR-10', 'shared role: rename, permissions, delete 400', sharing),
]

const scopeRows: Row[] = [
  row('ST-01', 'RBAC, user with role: exactly requested ∩ authorized ∩ role; both audiences', async stage => {
    for (const audience of ['ORGANIZATION', 'APPLICATION']) {
      const client = await addRbacApplication(stage, { audience, scopes: ['cart.read', 'orders.write', 'jobs.run'] })
      const user = await stage.addUser()
      const place = audience === 'APPLICATION' ? { audience: { type: 'application', value: client.id } } : {}
      await addRole(stage, {
        ...place,
        permissions: references('cart.read', 'orders.write', 'a'),
        users: references(user.id),
      })
      const issued = await tokenOf(stage, client, user, 'cart.read jobs.run a b')
      assert.deepEqual(scopesOf(issued), ['cart.read'], audience)
    }
  }),
  row('ST-02', 'user without role: no API scopes, the token is issued', async stage => {
    const client = await addRbacApplication(stage, { scopes: ['cart.read'] })
    assert.deepEqual(scopesOf(await tokenOf(stage, client, await stage.addUser(), 'openid cart.read')), ['openid'])
  }),
  row('ST-03', 'role through a group counts', async stage => {
    const client = await addRbacApplication(stage, { scopes: ['cart.read'] })
    const user = await stage.addUser()
    const group = await addGroup(stage, [user])
    await addRole(stage, { permissions: references('cart.read'), groups: references(group.id) })
    assert.deepEqual(scopesOf(await tokenOf(stage, client, user, 'cart.read')), ['cart.read'])
  }),
  row('ST-04', 'application with audience APPLICATION ignores organization roles', async stage => {
    const client = await addRbacApplication(stage, { audience: 'APPLICATION', scopes: ['cart.read'] })
    const user = await stage.addUser()
    await addRole(stage, { permissions: references('cart.read'), users: references(user.id) })
    assert.deepEqual(scopesOf(await tokenOf(stage, client, user, 'cart.read')), [])
  }),
  row('ST-05', 'client credentials: authorized only, no `internal_login`', async stage => {
    const client = await addRbacApplication(stage, { scopes: ['cart.read'] })
    const scope = 'openid internal_login cart.read orders.write'
    const issued = await stage.token(client, { grant_type: 'client_credentials', scope })
    assert.deepEqual(scopesOf(issued), ['cart.read'])
  }),
  row('ST-06', 'NO POLICY beside RBAC: union', async stage => {
    const client = await addRbacApplication(stage, { scopes: ['cart.read', 'orders.write'] })
    const { body: open } = await stage.must('POST', `${API}/api-resources`, {
      ...{ name: unique('Open'), identifier: `https://${randomUUID()}.test`, scopes: [{ name: `open-${client.id}` }] },
    })
    const authorization = { id: open.id, policyIdentifier: 'No Policy', scopes: [`open-${client.id}`] }
    await stage.must('POST', `${API}/applications/${client.id}/authorized-apis`, authorization)
    const user = await stage.addUser()
    await addRole(stage, { permissions: references('cart.read'), users: references(user.id) })
    const issued = await tokenOf(stage, client, user, `cart.read orders.write open-${client.id}`)
    assert.deepEqual(scopesOf(issued), ['cart.read', `open-${client.id}`])
  }),
  row('ST-07', 'role removed: the next refresh lacks the scope; SCIM with the old token 403', async stage => {
    const permission = 'internal_user_mgt_list'
    const client = await stage.addApplication(
      { grantTypes: ['password', 'refresh_token'] },
      { scopes: [permission, 'internal_login'] },
    )
    const user = await stage.addUser()
    const { id } = await addRole(stage, { permissions: references(permission), users: references(user.id) })
    const issued = await tokenOf(stage, client, user, `${permission} internal_login`)
    const users = () => stage.call('GET', '/scim2/Users?count=1', undefined, `Bearer ${issued.body.access_token}`)
    assert.equal((await users()).status, 200)
    await stage.must('PUT', `/scim2/v3/Roles/${id}/Users`, [])
    assertScimFault(await users(), 403)
    assert.deepEqual(scopesOf(await stage.refresh(client, issued)), ['internal_login'])
  }),
  row('ST-08', 'user token with `internal_user_mgt_update` from a role manages users', async stage => {
    const [manager, other] = [await stage.addUser(), await stage.addUser()]
    const permissions = references('internal_user_mgt_update', 'internal_user_mgt_view')
    await addRole(stage, { permissions, users: references(manager.id) })
    const issued = await tokenOf(stage, stage.console, manager, 'internal_user_mgt_update')
    const patch = patchOf({ op: 'replace', path: 'nickName', value: 'Heron' })
    const changed = await stage.call('PATCH', `/scim2/Users/${other.id}`, patch, `Bearer ${issued.body.access_token}`)
    assert.deepEqual([changed.status, changed.body.nickName], [200, 'Heron'])
  }),
  row('ST-09', 'Basic of a user with role view only: GET 200, PATCH 403', async stage => {
    const viewer = await stage.addUser()
    await addRole(stage, { permissions: references('internal_user_mgt_view'), users: references(viewer.id) })
    const path = `/scim2/Users/${stage.user.id}`
    assert.equal((await stage.call('GET', path, undefined, basicOf(viewer))).status, 200)
    const patch = patchOf({ op: 'replace', path: 'nickName', value: 'Heron' })
    assertScimFault(await stage.call('PATCH', path, patch, basicOf(viewer)), 403)
  }),
  row('ST-10', 'switched to an organization: only `internal_org_…`; not shared: refused', async stage => {
    const { shown } = await addOrganization(stage)
    const scopes = ['internal_org_user_mgt_list', 'internal_user_mgt_list', 'internal_login']
    const client = await stage.addApplication({ grantTypes: ['password', 'organization_switch'] }, { scopes })
    const [warden, clerk] = [await stage.addUser(), await stage.addUser()]
    await addRole(stage, { permissions: references(...scopes.slice(0, 2)), users: references(warden.id) })
    await addRole(stage, { permissions: references('cart.read'), users: references(clerk.id) })
    const switched = async (user: Person) => {
      const { body } = await tokenOf(stage, client, user, scopes.join(' '))
      const form = { grant_type: 'organization_switch', token: body.access_token, switching_organization: shown.id }
      return stage.token(client, { ...form, scope: scopes.join(' ') })
    }
    const scopesThere = scopesOf(await switched(warden))
    assert.ok(scopesThere.every(scope => scope.startsWith('internal_org_') || scope === 'internal_login'))
    assert.equal((await switched(clerk)).status, 400)
  }),
  row('ST-11', '`roles`, `groups`, `application_roles` in ID token and userinfo', async stage => {
    const user = await stage.addUser({ groups: ['staff'] })
    for (const [audience, type, value] of [
      ['ORGANIZATION', 'organization', stage.organization.id],
      ['APPLICATION', 'application', undefined],
    ] as const) {
      const client = await addRbacApplication(stage, { audience, scopes: ['cart.read'] })
      const role = await addRole(stage, { audience: { type, value: value ?? client.id }, users: references(user.id) })
      await addRole(stage, { audience: { type: 'application', value: stage.web.id }, users: references(user.id) })
      const { body } = await tokenOf(stage, client, user, 'openid roles groups')
      const headers = { authorization: `Bearer ${body.access_token}` }
      for (const claims of [
        decodeJwt(body.id_token) as Json,
        (await request(`${stage.base}/oauth2/userinfo`, { headers })).body,
      ]) {
        assert.deepEqual([claims['roles'], claims['groups']], [[role.displayName], ['staff']])
        assert.deepEqual(claims['application_roles'], type === 'application' ? [role.displayName] : undefined)
      }
    }
  }),
  row('ST-12', 'PRE_ISSUE events have them as claims, no `user.roles`', async stage => {
    const user = await stage.addUser({ groups: ['staff'] })
    const role = await addRole(stage, { users: references(user.id) })
    const client = await stage.addApplication({
      grantTypes: ['password'],
      accessToken: { accessTokenAttributes: ['groups', 'roles'] },
    })
    await tokenOf(stage, client, user, 'openid')
    const event = lastEvent(stage)
    const claims = new Map(event.accessToken.claims.map(({ name, value }: Json) => [name, value]))
    assert.deepEqual([claims.get('groups'), claims.get('roles')], [['staff'], [role.displayName]])
    assert.deepEqual([event.user.roles, event.user.groups], [undefined, undefined])
  }),
  row(
    'ST-13',
    '`SYSTEM` scope expands, limited by roles',
    notApplicable('`SYSTEM` is not expanded; a client names the scopes that it needs'),
  ),
]

/** Roles through SCIM, and what they do to tokens. */
export const scimRoles: Section[] = [
  { title: 'Roles', rows: roleRows },
  { title: 'Scopes and claims by roles', rows: scopeRows },
]
