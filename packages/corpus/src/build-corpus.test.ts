import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type BuildProgress, buildCorpus, type CorpusKind, openCorpus } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'corpus-build-'))
after(() => rm(folder, { recursive: true }))
const path = (name: string) => join(folder, name)

const sha1 = (password: string) => createHash('sha1').update(password).digest()
const line = (password: string, count: number) => `${sha1(password).toString('hex').toUpperCase()}:${count}`

async function has(file: string, ...passwords: string[]): Promise<boolean> {
  const corpus = await openCorpus(file)
  try {
    for (const password of passwords) if (!(await corpus.has(sha1(password)))) return false
    return true
  } finally {
    await corpus.close()
  }
}

let sources = 0
async function source(lines: string[], end = '\r\n'): Promise<string> {
  const name = path(`source-${++sources}.txt`)
  await writeFile(name, lines.join(end))
  return name
}

const many = Array.from({ length: 5000 }, (_, index) => `password-${index}`)
const sorted = many.map((password, index) => line(password, index + 1)).sort()

test('the order of the lines, the size of the pieces and repetitions do not change the corpus', async () => {
  const shuffled = [...many, ...many].map((password, index) => line(password, 1 + (index % 5000))).sort(byTail)
  const forms = [await source(sorted), await source(shuffled), await source(many, '\n')]
  for (const kind of ['file', 'filter'] as const) {
    const contents: string[] = []
    for (const form of forms) {
      await utimes(form, 1_700_000_000, 1_700_000_000)
      for (const pieces of [{ keysPerSlice: 600 }, { keysPerSlice: 600, chunkBytes: 1000, chunksPerCheckpoint: 3 }]) {
        const out = path('same.corpus')
        const summary = await buildCorpus({ source: form, out, kind, pieces })
        assert.equal(summary.keys, many.length)
        // Repetitions change the estimate of the source, and with it the number of slices.
        if (form !== forms[1]) contents.push((await readFile(out)).toString('base64'))
        assert.ok(await has(out, ...many.slice(0, 50)))
      }
    }
    assert.equal(new Set(contents).size, 1)
  }
})

test('a folder of range files gives the same corpus as one file with its lines', async () => {
  const ranges = path('ranges')
  await mkdir(ranges)
  const some = sorted.slice(0, 800)
  const others = new Set(sorted.slice(800))
  for (const [prefix, lines] of Object.entries(Object.groupBy(some, digest => digest.slice(0, 5)))) {
    // Both names are in use: the official downloader writes .txt.
    const name = Number.parseInt(prefix, 16) % 2 ? `${prefix}.txt` : prefix
    await writeFile(join(ranges, name), (lines ?? []).map(digest => digest.slice(5)).join('\r\n'))
  }
  const out = path('ranges.corpus')
  await assert.rejects(
    buildCorpus({ source: ranges, out }),
    /contains \d+ of 1048576 range files\. Finish the download/,
  )
  for (const kind of ['file', 'filter'] as const) {
    const pieces = { keysPerSlice: 100_000 }
    const summary = await buildCorpus({ source: ranges, out, kind, mayBePartial: true, pieces })
    assert.equal(summary.keys, some.length)
    for (const [index, password] of many.entries()) {
      if (index % 10 === 0) assert.equal(await has(out, password), !others.has(line(password, index + 1)))
    }
  }
  assert.equal(await has(out, 'never-seen'), false)
  await writeFile(join(ranges, 'FFFFF.txt'), '')
  await assert.rejects(
    buildCorpus({ source: ranges, out, mayBePartial: true }),
    /FFFFF\.txt is empty\. The download is incomplete/,
  )
  await writeFile(join(ranges, 'FFFFF.txt'), '0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n003D68EB55068C3')
  await assert.rejects(buildCorpus({ source: ranges, out, mayBePartial: true }), /FFFFF\.txt has a line at its byte 39/)
})

