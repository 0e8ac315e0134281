/** The identity server over the embedded database with many users and groups, for searches through SCIM. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { completeConfiguration, createLog, createServer } from '@preflow/server'

const USERS = Number(process.argv[2])
const GROUPS = USERS / 100
const adminPassword = 'bench-administrator-1'
const dataFolder = await mkdtemp(join(tmpdir(), 'preflow-bench-'))

const open = () =>
  createServer(completeConfiguration({ port: 0, dataFolder, adminPassword, logLevel: 'info' }), {
    ...{ now: Date.now, newId: randomUUID, randomBytes, log: createLog('info', { write: () => true }) },
    // The subject is the search and not the check of the caller's password.
    passwordCost: { cost: 16, blockSize: 1, parallelization: 1 },
  })

await (await open()).close()
fill()
const startedAt = performance.now()
const server = await open()
const indexMs = performance.now() - startedAt
await server.listen()
process.stdout.write(
  `${JSON.stringify({
    url: server.address,
    headers: { authorization: `Basic ${Buffer.from(`admin:${adminPassword}`).toString('base64')}` },
    indexMs,
  })}\n`,
)
process.once('SIGTERM', async () => {
  await server.close()
  await rm(dataFolder, { recursive: true })
})

/** Writes the users as rows. The next start builds their index, as after an upgrade. */
function fill(): void {
  const database = new DatabaseSync(join(dataFolder, 'preflow.db'))
  const { tenant, organization } = database
    .prepare('select id as tenant, root_organization_id as organization from tenants')
    .get() as { tenant: string; organization: string }
  const addUser = database.prepare(`insert into users
    (id, tenant_id, organization_id, user_name, user_name_key, document, is_active, created_at, updated_at, number)
    values (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`)
  const addGroup = database.prepare(`insert into "groups"
    (id, tenant_id, organization_id, name, name_key, created_at, updated_at) values (?, ?, ?, ?, ?, 1, 1)`)
  const addMember = database.prepare('insert or ignore into group_members (group_id, user_id) values (?, ?)')
  database.exec('begin')
  for (let group = 0; group < GROUPS; group++) {
    addGroup.run(`g${group}`, tenant, organization, `Group ${group}`, `group ${group}`)
  }
  for (let index = 0; index < USERS; index++) {
    const name = `user${index}`
    addUser.run(
      ...[`id-${index}`, tenant, organization, name, name, JSON.stringify(documentOf(index)), index, index, index + 10],
    )
    for (const factor of [1, 7, 31]) addMember.run(`g${(index * factor) % GROUPS}`, `id-${index}`)
  }
  database.exec(`delete from store_facts where name = 'user-index'; commit`)
  database.close()
}

function documentOf(index: number): object {
  return {
    externalId: `e-${index}`,
    name: { givenName: `Given${index % 500}`, familyName: `Family${index % 2000}`, formatted: `Given Family ${index}` },
    displayName: `Display ${index}`,
    title: `Title ${index % 7}`,
    emails: [
      { value: `user${index}@work.example`, type: 'work', primary: true },
      { value: `user${index}@home.example`, type: 'home' },
    ],
    phoneNumbers: [{ value: `+49${index}`, type: 'mobile' }],
    addresses: [{ type: 'work', locality: `City ${index % 100}`, country: 'DE' }],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
      ...{
        employeeNumber: String(index),
        department: `Department ${index % 50}`,
        manager: { value: `id-${index % 900}` },
      },
    },
  }
}
