import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as policies from '@preflow/policies'

test('every policy of the catalogue is exported under its name and has options', () => {
  for (const { name, options, summary, handles } of policies.catalog) {
    assert.equal(typeof (policies as Record<string, unknown>)[name], 'function', name)
    assert.equal(typeof options.safeParse, 'function', name)
    assert.match(summary, /^[A-Z].*\.$/, name)
    assert.ok(handles.length > 0, name)
  }
})

test('every policy that is exported with options is in the catalogue', () => {
  const listed = new Set(policies.catalog.map(({ name }) => name))
  const functions = Object.entries(policies).flatMap(([name, exported]) => (typeof exported === 'function' ? name : []))
  for (const name of functions.filter(one => `${one}OptionsSchema` in policies)) {
    assert.ok(listed.has(name), `${name} has no catalogue line`)
  }
})

test('every policy of the catalogue has a file and a test named after it', () => {
  for (const { name } of policies.catalog) {
    const file = name.replaceAll(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)
    for (const end of ['.ts', '.test.ts']) assert.ok(existsSync(join(import.meta.dirname, file + end)), file + end)
  }
})

test('the options that decide doubtful cases exist in the policy', () => {
  for (const { name, options, doubts } of policies.catalog) {
    const { shape } = options._zod.def as unknown as { shape: Record<string, unknown> }
    for (const option of doubts) assert.ok(Object.hasOwn(shape, option), `${name}: ${option}`)
  }
})

// Run this file with --test-update-snapshots to write the table.
test('the README lists every policy', context => {
  const path = join(import.meta.dirname, '../README.md')
  const readme = readFileSync(path, 'utf8')
  const place = /<!-- policies -->[\s\S]*<!-- \/policies -->/
  assert.match(readme, place, "the table's markers are missing")
  const code = (names: readonly string[]) => names.map(name => `\`${name}\``).join(', ') || '–'
  const table = [
    '| policy | handler | what it does | what decides the doubtful cases |',
    '|---|---|---|---|',
    ...policies.catalog.map(
      ({ name, handles, summary, doubts }) => `| ${code([name])} | ${code(handles)} | ${summary} | ${code(doubts)} |`,
    ),
  ].join('\n')
  const expected = readme.replace(place, () => `<!-- policies -->\n${table}\n<!-- /policies -->`)
  context.assert.fileSnapshot(expected, path, { serializers: [text => text] })
})
