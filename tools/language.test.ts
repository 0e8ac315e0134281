/** Documents, comments, messages and test titles avoid the words in the list of CONTRIBUTING.md, and lines of prose are short. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { parseAst } from 'rolldown/parseAst'

const root = join(import.meta.dirname, '..')
const MAX_COLUMNS = 150

/** Strings that must keep a listed word, each with its reason. */
const EXCEPTIONS: readonly { file: string; phrase: string; reason: string }[] = []

/** A piece of prose and the line at which it begins. */
interface Prose {
  line: number
  words: string
}

interface Rule {
  phrase: string
  pattern: RegExp
  instead: string
}

/** The rules of the table: each phrase in code style of the first column is forbidden. `…` stands for up to four words. */
function readRules(document: string): Rule[] {
  const [, table = ''] = /<!-- words -->\n([\s\S]*?)<!-- \/words -->/.exec(document) ?? []
  return [...table.matchAll(/^\| (.*?) \| (.*?) \|$/gm)].flatMap(([, column = '', instead = '']) =>
    [...column.matchAll(/`([^`]+)`/g)].map(([, phrase = '']) => ({
      phrase,
      instead: instead.trim(),
      pattern: new RegExp(
        `(?<![\\w.-])${phrase.replaceAll(' … ', ' (?:[^\\s.,;:]+ ){0,4}').replaceAll(' ', '\\s+')}(?![\\w-]|\\.\\w)`,
        'i',
      ),
    })),
  )
}

/** Code within prose is not prose. */
function withoutCode(prose: string): string {
  return prose.replaceAll(/`[^`]*`/g, '``').replaceAll(/\]\([^)\s]*\)/g, ']')
}

