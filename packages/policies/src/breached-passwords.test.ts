import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { buildCorpus, type Corpus, type CorpusBuild, openCommonPasswords, openCorpus } from '@preflow/corpus'
import { type DecisionRecord, defineExtension } from '@preflow/extension'
import { createCredentialReader } from '@preflow/extension/credential'
import { type BreachedPasswordsOptions, type BreachedPasswordsPorts, breachedPasswords } from './breached-passwords.ts'
import type { BreachCount } from './breached-passwords-api.ts'

const folder = await mkdtemp(join(tmpdir(), 'breached-'))
after(() => rm(folder, { recursive: true }))

const common = await openCommonPasswords()
const credential = createCredentialReader()

let corpora = 0
async function corpusOf(passwords: string[], options: Partial<CorpusBuild> = {}): Promise<Corpus> {
  const name = join(folder, `${++corpora}`)
  await writeFile(name, passwords.join('\n'))
  await buildCorpus({ source: name, out: `${name}.corpus`, ...options })
  const corpus = await openCorpus(`${name}.corpus`)
  after(() => corpus.close())
  return corpus
}

const plain = (value: string) => ({ type: 'PASSWORD', format: 'PLAIN_TEXT', value })
const hashed = (text: string) => ({
  type: 'PASSWORD',
  format: 'HASH',
  value: hash('sha256', text, 'base64'),
  additionalData: { algorithm: 'SHA256' },
})

/** What a platform and a log see of one decision. */
async function decide(
  updatingCredential: unknown,
  ports: Partial<BreachedPasswordsPorts>,
  options: BreachedPasswordsOptions = {},
): Promise<{ status: number; answer: Record<string, unknown>; why: string | undefined }> {
  const records: DecisionRecord[] = []
  const extension = defineExtension(
    { preUpdatePassword: breachedPasswords(options, { credential, ...ports }) },
    { caller: { type: 'none' }, log: record => records.push(record) },
  )
  const response = await extension.fetch(
    new Request('http://guard', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        actionType: 'PRE_UPDATE_PASSWORD',
        event: {
          initiatorType: 'USER',
          action: 'UPDATE',
          tenant: { id: '417', name: 'heron.example' },
          user: { id: 'u1', updatingCredential },
          userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
        },
      }),
    }),
  )
  const text = await response.text()
  for (const secret of [updatingCredential, (updatingCredential as { value?: string }).value]) {
    if (typeof secret !== 'string') continue
    assert.ok(!text.includes(secret) && !JSON.stringify(records).includes(secret), 'the password was repeated')
  }
  assert.deepEqual(records[0]?.reports, [])
  return { status: response.status, answer: JSON.parse(text), why: records[0]?.why }
}

const counting = (found: BreachCount) => {
  const asked: string[] = []
  return {
    asked,
    count: (sha1: Uint8Array) => {
      asked.push(Buffer.from(sha1).toString('hex'))
      return found
    },
  }
}
const seen = (count: number) => counting({ kind: 'count', count })
const down = () => counting({ kind: 'unavailable', why: 'timeout' })

const compromised = {
  actionStatus: 'FAILED',
  failureReason: 'password_compromised',
  failureDescription: 'This password is known from data breaches and is not safe. Please choose a different one.',
}

test('UC-01, UC-02: with the range API, a password that was seen often enough is rejected and others are allowed', async () => {
  const cases: [count: number, minimumCount: number, status: string][] = [
    [5, 1, 'FAILED'],
    [0, 1, 'SUCCESS'],
    [9, 10, 'SUCCESS'],
    [10, 10, 'FAILED'],
  ]
  for (const [count, minimumCount, status] of cases) {
    const { answer } = await decide(plain('P@ssw0rd'), { count: seen(count).count }, { minimumCount })
    assert.equal(answer['actionStatus'], status)
  }
  const { status, answer, why } = await decide(plain('P@ssw0rd'), { count: seen(5).count })
  assert.deepEqual([status, answer], [200, compromised])
  assert.equal(why, 'breachedPasswords: plain, found in the range API')
})

