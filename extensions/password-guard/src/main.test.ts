import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sampleRequest } from '@preflow/extension/testing'
import { CompactEncrypt, exportPKCS8, generateKeyPair } from 'jose'
import { startRangeStandIn } from './range-stand-in.ts'

const folder = await mkdtemp(join(tmpdir(), 'password-guard-main-'))
after(() => rm(folder, { recursive: true }))

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const key = 'a-key-of-the-platform'

/** Runs main.ts as an operator does, with only these variables. */
function run(environment: Record<string, string>): {
  child: ChildProcessWithoutNullStreams
  output: { text: string; errors: string }
  ended: Promise<number | null>
} {
  const child = spawn(process.execPath, ['--conditions=@preflow/source', main], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...environment },
  })
  const output = { text: '', errors: '' }
  child.stdout.on('data', chunk => {
    output.text += chunk
  })
  child.stderr.on('data', chunk => {
    output.errors += chunk
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  return { child, output, ended }
}

async function start(context: TestContext, environment: Record<string, string>) {
  const running = run({
    PASSWORD_GUARD_CALLER: 'api-key',
    PASSWORD_GUARD_CALLER_SECRETS: key,
    PASSWORD_GUARD_PORT: '0',
    ...environment,
  })
  context.after(() => running.child.kill('SIGKILL'))
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  running.child.stdout.on('data', () => {
    const url = /"event":"listening","url":"([^"]+)"/.exec(running.output.text)?.[1]
    if (url) resolve(url)
  })
  running.child.once('close', () => reject(new Error(running.output.errors)))
  return { ...running, url: await promise }
}

const post = (url: string, body: string) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': key }, body })

test('PC-19: no password, digest or ciphertext is ever in the log, for any input and any result', async context => {
  const standIn = await startRangeStandIn()
  context.after(() => standIn.close())
  const { privateKey, publicKey } = await generateKeyPair('RSA-OAEP-256', { extractable: true })
  const pem = await exportPKCS8(privateKey)
  const guard = await start(context, {
    PASSWORD_GUARD_DECRYPTION_KEY: pem,
    PASSWORD_GUARD_RANGE_API_URL: standIn.url,
    PASSWORD_GUARD_RANGE_API_TIMEOUT_MS: '150',
  })
  const passwords = ['Tr0ub4dor&3', 'Blue-Heron_42!', 'Sw0rdfish-in-a-box', 'short-7']
  const secrets: string[] = [pem.split('\n')[3] ?? '', key]
  const bodies: string[] = []
  for (const value of passwords) {
    const digest = hash('sha256', value, 'base64')
    const document = { type: 'PASSWORD' as const, format: 'PLAIN_TEXT' as const, value }
    const jwe = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify({ ...document, value: [...value] })))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
      .encrypt(publicKey)
    const hashed = { type: 'PASSWORD', format: 'HASH', value: digest, additionalData: { algorithm: 'SHA256' } }
    secrets.push(value, digest, jwe, hash('sha1', value), hash('sha1', value).toUpperCase(), hash('sha256', value))
    const wrong = [
      { ...document, format: value },
      { ...document, type: value },
      { ...document, value: [value] },
      value,
      [value],
      { [value]: value },
    ]
    for (const credential of [
      document,
      jwe,
      `${jwe}x`,
      hashed,
      { ...hashed, additionalData: { algorithm: value } },
      ...wrong,
    ]) {
      const event = {
        user: { updatingCredential: credential as never, claims: [{ uri: 'http://wso2.org/claims/nickname', value }] },
      }
      bodies.push(JSON.stringify(sampleRequest('PRE_UPDATE_PASSWORD', { event })))
    }
    bodies.push(`{"actionType":"${value}"}`, `{"event":"${value}`, value)
  }
  const answers: string[] = []
  for (const fault of [undefined, 'garbage', 'slow'] as const) {
    standIn.setFault(fault)
    answers.push(...(await Promise.all(bodies.map(async body => (await post(guard.url, body)).text()))))
  }
  guard.child.kill('SIGTERM')
  assert.equal(await guard.ended, 0)
  assert.equal(guard.output.text.match(/"event":"decision"/g)?.length, bodies.length * 3)
  assert.equal(guard.output.errors, '')
  for (const secret of secrets) {
    assert.ok(!guard.output.text.includes(secret), 'a secret is in the log')
    assert.ok(!answers.some(answer => answer.includes(secret)), 'a secret is in an answer')
  }
  for (const { path, headers } of standIn.requests) {
    assert.match(path, /^\/range\/[0-9A-F]{5}$/)
    for (const secret of secrets) assert.ok(!JSON.stringify(headers).includes(secret))
  }
})

