import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'
import { apiKey, countryDatabase, requestFrom } from './running-guard.fixture.ts'

function run(t: TestContext, environment: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=@preflow/source', join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  for await (const chunk of stream ?? []) text += chunk
  return text
}

/** Its message when it does not start. */
async function refusal(t: TestContext, environment: Record<string, string>): Promise<string> {
  const child = run(t, environment)
  const [said, [code]] = await Promise.all([textOf(child.stderr), once(child, 'exit')])
  assert.equal(code, 1)
  assert.match(said, /^token-guard does not start:\n/)
  assert.doesNotMatch(said, /\n\s+at /, 'a sentence, not a stack')
  return said
}

const alone = { TOKEN_GUARD_CALLER: 'none', TOKEN_GUARD_REPUTATION: 'off', TOKEN_GUARD_PORT: '0' }

async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'token-guard-'))
  t.after(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

test('it does not start without a configuration, and states what to set', async t => {
  assert.match(await refusal(t, {}), /TOKEN_GUARD_CALLER: missing\./)
})

test('it does not start with a configuration file that is missing, broken, or has unknown settings', async t => {
  const folder = await folderWith(t, {
    'broken.json': '{',
    'list.json': '[]',
    'unknown.json': '{"blockdCountries":[]}',
  })
  for (const [file, sentence] of [
    ['missing.json', /TOKEN_GUARD_CONFIG: .*missing\.json cannot be read \(ENOENT\)/],
    ['broken.json', /TOKEN_GUARD_CONFIG: .*broken\.json is not JSON\. Set it to a file with one JSON object/],
    ['list.json', /must hold one JSON object of settings/],
    ['unknown.json', /blockdCountries: not a setting/],
  ] as const) {
    assert.match(await refusal(t, { ...alone, TOKEN_GUARD_CONFIG: join(folder, file) }), sentence)
  }
})

test('it does not start with a country database that is missing or broken', async t => {
  const folder = await folderWith(t, { 'broken.mmdb': 'not a database' })
  const countries = { ...alone, TOKEN_GUARD_BLOCKED_COUNTRIES: 'KP' }
  assert.match(await refusal(t, countries), /TOKEN_GUARD_COUNTRY_DATABASE: missing\. Countries are configured/)
  for (const [file, sentence] of [
    ['missing.mmdb', /missing\.mmdb cannot be read \(ENOENT\)\. Specify an existing \.mmdb file/],
    ['broken.mmdb', /broken\.mmdb is not a country database/],
  ] as const) {
    assert.match(await refusal(t, { ...countries, TOKEN_GUARD_COUNTRY_DATABASE: join(folder, file) }), sentence)
  }
})

test('it does not start on a port that is in use', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const said = await refusal(t, { ...alone, TOKEN_GUARD_PORT: String(port) })
  assert.match(said, /The port is in use\. Stop what listens there or choose another port\./)
})

test('it starts, decides, writes one line per decision without the payload, and stops on a signal', async t => {
  const standIn = await startReputationStandIn()
  t.after(() => standIn.close())
  const folder = await folderWith(t, {
    'config.json': JSON.stringify({ countryDatabase, blockedCountries: ['KP'], caller: 'api-key', port: 0 }),
  })
  const child = run(t, {
    TOKEN_GUARD_CONFIG: join(folder, 'config.json'),
    TOKEN_GUARD_CALLER_SECRETS: apiKey,
    ABUSEIPDB_API_KEY: 'key of the service',
    ABUSEIPDB_URL: standIn.url,
  })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const nextLine = async () => JSON.parse((await lines.next()).value as string) as Record<string, unknown>
  let line = await nextLine()
  if (line['event'] === 'warning') {
    assert.match(String(line['message']), /days old/)
    line = await nextLine()
  }
  assert.equal(line['event'], 'listening')
  const url = String(line['url'])

  assert.equal((await fetch(`${url}/livez`)).status, 200)
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
  const post = async (address: string) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      body: JSON.stringify(requestFrom(address)),
    })
    return (await response.json()) as { failureDescription?: string; actionStatus: string }
  }
  assert.equal((await post('175.45.176.0')).failureDescription, 'Access token issuance is blocked from your region KP.')
  const { time, durationMs, ...rest } = await nextLine()
  assert.ok(Date.parse(String(time)) > 0 && Number(durationMs) > 0)
  assert.deepEqual(rest, {
    level: 'info',
    event: 'decision',
    decision: 'deny',
    status: 200,
    operations: [],
    reports: [],
    requestId: 'rq-1',
    actionType: 'PRE_ISSUE_ACCESS_TOKEN',
    why: 'lifetime: kept; source address: public IPv4; country: blocked',
    reason: 'access_denied',
  })

  // The process gets the signal while a decision waits for the reputation service. The decision is still answered.
  standIn.setFault('slow')
  const inFlight = post('14.102.69.58')
  await standIn.asked()
  child.kill('SIGTERM')
  assert.equal((await nextLine())['event'], 'stopping')
  assert.equal((await inFlight).actionStatus, 'ERROR')
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  assert.equal(code, 0)
})
