import assert from 'node:assert/strict'
import { type ActionType, present } from '@preflow/contract'
import { differs, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import {
  ask,
  assertServerError,
  callThroughEngine,
  messagesOf,
  onlyCallBehind,
  throughEngine,
} from './engine-under-test.ts'
import { AT, MACHINE_FORM, rule } from './tokens.ts'

const PATH = '/api/server/v1/actions/preIssueAccessToken'

const NO_LOOKUP_BY_ID =
  'the caller of the engine passes the action itself, so the engine looks up no action by id during a flow'

/** A token is issued, and no extension is called. */
async function assertNotAsked(stage: Stage): Promise<void> {
  const { status, body } = await stage.token(stage.machine, MACHINE_FORM)
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(stage.extension(AT).calls.length, 0)
}

/** Corrupts the stored active action, requests a token, and repairs the state by deleting the action. */
async function withDamaged(
  stage: Stage,
  assignment: string,
  value: string,
  use: (id: string) => Promise<void>,
): Promise<void> {
  const id = await stage.configure(AT)
  stage.server.seed(`update actions set ${assignment} where id = ?`, value, id)
  try {
    await use(id)
  } finally {
    stage.server.seed('delete from actions where id = ?', id)
  }
}

const twoActions = differs(
  'a type never has a second action in an organization, not even with concurrent requests, so this error cannot occur',
  async stage => {
    await stage.remove(AT)
    const body = { name: 'One of many', endpoint: { uri: stage.extension(AT).url, authentication: { type: 'NONE' } } }
    const answers = await Promise.all(Array.from({ length: 4 }, () => stage.call('POST', PATH, body)))
    const { body: kept } = await stage.must('GET', PATH)
    try {
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 400, 400, 400])
      assert.equal(kept.length, 1)
      await stage.must('POST', `${PATH}/${kept[0].id}/activate`)
      const { issued, reached } = await ask(stage)
      assert.deepEqual([issued.status, reached], [200, 1])
    } finally {
      for (const { id } of kept) await stage.must('DELETE', `${PATH}/${id}`)
    }
  },
)

/** A password action of a version, called about a user who is registered. */
async function askAboutRegistration(stage: Stage, version: string, retiredUpTo?: string) {
  const type: ActionType = 'PRE_UPDATE_PASSWORD'
  const retired = retiredUpTo === undefined ? undefined : { [type]: retiredUpTo }
  return callThroughEngine(stage, {
    action: { type, version },
    platform: { ...stage.platform, ...present({ retiredUpTo: retired }) },
    event: {
      initiatorType: 'ADMIN',
      action: 'REGISTER',
      tenant: { id: '1', name: 'acme' },
      user: { updatingCredential: { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'secret' } },
    },
  })
}

