import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { insertApplication } from '../../ground/store/applications.ts'
import { openDatabase } from '../../ground/store/database.ts'
import { createSeal } from '../../ground/store/sealed-secrets.ts'
import { FIRST_TENANT, findTenantById } from '../../ground/store/tenants.ts'

const CHAINS = 6
const ACKNOWLEDGED_BEFORE_THE_KILL = 40
/** Every second chain stops after this number. Its last token must survive the kill, which comes while others write. */
const LENGTH_OF_RESTING_CHAINS = 3

const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** The server in its own process, as an operator runs it. */
async function startProcess(environment: Record<string, string>): Promise<{ child: ChildProcess; address: string }> {
  const main = join(import.meta.dirname, '..', '..', 'main.ts')
  const child = spawn(process.execPath, ['--conditions=@preflow/source', main], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number }
    if (msg !== 'listening') continue
    child.stdout?.resume()
    return { child, address: `http://127.0.0.1:${port}` }
  }
  throw new Error('the server ended before it listened')
}

test('kill -9 during many refreshes loses nothing that was acknowledged, and no refresh token works twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-kill-'))
  const sealKey = randomBytes(32)
  const environment = {
    PREFLOW_DATA: folder,
    PREFLOW_SEAL_KEY: sealKey.toString('base64'),
    PREFLOW_ADMIN_PASSWORD: 'admin-of-the-test',
    PREFLOW_PORT: '0',
    // The burst is one application's.
    PREFLOW_LIMITS: 'off',
    PREFLOW_PUBLIC_URL: 'http://issuer.test',
  }
  const first = await startProcess(environment)
  const application = await register(join(folder, 'preflow.db'), sealKey)
  const ask = async (address: string, form: Record<string, string>) => {
    const basic = Buffer.from(`${application.clientId}:${application.clientSecret}`).toString('base64')
    const response = await fetch(`${address}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams(form),
    })
    return { status: response.status, body: (await response.json()) as { refresh_token: string } }
  }
  const refresh = (address: string, refresh_token: string) =>
    ask(address, { grant_type: 'refresh_token', refresh_token })

  const begin = { grant_type: 'password', username: 'admin', password: 'admin-of-the-test' }
  const chains = await Promise.all(
    Array.from({ length: CHAINS }, async (_, index) => {
      const { body } = await ask(first.address, begin)
      return { used: [] as string[], latest: body.refresh_token, rests: index % 2 === 0 }
    }),
  )
  let acknowledged = 0
  const { promise: enough, resolve: tell } = Promise.withResolvers<void>()
  const running = chains.map(async chain => {
    while (!chain.rests || chain.used.length < LENGTH_OF_RESTING_CHAINS) {
      const answer = await refresh(first.address, chain.latest).catch(() => undefined)
      // The process was killed, so the result of this request is unknown.
      if (answer?.status !== 200) return
      chain.used.push(chain.latest)
      chain.latest = answer.body.refresh_token
      acknowledged++
      if (acknowledged >= ACKNOWLEDGED_BEFORE_THE_KILL) tell()
    }
  })
  await enough
  first.child.kill('SIGKILL')
  await Promise.all(running)
  if (first.child.exitCode === null && first.child.signalCode === null) await once(first.child, 'exit')

  const second = await startProcess(environment)
  try {
    for (const chain of chains) {
      const [one, other] = await Promise.all([
        refresh(second.address, chain.latest),
        refresh(second.address, chain.latest),
      ])
      const successes = [one, other].filter(({ status }) => status === 200).length
      // An interrupted request may have used it already. A token returned before the kill must exist.
      if (chain.rests) assert.equal(successes, 1, 'an acknowledged refresh token is lost')
      else assert(successes <= 1, 'one refresh token was used twice')
    }
    for (const chain of chains) {
      for (const used of chain.used) assert.equal((await refresh(second.address, used)).status, 400)
    }
  } finally {
    second.child.kill('SIGTERM')
    await once(second.child, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
})

async function register(file: string, sealKey: Uint8Array) {
  const db = await openDatabase({ file, seal: createSeal(sealKey), now: Date.now })
  const tenant = await findTenantById(db, FIRST_TENANT.id)
  assert(tenant)
  const application = {
    id: randomUUID(),
    tenantId: tenant.id,
    name: 'burst',
    clientId: 'burst',
    clientSecret: 'secret-of-the-burst',
    isPublicClient: false,
    mustUsePkce: false,
    grantTypes: ['password', 'refresh_token'],
    callbackUrls: [],
    allowedOrigins: [],
    accessTokenType: 'JWT' as const,
    userTokenLifetimeSeconds: 300,
    applicationTokenLifetimeSeconds: 300,
    accessTokenClaims: [],
    refreshTokenLifetimeSeconds: 3600,
    renewsRefreshToken: true,
    idTokenLifetimeSeconds: 300,
    audiences: [],
    skipsConsent: true,
    isSystem: false,
    createdAt: Date.now(),
    updatedAt: Date.now(),
  }
  await insertApplication(db, application)
  await db.close()
  return application
}
