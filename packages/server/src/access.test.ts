import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type Access,
  isSelfService,
  ORGANIZATION_PERMISSIONS,
  organizationForm,
  SELF_SERVICE_PERMISSIONS,
  SERVER_PERMISSIONS,
  TENANT_PERMISSIONS,
} from './domain/access/permission-names.ts'
import type { RouteName } from './ground/http/mount.ts'
import type { Face } from './ground/http/router.ts'
import { addMembers } from './ground/store/memberships.ts'
import type { Application, Organization } from './ground/store/model.ts'
import { addOrganization } from './ground/store/organizations.ts'
import { openFaces, type RouteAccess, routesWithAccess } from './routes-with-access.ts'
import { startWorld, type World } from './world.fixture.ts'

const PASSWORD = 'a long enough password'
const ALL = [...TENANT_PERMISSIONS, ...SERVER_PERMISSIONS, ...SELF_SERVICE_PERMISSIONS, ...ORGANIZATION_PERMISSIONS]

function describeAccess({ access, level, method, path }: RouteAccess): string {
  const where = { 'first-tenant': 'first tenant', tenant: 'root', organization: 'root and organizations' }[level]
  if ('open' in access) return `| ${method} \`${path}\` | nothing: ${access.open} | ${where} |`
  const { permission } = access
  const below =
    level === 'organization' && !isSelfService(permission) ? `, below \`${organizationForm(permission)}\`` : ''
  return `| ${method} \`${path}\` | \`${permission}\`${below} | ${where} |`
}

// Run this file with --test-update-snapshots to write the document.
test('docs/reference/access.md lists every route with the access that it requires', context => {
  const document = [
    '# Who may call what',
    '',
    'Every route of the management, SCIM and users APIs with the permission that it needs. A permission is a scope: Basic credentials have those of the',
    "user's roles, an access token those it names and its user or application still has. A test calls every route with every kind of caller.",
    '',
    'Operations on an object that has permissions require more: see `packages/server/src/domain/access/operations.ts`.',
    '',
    '| route | needs | exists at |',
    '|---|---|---|',
    ...routesWithAccess.map(describeAccess),
    '',
    'Pages and protocol endpoints require no permission:',
    '',
    '| paths | reason |',
    '|---|---|',
    ...Object.values(openFaces).map(
      ({ access, paths }) => `| \`${paths.source.replaceAll('\\/', '/').replaceAll('|', '\\|')}\` | ${access.open} |`,
    ),
    '',
  ].join('\n')
  const path = join(import.meta.dirname, '../../../docs/reference/access.md')
  context.assert.fileSnapshot(document, path, { serializers: [text => text] })
})

test('AZ-70: a route without its access does not compile', () => {
  // @ts-expect-error The entry of a route has a permission, or the reason why it is open.
  const routes: Readonly<Record<RouteName, Access>> = { 'GET /planted': {} }
  // @ts-expect-error A face states what its paths require.
  const face: Face<unknown> = { paths: /^\/planted$/, answer: async () => {} }
  assert.ok(routes && face)
})

/** A kind of caller: its authentication, and its permissions at each place. */
interface Caller {
  name: string
  authorization?: string
  /** Its permissions at the place. Absent: the place does not know it. */
  at: Partial<Record<'root' | 'branch' | 'sibling' | 'other' | 'first', readonly string[]>>
}

