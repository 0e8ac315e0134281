import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openCorpus } from '@preflow/corpus'
import { type Io, UsageError } from '../command.ts'
import { runPasswords } from './passwords.ts'

const folder = await mkdtemp(join(tmpdir(), 'preflow-passwords-'))
after(() => rm(folder, { recursive: true }))
const path = (name: string) => join(folder, name)

const list = path('list.txt')
const words = Array.from({ length: 3000 }, (_, index) => `password-${index}`)
await writeFile(list, words.join('\n'))

/** Runs the command as the program does, and returns what it wrote. */
async function run(argv: string[], world: Partial<Io> = {}): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' }
  const code = await runPasswords(argv, {
    out: text => {
      written.out += text
    },
    err: text => {
      written.err += text
    },
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
    ...world,
  })
  return { code, ...written }
}

test('a corpus is built, described and ready to use', async () => {
  const out = path('one.corpus')
  const { code, out: text, err } = await run(['build', list, '--out', out])
  assert.equal(code, 0)
  assert.match(text, /one\.corpus\n {2}3,000 passwords by sha1, as a file\n {2}source of \d{4}-\d\d-\d\d\n/)
  assert.match(text, /false positives: one in [\d,]{10,} lookups; false negatives: none/)
  assert.match(err, /^Sorting {2}100 %\n/m)
  assert.match(err, /^Writing {2}100 % {2}3,000 passwords\n/m)
  assert.match(err, /^Checking 100 %/m)
  assert.match(err, /Use it: PASSWORD_GUARD_CORPORA=\/.*one\.corpus\n$/)
  assert.doesNotMatch(text + err, /\r|password-\d/)
  const corpus = await openCorpus(out)
  assert.ok(await corpus.has(hash('sha1', 'password-7', 'buffer')))
  await corpus.close()
})

test('kind, digest and minimum count come from the options', async () => {
  const filter = await run(['build', list, '--out', path('f.corpus'), '--kind', 'filter', '--digest', 'sha256'])
  assert.match(filter.out, /3,000 passwords by sha256, as a filter\n/)
  assert.match(filter.out, /one in 65,536 lookups/)
  const digests = path('digests.txt')
  const lines = words.map((word, index) => `${hash('sha1', word).toUpperCase()}:${index + 1}`)
  await writeFile(digests, lines.join('\r\n'))
  const counted = await run(['build', digests, '--out', path('c.corpus'), '--min-count', '1001'])
  assert.match(counted.out, /2,000 passwords by sha1, seen 1,001 times or more, as a file\n/)
})

test('a terminal shows one bar per step that updates in place', async () => {
  const { err } = await run(['build', list, '--out', path('bar.corpus')], { isTTY: true })
  assert.match(err, /\rWriting {2}\[#{30}\] 100 % {2}3,000 passwords.\[K\n/)
  assert.equal(err.split('\n').filter(line => line.startsWith('\r')).length, 3)
})

test('after Ctrl-C the same command resumes the build', async () => {
  const stop = new AbortController()
  const out = path('stopped.corpus')
  let said = ''
  const stopped = run(['build', list, '--out', out], {
    signal: stop.signal,
    err: text => {
      said += text
      if (text.startsWith('Writing')) stop.abort('SIGINT')
    },
  })
  await assert.rejects(stopped, error => error === 'SIGINT')
  assert.match(said, /Run the same command again to continue\.\n$/)
  await assert.rejects(openCorpus(out), /the file does not exist/)
  assert.ok((await readdir(folder)).includes('stopped.corpus.build'))
  const again = await run(['build', list, '--out', out])
  assert.equal(again.code, 0)
  assert.match(again.err, /Resumed an interrupted build\./)
  assert.ok(!(await readdir(folder)).includes('stopped.corpus.build'))
})

test('check describes a corpus and refuses a damaged one', async () => {
  const out = path('checked.corpus')
  await run(['build', list, '--out', out])
  const { kind, keys } = JSON.parse((await run(['check', out, '--json'])).out)
  assert.deepEqual([kind, keys], ['file', 3000])
  const { code, out: text } = await run(['check', out])
  assert.equal(code, 0)
  assert.match(text, /3,000 passwords by sha1/)
  await appendFile(out, 'x')
  await assert.rejects(run(['check', out]), /checked\.corpus is damaged: it has \d+ bytes and should have \d+/)
  await assert.rejects(run(['check', list]), /list\.txt is not a password corpus/)
})

test('usage errors and unusable sources have different exit codes', async () => {
  const out = ['--out', path('never.corpus')]
  for (const [argv, message] of [
    [[], /Use build or check/],
    [['toString', 'x'], /Use build or check/],
    [['build', ...out], /build needs one path/],
    [['build', list, list, ...out], /build needs one path/],
    [['build', list], /--out <file>/],
    [['build', list, '--out', list], /is the source itself, and the build would overwrite it/],
    [['build', list, '--out', folder], /is a folder\. Name a file/],
    [['build', list, ...out, '--kind', 'bloom'], /--kind must be file or filter/],
    [['build', list, ...out, '--digest', 'md5'], /--digest must be sha1 or sha256/],
    [['build', list, ...out, '--min-count', '0'], /--min-count/],
    [['build', list, ...out, '--min-count', 'x'], /--min-count/],
  ] as [string[], RegExp][]) {
    await assert.rejects(run(argv), (error: Error) => error instanceof UsageError && message.test(error.message))
  }
  await assert.rejects(run(['build', list, ...out, '--colour']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })
  await assert.rejects(run(['build', path('nowhere'), ...out]), /nowhere does not exist/)
  await assert.rejects(run(['build', list, ...out, '--min-count', '2']), /Remove --min-count/)
})
