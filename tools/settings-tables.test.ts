import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { prefixOf, type Service, settingsOf } from '@preflow/extension/service'
import { documentSettings, type Settings } from '@preflow/extension/settings'
import { passwordGuard } from '@preflow/password-guard'
import { PREFIX, settings } from '@preflow/pin-authenticator'
import { profileGuard } from '@preflow/profile-guard'
import { scopeLimiter } from '@preflow/scope-limiter'
import { BUCKETS, type Bucket, options } from '@preflow/server'
import { tokenGuard } from '@preflow/token-guard'

const root = join(import.meta.dirname, '..')
const tableOf = <S extends Settings>(service: Service<S>): string =>
  documentSettings(prefixOf(service), settingsOf(service))
const tables: Record<string, string> = {
  'extensions/password-guard': tableOf(passwordGuard),
  'extensions/pin-authenticator': documentSettings(PREFIX, settings),
  'extensions/profile-guard': tableOf(profileGuard),
  'extensions/scope-limiter': tableOf(scopeLimiter),
  'extensions/token-guard': tableOf(tokenGuard),
  'packages/server': [
    '| environment | default | what it does |',
    '|---|---|---|',
    ...Object.values(options).map(({ variable, fallback, description }) => {
      const shown = Array.isArray(fallback) && fallback.length === 0 ? 'none' : fallback
      return `| \`${variable}\` | ${shown === undefined || shown === 'none' ? 'none' : `\`${shown}\``} | ${description} |`
    }),
  ].join('\n'),
}

const inWords = (seconds: number) =>
  seconds >= 3600 ? `${seconds / 3600} h` : seconds >= 60 ? `${seconds / 60} min` : `${seconds} s`
const limits = [
  '| limit | default | then | what counts |',
  '|---|---|---|---|',
  ...Object.entries<Bucket>(BUCKETS).map(([name, { counts, pauseSeconds, points, seconds }]) => {
    const then = pauseSeconds === undefined ? 'wait for the rest of the time' : `wait ${inWords(pauseSeconds)}`
    return `| \`${name}\` | ${points} in ${inWords(seconds)} | ${then} | ${counts} |`
  }),
].join('\n')

// Run this file with --test-update-snapshots to write the tables.
describe('the README lists every setting', () => {
  for (const [folder, table] of Object.entries(tables)) {
    test(folder, context => {
      const path = join(root, folder, 'README.md')
      const readme = readFileSync(path, 'utf8')
      const place = /<!-- settings -->[\s\S]*<!-- \/settings -->/
      assert.match(readme, place, 'the markers of the table are missing')
      const expected = readme.replace(place, () => `<!-- settings -->\n${table}\n<!-- /settings -->`)
      context.assert.fileSnapshot(expected, path, { serializers: [text => text] })
    })
  }

  test('limits of the server', context => {
    const path = join(root, 'packages/server/README.md')
    const readme = readFileSync(path, 'utf8')
    const place = /<!-- limits -->[\s\S]*<!-- \/limits -->/
    assert.match(readme, place, 'the table has lost its place')
    const expected = readme.replace(place, () => `<!-- limits -->\n${limits}\n<!-- /limits -->`)
    context.assert.fileSnapshot(expected, path, { serializers: [text => text] })
  })

  test('no extension is missing', () => {
    const names = readdirSync(join(root, 'extensions')).map(name => `extensions/${name}`)
    assert.deepEqual(
      names.filter(name => !(name in tables)),
      [],
    )
  })
})
