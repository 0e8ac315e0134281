import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const MEMBER = /^ {2,}(\w+)\??: /
const DECLARATION = /^export (interface|type) \w+/

/** The members of exported interfaces and types, as `line: name`, that have no docstring above them. */
function undocumentedIn(source: string): string[] {
  const lines = source.split('\n')
  let isInside = false
  return lines.flatMap((line, index) => {
    if (DECLARATION.test(line)) isInside = true
    else if (/^[}\S]/.test(line)) isInside = false
    const [, name] = MEMBER.exec(line) ?? []
    return isInside && name !== undefined && !/\*\/$/.test(lines[index - 1] ?? '') ? [`${index + 1}: ${name}`] : []
  })
}

test('every member of a request, an event and an answer has a docstring', () => {
  const files = [
    'event.ts',
    'call.ts',
    'operation.ts',
    ...globSync('action-types/*/event.ts', { cwd: import.meta.dirname }),
  ]
  assert.ok(files.length >= 8)
  for (const file of files) {
    assert.deepEqual(undocumentedIn(readFileSync(join(import.meta.dirname, file), 'utf8')), [], file)
  }
})

test('a member without a docstring is found', () => {
  assert.deepEqual(undocumentedIn('export interface A {\n  /** Known. */\n  id: string\n  name: string\n}\n'), [
    '4: name',
  ])
})
