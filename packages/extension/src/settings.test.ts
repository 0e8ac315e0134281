import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { documentSettings, readSettings, type Setting } from './settings.ts'

const settings = {
  port: {
    schema: z.number().int().min(1).max(65535),
    text: 'number',
    default: 8080,
    about: 'Port to listen on.',
  } as Setting<number>,
  blockedCountries: {
    schema: z.array(z.string().length(2)),
    text: 'list',
    default: [],
    about: 'Countries to refuse.',
  } as Setting<string[]>,
  apiKey: {
    schema: z.string().min(16),
    text: 'text',
    about: 'Key of the caller, at least 16 characters.',
    secret: true,
  } as Setting<string>,
}
const apiKey = 'k'.repeat(20)

test('settings come from the environment, then from the file, then from their defaults', () => {
  const read = readSettings('GUARD', settings, {
    environment: { GUARD_BLOCKED_COUNTRIES: 'KP, IR,', GUARD_API_KEY: apiKey, PATH: '/bin' },
    file: { blockedCountries: ['SY'], port: 9000 },
  })
  assert.deepEqual(read, { ok: true, values: { port: 9000, blockedCountries: ['KP', 'IR'], apiKey } })
})

test('every problem is reported with what to change, and no value is quoted', () => {
  const read = readSettings('GUARD', settings, {
    environment: { GUARD_PORT: 'eighty', GUARD_API_KEY: 'short-secret', GUARD_BLOCKED_COUNTRY: 'KP' },
    file: { prot: 1 },
  })
  assert.equal(read.ok, false)
  assert.equal(read.problems.length, 4)
  const text = read.problems.join('\n')
  assert.match(text, /^prot: not a setting\. Did you mean port\?$/m)
  assert.match(text, /^GUARD_BLOCKED_COUNTRY: not a setting/m)
  assert.match(text, /^GUARD_PORT: .*number.* Port to listen on\.$/m)
  assert.match(text, /^GUARD_API_KEY: .*16/m)
  assert.doesNotMatch(text, /eighty|short-secret/)
})

test('an unrecognizable name is answered with the valid ones; the prefix does not count as a similarity', () => {
  const apiKey = '0123456789abcdef'
  const read = readSettings('GUARD', settings, { environment: { GUARD_ZONE: 'x' }, file: { apiKey, colour: 1 } })
  assert.ok(!read.ok)
  assert.deepEqual(read.problems, [
    'colour: not a setting. Valid names are port, blockedCountries, apiKey.',
    'GUARD_ZONE: not a setting. Valid names are GUARD_PORT, GUARD_BLOCKED_COUNTRIES, GUARD_API_KEY.',
  ])
})

test('a required setting that is missing is reported by its variable', () => {
  const read = readSettings('GUARD', settings, { environment: {} })
  assert.deepEqual(read, {
    ok: false,
    problems: ['GUARD_API_KEY: missing. Key of the caller, at least 16 characters.'],
  })
})

test('the documentation lists every setting with its default', () => {
  assert.match(documentSettings('GUARD', settings), /\| `GUARD_PORT` \| `port` \| `8080` \| Port to listen on\. \|/)
  assert.match(documentSettings('GUARD', settings), /\| `GUARD_API_KEY` \| `apiKey` \| \*\*required\*\* \|/)
})
