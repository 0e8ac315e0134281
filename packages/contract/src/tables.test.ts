import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import { actionTypeGuides, SAMPLE_PASSWORD, SAMPLE_PASSWORD_HASH } from '@preflow/contract/guides'
import {
  actionTypes,
  contractRevision,
  type PlatformName,
  parseActionRequest,
  platforms,
  unimplementedActionTypes,
} from './index.ts'

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
  test('calls the path and the handler of a type by its name in camel case', () => {
    for (const { type, path } of descriptors) {
      assert.equal(
        path,
        type.toLowerCase().replaceAll(/_[a-z]/g, ([, letter = '']) => letter.toUpperCase()),
      )
    }
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

suite('the guides to action types', () => {
  test('describe every action type', () => {
    assert.deepEqual(Object.keys(actionTypeGuides), Object.keys(actionTypes))
  })
  for (const { type } of descriptors) {
    const { sample, scenarios } = actionTypeGuides[type]
    test(`${type}: the sample is a request of this type that the contract knows`, () => {
      assert.equal(sample.actionType, type)
      assert.ok(parseActionRequest(structuredClone(sample)).ok)
    })
    test(`${type}: there are scenarios, and each has a name of its own`, () => {
      const names = scenarios.map(({ name }) => name)
      assert.ok(names.length > 0)
      assert.equal(new Set(names).size, names.length)
    })
  }
  test('the hash of the sample password is its hash', () => {
    assert.equal(createHash('sha256').update(SAMPLE_PASSWORD).digest('base64'), SAMPLE_PASSWORD_HASH)
  })
})

suite('the table of platforms', () => {
  for (const [name, { name: own, revisions, text }] of Object.entries(platforms)) {
    test(`${name}: is named by its key and sends revisions that exist`, () => {
      assert.equal(own, name)
      for (const { type, revisions: known } of descriptors) {
        assert.ok(revisions[type] === 'absent' || known.includes(revisions[type]), `${type} ${revisions[type]}`)
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
      const sent = descriptors.flatMap(({ type }) => {
        const revision = contractRevision(platforms[name], type)
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
