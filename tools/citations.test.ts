/** Every row that a test or a document cites, such as `AU-05`, is in a table of docs/reference. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const TABLES = ['docs/reference/conformance.md', 'docs/reference/security.md']

/** The places with citations. */
const PLACES = [
  'packages',
  'extensions',
  'conformance',
  'docs',
  'bench',
  'tools',
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
]
const TEXT = /\.(ts|tsx|js|md|json|ya?ml|html)$/
const SKIPPED = new Set(['node_modules', 'dist', 'package-lock.json'])

/** The context of a number that is not part of a longer string, such as base64. */
const [FROM, TO] = ['(?<![\\w+/=.-])', '(?![\\w+/=-])']

/** Numbers of rows in the published tables, `T1`, `AU-05`. */
function publishedRows(tables: string): Set<string> {
  return new Set([...tables.matchAll(/^\| ([A-Z]+-?\d+) \|/gm)].map(([, id = '']) => id))
}

/**
 * Two letters, a dash and two digits are always a row. A letter with digits is a row if a table has rows with that
 * letter.
 */
function citations(rows: ReadonlySet<string>): RegExp {
  const letters = [...new Set([...rows].flatMap(id => /^([A-Z])\d/.exec(id)?.[1] ?? []))]
  return new RegExp(`${FROM}(?:[A-Z]{2}-\\d{2}|[${letters.join('')}]\\d{1,3})${TO}`, 'g')
}

/** A number at the beginning of a test title, of any kind. */
const NUMBER = '[A-Z]{1,2}-?\\d{1,3}'
const TITLE = new RegExp(
  `(?:test|describe)\\(['"\`](?:\\$\\{\\w+\\}: )?((?:\\d\\.\\d )?${NUMBER}(?:(?:, | to | and )(?:\\d\\.\\d )?${NUMBER})*)[:,]`,
  'g',
)

/** Chapters of specifications that are not in the repository. */
const CHAPTERS = [
  /\b(?:token|user)-actions\b(?!\.test\.ts)/g,
  /(?<![\w./-])(?:engine|accounts|authorization|clients|organizations|peers|scim)\.md\b/g,
  /(?<![\w./-])spec\//g,
  /\bspec (?:token|user|engine)\b|@see spec\b/g,
  /\b(?:engine|accounts|authorization|clients|organizations|peers) \d+\.\d+\b/g,
  /\b\d\.\d [A-Z]\d{1,2}\b/g,
]

/** The citations in a file that no table contains. */
function missingIn(text: string, rows: ReadonlySet<string>): string[] {
  const cited = [...text.matchAll(citations(rows))].map(([id]) => id)
  const inTitles = [...text.matchAll(TITLE)].flatMap(([, numbers = '']) => numbers.match(new RegExp(NUMBER, 'g')) ?? [])
  const chapters = CHAPTERS.flatMap(chapter => text.match(chapter) ?? [])
  return [...new Set([...cited.filter(id => !rows.has(id)), ...inTitles.filter(id => !rows.has(id)), ...chapters])]
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path).flatMap(name => (SKIPPED.has(name) ? [] : filesOf(join(path, name))))
}

const rows = publishedRows(TABLES.map(table => readFileSync(join(root, table), 'utf8')).join('\n'))

test('every row of the security table that is marked as tested begins the title of a test', () => {
  const titles = PLACES.flatMap(place => filesOf(join(root, place)))
    .filter(file => /\.test\.ts$/.test(file))
    .flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(/\btest\(\s*['"`](?:AZ-\d+, )*(AZ-\d+)/g)].map(([, id]) => id),
    )
  const table = readFileSync(join(root, 'docs/reference/security.md'), 'utf8')
  const marked = [...table.matchAll(/^\| (AZ-\d+) \|.*\| tested \|$/gm)].map(([, id]) => id)
  const missing = marked.filter(id => !titles.includes(id))
  assert.ok(marked.length > 0)
  assert.deepEqual(missing, [])
})

test('every cited row is in a table of docs/reference, and no chapter of another document is cited', () => {
  const faults = PLACES.flatMap(place => filesOf(join(root, place)))
    .filter(file => TEXT.test(file) && file !== import.meta.filename)
    .flatMap(file => {
      const missing = missingIn(readFileSync(file, 'utf8'), rows)
      return missing.length === 0 ? [] : `${relative(root, file)}: ${missing.join(', ')}`
    })
  assert.deepEqual(faults, [], `Cite a row of a table in docs/reference, or write it in words:\n${faults.join('\n')}`)
})

test('the tables have the rows of every family', () => {
  const families = new Set([...rows].map(id => id.replace(/\d+$/, '')))
  for (const family of [
    'T',
    'E',
    'PW-',
    'PC-',
    'PR-',
    'PF-',
    'OR-',
    'AU-',
    'CF-',
    'FX-',
    'UC-',
    'CL-',
    'SU-',
    'SF-',
    'SE-',
    'SK-',
    'SA-',
    'SB-',
  ])
    assert(families.has(family), family)
})

for (const [text, missing] of [
  ['// AU-05 and T83 hold, and so does E56.', []],
  ["test('AU-05, AU-06: a sign-in', () => {})", []],
  ['// AU-99: there are 46 rows.', ['AU-99']],
  ['// ZZ-01 is of a table that is not published.', ['ZZ-01']],
  ['the tables end at E166, so E167 is none', ['E167']],
  ['| T999 | in a document | holds |', ['T999']],
  ["test('A9: a finding', () => {})", ['A9']],
  [`  test(\`\${name}: A3, UC-17: two kinds\`, () => {})`, ['A3']],
  ["describe('P5: a rule of a document', () => {})", ['P5']],
  ["test('7.2 R6, UC-14: a chapter and a finding', () => {})", ['R6', '7.2 R6']],
  ['see user-actions 4.3', ['user-actions']],
  ['see token-actions.md, 1.1', ['token-actions']],
  ['see engine.md', ['engine.md']],
  ['engine 4.2', ['engine 4.2']],
  ['spec/scim.md', ['spec/']],
  ['spec token actions 8.7', ['spec token']],
  ['@see spec: the table of logs', ['@see spec']],
  ['user-actions.test.ts, UTF-8, RFC 6749 section 4.1, MIIDAT12+E99/ZZ-01=', []],
] as const) {
  test(`in ${JSON.stringify(text)} ${missing.length === 0 ? 'nothing is missing' : `${missing.join(' and ')} is missing`}`, () => {
    assert.deepEqual(missingIn(text, rows), missing)
  })
}
