import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { completeConfiguration } from '../../configuration.ts'
import { createLog } from '../../ground/observe/log.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { TEST_PASSWORD_COST } from '../../ground/store/password-cost.fixture.ts'
import { verifyPassword } from '../../ground/store/users.ts'
import { createServer } from '../../server.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

/** One entry point that sets a password. */
interface Entry {
  title: string
  /** `userName` is the name of the user whose password is set. */
  set(password: string): Promise<{ status: number; body: string }>
  userName: string
  /** Minimum number of characters. Default 8. */
  minLength?: number
}

const PASSWORD = 'seven-otters-in-a-canoe'
const ANN = 'ann.the.diver@example.com'
const BEA = 'bea-the-diver'
const ADMIN = 'the.second.administrator'

let world: World
let extension: Extension
let manager: User
let admin: User
let ann: User
let machine: Application

before(async () => {
  extension = await startExtension()
  world = await startWorld()
  manager = await world.addUser({ userName: 'boss', isAdministrator: true }, PASSWORD)
  admin = await world.addUser({ userName: ADMIN, isAdministrator: true }, PASSWORD)
  ann = await world.addUser({ userName: ANN }, PASSWORD)
  machine = await world.addApplication({ grantTypes: ['password'] }, ['internal_user_password_update'])
  await world.addAction('PRE_UPDATE_PASSWORD', extension.url)
})
after(async () => {
  await world.close()
  await extension.close()
})

const basic = (userName: string, password: string) =>
  `Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`

async function send(method: string, url: string, authorization: string, body: object) {
  const response = await fetch(url, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.text() }
}

const patchOf = (password: string) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path: 'password', value: password }],
})
const asManager = (method: string, path: string, body: object) =>
  send(method, world.base + path, basic(manager.userName, PASSWORD), body)

