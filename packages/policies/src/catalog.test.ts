import assert from 'node:assert/strict'
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
