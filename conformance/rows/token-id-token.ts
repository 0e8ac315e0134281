import assert from 'node:assert/strict'
import { type AllowedOperation, actionTypes, platforms } from '@preflow/contract'
import { applyOperations } from '@preflow/engine'
import { decodeJwt } from 'jose'
import type { Issued } from '../requests.ts'
import { differs, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { renameUser } from '../users.ts'
import { assertToken, assertVerdicts, FILTERED, idToken, idTokenEdit, leadsTo } from './token-edits.ts'
import { addFrontApplication, IDT, inEngine, issued, land, named, op, shown } from './tokens.ts'

const ADDED = 'Audience added.'
const EXISTS = 'Audience already exists.'
const INVALID_INDEX = 'Invalid index.'
const INVALID_EXPIRY = 'Invalid expiry time. Must be positive.'

const add = (name: unknown, value: unknown) => op('+I/-', named(name, value))

const CLIENT_STAYS = 'an ID token keeps its client among its audiences, as OpenID Connect requires'
const KEPT = 'The client the token is for stays among its audiences.'

/** T146 and T147: the same answer to the code exchange and to the refresh. */
const fiveEdits = [
  op('+I/aud/-', 'p.test'),
  op('+I/aud/-', 'q.test'),
  op('+I/aud/-', 'r.test'),
  op('~I/aud/-', 's.test'),
  op('-I/aud/0'),
]

async function issue(stage: Stage, ...operations: typeof fiveEdits): Promise<Issued> {
  stage.extension(IDT).succeed(...operations)
  return issued(await idToken.issue(stage))
}

async function refresh(stage: Stage, previous: Issued, ...operations: typeof fiveEdits): Promise<Issued> {
  stage.extension(IDT).succeed(...operations)
  return issued(await stage.refresh(stage.web, previous))
}

export const idTokens: Section = {
  title: 'ID token',
  rows: [
    row(
      'T146',
      '`+I/aud/-` p, q, r, `~I/aud/-` s, `-I/aud/0`: p, q, s by current indices',
      differs(
        CLIENT_STAYS,
        leadsTo(idToken, fiveEdits, {
          log: [ADDED, ADDED, ADDED, 'Audience replaced.', KEPT],
          aud: ['web1', 'p.test', 'q.test', 's.test'],
        }),
      ),
    ),

    row(
      'T147',
      'the same answer on refresh: q, s, r',
      differs(CLIENT_STAYS, async stage => {
        const second = await refresh(stage, await issue(stage, ...fiveEdits), ...fiveEdits)
        await assertVerdicts(stage, second, [EXISTS, EXISTS, ADDED, 'Audience to replace already exists.', KEPT], IDT)
        assertToken(second, idToken, { aud: ['web1', 'p.test', 'q.test', 's.test', 'r.test'] })
      }),
    ),

    row(
      'T148',
      '`-I/aud/0`, `-I/aud/0` of ["web1","b"]: []',
      differs(CLIENT_STAYS, async stage => {
        const first = await issue(stage, op('+I/aud/-', 'b'))
        const second = await refresh(stage, first, op('-I/aud/0'), op('-I/aud/1'))
        assert.deepEqual(shown(stage, 'aud', IDT), ['web1', 'b'])
        await assertVerdicts(stage, second, [KEPT, 'Audience removed.'], IDT)
        assertToken(second, idToken, { aud: ['web1'] })
      }),
    ),

    idTokenEdit(
      'T149',
      '`+I/-` string, number, boolean, list of strings: added',
      [add('tier', 'gold'), add('quota', 12), add('vip', true), add('tags', ['a', 'b'])],
      {
        log: ['Claim added.', 'Claim added.', 'Claim added.', 'Claim added.'],
        claims: { tier: 'gold', quota: 12, vip: true, tags: ['a', 'b'] },
      },
    ),
    idTokenEdit('T150', '`+I/` a claim: not added', [op('+I/', named('tier', 'gold'))], { log: [INVALID_INDEX] }),
    idTokenEdit('T151', 'name null, value null: not added', [add(null, 'gold'), add('tier', null)], {
      log: ['Claim name or value cannot be null.', 'Claim name or value cannot be null.'],
    }),
    idTokenEdit(
      'T152',
      'names iss, nonce, sub: refused',
      ['iss', 'nonce', 'sub'].map(name => add(name, 'x')),
      { log: ['iss', 'nonce', 'sub'].map(name => `Cannot add standard claim '${name}' to ID Token.`) },
    ),
    idTokenEdit('T153', 'name given_name: exists', [add('given_name', 'Zoe')], {
      log: ["Claim with name 'given_name' already exists in ID Token."],
    }),
    idTokenEdit('T154', 'value ["a",1], {"a":1}: not added', [add('x', ['a', 1]), add('x', { a: 1 })], {
      log: ['Invalid claim value.', 'Invalid claim value.'],
    }),
    idTokenEdit('T155', 'value of the operation is a string: not added', [op('+I/-', 'gold')], {
      log: ['Failed to convert the value to Claim object.'],
    }),
    idTokenEdit('T156', '`+I/aud/-1`, `+I/aud/10`: unchanged', [op('+I/aud/-1', 'x.test'), op('+I/aud/10', 'x.test')], {
      log: [INVALID_INDEX, INVALID_INDEX],
    }),
    idTokenEdit('T157', '`+I/aud/0=https://x.test`: appended', [op('+I/aud/0', 'https://x.test')], {
      log: [ADDED],
      aud: ['web1', 'https://x.test'],
    }),
    idTokenEdit('T158', '`+I/aud/-=web1`: exists', [op('+I/aud/-', 'web1')], { log: [EXISTS] }),
    idTokenEdit('T159', '`~I/given_name=Ann`: Ann', [op('~I/given_name', 'Ann')], {
      log: ['Claim replaced.'],
      claims: { given_name: 'Ann' },
    }),
    idTokenEdit('T160', '`~I/nothere=x`: unchanged', [op('~I/nothere', 'x')], { log: [FILTERED] }),
    idTokenEdit('T161', '`-I/groups/0`: ["eu"]', [op('-I/groups/0')], {
      log: ['Claim value removed.'],
      claims: { groups: ['eu'] },
    }),
    idTokenEdit('T162', '`~I/groups/0=ops`: ops, not staff', [op('~I/groups/0', 'ops')], {
      log: ['Claim value replaced.'],
      claims: { groups: ['eu', 'ops'] },
    }),
    idTokenEdit('T163', '`~I/groups/0=eu`: still two', [op('~I/groups/0', 'eu')], {
      log: ['Claim value already exists.'],
    }),
    idTokenEdit('T164', '`-I/groups/10`: unchanged', [op('-I/groups/10')], { log: [INVALID_INDEX] }),
    idTokenEdit('T165', '`~I/expires_in=900`: exp - iat is 900', [op('~I/expires_in', 900)], {
      log: ['Expiry time updated.'],
      lifetimeSeconds: 900,
    }),
    idTokenEdit(
      'T166',
      '`~I/expires_in` 0, -100, "soon": unchanged',
      [0, -100, 'soon'].map(value => op('~I/expires_in', value)),
      { log: [INVALID_EXPIRY, INVALID_EXPIRY, 'Invalid expiry time format.'] },
    ),
    idTokenEdit('T167', '`~I/aud/0="bad uri"`: unchanged', [op('~I/aud/0', 'bad uri')], {
      log: ['Invalid Audience. Must be a valid string or URI.'],
    }),

    inEngine(
      row('T168', '`/foo/` although offered: "Unsupported path" for each operation', async stage => {
        const allowed: AllowedOperation[] = (['add', 'remove', 'replace'] as const).map(name => ({
          op: name,
          paths: ['/foo/'],
        }))
        const applied = applyOperations(
          allowed.map(({ op: name }) => ({ op: name, path: '/foo/x', value: 'x' })),
          allowed,
          { idToken: { claims: [] } },
          actionTypes.PRE_ISSUE_ID_TOKEN,
          platforms[stage.platform.name],
        )
        assert(applied.ok)
        assert.deepEqual(
          applied.value.verdicts.map(({ reason }) => reason),
          ['ADD', 'REMOVE', 'REPLACE'].map(name => `Unsupported path for ${name} operation: /foo/x`),
        )
      }),
    ),

    row(
      'T169',
      '`operations` `[]`: success, and the token counts as customised; null: rejected before that',
      async stage => {
        await assertCustomised(stage, { actionStatus: 'SUCCESS', operations: [] })
        stage.extension(IDT).answer(() => ({ body: { actionStatus: 'SUCCESS', operations: null } }))
        const { status, body } = await idToken.issue(stage)
        assert.deepEqual([status, body.error], [500, 'server_error'])
      },
      differs(
        'null means none, like an empty list, and attributes that no operation changed follow the profile',
        async stage => {
          await assertCustomised(stage, { actionStatus: 'SUCCESS', operations: [] }, 'Zoe')
          await assertCustomised(stage, { actionStatus: 'SUCCESS', operations: null }, 'Zoe')
        },
      ),
    ),

    row('T170', 'authorize endpoint: its ID token is changed', async stage => {
      await stage.configure(IDT)
      stage.extension(IDT).succeed(add('tier', 'gold'), op('~I/expires_in', 900), op('+I/aud/-', 'b'))
      const client = await addFrontApplication(stage)
      const token = decodeJwt((await land(stage, client, 'code id_token')).get('id_token') ?? '')
      assert.deepEqual(
        [token['tier'], token.aud, (token.exp ?? 0) - (token.iat ?? 0), token['nonce']],
        ['gold', [client.clientId, 'b'], 900, 'n-1'],
      )
    }),

    row(
      'T171',
      'request type neither token nor authorize: exception',
      notApplicable('an ID token is drafted at the token and the authorize endpoint; no third kind of request exists'),
    ),
  ],
}

/** Refreshes after this answer and a change of the user. By default the ID token keeps what it had. */
async function assertCustomised(stage: Stage, answer: object, expected = 'Mira'): Promise<void> {
  const user = await stage.addUser()
  await stage.configure(IDT)
  stage.extension(IDT).answer(() => ({ body: answer }))
  const form = { grant_type: 'password', username: user.userName, password: user.password, scope: 'openid profile' }
  const first = issued(await stage.token(stage.web, form))
  assert.equal(first.idToken?.['given_name'], 'Mira')
  await renameUser(stage, user, 'Zoe')
  assert.equal(issued(await stage.refresh(stage.web, first)).idToken?.['given_name'], expected)
}
