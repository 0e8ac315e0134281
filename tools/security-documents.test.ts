/** SECURITY.md has all its parts, the table of ASVS is backed by tests, and the SBOM is complete. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
/** The cells of the rows of all tables. */
const rowsOf = (document: string) =>
  [...document.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) => row.split(' | ').map(cell => cell.trim()))

describe('AZ-96: SECURITY.md', () => {
  const document = read('SECURITY.md')
  const partOf = (title: string) => document.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  const PARTS: [title: string, content: RegExp][] = [
    ['Supported versions', /six months/],
    ['Reporting a vulnerability', /three working days[\s\S]*fourteen days/],
    ['What is protected from whom', /phishing proxy[\s\S]*malicious administrator of the first tenant/],
    ['What a setting costs', /`PREFLOW_TRUSTED_PROXIES`/],
    ['Before you go to production', /https only[\s\S]*`PREFLOW_SEAL_KEY` in a secret store[\s\S]*clocks/],
    ['Cryptography', /AES-256-GCM/],
    ['Dependencies', /vulnerable/],
  ]
  for (const [title, content] of PARTS) {
    test(`AZ-96: SECURITY.md has the part “${title}”`, () => assert.match(partOf(title), content))
  }

  test('AZ-96: SECURITY.md names what holds and what does not for eight attackers', () => {
    const attackers = rowsOf(partOf('What is protected from whom')).slice(1)
    assert.ok(attackers.length >= 8)
    for (const [attacker, goal, prevents, remains] of attackers) {
      assert.ok(goal && prevents && remains, attacker)
    }
  })

  test('AZ-96: every setting that it names exists', () => {
    const settings = read('packages/server/README.md')
    for (const [name] of document.matchAll(/PREFLOW_[A-Z_]+/g)) assert.ok(settings.includes(`\`${name}\``), name)
  })

  test('AZ-96: the README links it', () => assert.match(read('README.md'), /\]\(SECURITY\.md\)/))
})

describe('docs/reference/asvs.md', () => {
  const rows = rowsOf(read('docs/reference/asvs.md')).filter(([id = '']) => /^\d+\.\d+\.\d+$/.test(id))
  const tested = new Set(
    rowsOf(read('docs/reference/security.md'))
      .filter(row => row.at(-1) === 'tested')
      .map(([id]) => id),
  )
  const tests = execFileSync('git', ['ls-files', '*.test.ts'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(read)
    .join('\n')

  test('has every requirement once, in order', () => {
    const ids = rows.map(([id = '']) => id)
    const inOrder = ids.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    assert.deepEqual(ids, inOrder)
    assert.equal(new Set(ids).size, ids.length)
    assert.ok(ids.length > 70)
  })

  for (const [id, , state = '', shown = ''] of rows) {
    test(`${id} ${state}`, () => {
      assert.ok(['holds', 'accepted', 'absent', 'open'].includes(state))
      const cited = shown.match(/AZ-\d\d/g) ?? []
      const quoted = [...shown.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title)
      for (const row of cited) assert.ok(tested.has(row), `${row} is not tested`)
      for (const title of quoted) assert.ok(tests.includes(title), `no test is called “${title}”`)
      if (state === 'holds') assert.ok(cited.length + quoted.length > 0, 'names no test')
      else assert.ok(shown.length > 15, 'states no reason')
    })
  }
})

test('the software bill of materials lists every package that runs', () => {
  const { scripts } = JSON.parse(read('package.json'))
  const [, ...words] = scripts.sbom.split(' ')
  const { components } = JSON.parse(
    execFileSync('npm', words, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  const listed = new Set(
    components.map(
      (one: { group?: string; name: string; version: string }) =>
        `${one.group ? `${one.group}/` : ''}${one.name}@${one.version}`,
    ),
  )
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
  const running = Object.entries(packages)
    .filter(([path, locked]) => path.includes('node_modules/') && !locked.dev && !locked.link)
    .map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`)
  assert.ok(running.length > 50)
  assert.deepEqual(
    running.filter(one => !listed.has(one)),
    [],
  )
})

interface Locked {
  name?: string
  version: string
  dev?: true
  link?: true
}