// Every route with every caller at every place takes longer than the limit of other tests on a busy machine.
describe('access', { timeout: 600_000 }, () => {
  let world: World
  let other: World['tenant']
  let branch: Organization
  let sibling: Organization
  const basic = (userName: string, password = PASSWORD) =>
    `Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`

  before(async () => {
    world = await startWorld({ limits: ['off'] })
    const organization = (handle: string): Organization => ({
      id: `${handle}-${world.tenant.id}`,
      tenantId: world.tenant.id,
      parentId: world.organization.id,
      name: handle,
      handle,
      depth: 1,
    })
    branch = organization('branch')
    sibling = organization('sibling')
    for (const one of [branch, sibling]) assert.ok(await addOrganization(world.db, one))
    const created = await fetch(`${world.server.address}/api/server/v1/tenants`, {
      method: 'POST',
      headers: { authorization: basic('admin', 'admin-of-the-test'), 'content-type': 'application/json' },
      body: JSON.stringify({
        domain: `other-${world.tenant.id}`,
        owners: [{ username: 'owner', password: PASSWORD, email: 'o@x.example', firstname: 'O', lastname: 'O' }],
      }),
    })
    assert.equal(created.status, 201, await created.clone().text())
    other = { ...world.tenant, domain: `other-${world.tenant.id}` }
  })
  after(() => world.close())

  /** The token of an application for itself, issued at the root or at an organization. */
  async function tokenOf(application: Application, scopes: readonly string[], below = ''): Promise<string> {
    const secret = Buffer.from(`${application.clientId}:${application.clientSecret}`).toString('base64')
    const response = await fetch(`${world.base}${below}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${secret}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: scopes.join(' ') }),
    })
    const { access_token: token } = (await response.json()) as { access_token: string }
    assert.ok(token)
    return `Bearer ${token}`
  }

  async function callersFor(permission: string): Promise<Caller[]> {
    const tool = await world.addApplication({}, ALL)
    const rest = ALL.filter(name => name !== permission && name !== organizationForm(permission))
    return [
      { name: 'nobody', at: {} },
      { name: 'nonsense', authorization: 'Bearer nonsense', at: {} },
      {
        name: 'application with the permission',
        authorization: await tokenOf(tool, [permission]),
        at: { root: isSelfService(permission) ? [] : [permission] },
      },
      {
        name: 'application with the permission in an organization',
        authorization: await tokenOf(tool, [organizationForm(permission)], `/o/${branch.id}`),
        at: { branch: isSelfService(permission) ? [] : [organizationForm(permission)] },
      },
      { name: 'application with all others', authorization: await tokenOf(tool, rest), at: { root: rest } },
    ]
  }

  test('AZ-71: every route answers every kind of caller at every place as access.md states, and never with 500', async () => {
    const [user, boss, warden] = [
      await world.addUser({}, PASSWORD),
      await world.addUser({ isAdministrator: true }, PASSWORD),
      await world.addUser({}, PASSWORD),
    ]
    await addMembers(world.db, 'users of a role', `administrator-${branch.id}`, [warden.id])
    const own = [...SELF_SERVICE_PERMISSIONS]
    const fixed: Caller[] = [
      { name: 'user', authorization: basic(user.userName), at: { root: own, branch: [], sibling: [] } },
      {
        name: 'organization administrator',
        authorization: basic(warden.userName),
        at: { root: own, branch: [...own, ...ORGANIZATION_PERMISSIONS], sibling: [] },
      },
      {
        name: 'tenant administrator',
        authorization: basic(boss.userName),
        at: {
          root: [...own, ...TENANT_PERMISSIONS],
          branch: [...own, ...ORGANIZATION_PERMISSIONS],
          sibling: [...own, ...ORGANIZATION_PERMISSIONS],
        },
      },
      {
        name: 'administrator of the first tenant',
        authorization: basic('admin', 'admin-of-the-test'),
        at: {
          first: [...own, ...TENANT_PERMISSIONS, ...SERVER_PERMISSIONS],
          root: TENANT_PERMISSIONS,
          branch: ORGANIZATION_PERMISSIONS,
          sibling: ORGANIZATION_PERMISSIONS,
          other: TENANT_PERMISSIONS,
        },
      },
      {
        name: 'administrator of another tenant',
        authorization: basic('owner'),
        at: { other: [...own, ...TENANT_PERMISSIONS] },
      },
    ]
    const places = {
      first: '',
      root: `/t/${world.tenant.domain}`,
      branch: `/t/${world.tenant.domain}/o/${branch.id}`,
      sibling: `/t/${world.tenant.domain}/o/${sibling.id}`,
      other: `/t/${other.domain}`,
    }
    const wrong: string[] = []
    const byPermission = new Map<string, Caller[]>()
    for (const route of routesWithAccess) {
      const permission = 'permission' in route.access ? route.access.permission : undefined
      const key = permission ?? 'internal_login'
      if (!byPermission.has(key)) byPermission.set(key, await callersFor(key))
      for (const caller of [...(byPermission.get(key) ?? []), ...fixed]) {
        for (const [place, prefix] of Object.entries(places) as [keyof typeof places, string][]) {
          const status = await statusOf(route, prefix, caller)
          const expected = expectedOf(route, permission, caller, place)
          const isAsExpected = expected === 'allowed' ? ![401, 403, 500].includes(status) : expected.includes(status)
          if (!isAsExpected) wrong.push(`${caller.name} at ${place}: ${route.method} ${route.path} answered ${status}`)
        }
      }
    }
    assert.deepEqual(wrong, [])
  })

  /** A request that changes nothing: unknown ids as parameters, and an invalid body. */
  async function statusOf({ method, path }: RouteAccess, prefix: string, { authorization }: Caller): Promise<number> {
    const response = await fetch(world.server.address + prefix + path.replace(/\{(\w+)\}/g, 'preUpdatePassword'), {
      method,
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(method === 'GET' || method === 'DELETE' ? {} : { 'content-type': 'application/json' }),
      },
      ...(method === 'GET' || method === 'DELETE' ? {} : { body: '{"nonsense":true}' }),
    })
    await response.arrayBuffer()
    return response.status
  }

  function expectedOf(
    { access, level }: RouteAccess,
    permission: string | undefined,
    { at, name }: Caller,
    place: 'root' | 'branch' | 'sibling' | 'other' | 'first',
  ): 'allowed' | number[] {
    if ('open' in access || permission === undefined) return 'allowed'
    const isBelow = place === 'branch' || place === 'sibling'
    const held = at[place]
    // A place that does not know the caller returns 401 or 403. Both are refusals.
    if (!held) return name === 'nobody' || name === 'nonsense' ? [401] : [401, 403, 429]
    const isThere =
      level === 'organization' || (level === 'tenant' && !isBelow) || (level === 'first-tenant' && place === 'first')
    if (!isThere || !held.includes(isBelow ? organizationForm(permission) : permission)) return [403]
    return 'allowed'
  }
})
