import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventsOf, inRequestScope, noteEvent, type RequestScope, securityEvents } from './security-events.ts'

const scopeOf = (): RequestScope => ({ id: 'r-1', address: '192.0.2.1', path: '/scim2/Users', events: [] })
const namesOf = (scope: RequestScope, status: number) => eventsOf(scope, status).map(({ name }) => name)

test('only the first refusal of a request counts', async () => {
  const scope = scopeOf()
  await inRequestScope(scope, async () => {
    noteEvent('sign_in.failed')
    noteEvent('sign_in.locked')
    noteEvent('token.refused')
  })
  assert.deepEqual(namesOf(scope, 400), ['sign_in.failed', 'sign_in.locked'])
})

test('a refusal without a recorded event has one by its status', () => {
  assert.deepEqual(namesOf(scopeOf(), 401), ['request.refused'])
  assert.deepEqual(namesOf(scopeOf(), 403), ['request.refused'])
  assert.deepEqual(namesOf(scopeOf(), 429), ['request.refused'])
  assert.deepEqual(namesOf(scopeOf(), 200), [])
  assert.deepEqual(namesOf(scopeOf(), 404), [])
})

test('concurrent requests keep their events separate, and outside of a request nothing is recorded', async () => {
  noteEvent('sign_in.failed')
  const [first, second] = [scopeOf(), scopeOf()]
  const { promise, resolve } = Promise.withResolvers<void>()
  await Promise.all([
    inRequestScope(first, async () => {
      await promise
      noteEvent('token.issued')
    }),
    inRequestScope(second, async () => {
      noteEvent('token.revoked')
      resolve()
    }),
  ])
  assert.deepEqual([namesOf(first, 200), namesOf(second, 200)], [['token.issued'], ['token.revoked']])
})

test('a change that was not stored is not an event', () => {
  const scope = { ...scopeOf(), events: [{ name: 'administration.changed', isStored: true } as const] }
  assert.deepEqual([namesOf(scope, 409), namesOf(scope, 201)], [[], ['administration.changed']])
})

// Run this file with --test-update-snapshots to write the document.
test('docs/reference/security-events.md lists every event', context => {
  const rows = Object.entries(securityEvents).map(([name, { details, outcome, target }]) => {
    const shown = details.map(detail => `\`${detail}\``).join(', ')
    return `| \`${name}\` | ${outcome} | ${target === '' ? 'what was changed' : target} | ${shown || '–'} |`
  })
  const document = `# Security events

The server writes each event as a line of its log, under \`securityEvent\`, and as a row of the tenant's audit log:
\`GET /api/server/v1/audit-logs?event=all\`. A refused request has exactly one event whose outcome is \`refused\`.

Every event has its time, the ids of its request and organization, its outcome, who did it (\`actor\`: a user, an application, an operator or nobody),
the client application, the target, a reason, the client's address and a hash of its user agent, as far as they are known. No event has a secret, a
token, a password or the value of a claim. A user name that was typed is a keyed hash, because people type passwords into the wrong field.

| event | outcome | target | details |
|---|---|---|---|
${rows.join('\n')}
`
  const path = join(import.meta.dirname, '../../../../../docs/reference/security-events.md')
  context.assert.fileSnapshot(document, path, { serializers: [text => text] })
})