test('passwords with a smaller count than requested are omitted', async () => {
  const out = path('counts.corpus')
  const lines = [line('rare', 9), line('common', 10), line('padding', 0)].sort()
  await buildCorpus({ source: await source(lines), out, minimumCount: 10 })
  assert.deepEqual([await has(out, 'rare'), await has(out, 'common')], [false, true])
  await buildCorpus({ source: await source(lines), out })
  assert.deepEqual([await has(out, 'rare'), await has(out, 'padding')], [true, false])
  await assert.rejects(
    buildCorpus({ source: await source(lines), out, minimumCount: 11 }),
    /no password that was seen 11 times/,
  )
})

test('a list of passwords is read byte for byte: spaces, accents and bytes that are not UTF-8', async () => {
  const list = path('bytes.txt')
  const odd = [' space ', 'päss–wörd-9', '"quoted"', 'tab\there']
  await writeFile(list, Buffer.concat([Buffer.from(`${odd.join('\n')}\n\n`), Buffer.of(0xe4, 0xff, 0x0a)]))
  const out = path('bytes.corpus')
  assert.equal((await buildCorpus({ source: list, out })).keys, 5)
  assert.ok(await has(out, ...odd))
  const corpus = await openCorpus(out)
  assert.ok(await corpus.has(createHash('sha1').update(Buffer.of(0xe4, 0xff)).digest()))
  await corpus.close()
})

test('an unusable source is refused with a message that contains nothing of its content', async () => {
  const out = path('never.corpus')
  const ntlm = createHash('md5').update('x').digest('hex')
  const cases: [string, RegExp, object?][] = [
    [path('nowhere.txt'), /does not exist/],
    [folder, /contains no range files/],
    [await source(['']), /no lines/],
    [await source([`${ntlm}:3`, `${ntlm}:4`]), /NTLM/],
    [await source([...sorted.slice(0, 99), 'secret-password']), /a line at its byte \d+ that is not HASH:COUNT/],
    [await source([...sorted.slice(0, 9), sorted[0]?.replace(':', ':x') ?? '']), /not HASH:COUNT/],
    [await source([...sorted.slice(0, 9), sorted[0]?.replace(/:.*/, ':') ?? '']), /not HASH:COUNT/],
    [await source(sorted), /a digest cannot be converted into another/, { digest: 'sha256' }],
    [await source(many), /without counts/, { minimumCount: 2 }],
    [await source(['x'.repeat(70_000), 'y']), /begins with a line of more than 65536 bytes\. Write one password/],
    [await source(['x'.repeat(5000), 'y']), /a line of more than 1000 bytes/, { pieces: { chunkBytes: 1000 } }],
  ]
  for (const [name, message, options] of cases) {
    await assert.rejects(buildCorpus({ source: name, out, ...options }), (error: Error) => {
      assert.equal(error.name, 'CorpusError')
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /secret/)
      return true
    })
  }
  for (const [signature, what] of [
    ['1f8b0800', /gzip/],
    ['377abcaf271c', /7z/],
    ['504b0304', /zip/],
    ['fffe5000', /UTF-16/],
  ] as const) {
    await writeFile(path('packed'), Buffer.from(signature, 'hex'))
    await assert.rejects(buildCorpus({ source: path('packed'), out }), what)
  }
  await assert.rejects(buildCorpus({ source: await source(many), out: path('no/folder/x') }), /Create the folder first/)
  await assert.rejects(openCorpus(out), /the file does not exist/)
})

test('the position of a damaged line is counted from the beginning of the file', async () => {
  const lines = [...sorted.slice(0, 99), 'not-a-digest', ...sorted.slice(99, 120)]
  const damaged = await source(lines)
  const at = Buffer.byteLength(`${lines.slice(0, 99).join('\r\n')}\r\n`)
  for (const chunkBytes of [100, 1000, 1_000_000]) {
    const build = { source: damaged, out: path('never.corpus'), pieces: { chunkBytes, chunksPerCheckpoint: 3 } }
    await assert.rejects(buildCorpus(build), new RegExp(`a line at its byte ${at} that`))
  }
})

