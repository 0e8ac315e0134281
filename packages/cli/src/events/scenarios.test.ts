import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ActionType,
  actionTypes,
  contractRevision,
  parseActionRequest,
  platforms,
  present,
} from '@preflow/contract'
import { type ActionCall, disclose } from '@preflow/engine'
import { actionCall } from './action-call.ts'
import { chooseScenario, describeScenarios, readActionType, scenariosOf } from './scenarios.ts'

const types = Object.keys(actionTypes) as ActionType[]
const target = { url: 'http://127.0.0.1/', authentication: { type: 'NONE' as const }, signingSecrets: [] }
const identity = { requestId: 'rq-1', flowId: 'flow-1' }

/** Every request that some platform would send. */
function requests(): { what: string; call: ActionCall; body: Record<string, unknown> }[] {
  return types.flatMap(type =>
    Object.values(platforms)
      .filter(platform => contractRevision(platform, type) !== undefined)
      .flatMap(platform =>
        scenariosOf(type).map(scenario => {
          const call = actionCall(type, scenario, platform, target, identity)
          const body = JSON.parse(JSON.stringify(disclose(call)))
          return { what: `${type} ${scenario.name} on ${platform.title}`, call, body }
        }),
      ),
  )
}

test('every scenario of every platform is a request that follows the contract', () => {
  for (const { what, body } of requests()) assert.equal(parseActionRequest(body).ok, true, what)
})

test('no scenario contains a value that must not be sent', () => {
  for (const { what, body } of requests()) {
    assert.doesNotMatch(JSON.stringify(body), /"name":"(authorization|cookie|code|client_secret)"/, what)
  }
})

test('every flow and every grant that a rule can name has a scenario', () => {
  for (const type of types) {
    for (const { name, value } of actionTypes[type].ruleFields) {
      if (value.kind !== 'options') continue
      const covered = scenariosOf(type).map(scenario => (name === 'flow' ? scenario.flow : scenario.grant))
      for (const option of value.values) assert.ok(covered.includes(option), `${type} has no scenario for ${option}`)
    }
  }
})

test('the names of the scenarios of a type are unique', () => {
  for (const type of types) {
    const names = scenariosOf(type).map(({ name }) => name)
    assert.deepEqual(names, [...new Set(names)])
  }
})

test('a refresh token that will not be issued is in the event only where the platform shows it', () => {
  const scenario = chooseScenario('PRE_ISSUE_ACCESS_TOKEN', { flow: 'may-refresh' })
  assert.ok(scenario)
  assert.equal('refreshToken' in scenario.event(platforms['wso2-is-next']), true)
  assert.equal('refreshToken' in scenario.event(platforms.preflow), false)
})

test('a flow with several calls has a flowId, and others have none', () => {
  for (const { what, call, body } of requests()) {
    assert.equal('flowId' in body, call.action.type === 'AUTHENTICATION', what)
  }
})

test('an action type is recognized in every spelling', () => {
  for (const word of [
    'PRE_ISSUE_ACCESS_TOKEN',
    'preIssueAccessToken',
    'pre-issue-access-token',
    'Pre Issue Access Token',
  ]) {
    assert.equal(readActionType(word), 'PRE_ISSUE_ACCESS_TOKEN')
  }
  assert.equal(readActionType('preIssueRefreshToken'), undefined)
})

test('a scenario is chosen by grant, initiator and flow; the default is the simplest', () => {
  const chosen = (type: ActionType, choice: Parameters<typeof chooseScenario>[1]) => chooseScenario(type, choice)?.name
  assert.equal(chosen('PRE_ISSUE_ACCESS_TOKEN', {}), 'client_credentials')
  assert.equal(chosen('PRE_ISSUE_ACCESS_TOKEN', { grant: 'refresh_token' }), 'refresh_token')
  assert.equal(chosen('PRE_ISSUE_ID_TOKEN', { grant: 'device_code' }), 'device_code')
  assert.equal(chosen('PRE_ISSUE_ID_TOKEN', { flow: 'hybrid' }), 'hybrid')
  assert.equal(chosen('PRE_UPDATE_PASSWORD', { initiator: 'ADMIN' }), 'adminInitiatedPasswordUpdate')
  assert.equal(chosen('PRE_UPDATE_PASSWORD', { flow: 'userInitiatedRegistration' }), 'userInitiatedRegistration')
  assert.equal(chosen('PRE_UPDATE_PASSWORD', { initiator: 'USER', flow: 'adminInitiatedRegistration' }), undefined)
})

test('each scenario is described by the options that select it', () => {
  for (const type of types) {
    for (const line of describeScenarios(type).split('\n')) {
      const [, grant] = /--grant (\S+)/.exec(line) ?? []
      const [, initiator] = /--initiator (\S+)/.exec(line) ?? []
      const [, flow] = /--flow (\S+)/.exec(line) ?? []
      const scenario = chooseScenario(type, {
        ...present({ grant, initiator, flow }),
      })
      assert.ok(scenario && line.endsWith(scenario.about), line)
    }
  }
})
