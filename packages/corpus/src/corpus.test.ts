import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { buildCorpus, type CorpusBuild, openCorpus } from './index.ts'
import { corpusInMemory, readCorpus } from './read-corpus.ts'

const folder = await mkdtemp(join(tmpdir(), 'corpus-'))
after(() => rm(folder, { recursive: true }))
const path = (name: string) => join(folder, name)

const sha1 = (password: string) => createHash('sha1').update(password).digest()
const sha256 = (password: string) => createHash('sha256').update(password).digest()
const digestLine = (digest: Uint8Array, count?: number) =>
  `${Buffer.from(digest).toString('hex').toUpperCase()}${count === undefined ? '' : `:${count}`}`

let builds = 0
async function built(content: string, options: Partial<CorpusBuild> = {}): Promise<string> {
  const name = path(`built-${++builds}`)
  await writeFile(`${name}.txt`, content)
  await buildCorpus({ source: `${name}.txt`, out: `${name}.corpus`, ...options })
  return `${name}.corpus`
}

const kinds = ['file', 'filter'] as const
const passwords = Array.from({ length: 20_000 }, (_, index) => `password-${index}`)

for (const kind of kinds) {
  test(`a ${kind} contains every password that it was built from, by SHA-1 and by SHA-256`, async () => {
    for (const [digest, digestOf] of [
      ['sha1', sha1],
      ['sha256', sha256],
    ] as const) {
      const corpus = await openCorpus(await built(passwords.join('\n'), { kind, digest }))
      assert.deepEqual([corpus.kind, corpus.digest, corpus.keys], [kind, digest, passwords.length])
      for (const password of passwords.slice(0, 4000)) assert.ok(await corpus.has(digestOf(password)))
      await corpus.close()
    }
  })

  test(`a ${kind} of any digests finds each of them, in memory and on the disk`, async () => {
    const digest = fc.uint8Array({ minLength: 20, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(digest, { minLength: 1, maxLength: 60, selector: String }), async digests => {
        const [absent, ...present] = digests
        if (present.length === 0) return
        const sliced = { keysPerSlice: 8, chunkBytes: 64 }
        const out = await built(present.map(key => digestLine(key)).join('\r\n'), { kind, pieces: sliced })
        const onDisk = await openCorpus(out)
        const inMemory = await readCorpus(corpusInMemory('embedded', await readFile(out)))
        for (const key of present) {
          assert.equal(await onDisk.has(key), true)
          assert.equal(await inMemory.has(key), true)
        }
        assert.equal(await onDisk.has(absent as Uint8Array), await inMemory.has(absent as Uint8Array))
        await onDisk.close()
      }),
      { numRuns: 25 },
    )
  })
}

test('a file has no false positive among a million passwords', async () => {
  const corpus = await readCorpus(corpusInMemory('file', await readFile(await built(passwords.join('\n')))))
  const strangers = randomBytes(20 * 1_000_000)
  let found = 0
  for (let at = 0; at < strangers.length; at += 20) if (corpus.has(strangers.subarray(at, at + 20))) found++
  assert.equal(found, 0)
  assert.ok(corpus.falsePositiveRate < 1e-9)
})

test('a filter has about one false positive in 65,536', async () => {
  const corpus = await openCorpus(await built(passwords.join('\n'), { kind: 'filter' }))
  const asked = 2_000_000
  const strangers = randomBytes(20 * asked)
  let found = 0
  for (let at = 0; at < strangers.length; at += 20) if (corpus.has(strangers.subarray(at, at + 20))) found++
  // 30.5 are expected. A result outside 5 to 60 occurs less than once in ten million runs.
  assert.ok(found >= 5 && found <= 60, `${found} of ${asked}`)
  assert.equal(corpus.falsePositiveRate, 2 ** -16)
})

test('a filter needs about 18 bits per key, a file five bytes', async () => {
  const filter = await readFile(await built(passwords.join('\n'), { kind: 'filter' }))
  const file = await readFile(await built(passwords.join('\n')))
  assert.ok((filter.length * 8) / passwords.length < 21)
  assert.ok(file.length / passwords.length < 5.2)
})

test('a changed, truncated or extended corpus is refused with a message', async () => {
  for (const kind of kinds) {
    const whole = await built(passwords.slice(0, 500).join('\n'), { kind })
    const { length } = await readFile(whole)
    const damages: [string, (file: string) => Promise<void>][] = [
      ['its content does not match its checksum', file => flip(file, length - 1)],
      ['its content does not match its checksum', file => flip(file, 130)],
      ['its header does not match its checksum', file => flip(file, 20)],
      ['its header does not match its checksum', file => flip(file, 9)],
      ['bytes and should have', file => truncate(file, length - 1)],
      ['bytes and should have', file => truncate(file, 128)],
      ['is not a password corpus', file => truncate(file, 100)],
      ['is not a password corpus', file => truncate(file, 0)],
      ['bytes and should have', file => writeFile(file, 'x', { flag: 'a' })],
      ['is not a password corpus', file => flip(file, 0)],
      ['has format', file => flip(file, 8)],
      ['is not a password corpus', file => writeFile(file, 'P@ssw0rd\n'.repeat(100))],
    ]
    for (const [message, damage] of damages) {
      const damaged = path('damaged.corpus')
      await copyFile(whole, damaged)
      await damage(damaged)
      await assert.rejects(openCorpus(damaged), (error: Error) => {
        assert.equal(error.name, 'CorpusError')
        assert.ok(error.message.startsWith(damaged) && error.message.includes(message), error.message)
        assert.match(error.message, /(again|Build one|update Preflow)/)
        return true
      })
    }
  }
})

test('verifying only the header saves reading the content and still refuses a wrong size', async () => {
  const whole = await built('P@ssw0rd')
  const { length } = await readFile(whole)
  await flip(whole, length - 1)
  const corpus = await openCorpus(whole, { verify: 'header' })
  assert.equal(await corpus.has(sha1('P@ssw0rd')), false)
  await corpus.close()
  await truncate(whole, length - 1)
  await assert.rejects(openCorpus(whole, { verify: 'header' }), /should have/)
})

test('a missing file is refused with a message', async () => {
  await assert.rejects(openCorpus(path('nowhere')), /the file does not exist\. Build one/)
  await assert.rejects(openCorpus(folder), /it is not a file\. Build one/)
})

test('truncating an open file is an error, not a negative answer', async () => {
  const whole = await built(passwords.slice(0, 500).join('\n'))
  const corpus = await openCorpus(whole)
  await truncate(whole, 128)
  await assert.rejects(async () => corpus.has(sha1('password-1')), /became shorter while it was open/)
  await corpus.close()
})

test('a lookup blocks on a fast disk, and uses other threads for a minute after the disk was slow', async t => {
  const corpus = await openCorpus(await built('alpha\nbeta', { kind: 'file', digest: 'sha1' }))
  const ask = () => corpus.has(sha1('alpha'))
  assert.equal(ask(), true)
  let nowMs = performance.now()
  let tickMs = 6
  t.mock.method(performance, 'now', () => {
    nowMs += tickMs
    return nowMs
  })
  assert.deepEqual([ask(), ask(), ask()], [true, true, true])
  const later = ask()
  assert.ok(later instanceof Promise)
  assert.equal(await later, true)
  tickMs = 0
  nowMs += 59_000
  assert.ok(ask() instanceof Promise)
  nowMs += 1001
  assert.equal(ask(), true)
  t.mock.restoreAll()
  await corpus.close()
})

async function flip(file: string, index: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[index] = (bytes[index] as number) ^ 0x55
  await writeFile(file, bytes)
}
