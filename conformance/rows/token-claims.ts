import assert from 'node:assert/strict'
import type { Operation } from '@preflow/contract'
import { differs, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { assertToken, assertVerdicts, FILTERED, user, userDiffers, userEdit } from './token-edits.ts'
import { AT, issued, named, op, shown } from './tokens.ts'

const ADDED = 'Claim added.'
const REMOVED = 'Claim removed.'
const REPLACED = 'Claim replaced.'
const VALUE_REMOVED = 'Claim value removed.'
const VALUE_REPLACED = 'Claim value replaced.'
const NOT_FOUND = 'Claim not found.'
const EXISTS = 'An access token claim already exists.'
const INVALID = 'Invalid claim.'
const INVALID_VALUE = 'Invalid claim value.'
const INVALID_INDEX = 'Invalid index.'

const add = (name: string, value: unknown) => op('+C/-', named(name, value))
const written = (name: string) => `The claim '${name}' is written by the platform and cannot be added.`

/** The operation gets this verdict, and the token is unchanged. */
async function assertRefused(stage: Stage, operation: Operation): Promise<void> {
  stage.extension(AT).succeed(operation)
  const answer = issued(await user.issue(stage))
  const [record] = await stage.callsBehind(answer)
  assert.match(record?.details.operations[0].reason, /by the platform and cannot be added|belongs to the platform/)
  assertToken(answer, user, {})
}

export const claims: Section = {
  title: 'Access token: claims',
  rows: [
    userEdit('T110', '`+C/-` tier "gold": in the token', [add('tier', 'gold')], {
      log: [ADDED],
      claims: { tier: 'gold' },
    }),
    userEdit('T111', '`+C/-` quota 12: a number', [add('quota', 12)], { log: [ADDED], claims: { quota: 12 } }),
    userEdit('T112', '`+C/-` vip true: a boolean', [add('vip', true)], { log: [ADDED], claims: { vip: true } }),
    userEdit('T113', '`+C/-` tags ["a","b"]: a list in its order', [add('tags', ['a', 'b'])], {
      log: [ADDED],
      claims: { tags: ['a', 'b'] },
    }),
    userEdit('T114', 'value []: an empty list', [add('tags', [])], { log: [ADDED], claims: { tags: [] } }),
    userEdit(
      'T115',
      'value ["a",1], [1,2], {"k":1}, null: refused',
      [['a', 1], [1, 2], { k: 1 }, null].map(value => add('x', value)),
      { log: [INVALID_VALUE, INVALID_VALUE, INVALID_VALUE, INVALID_VALUE] },
    ),
    userEdit('T116', '`+C/` vip: not added', [op('+C/', named('vip', true))], { log: [INVALID_INDEX] }),
    userEdit('T117', '`+C/2` vip: added, the index is only checked', [op('+C/2', named('vip', true))], {
      log: [ADDED],
      claims: { vip: true },
    }),
    userEdit('T118', '`+C/99` vip: not added', [op('+C/99', named('vip', true))], { log: [INVALID_INDEX] }),
    userEdit('T119', '`+C/tier="gold"`: not added', [op('+C/tier', 'gold')], { log: [INVALID_INDEX] }),
    userEdit('T120', '`+C/-="gold"`: not added', [op('+C/-', 'gold')], { log: [INVALID] }),
    userEdit('T121', '`+C/-` with one member more: not added', [op('+C/-', { name: 't', value: 'v', x: 1 })], {
      log: [INVALID],
    }),
    userEdit('T122', '`+C/-` given_name "Zoe": exists', [add('given_name', 'Zoe')], { log: [EXISTS] }),

    row('T123', '`+C/-` sub "evil": exists, `sub` unchanged', async stage => {
      stage.extension(AT).succeed(add('sub', 'evil'))
      const answer = issued(await user.issue(stage))
      await assertVerdicts(stage, answer, [EXISTS])
      assert.equal(answer.accessToken?.sub, stage.user.id)
    }),

    userEdit(
      'T124',
      '`+C/-` iat 5: reported as added, without effect',
      [add('iat', 5)],
      { log: [ADDED] },
      userDiffers('an operation without effect is not reported as added', [add('iat', 5)], { log: [written('iat')] }),
    ),

    row(
      'T125',
      '`+C/-` exp 1: overrides `exp` of the token',
      differs(
        'claims that servers use for decisions belong to the platform; the record shows that the reference would add it',
        stage => assertRefused(stage, add('exp', 1)),
      ),
    ),

    userEdit('T126', 'tier "gold", tier "silver": silver', [add('tier', 'gold'), add('tier', 'silver')], {
      log: [ADDED, ADDED],
      claims: { tier: 'silver' },
    }),
    userEdit('T127', 'tier "gold", `~C/tier=silver`: gold', [add('tier', 'gold'), op('~C/tier', 'silver')], {
      log: [ADDED, FILTERED],
      claims: { tier: 'gold' },
    }),
    userEdit('T128', '`~C/given_name=Ann`: Ann', [op('~C/given_name', 'Ann')], {
      log: [REPLACED],
      claims: { given_name: 'Ann' },
    }),

    row('T129', '`~C/age="41"` of the number 41: the string "41"', async stage => {
      // An extension adds the number as a claim. The next event has it.
      stage.extension(AT).succeed(add('age', 41))
      const first = issued(await user.issue(stage))
      stage.extension(AT).succeed(op('~C/age', '41'))
      const answer = issued(await stage.refresh(stage.web, first))
      assert.equal(shown(stage, 'age'), 41)
      await assertVerdicts(stage, answer, [REPLACED])
      assertToken(answer, user, { claims: { age: '41' } })
    }),

    userEdit(
      'T130',
      '`~C/given_name={"a":1}`: an object',
      [op('~C/given_name', { a: 1 })],
      { log: [REPLACED], claims: { given_name: { a: 1 } } },
      userDiffers('a claim is a string, a number, a boolean or a list of strings', [op('~C/given_name', { a: 1 })], {
        log: [INVALID_VALUE],
      }),
    ),
    userEdit('T131', '`-C/given_name`: removed', [op('-C/given_name')], {
      log: [REMOVED],
      claims: { given_name: undefined },
    }),

    row('T132', '`-C/sub`, `-C/iss`, `~C/client_id=x`, `-C/expires_in`: filtered', async stage => {
      stage.extension(AT).succeed(op('-C/sub'), op('-C/iss'), op('~C/client_id', 'x'), op('-C/expires_in'))
      const answer = issued(await user.issue(stage))
      await assertVerdicts(stage, answer, [FILTERED, FILTERED, FILTERED, FILTERED])
      assertToken(answer, user, {})
      const { sub, iss, client_id } = answer.accessToken ?? {}
      assert.deepEqual([sub, iss, client_id], [stage.user.id, `${stage.base}/oauth2/token`, 'web1'])
    }),

    userEdit('T133', '`-C/groups/1`: ["staff"]', [op('-C/groups/1')], {
      log: [VALUE_REMOVED],
      claims: { groups: ['staff'] },
    }),
    userEdit('T134', '`-C/groups/0`, `-C/groups/1`: []', [op('-C/groups/0'), op('-C/groups/1')], {
      log: [VALUE_REMOVED, VALUE_REMOVED],
      claims: { groups: [] },
    }),
    userEdit('T135', '`-C/groups/0`, `-C/groups/0`: ["eu"]', [op('-C/groups/0'), op('-C/groups/0')], {
      log: [VALUE_REMOVED, 'Failed to remove claim value.'],
      claims: { groups: ['eu'] },
    }),
    userEdit('T136', '`~C/groups/0=ops`: ["eu","ops"]', [op('~C/groups/0', 'ops')], {
      log: [VALUE_REPLACED],
      claims: { groups: ['eu', 'ops'] },
    }),
    userEdit('T137', '`~C/groups/0=eu`: exists', [op('~C/groups/0', 'eu')], { log: ['Claim value already exists.'] }),
    userEdit('T138', '`~C/groups/0=7`: ["eu","7"]', [op('~C/groups/0', 7)], {
      log: [VALUE_REPLACED],
      claims: { groups: ['eu', '7'] },
    }),
    userEdit('T139', '`~C/groups/0={"a":1}`: unchanged', [op('~C/groups/0', { a: 1 })], {
      log: ['Invalid claim value. Must be a valid string, number or boolean.'],
    }),
    userEdit('T140', '`-C/groups/-`: unchanged', [op('-C/groups/-')], { log: [NOT_FOUND] }),
    userEdit('T141', '`-C/groups/`: the whole claim removed', [op('-C/groups/')], {
      log: [REMOVED],
      claims: { groups: undefined },
    }),
    userEdit('T142', '`-C/groups/5`: unchanged', [op('-C/groups/5')], { log: [INVALID_INDEX] }),
    userEdit('T143', '`-C/given_name/0`: filtered', [op('-C/given_name/0')], { log: [FILTERED] }),
    userEdit('T144', '`+C/groups/-=new`: filtered', [op('+C/groups/-', 'new')], { log: [FILTERED] }),
    userEdit('T145', '`-C/nothere`: filtered', [op('-C/nothere')], { log: [FILTERED] }),
  ],
}
