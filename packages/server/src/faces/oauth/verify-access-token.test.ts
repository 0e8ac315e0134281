/** A token is valid only at the organization that it names. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { addOrganization } from '../../authenticators.fixture.ts'
import { addMembers } from '../../ground/store/memberships.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { startWorld, type World } from '../../world.fixture.ts'

const SCOPES = ['internal_user_mgt_list', 'internal_org_user_mgt_list', 'internal_login']

let world: World
let root: Organization
let alpha: Organization
let beta: Organization
let web: Application
let opaque: Application
let boss: User
let head: User

before(async () => {
  world = await startWorld()
  root = world.organization
  alpha = await addOrganization(world)
  beta = await addOrganization(world)
  const grantTypes = ['password', 'client_credentials', 'organization_switch', 'refresh_token']
  web = await world.addApplication({ grantTypes }, SCOPES)
  opaque = await world.addApplication({ grantTypes, accessTokenType: 'Default' }, SCOPES)
  boss = await world.addUser({ isAdministrator: true })
  head = await world.addUser({ organizationId: alpha.id })
  await addMembers(world.db, 'users of a role', `administrator-${alpha.id}`, [head.id])
})
after(() => world.close())

const pathOf = ({ id, depth }: Organization) => (depth > 0 ? `/o/${id}` : '')

async function issue(application: Application, at: Organization, form: Record<string, string>): Promise<string> {
  const response = await fetch(`${world.base}${pathOf(at)}/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${application.clientId}:${application.clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ scope: SCOPES.join(' '), ...form }),
  })
  const body = (await response.json()) as { access_token: string }
  assert.equal(response.status, 200, JSON.stringify(body))
  return body.access_token
}

const byPassword = (application: Application, user: User, at: Organization, scope = SCOPES.join(' ')) =>
  issue(application, at, { grant_type: 'password', username: user.userName, password: 'correct horse', scope })

async function switched(application: Application, to: Organization): Promise<string> {
  const token = await byPassword(application, boss, root)
  return issue(application, root, { grant_type: 'organization_switch', token, switching_organization: to.id })
}

/** The status of a list of users at an organization. */
const statusAt = async (at: Organization, authorization: string) => {
  const response = await fetch(`${world.base}${pathOf(at)}/scim2/Users`, { headers: { authorization } })
  await response.body?.cancel()
  return response.status
}
const use = (token: string, at: Organization) => statusAt(at, `Bearer ${token}`)

test('AZ-15: a token of an organization works there, and neither at the root nor at a sibling', async () => {
  for (const token of [await byPassword(web, head, alpha), await switched(web, alpha), await switched(opaque, alpha)]) {
    assert.deepEqual([await use(token, alpha), await use(token, root), await use(token, beta)], [200, 403, 403])
  }
  // An opaque token is valid only at its issuer.
  const token = await byPassword(opaque, head, alpha)
  assert.deepEqual([await use(token, alpha), await use(token, root), await use(token, beta)], [200, 401, 401])
})

test('AZ-15: a permission of the root allows nothing in an organization', async () => {
  const token = await byPassword(web, head, alpha, 'internal_user_mgt_list internal_login')
  assert.equal(await use(token, alpha), 403)
})

test('AZ-16: an organization refuses a token of the root, but accepts the administrator’s password', async () => {
  for (const application of [web, opaque]) {
    const token = await byPassword(application, boss, root)
    assert.deepEqual([await use(token, root), await use(token, alpha)], [200, 403])
  }
  const machine = await issue(web, root, { grant_type: 'client_credentials' })
  assert.deepEqual([await use(machine, root), await use(machine, alpha)], [200, 403])
  const basic = `Basic ${Buffer.from(`${boss.userName}:correct horse`).toString('base64')}`
  assert.equal(await statusAt(alpha, basic), 200)
})

test('AZ-75: a token is accepted only at its own organization, wherever it was issued', async () => {
  const places = () => [root, alpha, beta]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('JWT', 'Default'),
      fc.nat(2),
      fc.nat(2),
      fc.boolean(),
      async (kind, from, at, isMachine) => {
        const application = kind === 'JWT' ? web : opaque
        const place = places()[from] as Organization
        const where = places()[at] as Organization
        const token =
          place === root
            ? await byPassword(application, boss, root)
            : isMachine
              ? await issue(application, place, { grant_type: 'client_credentials' })
              : await switched(application, place)
        const status = await use(token, where)
        assert.equal(status === 200, place === where, `${kind} of ${place.name} at ${where.name}: ${status}`)
        assert(status === 200 || status === 401 || status === 403)
      },
    ),
    { numRuns: 40 },
  )
})