export const selection: Section = {
  title: 'Selection and skipping',
  rows: [
    row('E1', 'execute(type), tenant has no action: SUCCESS, no HTTP call', async stage => {
      await stage.remove(AT)
      await assertNotAsked(stage)
    }),
    row('E2', 'one INACTIVE action: SUCCESS, no call', async stage => {
      const id = await stage.configure(AT)
      await stage.must('POST', `${PATH}/${id}/deactivate`)
      await assertNotAsked(stage)
    }),
    row('E3', 'rule configured, evaluates false: SUCCESS, no call', async stage => {
      await stage.configure(AT, rule([['grantType', 'equals', 'password']]))
      const { call, issued, reached } = await ask(stage)
      assert.deepEqual([issued.status, reached], [200, 0])
      assert.deepEqual([call.status, call.reason], ['skipped', 'The rule does not hold: grantType equals password.'])
    }),
    row('E4', 'two actions of the type: exception "Multiple actions found for action type: …"', twoActions),
    row('E5', 'execute by id, id null/blank: exception `Action Id cannot be blank.`', notApplicable(NO_LOOKUP_BY_ID)),
    row(
      'E6',
      'lookup by id throws: `Error occurred while retrieving action by action Id.`',
      notApplicable(NO_LOOKUP_BY_ID),
    ),
    row('E7', 'lookup by type throws: `Error occurred while retrieving actions.`, 500, no call', stage =>
      withDamaged(stage, 'authentication = ?', 'sealed with a key that is lost', async () => {
        const { status, body } = await stage.token(stage.machine, MACHINE_FORM)
        // The log of the reference has this message. A client learns only that the request failed.
        assert.deepEqual([status, body.error], [500, 'server_error'])
        assert.equal(body.access_token, undefined)
        assert.equal(stage.extension(AT).calls.length, 0)
      }),
    ),
    row(
      'E8',
      'rule evaluation throws: `Error occurred while evaluating the rule for action: actionId`, no call',
      stage =>
        withDamaged(
          stage,
          "settings = json_set(settings, '$.rule', json(?))",
          // A rule from a server version that had one more field.
          JSON.stringify(rule([['country', 'equals', 'DE']]).rule),
          async id => {
            const issued = await stage.token(stage.machine, MACHINE_FORM)
            assertServerError(issued)
            const { details } = await onlyCallBehind(stage, issued)
            assert.equal(
              details.error.message,
              `Error occurred while evaluating the rule for action: ${id}. Field value not found for the field: country`,
            )
            assert.equal(stage.extension(AT).calls.length, 0)
          },
        ),
    ),
    row(
      'E9',
      'no request builder registered: `No request builder found for action type: …`',
      notApplicable(
        'nothing is registered at run time: the code that triggers an action builds its event, and the compiler requires it',
      ),
    ),
    row(
      'E10',
      'builder throws: `Failed to build the request payload for action type: …`',
      notApplicable('an event is built from what is issued, and nothing in that can fail: no lookup, no plug-in'),
    ),
    throughEngine(
      row('E11', 'action v1, retired-up-to v1: exception, retired', async stage => {
        const { outcome, reached } = await askAboutRegistration(stage, 'v1', 'v1')
        // Version 1 has no registrations at all. The retired version must be that of an event it knows.
        assert.equal(outcome.status, 'skipped')
        assert.equal(reached, 0)
        const retired = await callThroughEngine(stage, {
          action: { type: AT, id: 'a-1' },
          platform: { ...stage.platform, retiredUpTo: { [AT]: 'v1' } },
        })
        assert.equal(retired.outcome.status, 'error')
        assert.equal(retired.outcome.error.code, 'retired_version')
        assert.match(retired.outcome.error.message, /^Action version is retired for action: a-1\./)
        assert.equal(retired.reached, 0)
      }),
    ),
    throughEngine(
      row('E12', 'action v2, retired-up-to v1: executes', async stage => {
        const { outcome, reached } = await askAboutRegistration(stage, 'v2', 'v1')
        assert.equal(outcome.status, 'success')
        assert.equal(reached, 1)
        assert.equal(stage.extension('PRE_UPDATE_PASSWORD').calls[0]?.headers['x-wso2-api-version'], 'v2')
      }),
    ),
    throughEngine(
      row('E13', 'the version handler returns not eligible: SUCCESS, no call, no diagnostic log', async stage => {
        const { outcome, reached, steps } = await askAboutRegistration(stage, 'v1')
        assert.equal(outcome.status, 'skipped')
        assert.equal(reached, 0)
        assert.deepEqual(steps, [])
      }),
    ),
    row('E14', 'action without rule id: executes, the diagnostic log reports that it has no rule', async stage => {
      const { call, issued, reached } = await ask(stage)
      assert.deepEqual([issued.status, reached], [200, 1])
      assert.deepEqual(messagesOf(call).slice(0, 3), [
        'Pre Issue Access Token action execution is initiated.',
        'No rule configured for action Pre Issue Access Token. Proceed executing the action.',
        'Pre Issue Access Token action execution started.',
      ])
    }),
  ],
}