const entries: Entry[] = [
  {
    title: 'POST /scim2/Users',
    userName: 'new-user',
    set: password => asManager('POST', '/scim2/Users', { userName: 'new-user', password }),
  },
  {
    title: 'PUT /scim2/Users/{id}',
    userName: ANN,
    set: password => asManager('PUT', `/scim2/Users/${ann.id}`, { userName: ann.userName, password }),
  },
  {
    title: 'PATCH /scim2/Users/{id}',
    userName: ANN,
    set: password => asManager('PATCH', `/scim2/Users/${ann.id}`, patchOf(password)),
  },
  {
    title: 'PATCH /scim2/Users/{id} of an administrator',
    minLength: 15,
    userName: ADMIN,
    set: password => asManager('PATCH', `/scim2/Users/${admin.id}`, patchOf(password)),
  },
  {
    title: 'PATCH /scim2/Me',
    userName: ANN,
    set: async password => {
      const user = await world.addUser({ userName: `ann-${randomUUID()}` }, PASSWORD)
      // The user name is tried in upper case.
      const given = password === ANN.toUpperCase() ? user.userName : password
      return send('PATCH', `${world.base}/scim2/Me`, basic(user.userName, PASSWORD), patchOf(given))
    },
  },
  {
    title: 'change-password',
    userName: BEA,
    set: async password => {
      const user = await world.addUser({ userName: `bea-${randomUUID()}` }, PASSWORD)
      // The user name is tried in upper case.
      const newPassword = password === BEA.toUpperCase() ? user.userName : password
      const { body } = await world.token(machine, {
        grant_type: 'password',
        username: user.userName,
        password: PASSWORD,
        scope: 'internal_user_password_update',
      })
      return send('POST', `${world.base}/api/users/v1/me/change-password`, `Bearer ${body.access_token}`, {
        currentPassword: PASSWORD,
        newPassword,
      })
    },
  },
  {
    title: 'the page of an invitation',
    userName: ANN,
    set: async password => {
      const { body: link } = await asManager('POST', '/api/users/v1/offline-invite-link', { username: ann.userName })
      const url = new URL(link)
      const response = await fetch(url, {
        method: 'POST',
        body: new URLSearchParams({
          invitation: url.searchParams.get('invitation') ?? '',
          password,
          again: password,
        }),
      })
      return { status: response.status, body: await response.text() }
    },
  },
  {
    title: 'the owner of a new tenant',
    minLength: 15,
    userName: 'the.owner.of.the.new.tenant',
    set: password =>
      send('POST', `${world.server.address}/api/server/v1/tenants`, basic('admin', 'admin-of-the-test'), {
        domain: `t-${randomBytes(4).toString('hex')}.example`,
        owners: [{ username: 'the.owner.of.the.new.tenant', password }],
      }),
  },
  {
    title: 'the first start',
    minLength: 15,
    userName: 'admin',
    async set(password) {
      const folder = await mkdtemp(join(tmpdir(), 'preflow-'))
      try {
        const configuration = completeConfiguration({ port: 0, dataFolder: folder, adminPassword: password })
        const log = createLog('silent')
        const ports = { now: Date.now, newId: randomUUID, randomBytes, log, passwordCost: TEST_PASSWORD_COST }
        const server = await createServer(configuration, ports)
        await server.close()
        return { status: 200, body: '' }
      } catch (error) {
        assert.match((error as Error).name, /^(Operator|Configuration)Error$/)
        return { status: 400, body: (error as Error).message }
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  },
]

for (const { minLength = 8, set, title, userName } of entries) {
  describe(title, () => {
    const tooShort = 'x0-Ü9'.repeat(4).slice(0, minLength - 1)
    const weak: [what: string, password: string, sentence: RegExp][] = [
      ['one letter', 'B', /at least (8|15) characters/],
      ['a blank', ' ', /at least (8|15) characters/],
      [`${minLength - 1} characters`, tooShort, new RegExp(`at least ${minLength} characters`)],
      ['a word of the operator', 'my-PREFLOW-account', /a word that is easy to guess/],
      ['1,025 characters', 'é'.repeat(1025), /at most 1024/],
      ['a control character', 'seven otters\tin a canoe', /control characters/],
    ]
    if (minLength === 8) weak.push(['a common password', 'Password1', /most common/])
    if (userName.length >= minLength) weak.push(['the user name', userName.toUpperCase(), /the user name/])

    for (const [what, password, sentence] of weak) {
      test(`AZ-48: ${title} refuses ${what}, and calls no extension`, async () => {
        const before = extension.calls.length
        const { body, status } = await set(password)
        assert.equal(status, 400, body)
        assert.match(body, sentence)
        if (password.length > 1) assert.ok(!body.includes(password), 'the password is not in the answer')
        assert.equal(extension.calls.length, before)
      })
    }

    test(`AZ-48: ${title} accepts ${minLength}, 64 and 1,024 characters of every kind`, async () => {
      for (const length of [minLength, 64, 1024]) {
        const { body, status } = await set('x0-Ü9 z7'.repeat(128).slice(0, length))
        // The next one is another user.
        if (title === 'POST /scim2/Users') {
          const { id } = JSON.parse(body)
          await fetch(`${world.base}/scim2/Users/${id}`, {
            method: 'DELETE',
            headers: { authorization: basic(manager.userName, PASSWORD) },
          })
        }
        assert.ok(status >= 200 && status < 300, `${length}: ${status} ${body}`)
      }
    })
  })
}

test('AZ-48: the problem has the form of each protocol', async () => {
  const scim = JSON.parse((await asManager('PATCH', `/scim2/Users/${ann.id}`, patchOf('short'))).body)
  assert.equal(scim.scimType, 'invalidValue')
  const change = await entries.find(({ title }) => title === 'change-password')?.set('short')
  assert.equal(JSON.parse(change?.body ?? '').code, 'PWD-10003')
  const owner = await entries.find(({ title }) => title.startsWith('the owner'))?.set('short')
  assert.equal(JSON.parse(owner?.body ?? '').code, 'UE-10000')
})

test('AZ-48: a refused password keeps the old one', async () => {
  const user = await world.addUser({}, PASSWORD)
  await asManager('PATCH', `/scim2/Users/${user.id}`, patchOf('Password1'))
  assert.ok(await verifyPassword(world.db, world.tenant.id, user.userName, PASSWORD))
})

test('an operator can configure the rules', async context => {
  const relaxed = await startWorld({
    passwordMinLength: 3,
    passwordMinLengthManagement: 3,
    refusesCommonPasswords: false,
    passwordWords: [],
  })
  context.after(() => relaxed.close())
  await relaxed.addUser({ userName: 'boss', isAdministrator: true }, PASSWORD)
  for (const [password, status] of [
    ['ab', 400],
    ['abc', 200],
    ['password1', 200],
    ['preflow', 200],
  ] as const) {
    const user = await relaxed.addUser()
    const url = `${relaxed.base}/scim2/Users/${user.id}`
    assert.equal((await send('PATCH', url, basic('boss', PASSWORD), patchOf(password))).status, status, password)
  }
})

test('a server with an administrator starts with any configured password', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-'))
  context.after(() => rm(folder, { recursive: true }))
  const start = async (adminPassword: string) => {
    const configuration = completeConfiguration({ port: 0, dataFolder: folder, adminPassword })
    const log = createLog('silent')
    const server = await createServer(configuration, {
      ...{ now: Date.now, newId: randomUUID, randomBytes, log, passwordCost: TEST_PASSWORD_COST },
    })
    await server.close()
  }
  await start('seven-otters-in-a-canoe')
  await start('short')
})