test('the exact UTF-8 bytes of the password are hashed', async () => {
  for (const text of ['päss–wörd-9', ' P@ssw0rd ', '😀😀😀😀']) {
    const range = seen(0)
    await decide(plain(text), { count: range.count })
    assert.deepEqual(range.asked, [hash('sha1', text)])
  }
})

test('UC-04: a hashed password is compared with SHA-256 digests', async () => {
  const corpus = await corpusOf(['Blue-Heron_42!'], { digest: 'sha256' })
  const found = await decide(hashed('Blue-Heron_42!'), { corpora: [corpus] })
  assert.deepEqual(found.answer, compromised)
  assert.equal(found.why, 'breachedPasswords: sha256, found in the corpus')
  const absent = await decide(hashed('Blue-Heron_43!'), { corpora: [corpus] })
  assert.deepEqual(absent.answer, { actionStatus: 'SUCCESS' })
  const listed = await decide(hashed('dragon'), { common })
  assert.deepEqual(listed.answer, compromised)
})

test('UC-04: if no corpus can check a hashed password, the setting decides, and it never passes by accident', async () => {
  const bySha1 = await corpusOf(['Blue-Heron_42!'])
  const range = seen(5)
  const ports = { corpora: [bySha1], common, count: range.count }
  const answers = { deny: 'FAILED', allow: 'SUCCESS', error: 'ERROR' } as const
  for (const [whenNotCheckable, actionStatus] of Object.entries(answers)) {
    const decided = await decide(hashed('Blue-Heron_42!'), ports, {
      whenNotCheckable: whenNotCheckable as keyof typeof answers,
    })
    assert.equal(decided.answer['actionStatus'], actionStatus)
    assert.equal(decided.why, 'breachedPasswords: sha256, no corpus by SHA-256 to check it')
    // A password in the short list is still rejected.
    assert.deepEqual((await decide(hashed('dragon'), ports, { whenNotCheckable: 'allow' })).answer, compromised)
  }
  const byDefault = await decide(hashed('Blue-Heron_42!'), ports)
  assert.deepEqual([byDefault.status, byDefault.answer['errorMessage']], [400, 'password_not_checkable'])
  // The range API cannot look up a SHA-256 in any form.
  assert.deepEqual(range.asked, [])
})

test('the sources are checked in order, and the first that has the password ends the search', async () => {
  const corpus = await corpusOf(['Blue-Heron_42!'])
  const range = seen(5)
  const ports = { corpora: [corpus], common, count: range.count }
  assert.match((await decide(plain('Blue-Heron_42!'), ports)).why ?? '', /found in the corpus/)
  assert.match((await decide(plain('dragon'), ports)).why ?? '', /found in the common passwords/)
  assert.deepEqual(range.asked, [])
  assert.match((await decide(plain('Somewhere-3lse'), ports)).why ?? '', /found in the range API/)
})

test('a capital letter does not make a common password good', async () => {
  for (const text of ['Dragon', 'P@ssw0rd', 'QWERTY']) {
    assert.deepEqual((await decide(plain(text), { common })).answer, compromised)
  }
  assert.deepEqual((await decide(plain('Blue-Heron_42!'), { common })).answer, { actionStatus: 'SUCCESS' })
})

