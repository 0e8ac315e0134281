import assert from 'node:assert/strict'
import type { Issued } from '../requests.ts'
import { differs, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { assertToken, assertVerdicts, machineEdit, user, userEdit } from './token-edits.ts'
import { AT, issued, lastEvent, op } from './tokens.ts'

const CONFIGURED = ['web1', 'https://api.shop.test']
const ADDED = 'Audience added.'
const REMOVED = 'Audience removed.'
const REPLACED = 'Audience replaced.'
const INVALID = 'Audience is invalid.'
const INVALID_INDEX = 'Invalid index.'

/** F-USER after the removal of all audiences, refreshed with an operation. */
async function refreshWithoutAudience(stage: Stage, ...operations: ReturnType<typeof op>[]): Promise<Issued> {
  stage.extension(AT).succeed(op('-A/0'), op('-A/1'))
  const first = issued(await user.issue(stage))
  assertToken(first, user, { aud: [] })
  stage.extension(AT).succeed(...operations)
  return stage.refresh(stage.web, first)
}

export const audience: Section = {
  title: 'Access token: audience',
  rows: [
    userEdit('T94', '`+A/-=https://crm.test/v1`: 3 entries', [op('+A/-', 'https://crm.test/v1')], {
      log: [ADDED],
      aud: [...CONFIGURED, 'https://crm.test/v1'],
    }),
    userEdit('T95', '`+A/-` a list: unchanged', [op('+A/-', ['a.test', 'b.test'])], { log: [INVALID] }),
    userEdit('T96', '`+A/-=web1`: unchanged', [op('+A/-', 'web1')], { log: ['Audience already exists.'] }),
    userEdit('T97', '`+A/-=my_api`: invalid', [op('+A/-', 'my_api')], { log: [INVALID] }),
    userEdit('T98', '`+A/-=urn:x:y`: invalid', [op('+A/-', 'urn:x:y')], { log: [INVALID] }),
    userEdit('T99', '`+A/-="two words"`: invalid', [op('+A/-', 'two words')], { log: [INVALID] }),
    machineEdit('T100', 'F-CC `-A/0`: token without audience', [op('-A/0')], { log: [REMOVED], aud: [] }),
    userEdit('T101', '`-A/`: unchanged', [op('-A/')], { log: [INVALID_INDEX] }),
    userEdit('T102', '`-A/0`, `-A/0`: web1 removed, the second reports an error', [op('-A/0'), op('-A/0')], {
      log: [REMOVED, 'Audience not found.'],
      aud: ['https://api.shop.test'],
    }),
    machineEdit('T103', 'F-CC `~A/0=svc123`: replaced', [op('~A/0', 'svc123')], { log: [REPLACED], aud: ['svc123'] }),
    machineEdit('T104', 'F-CC `~A/-=svc123`: replaced', [op('~A/-', 'svc123')], { log: [REPLACED], aud: ['svc123'] }),
    machineEdit('T105', 'F-CC `~A/=svc123`: unchanged', [op('~A/', 'svc123')], { log: [INVALID_INDEX] }),
    machineEdit(
      'T106',
      'F-CC `+A/-=p.test`, `+A/-=q.test`, `~A/-=r.test`, `-A/-`: p, q, r',
      [op('+A/-', 'p.test'), op('+A/-', 'q.test'), op('~A/-', 'r.test'), op('-A/-')],
      { log: [ADDED, ADDED, REPLACED, 'Audience not found.'], aud: ['p.test', 'q.test', 'r.test'] },
    ),
    userEdit('T107', '`~A/0=https://api.shop.test`: unchanged', [op('~A/0', 'https://api.shop.test')], {
      log: ['Audience to replace already exists.'],
    }),

    row('T108', 'refresh with stored `aud` empty, `+A/-=p.test`: p.test', async stage => {
      const answer = issued(await refreshWithoutAudience(stage, op('+A/-', 'p.test')))
      const shown = lastEvent(stage).accessToken.claims.find(({ name }: { name: string }) => name === 'aud')
      assert.deepEqual(shown, { name: 'aud' })
      await assertVerdicts(stage, answer, [ADDED])
      assertToken(answer, user, { aud: ['p.test'] })
    }),

    row(
      'T109',
      'refresh with stored `aud` empty, `-A/-`: 500',
      async stage => {
        const { status, body } = await refreshWithoutAudience(stage, op('-A/-'))
        assert.deepEqual([status, body.error], [500, 'server_error'])
      },
      differs('an operation that cannot be applied is reported, and the flow continues', async stage => {
        const answer = issued(await refreshWithoutAudience(stage, op('-A/-')))
        await assertVerdicts(stage, answer, [INVALID_INDEX])
        assertToken(answer, user, { aud: [] })
      }),
    ),
  ],
}