test('a byte order mark is not part of the first password or digest', async () => {
  for (const [form, lines] of Object.entries({
    passwords: ['alpha', 'beta'],
    digests: [line('alpha', 1), line('beta', 1)],
  })) {
    const marked = await source([])
    await writeFile(marked, `\ufeff${lines.join('\n')}\n`)
    const out = path(`marked-${form}.corpus`)
    await buildCorpus({ source: marked, out, digest: 'sha1' })
    assert.ok(await has(out, 'alpha', 'beta'), form)
  }
})

test('a corpus is not a source of another corpus', async () => {
  const out = path('first.corpus')
  await buildCorpus({ source: await source(many), out })
  await assert.rejects(
    buildCorpus({ source: out, out: path('second.corpus') }),
    /is a corpus already\. Use the list that/,
  )
})

test('a source that is only partly sorted is refused at the line that breaks the order', async () => {
  // Longer than the sample that decides.
  const long = Array.from({ length: 3000 }, (_, index) => line(`long-${index}`, 1)).sort()
  const broken = [...long, long[0] ?? '']
  await assert.rejects(
    buildCorpus({ source: await source(broken), out: path('x'), pieces: { keysPerSlice: 100 } }),
    /is sorted only up to its byte \d+\. Sort it: LC_ALL=C sort/,
  )
})

const building = (form: string, out: string, options: object) => `
import { buildCorpus } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
await buildCorpus({
  source: ${JSON.stringify(form)}, out: ${JSON.stringify(out)}, ...${JSON.stringify(options)},
  onProgress: progress => process.stdout.write(JSON.stringify(progress) + '\\n'),
})
`

