import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { actionTypes, type PlatformName, platforms, unimplementedActionTypes } from './index.ts'

const descriptors = Object.values(actionTypes)

suite('the table of action types', () => {
  test('is in the order in which the reference lists its types', () => {
    assert.deepEqual(Object.keys(actionTypes), [
      'PRE_ISSUE_ACCESS_TOKEN',
      'PRE_UPDATE_PASSWORD',
      'PRE_UPDATE_PROFILE',
      'AUTHENTICATION',
      'PRE_ISSUE_ID_TOKEN',
    ])
  })
  test('names each type by its key, with a path of its own', () => {
    for (const [key, { type }] of Object.entries(actionTypes)) assert.equal(type, key)
    const paths = [...descriptors, ...unimplementedActionTypes].map(({ path }) => path)
    assert.equal(new Set(paths).size, paths.length)
  })
  for (const { type, latestVersion, revisions, since, offers, places } of descriptors) {
    test(`${type}: the latest version is the major version of the newest revision`, () => {
      assert.equal(latestVersion, `v${revisions.at(-1)?.split('.')[0]}`)
    })
    test(`${type}: every revision that brought something exists`, () => {
      for (const { revision } of since) assert.ok(revisions.includes(revision), revision)
    })
    test(`${type}: every path that is offered is covered by a place that can be edited`, () => {
      for (const { paths = [] } of offers) {
        for (const offered of paths) {
          const path = typeof offered === 'string' ? offered : 'path' in offered ? offered.path : offered.eachClaimOf
          assert.ok(
            places.some(place => path.startsWith(place.path)),
            path,
          )
        }
      }
    })
  }
  test('PRE_REGISTRATION is known and implemented by nobody', () => {
    assert.deepEqual(
      unimplementedActionTypes.map(({ path }) => path),
      ['preRegistration'],
    )
  })
})

suite('the table of platforms', () => {
  for (const [name, { name: own, revisions, text }] of Object.entries(platforms)) {
    test(`${name}: is named by its key and sends revisions that exist`, () => {
      assert.equal(own, name)
      for (const [type, revision] of Object.entries(revisions)) {
        assert.ok(actionTypes[type as keyof typeof actionTypes].revisions.includes(revision), `${type} ${revision}`)
      }
    })
    test(`${name}: takes the texts that the samples send and refuses what its source refuses`, () => {
      assert.ok(text.alphabet.test("Access token issuance blocked from your region (CN)! Is it 9:00? - it's; [x]_."))
      for (const refused of [',', '/', '"', '@', '&', '%', '=', '<', '>', 'é', '\u00a0']) {
        assert.ok(!text.alphabet.test(refused), refused)
      }
    })
  }

  const differences: Record<PlatformName, string[]> = {
    'wso2-is-7.0': ['PRE_ISSUE_ACCESS_TOKEN 1.0'],
    'wso2-is-7.1': [
      'PRE_ISSUE_ACCESS_TOKEN 1.0',
      'PRE_UPDATE_PASSWORD 1.0',
      'PRE_UPDATE_PROFILE 1.0',
      'AUTHENTICATION 1.0',
    ],
    'wso2-is-7.2': [
      'PRE_ISSUE_ACCESS_TOKEN 1.1',
      'PRE_UPDATE_PASSWORD 1.1',
      'PRE_UPDATE_PROFILE 1.0',
      'AUTHENTICATION 1.0',
      'PRE_ISSUE_ID_TOKEN 1.0',
    ],
    'wso2-is-next': newest(),
    asgardeo: newest(),
    preflow: newest(),
  }
  for (const [name, revisions] of Object.entries(differences) as [PlatformName, string[]][]) {
    test(`${name}: sends ${revisions.join(', ')}`, () => {
      const sent = Object.keys(actionTypes).flatMap(type => {
        const revision = platforms[name].revisions[type as keyof typeof actionTypes]
        return revision === undefined ? [] : [`${type} ${revision}`]
      })
      assert.deepEqual(sent, revisions)
    })
  }
  test('only Preflow mends', () => {
    const mending = Object.values(platforms).filter(({ edits }) =>
      Object.values(edits).some(value => value !== 'reference'),
    )
    assert.deepEqual(
      mending.map(({ name }) => name),
      ['preflow'],
    )
  })
})

function newest(): string[] {
  return descriptors.map(({ type, revisions }) => `${type} ${revisions.at(-1)}`)
}
