import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Organization } from '../../ground/store/model.ts'
import { decide, type Target } from './decide.ts'
import { OPERATIONS, type OperationName, type OperationRule } from './operations.ts'
import { organizationForm, TENANT_PERMISSIONS } from './permission-names.ts'
import type { Principal } from './principal.ts'

const root: Organization = { id: 'root', tenantId: '1', name: 'Root', handle: 'root', depth: 0 }
const branch: Organization = { id: 'b', tenantId: '1', parentId: 'root', name: 'Branch', handle: 'b', depth: 1 }
const names = Object.keys(OPERATIONS) as OperationName[]
const rules: Record<string, OperationRule> = OPERATIONS

function principal(permissions: readonly string[], authority: readonly string[] = permissions): Principal {
  return {
    kind: 'application',
    id: 'tool',
    tenantId: '1',
    permissions: new Set(permissions),
    authority: new Set(authority),
    via: 'token',
  }
}

for (const name of names) {
  const { covers, permission, sparesSystem } = OPERATIONS[name] as OperationRule

  test(`${name} requires ${permission}, and below the root its form for organizations`, () => {
    assert.deepEqual(decide(principal([permission]), name, root), { allowed: true })
    const others = TENANT_PERMISSIONS.filter(other => other !== permission)
    assert.deepEqual(decide(principal(others), name, root), {
      allowed: false,
      operation: name,
      reason: `This needs the scope ${permission}.`,
      missing: [permission],
    })
    assert.equal(decide(principal([organizationForm(permission)]), name, branch).allowed, true)
    assert.deepEqual(decide(principal([permission]), name, branch), {
      allowed: false,
      operation: name,
      reason: `This needs the scope ${organizationForm(permission)}.`,
      missing: [organizationForm(permission)],
    })
  })

  test(`${name} ${covers ? 'requires' : 'does not require'} the permissions that its target can obtain`, () => {
    const target: Target = { reach: new Set([permission, 'internal_tenant_of_dreams']) }
    const decision = decide(principal([permission]), name, root, target)
    assert.equal(decision.allowed, !covers)
    if (!decision.allowed) assert.match(decision.reason, /You lack internal_tenant_of_dreams\.$/)
    const able = principal([permission], [permission, 'internal_tenant_of_dreams'])
    assert.equal(decide(able, name, root, target).allowed, true)
  })

  test(`${name} ${sparesSystem ? 'is refused for' : 'is allowed on'} applications of the server`, () => {
    const everything = principal([...TENANT_PERMISSIONS])
    assert.equal(decide(everything, name, root, { isSystem: true }).allowed, !sparesSystem)
  })
}

test('AZ-80: more authority never refuses what was allowed, and a wider reach never allows what was refused', () => {
  const permissions = fc.subarray([...TENANT_PERMISSIONS])
  fc.assert(
    fc.property(fc.constantFrom(...names), permissions, permissions, permissions, permissions, (name, a, b, c, d) => {
      const before = decide(principal(a, b), name, root, { reach: new Set(c) }).allowed
      const stronger = decide(principal([...a, ...d], [...b, ...d]), name, root, { reach: new Set(c) }).allowed
      const wider = decide(principal(a, b), name, root, { reach: new Set([...c, ...d]) }).allowed
      assert.ok(!before || stronger)
      assert.ok(!wider || before)
      if (before && rules[name]?.covers) assert.ok(c.every(needed => b.includes(needed)))
    }),
  )
})
