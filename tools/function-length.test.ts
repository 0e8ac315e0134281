/** A function that does not fit on a screen calls named functions for its parts. Tables may be long. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAst } from 'rolldown/parseAst'
import { readSources } from './architecture.ts'

const MAX_LINES = 80
const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/
const NOT_SOURCE = /\.(test|cases|fixture)\.tsx?$/

/** Longer functions that are allowed, each with its reason. CONTRIBUTING has the same list. */
const EXCEPTIONS: Record<string, string> = {
  'packages/server/src/ground/store/migrations.ts': 'one migration creates the first schema: a table of columns',
}

interface Node {
  type: string
  start: number
  end: number
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

/** The number of lines of every function of a source, by its first line. */
function functionLengths(file: string, source: string): { line: number; lines: number }[] {
  const lineAt = (offset: number) => source.slice(0, offset).split('\n').length
  const found: { line: number; lines: number }[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(one)
    if (!isNode(value)) return
    if (FUNCTION.test(value.type)) {
      const line = lineAt(value.start)
      found.push({ line, lines: lineAt(value.end) - line + 1 })
    }
    for (const member of Object.values(value)) visit(member)
  }
  visit(parseAst(source, { lang: file.endsWith('x') ? 'tsx' : 'ts' }))
  return found
}

test('a long function is found', () => {
  const body = Array.from({ length: MAX_LINES }, (_, index) => `  step(${index})`).join('\n')
  assert.deepEqual(functionLengths('x.ts', `const a = 1\nexport function f(): void {\n${body}\n}\n`), [
    { line: 2, lines: MAX_LINES + 2 },
  ])
})

test(`no function of the source is longer than ${MAX_LINES} lines, except those listed with a reason`, () => {
  const { files } = readSources(join(import.meta.dirname, '..'))
  const long = [...files]
    .filter(([file]) => !NOT_SOURCE.test(file))
    .flatMap(([file, source]) =>
      functionLengths(file, source).flatMap(({ line, lines }) => (lines > MAX_LINES ? [{ file, line, lines }] : [])),
    )
  const unexpected = long.filter(({ file }) => EXCEPTIONS[file] === undefined)
  assert.deepEqual(
    unexpected.map(({ file, line, lines }) => `${file}:${line} has ${lines} lines`),
    [],
  )
  const unused = Object.keys(EXCEPTIONS).filter(file => !long.some(found => found.file === file))
  assert.deepEqual(unused, [], 'these exceptions are no longer needed')
})