test('one line shows what was decided and why, and lines at the start show which corpora are used', async context => {
  const guard = await start(context, { PASSWORD_GUARD_ASKS_RANGE_API: 'false' })
  const event = { user: { updatingCredential: { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'P@ssw0rd' } } } as const
  await post(guard.url, JSON.stringify(sampleRequest('PRE_UPDATE_PASSWORD', { event })))
  guard.child.kill('SIGTERM')
  assert.equal(await guard.ended, 0)
  const decision = guard.output.text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
    .find(line => line.event === 'decision')
  assert.equal(decision.decision, 'deny')
  assert.equal(decision.requestId, 'rq-1')
  assert.match(decision.why, /breachedPasswords: plain, found in the common passwords/)
})

test('an invalid setting prevents the start, and every problem is listed without its value', async () => {
  const { output, ended } = run({
    PASSWORD_GUARD_CALLER_SECRETS: 'short-secret',
    PASSWORD_GUARD_MIN_LENGTH: 'eight',
    PASSWORD_GUARD_DESCRIPTION: 'Leaked, sorry',
    PASSWORD_GUARD_WHEN_UNAVAILABLE: 'shrug',
    PASSWORD_GUARD_RANGE_URL: 'x',
  })
  assert.equal(await ended, 1)
  assert.equal(output.text, '')
  assert.match(output.errors, /^password-guard does not start:/)
  for (const name of [
    'CALLER: missing',
    'CALLER_SECRETS',
    'MIN_LENGTH',
    'DESCRIPTION',
    'WHEN_UNAVAILABLE',
    'RANGE_URL: not a setting',
  ]) {
    assert.ok(output.errors.includes(`PASSWORD_GUARD_${name}`), name)
  }
  assert.doesNotMatch(output.errors, /short-secret|eight|shrug|sorry/)
})

test('settings that contradict each other, or name a missing file, prevent the start with a sentence', async () => {
  const notACorpus = join(folder, 'list.txt')
  await writeFile(notACorpus, 'P@ssw0rd\n'.repeat(100))
  const cases: [Record<string, string>, RegExp][] = [
    [{ PASSWORD_GUARD_CHECKS_COMMON_PASSWORDS: 'no', PASSWORD_GUARD_ASKS_RANGE_API: 'no' }, /nothing would be checked/],
    [{ PASSWORD_GUARD_PREVIOUS_DECRYPTION_KEY: 'x' }, /PASSWORD_GUARD_DECRYPTION_KEY: missing/],
    [{ PASSWORD_GUARD_MIN_LENGTH: '300' }, /PASSWORD_GUARD_MIN_LENGTH: must not be above/],
    [{ PASSWORD_GUARD_BUDGET_MS: '1000' }, /PASSWORD_GUARD_RANGE_API_TIMEOUT_MS: must be below/],
    [{ PASSWORD_GUARD_CORPORA: join(folder, 'nowhere') }, /nowhere cannot be opened: the file does not exist/],
    [{ PASSWORD_GUARD_CORPORA: notACorpus }, /list\.txt is not a password corpus\. Build one/],
    [
      { PASSWORD_GUARD_DECRYPTION_KEY: join(folder, 'secret-name') },
      /PASSWORD_GUARD_DECRYPTION_KEY: cannot be read \(ENOENT\)/,
    ],
    [{ PASSWORD_GUARD_DECRYPTION_KEY: notACorpus }, /Decryption key 1 cannot be read/],
    [{ PASSWORD_GUARD_DECRYPTION_KEY: '-----BEGIN RSA PRIVATE KEY-----\\nMIIE' }, /PKCS #1.*openssl pkcs8/],
  ]
  await Promise.all(
    cases.map(async ([environment, message]) => {
      const { output, ended } = run({ PASSWORD_GUARD_CALLER: 'none', PASSWORD_GUARD_PORT: '0', ...environment })
      assert.equal(await ended, 1)
      assert.match(output.errors, message)
      assert.doesNotMatch(output.errors, /secret-name|P@ssw0rd|MIIE|\n\s+at /)
    }),
  )
})