test('UC-06: if the range API is unavailable the setting decides, and the default rejects for now', async () => {
  const cases = [
    ['deny', 200, 'FAILED'],
    ['allow', 200, 'SUCCESS'],
    ['error', 500, 'ERROR'],
  ] as const
  for (const [whenUnavailable, status, actionStatus] of cases) {
    const decided = await decide(plain('Blue-Heron_42!'), { common, count: down().count }, { whenUnavailable })
    assert.deepEqual([decided.status, decided.answer['actionStatus']], [status, actionStatus])
    assert.equal(decided.why, 'breachedPasswords: plain, the range API unavailable (timeout)')
  }
  const byDefault = await decide(plain('Blue-Heron_42!'), { count: down().count })
  assert.deepEqual(byDefault.answer, {
    actionStatus: 'FAILED',
    failureReason: 'check_unavailable',
    failureDescription: 'The password could not be checked right now. Please try again in a few minutes.',
  })
  // Other sources work independently of it.
  const known = await decide(plain('dragon'), { common, count: down().count }, { whenUnavailable: 'allow' })
  assert.deepEqual(known.answer, compromised)
})

test('a corpus that cannot be read is unavailable, and the next source is still checked', async () => {
  const broken: Corpus = {
    ...(await corpusOf(['x'])),
    has: () => Promise.reject(new Error('EIO: i/o error, read')),
  }
  const decided = await decide(plain('Blue-Heron_42!'), { corpora: [broken], count: seen(0).count })
  assert.equal(decided.answer['failureReason'], 'check_unavailable')
  assert.equal(decided.why, 'breachedPasswords: plain, the corpus unavailable (read error)')
  const known = await decide(plain('Blue-Heron_42!'), { corpora: [broken], count: seen(1).count })
  assert.deepEqual(known.answer, compromised)
})

test("a filter's hit counts, unless the range API has not seen the password", async () => {
  const filter = await corpusOf(['Blue-Heron_42!'], { kind: 'filter' })
  const status = async (ports: Partial<BreachedPasswordsPorts>) =>
    (await decide(plain('Blue-Heron_42!'), { corpora: [filter], ...ports }, { whenUnavailable: 'allow' })).answer[
      'actionStatus'
    ]
  assert.equal(await status({}), 'FAILED')
  assert.equal(await status({ common }), 'FAILED')
  assert.equal(await status({ count: seen(3).count }), 'FAILED')
  assert.equal(await status({ count: down().count }), 'FAILED')
  assert.equal(await status({ count: seen(0).count }), 'SUCCESS')
})

test('a password that cannot be read causes an error that states what is wrong, without the password', async () => {
  const decided = await decide('eyJhbGciOi.x.x.x.x', { common })
  assert.deepEqual([decided.status, decided.answer['actionStatus']], [500, 'ERROR'])
  assert.equal(decided.answer['errorMessage'], 'credential_no_key')
  assert.match(String(decided.answer['errorDescription']), /Configure this extension with the private key/)
  assert.equal(decided.why, 'breachedPasswords: credential no_key')
})

test('the operator sets the messages, and a message that a platform would reject is rejected at the start', async () => {
  const { answer } = await decide(plain('dragon'), { common }, { reason: 'weak', description: 'Try again.' })
  assert.deepEqual(answer, { actionStatus: 'FAILED', failureReason: 'weak', failureDescription: 'Try again.' })
  for (const options of [
    { description: 'Leaked, sorry' },
    { reason: 'a/b' },
    { reason: 'x'.repeat(101) },
    { reason: '' },
  ]) {
    assert.throws(() => breachedPasswords(options, { credential, common }), /breachedPasswords: (reason|description)/)
  }
})

test('a policy without any source is impossible, because it would allow everything', () => {
  assert.throws(() => breachedPasswords({}, { credential }), /give at least one of corpora, common and count/)
})

test('every source uses the digest function of the operator', async () => {
  const digested: string[] = []
  const digest: BreachedPasswordsPorts['digest'] = (kind, text) => {
    digested.push(kind)
    return hash(kind, text, 'buffer')
  }
  assert.deepEqual((await decide(plain('dragon'), { common, digest })).answer, compromised)
  await decide(plain('Blue-Heron_42!'), { common, digest, count: seen(0).count })
  assert.deepEqual(digested, ['sha256', 'sha256', 'sha1'])
})
