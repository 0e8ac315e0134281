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
  test('has the order in which the reference lists its types', () => {
    assert.deepEqual(Object.keys(actionTypes), [
      'PRE_ISSUE_ACCESS_TOKEN',
      'PRE_UPDATE_PASSWORD',
      'PRE_UPDATE_PROFILE',
      'AUTHENTICATION',
      'PRE_ISSUE_ID_TOKEN',
    ])
  })
  test('has each type under its key, with a unique path', () => {
    for (const [key, { type }] of Object.entries(actionTypes)) assert.equal(type, key)
    const paths = [...descriptors, ...unimplementedActionTypes].map(({ path }) => path)
    assert.equal(new Set(paths).size, paths.length)
  })
  test("has the type's name in camel case as the path and the handler", () => {
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
    test(`${type}: every revision that added something exists`, () => {
      for (const { revision } of since) assert.ok(revisions.includes(revision), revision)
    })
    test(`${type}: every offered path is covered by an editable place`, () => {
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
  test('PRE_REGISTRATION is known but not implemented', () => {
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
    test(`${type}: the sample is a valid request of this type`, () => {
      assert.equal(sample.actionType, type)
      assert.ok(parseActionRequest(structuredClone(sample)).ok)
    })
    test(`${type}: there are scenarios, each with a unique name`, () => {
      const names = scenarios.map(({ name }) => name)
      assert.ok(names.length > 0)
      assert.equal(new Set(names).size, names.length)
    })
  }
  test('the hash of the sample password is correct', () => {
    assert.equal(createHash('sha256').update(SAMPLE_PASSWORD).digest('base64'), SAMPLE_PASSWORD_HASH)
  })
})

suite('the table of platforms', () => {
  for (const [name, { name: own, revisions, text }] of Object.entries(platforms)) {
    test(`${name}: has its key as the name and sends revisions that exist`, () => {
      assert.equal(own, name)
      for (const { type, revisions: known } of descriptors) {
        assert.ok(revisions[type] === 'absent' || known.includes(revisions[type]), `${type} ${revisions[type]}`)
      }
    })
    test(`${name}: accepts the messages of the samples and rejects what its source rejects`, () => {
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
  test('only Preflow fixes the bugs of the reference', () => {
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