/** The lines of a Markdown document without code, links and, in `isTable`, whether a line is one of a table. */
function markdownLines(document: string): (Prose & { isTable: boolean })[] {
  let isCode = false
  return document.split('\n').flatMap((text, index) => {
    const isFence = /^\s*```/.test(text)
    if (isFence) isCode = !isCode
    return isCode || isFence ? [] : [{ line: index + 1, words: withoutCode(text), isTable: /^\s*\|/.test(text) }]
  })
}

interface Node {
  type: string
  start: number
  end: number
  [member: string]: unknown
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** The string literals of a source, outside of imports, and the source with blanks in their place. */
function literalsIn(source: string, ast: unknown): { literals: { start: number; value: string }[]; rest: string } {
  const literals: { start: number; value: string }[] = []
  const blanks: [start: number, end: number][] = []
  const visit = (value: unknown, isPath = false): void => {
    if (Array.isArray(value)) for (const one of value) visit(one)
    if (!isNode(value)) return
    const { type, start, end } = value
    if (type === 'Literal' && (typeof value['value'] === 'string' || value['regex'])) {
      if (typeof value['value'] === 'string' && !isPath) literals.push({ start, value: value['value'] })
      blanks.push([start, end])
    }
    if (type === 'TemplateLiteral') {
      const quasis = value['quasis'] as (Node & { value: { cooked: string } })[]
      literals.push({ start, value: quasis.map(quasi => quasi.value.cooked).join('{}') })
      blanks.push(...quasis.map((quasi): [number, number] => [quasi.start, quasi.end]))
    }
    for (const [name, member] of Object.entries(value)) visit(member, name === 'source')
  }
  visit(ast)
  let rest = ''
  for (const [start, end] of blanks.sort(([a], [b]) => a - b)) {
    rest += source.slice(rest.length, start) + source.slice(start, end).replaceAll(/[^\n]/g, ' ')
  }
  return { literals, rest: rest + source.slice(rest.length) }
}

/** Comments, and strings that contain a space: others are names, paths and values. */
function proseOfSource(source: string): Prose[] {
  const { literals, rest } = literalsIn(source, parseAst(source, { lang: 'ts' }))
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length
  const strings = literals
    .filter(({ value }) => value.includes(' '))
    .map(({ start, value }) => ({ line: lineAt(start), words: withoutCode(value) }))
  const comments = [...rest.matchAll(/\/\*[\s\S]*?\*\/|(?:\/\/.*(?:\n[ \t]*|$))+/g)].map(({ 0: comment, index }) => ({
    line: lineAt(index),
    words: withoutCode(
      comment
        .replaceAll(/^[ \t]*(?:\*|\/\/)/gm, '')
        .replaceAll(/@example[\s\S]*?(?=\n\s*@|$)/g, '')
        .replaceAll(/@(?:param|typeParam) \S+|\{@link [^}]*\}/g, ''),
    ),
  }))
  return [...strings, ...comments]
}

/** The violations in some prose, as `line: "phrase"; write …`. */
function violations(prose: readonly Prose[], rules: readonly Rule[]): { phrase: string; report: string }[] {
  return prose.flatMap(({ line, words }) =>
    rules.flatMap(({ instead, pattern, phrase }) => {
      const [found] = pattern.exec(words) ?? []
      return found === undefined
        ? []
        : [{ phrase, report: `${line}: “${found.replaceAll(/\s+/g, ' ')}”; write ${instead}` }]
    }),
  )
}

const rules = readRules(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'))
const files = execFileSync('git', ['ls-files', '*.md', '*.ts'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter(file => file !== relative(root, import.meta.filename))

/** The prose of a file. The table of words itself is none. */
function proseOf(file: string): Prose[] {
  const content = readFileSync(join(root, file), 'utf8')
  return file.endsWith('.md')
    ? markdownLines(content.replace(/<!-- words -->[\s\S]*<!-- \/words -->/, table => table.replaceAll(/[^\n]/g, '')))
    : proseOfSource(content)
}

test('the words in the list of CONTRIBUTING.md are not used', () => {
  const found = files.flatMap(file => violations(proseOf(file), rules).map(violation => ({ file, ...violation })))
  const isExcepted = ({ file, phrase }: { file: string; phrase: string }) =>
    EXCEPTIONS.some(exception => exception.file === file && exception.phrase === phrase)
  const unexpected = found.filter(violation => !isExcepted(violation)).map(({ file, report }) => `${file}:${report}`)
  assert.deepEqual(unexpected, [], unexpected.join('\n'))
  const unused = EXCEPTIONS.filter(({ file, phrase }) => !found.some(one => one.file === file && one.phrase === phrase))
  assert.deepEqual(unused, [], 'these exceptions are no longer needed')
})

test(`lines of prose in documents have at most ${MAX_COLUMNS} characters`, () => {
  const long = files
    .filter(file => file.endsWith('.md'))
    .flatMap(file =>
      markdownLines(readFileSync(join(root, file), 'utf8'))
        .filter(({ isTable, words }) => !isTable && words.length > MAX_COLUMNS)
        .map(({ line, words }) => `${file}:${line} has ${words.length}`),
    )
  assert.deepEqual(long, [], long.join('\n'))
})

const SAMPLE_RULES = readRules(`<!-- words -->
| instead of | write |
| --- | --- |
| \`told\`, \`tells\` | report |
| \`lets … through\` | allow |
<!-- /words -->`)

for (const [source, found] of [
  ['// The client is told why.', ['told']],
  ['/**\n * The client is told\n * why.\n */', ['told']],
  ['// It lets every such\n// request through.', ['lets … through']],
  ['/** Lets it. Through the door. */', []],
  ["test('the client is told why', () => {})", ['told']],
  [['const message = `', '{name} tells`'].join('$'), ['tells']],
  ['const told = 1 // see `told` and told.ts', []],
  ["import told from './told ts'; const key = 'told'", []],
  ['/** @param told What it is.\n * @example\n * told */', []],
  ['const url = "https://told.example" // https://a/told', ['told']],
] as const) {
  test(`in ${JSON.stringify(source)} ${found.length === 0 ? 'no word is' : `${found.join(' and ')} is`} found`, () => {
    const phrases = violations(proseOfSource(source), SAMPLE_RULES).map(({ phrase }) => phrase)
    assert.deepEqual(phrases, found)
  })
}

test('in documents, prose and tables are checked, and code and links are not', () => {
  const document = 'It tells\n\n```sh\ntold\n```\n\n| told | `told` |\n\nsee [the page](told.md) and `told`\n'
  const lines = violations(markdownLines(document), SAMPLE_RULES).map(({ report }) => report.split(':')[0])
  assert.deepEqual(lines, ['1', '7'])
})
