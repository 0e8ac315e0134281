import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AllowedOperation, isAllowed, lastSegment, type Operation, parentPath } from './operation.ts'

const claims = '/accessToken/claims/'
const rows: [row: string, allowed: AllowedOperation[], operation: Operation, kept: boolean][] = [
  [
    'E84 an element of a list that is offered',
    [{ op: 'add', paths: [claims, '/accessToken/scopes/'] }],
    { op: 'add', path: `${claims}-`, value: 1 },
    true,
  ],
  ['E85 a redirect when one is offered', [{ op: 'redirect' }], { op: 'redirect', url: 'https://x' }, true],
  [
    'E86 exactly the path that is offered',
    [{ op: 'replace', paths: [`${claims}testKey`] }],
    { op: 'replace', path: `${claims}testKey`, value: 1 },
    true,
  ],
  ['E87 another op', [{ op: 'add', paths: [`${claims}testKey`] }], { op: 'remove', path: `${claims}testKey` }, false],
  [
    'E88 an index where only a name is offered',
    [{ op: 'replace', paths: [`${claims}testKey`, '/accessToken/scopes/'] }],
    { op: 'replace', path: `${claims}0`, value: 1 },
    false,
  ],
  ['E89 two levels below', [{ op: 'add', paths: [claims] }], { op: 'add', path: `${claims}aud/-`, value: 1 }, false],
  [
    'E90 an element of a claim',
    [{ op: 'remove', paths: [`${claims}roles/`] }],
    { op: 'remove', path: `${claims}roles/1` },
    true,
  ],
  [
    'E91 other ops than the one offered',
    [{ op: 'add', paths: [claims] }],
    { op: 'replace', path: `${claims}x`, value: 1 },
    false,
  ],
  [
    'a name in another case',
    [{ op: 'remove', paths: [`${claims}Tier`] }],
    { op: 'remove', path: `${claims}tier` },
    false,
  ],
  [
    'a path without a slash as a parent',
    [{ op: 'remove', paths: [`${claims}a`] }],
    { op: 'remove', path: `${claims}a/0` },
    false,
  ],
  ['a redirect when none is offered', [{ op: 'add', paths: [claims] }], { op: 'redirect', url: 'https://x' }, false],
  ['no path', [{ op: 'add', paths: [claims] }], { op: 'add', value: 1 }, false],
  ['an offer without paths', [{ op: 'add' }], { op: 'add', path: claims, value: 1 }, false],
]

for (const [row, allowed, operation, kept] of rows) {
  test(`${row} is ${kept ? 'kept' : 'dropped'}`, () => {
    assert.equal(isAllowed(operation, allowed), kept)
  })
}

const segment = fc.string({ maxLength: 5 })
const path = fc.array(segment, { maxLength: 4 }).map(segments => `/${segments.join('/')}`)
const op = fc.constantFrom('add' as const, 'remove' as const, 'replace' as const)

test('a path is allowed exactly if it, or the part before its last segment, is offered for that op', () => {
  fc.assert(
    fc.property(op, op, path, fc.array(path, { maxLength: 4 }), (wanted, offered, asked, paths) => {
      const kept = isAllowed({ op: wanted, path: asked }, [{ op: offered, paths }])
      const expected = wanted === offered && (paths.includes(asked) || paths.includes(parentPath(asked)))
      assert.equal(kept, expected)
    }),
  )
})

test('nothing below an element of an offered list is ever reachable', () => {
  fc.assert(
    fc.property(op, path, segment, segment, (wanted, list, first, second) => {
      fc.pre(!second.includes('/') && !first.includes('/'))
      const deep = `${list}/${first}/${second}`
      assert.equal(isAllowed({ op: wanted, path: deep }, [{ op: wanted, paths: [`${list}/`] }]), false)
    }),
  )
})

test('a path consists of its parent and its last segment', () => {
  fc.assert(
    fc.property(path, whole => {
      assert.equal(parentPath(whole) + lastSegment(whole), whole)
    }),
  )
})