/** Runs a build in a separate process and kills it at the requested progress. */
async function killAt(script: string, isReached: (progress: BuildProgress) => boolean): Promise<BuildProgress> {
  const child = spawn(process.execPath, ['--conditions=@preflow/source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise(resolve => child.once('exit', (code, signal) => resolve(signal ?? code)))
  let reached: BuildProgress | undefined
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    reached = text
      .split('\n')
      .slice(0, -1)
      .map(part => JSON.parse(part) as BuildProgress)
      .find(isReached)
    if (reached) {
      child.kill('SIGKILL')
      break
    }
  }
  assert.equal(await ended, 'SIGKILL')
  return reached as BuildProgress
}

test('a killed build continues from its checkpoint and gives the same corpus', async () => {
  const lines = Array.from({ length: 30_000 }, (_, index) => `password-${index}`)
  const digests = lines.map(password => line(password, 1))
  const cases: [string, 'sorting' | 'writing', CorpusKind][] = [
    [await source([...digests].sort()), 'writing', 'file'],
    [await source([...digests].sort()), 'writing', 'filter'],
    [await source(lines), 'sorting', 'file'],
    [await source(lines), 'writing', 'filter'],
    [await source([...digests].sort(byTail)), 'sorting', 'filter'],
  ]
  for (const [form, step, kind] of cases) {
    const options = { kind, pieces: { keysPerSlice: 250, chunkBytes: 8192, chunksPerCheckpoint: 4 } }
    const whole = path('whole.corpus')
    await buildCorpus({ source: form, out: whole, ...options })
    const out = path('killed.corpus')
    await killAt(building(form, out, options), progress => progress.step === step && progress.done * 4 > progress.total)
    await assert.rejects(openCorpus(out), /the file does not exist/)
    const steps: BuildProgress[] = []
    const summary = await buildCorpus({ source: form, out, ...options, onProgress: at => steps.push(at) })
    assert.equal(summary.resumed, true)
    const first = steps.find(progress => progress.step === step) as BuildProgress
    assert.ok(first.done * 10 > first.total, `started again at ${first.done} of ${first.total}`)
    assert.deepEqual(await readFile(out), await readFile(whole))
    assert.deepEqual(
      (await readdir(folder)).filter(name => name.startsWith('killed.corpus.')),
      [],
    )
    await rm(out)
  }
})

test('an aborted build rejects with the reason and continues later, in every step', async () => {
  const out = path('aborted.corpus')
  const cases: [string, BuildProgress['step']][] = [
    [await source(sorted), 'writing'],
    [await source(many), 'sorting'],
    [await source(many), 'writing'],
    [await source(many), 'checking'],
  ]
  for (const [form, step] of cases) {
    const stop = new AbortController()
    const options = { source: form, out, pieces: { keysPerSlice: 100, chunkBytes: 4096 } }
    const aborted = buildCorpus({
      ...options,
      signal: stop.signal,
      onProgress: progress => {
        if (progress.step === step && progress.done * 2 > progress.total) stop.abort(new Error('Ctrl-C'))
      },
    })
    await assert.rejects(aborted, /Ctrl-C/)
    let begins: BuildProgress | undefined
    const onProgress = (progress: BuildProgress) => {
      begins ??= progress
    }
    assert.equal((await buildCorpus({ ...options, onProgress })).resumed, true)
    assert.equal(begins?.step, step)
    assert.ok(await has(out, ...many))
  }
})

test('a build starts over if the source, the options or its checksums differ', async () => {
  const form = await source(sorted)
  const out = path('changed.corpus')
  const options = { source: form, out, pieces: { keysPerSlice: 100 } }
  const interrupt = async () => {
    const stop = new AbortController()
    const onProgress = ({ done, total }: BuildProgress) => void (done * 2 > total && stop.abort())
    await assert.rejects(buildCorpus({ ...options, signal: stop.signal, onProgress }))
  }
  const work = `${out}.build`
  await interrupt()
  await writeFile(form, sorted.slice(1).join('\n'))
  assert.equal((await buildCorpus(options)).resumed, false)
  await interrupt()
  assert.equal((await buildCorpus({ ...options, kind: 'filter' })).resumed, false)
  await interrupt()
  const begun = await readFile(join(work, 'corpus'))
  begun[begun.length - 1] = (begun[begun.length - 1] as number) ^ 1
  await writeFile(join(work, 'corpus'), begun)
  assert.equal((await buildCorpus(options)).resumed, false)
  await interrupt()
  await writeFile(join(work, 'state.json'), '{')
  const { resumed, keys } = await buildCorpus(options)
  assert.deepEqual([resumed, keys], [false, sorted.length - 1])
})

test('a change by another process during a build is detected before the corpus appears', async () => {
  const out = path('disturbed.corpus')
  const disturb = async (file: string, at: number) => {
    const bytes = await readFile(file)
    bytes[at] = (bytes[at] as number) ^ 1
    await writeFile(file, bytes)
  }
  const work = `${out}.build`
  const stop = async (step: BuildProgress['step'], form: string, pieces: object) => {
    const controller = new AbortController()
    const onProgress = (progress: BuildProgress) => void (progress.step === step && controller.abort())
    await assert.rejects(buildCorpus({ source: form, out, pieces, signal: controller.signal, onProgress }))
  }
  // A part is checked when it is read again.
  const list = await source(many)
  await stop('writing', list, { keysPerSlice: 1000 })
  await disturb(join(work, 'slice-3'), 0)
  await assert.rejects(
    buildCorpus({ source: list, out, pieces: { keysPerSlice: 1000 } }),
    /changed or damaged.*Remove it/,
  )
  await rm(work, { recursive: true })
  // Written data is checked when it is read for its checksum.
  let isDisturbed = false
  const disturbed = buildCorpus({
    source: list,
    out,
    pieces: { keysPerSlice: 1000 },
    onProgress: ({ step }) => {
      if (step !== 'writing' || isDisturbed) return
      isDisturbed = true
      const corpus = join(work, 'corpus')
      const bytes = readFileSync(corpus)
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
      writeFileSync(corpus, bytes)
    },
  })
  await assert.rejects(disturbed, /changed or damaged.*Remove it/)
  await assert.rejects(openCorpus(out), /the file does not exist/)
})

function byTail(left: string, right: string): number {
  return left.slice(20) < right.slice(20) ? -1 : 1
}
