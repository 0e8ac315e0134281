/** Scopes of tokens that are derived from each other in random chains. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { addOrganization } from './authenticators.fixture.ts'
import { authorizeApi, listApiResources } from './ground/store/api-resources.ts'
import { addMembers } from './ground/store/memberships.ts'
import type { ApiResource, Application, Organization } from './ground/store/model.ts'
import { insertRole } from './ground/store/roles.ts'
import { startWorld, type World } from './world.fixture.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GRANTS = ['password', 'refresh_token', EXCHANGE, 'organization_switch']
const BUSINESS = ['cart.read', 'cart.write', 'mail.read']
const AT_ROOT = ['internal_user_mgt_list', 'internal_user_mgt_view']
const BELOW = ['internal_org_user_mgt_list', 'internal_org_user_mgt_view']
const SCOPES = [...BUSINESS, ...AT_ROOT, ...BELOW]
/** Every user of every application may have them. */
const FOR_EVERYBODY = ['openid', 'internal_login']

type Place = 'root' | 'alpha'
type Policy = 'RBAC' | 'NO POLICY'

/** What limits the tokens of one run. */
interface Limits {
  /** Of the first and the second application: the scopes it is authorized for, and the policy of each API. */
  applications: { authorized: string[]; policies: Policy[] }[]
  /** The permissions of the user's roles, by the organization where they count. */
  held: Record<Place, string[]>
}

interface Step {
  do: 'exchange' | 'switch' | 'refresh'
  /** The application that does it, where there is a choice. */
  by: number
  scopes: string[] | undefined
}

const someScopes = fc.subarray(SCOPES)
const policies = fc.array(fc.constantFrom<Policy>('RBAC', 'NO POLICY'), { minLength: 4, maxLength: 4 })
const limits: fc.Arbitrary<Limits> = fc.record({
  applications: fc.array(fc.record({ authorized: someScopes, policies }), { minLength: 2, maxLength: 2 }),
  held: fc.record({ root: someScopes, alpha: someScopes }),
})
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom('exchange', 'switch', 'refresh'),
    by: fc.integer({ min: 0, max: 1 }),
    scopes: fc.option(fc.subarray([...SCOPES, ...FOR_EVERYBODY]), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 4 },
)

let world: World
let alpha: Organization
let apis: ApiResource[]
before(async () => {
  world = await startWorld()
  alpha = await addOrganization(world)
  // Makes one API for each list of scopes.
  for (const scopes of [['cart.read', 'cart.write'], ['mail.read'], AT_ROOT, BELOW])
    await world.addApplication({}, scopes)
  apis = await listApiResources(world.db, world.tenant.id)
})
after(() => world.close())

const apiOf = (scope: string) => apis.findIndex(({ scopes }) => scopes.some(({ name }) => name === scope))

/** Whether application and user together may have a scope at a place: the rules of the documentation, and not the server's code. */
function mayHave({ applications, held }: Limits, application: number, place: Place, scope: string): boolean {
  if (FOR_EVERYBODY.includes(scope)) return true
  const { authorized = [], policies: all = [] } = applications[application] ?? {}
  if (!authorized.includes(scope)) return false
  if (AT_ROOT.includes(scope)) return place === 'root' && held.root.includes(scope)
  if (BELOW.includes(scope)) return place === 'alpha' && [...held.root, ...held.alpha].includes(scope)
  const isHeld = held.root.includes(scope) || (place === 'alpha' && held.alpha.includes(scope))
  return all[apiOf(scope)] === 'NO POLICY' || isHeld
}

async function addRole(userId: string, organizationId: string, permissions: string[]): Promise<void> {
  const id = randomUUID()
  const audience = { type: 'organization' as const, id: organizationId }
  const times = { createdAt: 1, updatedAt: 1 }
  await insertRole(world.db, { id, tenantId: world.tenant.id, audience, name: id, permissions, ...times })
  await addMembers(world.db, 'users of a role', id, [userId])
}

async function addApplications({ applications }: Limits): Promise<Application[]> {
  const second = await world.addApplication({ grantTypes: GRANTS })
  const first = await world.addApplication({ grantTypes: GRANTS, mayExchangeFor: [second.clientId] })
  for (const [index, { id }] of [first, second].entries()) {
    const { authorized = [], policies: all = [] } = applications[index] ?? {}
    for (const [number, { id: resourceId, scopes }] of apis.entries()) {
      const names = scopes.map(({ name }) => name).filter(name => authorized.includes(name))
      const policy = all[number] ?? 'RBAC'
      if (names.length > 0) await authorizeApi(world.db, world.tenant.id, id, { resourceId, policy, scopes: names })
    }
  }
  return [first, second]
}

test('AZ-72: no chain of exchange, switch and refresh gets a scope beyond any limit on its way', async () => {
  const issued = new Set<string>()
  const done = { exchange: 0, switch: 0, refresh: 0 }

  await fc.assert(
    fc.asyncProperty(limits, fc.subarray([...SCOPES, ...FOR_EVERYBODY]), steps, async (given, asked, chain) => {
      const applications = await addApplications(given)
      const user = await world.addUser()
      await addRole(user.id, world.organization.id, given.held.root)
      await addRole(user.id, alpha.id, given.held.alpha)
      const credentials = { username: user.userName, password: 'correct horse' }
      const form = { grant_type: 'password', ...credentials, scope: asked.join(' ') }
      const first = (await world.token(applications[0] as Application, form)).body
      const scopesOf = (body: { scope?: string }) => (body.scope ?? '').split(' ').filter(scope => scope !== '')
      let at = { application: 0, place: 'root' as Place, body: first, scopes: scopesOf(first) }
      assert.ok(at.scopes.every(scope => asked.includes(scope) && mayHave(given, 0, 'root', scope)))

      for (const { by, do: what, scopes } of chain) {
        const application = what === 'exchange' ? by : at.application
        const place = what === 'switch' ? 'alpha' : at.place
        const { access_token: token, refresh_token } = at.body
        if (what === 'refresh' && refresh_token === undefined) continue
        const forms = {
          exchange: { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN },
          switch: { grant_type: 'organization_switch', token, switching_organization: alpha.id },
          refresh: { grant_type: 'refresh_token', refresh_token },
        }
        const scope = scopes && { scope: scopes.join(' ') }
        const answer = await world.token(applications[application] as Application, { ...forms[what], ...scope })
        assert.ok(answer.status < 500, JSON.stringify(answer.body))
        if (answer.status !== 200) continue
        done[what] += 1
        const now = scopesOf(answer.body)
        const input = what === 'switch' ? [...at.scopes, ...asked] : at.scopes
        for (const name of now) {
          assert.ok(mayHave(given, application, place, name), `${what}: ${name} is beyond application and user`)
          assert.ok(input.includes(name), `${what}: ${name} is beyond the input`)
          issued.add(name)
        }
        at = { application, place, body: answer.body, scopes: what === 'refresh' ? at.scopes : now }
      }
    }),
    { numRuns: 25, endOnFailure: true },
  )
  assert.ok(
    Object.values(done).every(count => count > 0),
    JSON.stringify(done),
  )
  assert.ok(BUSINESS.some(scope => issued.has(scope)))
})
