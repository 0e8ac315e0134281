import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, beforeEach, describe, test } from 'node:test'
import { completeConfiguration } from './configuration.ts'
import { createLog } from './ground/observe/log.ts'
import type { Application } from './ground/store/model.ts'
import { TEST_PASSWORD_COST } from './ground/store/password-cost.fixture.ts'
import { createServer } from './server.ts'
import { type Extension, startExtension, startWorld, type World } from './world.fixture.ts'

const strongPorts = { now: Date.now, newId: randomUUID, randomBytes, log: createLog('silent') }
const ports = { ...strongPorts, passwordCost: TEST_PASSWORD_COST }
const folders: string[] = []
async function makeTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-start-'))
  folders.push(folder)
  return folder
}
after(() => Promise.all(folders.map(folder => rm(folder, { recursive: true, force: true }))))

describe('the address of the client', () => {
  let extension: Extension
  before(async () => {
    extension = await startExtension()
  })
  after(() => extension.close())
  beforeEach(() => {
    extension.calls.length = 0
  })

  /** The event of the extension for a request with these headers. */
  async function toldBy(world: World, application: Application, headers: Record<string, string>) {
    const { status } = await world.token(application, { grant_type: 'client_credentials' }, headers)
    assert.equal(status, 200)
    const list: { name: string; value: string[] }[] = extension.calls.at(-1)?.body.event.request.additionalHeaders
    return Object.fromEntries(list.map(({ name, value }) => [name, value.join(' | ')]))
  }

  async function startBehind(trustedProxies: string[], addressHeader = 'x-forwarded-for') {
    const world = await startWorld({ trustedProxies, addressHeader })
    await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
    return { world, application: await world.addApplication() }
  }

  test('an untrusted peer cannot forge it with any header', async () => {
    const { world, application } = await startBehind([])
    try {
      const told = await toldBy(world, application, {
        'x-client-source-ip': '175.45.176.0',
        'x-forwarded-for': '175.45.176.0',
        forwarded: 'for=175.45.176.0',
        'x-real-ip': '175.45.176.0',
      })
      assert.equal(told['x-client-source-ip'], '127.0.0.1')
      assert.deepEqual(
        [told['x-forwarded-for'], told['forwarded'], told['x-real-ip']],
        [undefined, undefined, undefined],
      )
    } finally {
      await world.close()
    }
  })

  test('AZ-37: one header of a trusted proxy is accepted, and every other that clients can set is removed', async () => {
    const { world, application } = await startBehind(['127.0.0.0/8', '10.0.0.0/8'])
    try {
      const rows: [headers: Record<string, string>, address: string][] = [
        [{ 'x-client-source-ip': '6.6.6.6', forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6' }, '127.0.0.1'],
        [{ 'x-client-source-ip': '6.6.6.6', 'x-forwarded-for': '198.51.100.7' }, '198.51.100.7'],
        // The client can write everything left of the right-most address that is not a proxy.
        [{ 'x-forwarded-for': '6.6.6.6, 198.51.100.7, 10.1.2.3' }, '198.51.100.7'],
        [{ 'x-forwarded-for': '198.51.100.7:4711' }, '198.51.100.7'],
        [{ 'x-forwarded-for': '[2001:db8::1]:4711' }, '2001:db8::1'],
        [{ 'x-forwarded-for': '::ffff:198.51.100.7' }, '198.51.100.7'],
        // All are proxies, so the request comes from the first.
        [{ 'x-forwarded-for': '10.9.9.9, 10.1.2.3' }, '10.9.9.9'],
        [{}, '127.0.0.1'],
        [{ 'x-forwarded-for': '198.51.100.7, garbage' }, '127.0.0.1'],
      ]
      for (const [headers, address] of rows) {
        const told = await toldBy(world, application, headers)
        assert.equal(told['x-client-source-ip'], address, JSON.stringify(headers))
        assert.deepEqual([told['forwarded'], told['x-real-ip']], [undefined, undefined])
      }
    } finally {
      await world.close()
    }
  })

  for (const [addressHeader, headers, address] of [
    ['forwarded', { forwarded: 'for=6.6.6.6, for="[2001:db8::7]:4711";proto=https, for=10.1.2.3' }, '2001:db8::7'],
    ['x-client-source-ip', { 'x-client-source-ip': '205.210.31.51', 'x-forwarded-for': '1.2.3.4' }, '205.210.31.51'],
    ['x-client-source-ip', { 'x-client-source-ip': 'garbage', 'x-forwarded-for': '1.2.3.4' }, '127.0.0.1'],
  ] as const) {
    test(`AZ-37: the operator can configure ${addressHeader}, which then reports ${address}`, async () => {
      const { world, application } = await startBehind(['127.0.0.0/8', '10.0.0.0/8'], addressHeader)
      try {
        const told = await toldBy(world, application, headers)
        assert.equal(told['x-client-source-ip'], address)
        assert.equal(told['x-forwarded-for'], undefined)
      } finally {
        await world.close()
      }
    })
  }

  test('if a proxy adds its header to the client’s, the proxy’s value counts', async () => {
    const { world, application } = await startBehind(['127.0.0.0/8'], 'x-client-source-ip')
    try {
      const { clientId, clientSecret } = application
      const request = httpRequest(`${world.base}/oauth2/token`, {
        method: 'POST',
        auth: `${clientId}:${clientSecret}`,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'x-client-source-ip': ['6.6.6.6', '198.51.100.7'],
        },
      })
      request.end('grant_type=client_credentials')
      const [response] = await once(request, 'response')
      response.resume()
      assert.equal(response.statusCode, 200)
      const told: { name: string; value: string[] }[] = extension.calls.at(-1)?.body.event.request.additionalHeaders
      assert.deepEqual(told.find(({ name }) => name === 'x-client-source-ip')?.value, ['198.51.100.7'])
    } finally {
      await world.close()
    }
  })
})

test('AZ-43: every address that the server writes begins with its public URL, regardless of what a client or proxy reports', async () => {
  const world = await startWorld({ publicUrl: 'https://id.example.com' })
  try {
    const url = `http://127.0.0.1:${world.port}`
    const boss = await world.addUser({ isAdministrator: true }, 'a long enough password')
    const ann = await world.addUser()
    const authorization = `Basic ${Buffer.from(`${boss.userName}:a long enough password`).toString('base64')}`
    for (const proto of ['http', 'https']) {
      const headers = { authorization, 'content-type': 'application/json', 'x-forwarded-proto': proto }
      const post = (path: string, body: object) =>
        fetch(`${url}/t/${world.tenant.domain}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      const invited = await post('/api/users/v1/offline-invite-link', { username: ann.userName })
      assert.match(await invited.text(), /^https:\/\/id\.example\.com\/t\/[^/]+\/set-password/)
      const created = await post('/api/server/v1/applications', { name: `Shop ${proto}` })
      assert.match(created.headers.get('location') ?? '', /^https:\/\/id\.example\.com\/t\//)
      assert.equal(created.headers.get('strict-transport-security'), 'max-age=31536000')
    }
  } finally {
    await world.close()
  }
})

describe('paths', () => {
  let world: World
  before(async () => {
    world = await startWorld()
  })
  after(() => world.close())

  const get = async (path: string, headers = {}) => {
    const response = await fetch(world.server.address + path, { headers })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  test('the first tenant is served at the root, others below /t/', async () => {
    const root = await get('/oauth2/token/.well-known/openid-configuration')
    assert.equal(root.body['issuer'], `${world.server.address}/oauth2/token`)
    assert.equal(root.body['token_endpoint'], `${world.server.address}/oauth2/token`)
    for (const path of ['/oauth2/token/.well-known/openid-configuration', '/.well-known/openid-configuration']) {
      const { body } = await get(`/t/${world.tenant.domain}${path}`)
      assert.equal(body['issuer'], `${world.base}/oauth2/token`)
      assert.equal(body['authorization_endpoint'], `${world.base}/oauth2/authorize`)
      assert.equal(body['end_session_endpoint'], `${world.base}/oidc/logout`)
    }
  })

  test('no header changes the addresses that the server writes', async () => {
    const { body } = await get('/.well-known/openid-configuration', {
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
    })
    assert.equal(body['token_endpoint'], `${world.server.address}/oauth2/token`)
  })

  test('an organization has its own issuer', async () => {
    const path = `/t/${world.tenant.domain}/o/${world.organization.handle}`
    // The handle of the root organization selects the tenant itself.
    assert.equal((await get(`${path}/.well-known/openid-configuration`)).body['issuer'], `${world.base}/oauth2/token`)
  })

  test('an unknown tenant, organization or path is 404 with a sentence', async () => {
    for (const path of [
      '/t/nobody/oauth2/jwks',
      `/t/${world.tenant.domain}/o/nobody/oauth2/jwks`,
      '/nothing',
      '/t/%',
    ]) {
      const { status, body } = await get(path)
      assert.equal(status, 404)
      assert.equal(typeof body['error_description'], 'string')
    }
  })

  test('a method that an endpoint does not support is 404 with a sentence, also below a tenant', async () => {
    const { status, body } = await get(`/t/${world.tenant.domain}/oauth2/token`)
    assert.equal(status, 404)
    assert.deepEqual(body, {
      error: 'not_found',
      error_description: 'There is no GET endpoint at this path. Check the method and the path.',
    })
    assert.equal((await get(`/t/${world.tenant.domain}/oauth2/nothing`)).status, 404)
  })

  test('its address returns a page to people and a list of links to programs, at the root and at a tenant', async () => {
    for (const prefix of ['', `/t/${world.tenant.domain}`]) {
      const { body } = await get(`${prefix}/`)
      assert.equal(body['discovery'], `${prefix}/.well-known/openid-configuration`)
      for (const path of [body['discovery'], body['management'], body['scim']]) {
        assert.equal((await get(String(path))).status, 200, String(path))
      }
      const page = await fetch(`${world.server.address}${prefix}`, { headers: { accept: 'text/html' } })
      assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
      const text = await page.text()
      assert.ok(text.includes(`href="${prefix}/api/server/v1/openapi.json"`), text)
    }
    const posted = await fetch(world.server.address, { method: 'POST' })
    assert.equal(posted.status, 404)
    await posted.body?.cancel()
  })

  test('it reports that it is alive and ready', async () => {
    assert.deepEqual(await get('/livez'), { status: 200, body: { status: 'alive' } })
    assert.deepEqual(await get('/readyz'), { status: 200, body: { status: 'ready' } })
  })

  test('the management API answers for its tenant, to the administrator and to an access token', async () => {
    const admin = { authorization: `Basic ${Buffer.from('admin:admin-of-the-test').toString('base64')}` }
    const types = await fetch(`${world.base}/api/server/v1/actions/types`, { headers: admin })
    assert.equal(types.status, 200)
    await types.body?.cancel()
    assert.equal((await get(`/t/${world.tenant.domain}/api/server/v1/actions/types`)).status, 401)

    const tool = await world.addApplication({}, ['internal_action_mgt_view'])
    const { body } = await world.token(tool, { grant_type: 'client_credentials', scope: 'internal_action_mgt_view' })
    const bearer = { authorization: `Bearer ${body.access_token}` }
    assert.equal((await get(`/t/${world.tenant.domain}/api/server/v1/actions/types`, bearer)).status, 200)
    await world.post('/oauth2/revoke', tool, { token: body.access_token })
    assert.equal((await get(`/t/${world.tenant.domain}/api/server/v1/actions/types`, bearer)).status, 401)
  })

  test('a management body that is too large is refused, with and without a length', async () => {
    const headers = {
      authorization: `Basic ${Buffer.from('admin:admin-of-the-test').toString('base64')}`,
      'content-type': 'application/json',
    }
    const body = JSON.stringify({ name: 'x'.repeat(2_000_000) })
    const url = `${world.base}/api/server/v1/applications`
    assert.equal((await fetch(url, { method: 'POST', headers, body })).status, 413)
    const stream = new Response(body).body
    const chunked = await fetch(url, { method: 'POST', headers, body: stream, duplex: 'half' } as RequestInit)
    assert.equal(chunked.status, 413)
  })

  test('a token request that is malformed, of another media type or too large gets an OAuth error', async () => {
    const url = `${world.base}/oauth2/token`
    const json = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
    const large = await fetch(url, { method: 'POST', body: new URLSearchParams({ grant_type: 'x'.repeat(100_000) }) })
    const twice = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams('grant_type=a&grant_type=b&client_id=c'),
    })
    for (const [response, status, error] of [
      [json, 400, 'invalid_request'],
      [large, 400, 'invalid_request'],
      [twice, 401, 'invalid_client'],
    ] as const) {
      assert.deepEqual([response.status, ((await response.json()) as { error: string }).error], [status, error])
    }
  })
})

describe('start and stop', () => {
  test('the first start creates a key that only its owner can read, and shows a password once', async () => {
    const dataFolder = join(await makeTemporaryFolder(), 'below', 'data')
    const configuration = completeConfiguration({ port: 0, dataFolder })
    const first = await createServer(configuration, ports)
    assert.match(first.generatedAdminPassword ?? '', /^[\w-]{24}$/)
    await first.listen()
    const headers = {
      authorization: `Basic ${Buffer.from(`admin:${first.generatedAdminPassword}`).toString('base64')}`,
    }
    const answer = await fetch(`${first.address}/api/server/v1/actions/types`, { headers })
    assert.equal(answer.status, 200)
    await answer.body?.cancel()
    await first.close()
    assert.equal((await stat(join(dataFolder, 'seal.key'))).mode & 0o777, 0o600)
    assert.equal(Buffer.from(await readFile(join(dataFolder, 'seal.key'), 'utf8'), 'base64').byteLength, 32)

    const second = await createServer(configuration, ports)
    assert.equal(second.generatedAdminPassword, undefined)
    await second.close()
  })

  test('passwords are hashed at full strength, which no setting lowers', async () => {
    const dataFolder = await makeTemporaryFolder()
    const configuration = { ...completeConfiguration({ port: 0, dataFolder }), passwordCost: TEST_PASSWORD_COST }
    const server = await createServer(configuration, strongPorts)
    await server.close()
    const database = new DatabaseSync(join(dataFolder, 'preflow.db'))
    const row = database.prepare('select password from users').get()
    database.close()
    assert.match(String(row?.['password']), /^scrypt\.32768\.8\.3\./)
  })

  test('a port in use is an error with advice', async () => {
    const other = createHttpServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const server = await createServer(completeConfiguration({ port, dataFolder: await makeTemporaryFolder() }), ports)
    await assert.rejects(server.listen(), {
      name: 'StartError',
      message: `Port ${port} is in use. Stop the program that uses it, or set PREFLOW_PORT to another port (0 selects a free one).`,
    })
    await server.close()
    other.close()
  })

  test('a broken database, a broken key and a folder that is a file are errors with advice', async () => {
    const broken = await makeTemporaryFolder()
    await writeFile(join(broken, 'preflow.db'), 'this is not a database, only a string that is long enough')
    await assert.rejects(createServer(completeConfiguration({ port: 0, dataFolder: broken }), ports), {
      name: 'DatabaseError',
      message: /not a database.*Nothing was changed/s,
    })
    const keyless = await makeTemporaryFolder()
    await writeFile(join(keyless, 'seal.key'), 'short')
    await assert.rejects(createServer(completeConfiguration({ port: 0, dataFolder: keyless }), ports), {
      name: 'StartError',
      message: /does not contain a sealing key/,
    })
    const file = join(await makeTemporaryFolder(), 'file')
    await writeFile(file, '')
    await assert.rejects(createServer(completeConfiguration({ port: 0, dataFolder: file }), ports), {
      name: 'StartError',
      message: /PREFLOW_DATA/,
    })
  })

  test('a folder that the system refuses to create is an error, not an endless wait', {
    skip: process.platform !== 'linux' && 'only Linux has /proc',
    timeout: 10_000,
  }, async () => {
    for (const dataFolder of ['/proc/preflow', '/proc/preflow/data']) {
      await assert.rejects(createServer(completeConfiguration({ port: 0, dataFolder }), ports), {
        name: 'StartError',
        message: `The data folder ${dataFolder} cannot be used: a folder cannot be created there. Set PREFLOW_DATA to another folder.`,
      })
    }
  })

  test('a lost key is an error with advice, and no other key replaces it', async () => {
    const dataFolder = await makeTemporaryFolder()
    const configuration = completeConfiguration({ port: 0, dataFolder })
    await (await createServer(configuration, ports)).close()
    const key = await readFile(join(dataFolder, 'seal.key'), 'utf8')
    await rm(join(dataFolder, 'seal.key'))
    const kept = await readFile(join(dataFolder, 'preflow.db'))
    await assert.rejects(createServer(configuration, ports), {
      name: 'StartError',
      message: `The sealing key ${join(dataFolder, 'seal.key')} is missing, but the database was sealed with one. Restore the file from a copy, or set PREFLOW_SEAL_KEY to its content. To start without this data, name another folder or database. Nothing was changed.`,
    })
    assert.deepEqual(await readdir(dataFolder), ['preflow.db'])
    assert.deepEqual(await readFile(join(dataFolder, 'preflow.db')), kept)
    await (await createServer({ ...configuration, sealKey: key.trim() }, ports)).close()
  })

  test('an empty key file of a killed start is replaced if nothing is sealed yet', async () => {
    const dataFolder = await makeTemporaryFolder()
    await writeFile(join(dataFolder, 'seal.key'), '')
    const configuration = completeConfiguration({ port: 0, dataFolder })
    await (await createServer(configuration, ports)).close()
    assert.deepEqual((await readdir(dataFolder)).sort(), ['preflow.db', 'seal.key'])
    await (await createServer(configuration, ports)).close()
    await writeFile(join(dataFolder, 'seal.key'), '')
    await assert.rejects(createServer(configuration, ports), { message: /does not contain a sealing key/ })
  })

  test('no key is created for an unusable database', async () => {
    const dataFolder = await makeTemporaryFolder()
    await writeFile(join(dataFolder, 'preflow.db'), 'this is not a database, only a string that is long enough')
    await assert.rejects(createServer(completeConfiguration({ port: 0, dataFolder }), ports))
    assert.deepEqual(await readdir(dataFolder), ['preflow.db'])
  })

  test('two servers that start together on one folder create one key and one administrator', async () => {
    const dataFolder = await makeTemporaryFolder()
    const configuration = completeConfiguration({ port: 0, dataFolder })
    const servers = await Promise.all([createServer(configuration, ports), createServer(configuration, ports)])
    assert.equal(servers.filter(({ generatedAdminPassword }) => generatedAdminPassword !== undefined).length, 1)
    await Promise.all(servers.map(server => server.close()))
  })

  test('close lets a request in progress finish and refuses new ones', async () => {
    const world = await startWorld()
    const extension = await startExtension()
    await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
    const application = await world.addApplication()
    const { promise: asked, resolve: tell } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    extension.answer(async () => {
      tell()
      await released
      return { body: { actionStatus: 'SUCCESS' } }
    })
    const pending = world.token(application, { grant_type: 'client_credentials' })
    await asked
    const closed = world.server.close()
    await assert.rejects(fetch(`${world.server.address}/livez`))
    release()
    assert.equal((await pending).status, 200)
    await closed
    await world.close()
    await extension.close()
  })

  test('a client that sends its headers too slowly is disconnected', async () => {
    const world = await startWorld({ requestTimeoutMs: 1000 })
    const { hostname, port } = new URL(world.server.address)
    const socket = connect(Number(port), hostname)
    socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n')
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk
    })
    await once(socket, 'close')
    assert.match(answer, /^HTTP\/1\.1 408/)
    await world.close()
  })
})

test('AZ-28: an action that denies everyone still gives the administrator a token for the management API, and no other token', async () => {
  const world = await startWorld()
  const extension = await startExtension()
  await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
  extension.answer(() => ({ body: { actionStatus: 'FAILED', failureReason: 'access_denied' } }))
  const scope = 'internal_action_mgt_update'
  const tool = await world.addApplication({ grantTypes: ['client_credentials', 'password'] }, [scope, 'cart.read'])
  const boss = await world.addUser({ isAdministrator: true })
  const form = { grant_type: 'password', username: boss.userName, password: 'correct horse' }
  assert.equal((await world.token(tool, { ...form, scope })).status, 200)
  assert.equal(extension.calls.length, 0)
  for (const denied of [
    form,
    { ...form, scope: `${scope} cart.read` },
    { grant_type: 'client_credentials', scope },
    { grant_type: 'client_credentials', scope: `${scope} cart.read` },
  ]) {
    assert.equal((await world.token(tool, denied)).body.error, 'access_denied', JSON.stringify(denied))
  }
  await world.close()
  await extension.close()
})
