import assert from 'node:assert/strict'
import type { Answered } from '../requests.ts'
import { notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { assertRefused } from './engine-under-test.ts'
import { AT, called, IDT, issued, passwordForm, rule } from './tokens.ts'

type Groups = Parameters<typeof rule>

const isPassword = ['grantType', 'equals', 'password'] as [string, string, string]
const isNotPassword = ['grantType', 'notEquals', 'password'] as [string, string, string]

/** How often a password grant at `web` calls an extension with this rule. */
function underRule(calls: 0 | 1, groups: (stage: Stage) => Groups) {
  return async (stage: Stage) => {
    await stage.configure(AT, rule(...groups(stage)))
    issued(await stage.token(stage.web, passwordForm(stage, 'openid')))
    assert.equal(called(stage).access, calls)
  }
}

/** The options of the field `grantType` of the ID token action. */
async function grantOptions(stage: Stage): Promise<string[]> {
  const { body } = await stage.must('GET', '/api/server/v1/rules/metadata?flow=preIssueIdToken')
  const field = body.find(({ field }: { field: { name: string } }) => field.name === 'grantType')
  return field.value.values.map(({ name }: { name: string }) => name)
}

/** Sets this rule on the stage's action. */
async function patchRule(stage: Stage, ...groups: Groups): Promise<Answered> {
  const id = await stage.configure(AT)
  return stage.call('PATCH', `/api/server/v1/actions/preIssueAccessToken/${id}`, rule(...groups))
}

function assertRuleRefused(answered: Answered, description: string): void {
  assertRefused(answered, 400, 'ACTION-60013', `Rule validation failed: ${description}`, 'Invalid rule.')
}

const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item)

export const rules: Section = {
  title: 'Rules',
  rows: [
    row(
      'E107',
      'password grant; rule grantType equals password: action runs',
      underRule(1, () => [[isPassword]]),
    ),
    row(
      'E108',
      'rule application equals this app: runs',
      underRule(1, ({ web }) => [[['application', 'equals', web.id]]]),
    ),
    row(
      'E109',
      'app equals AND grantType equals password: runs',
      underRule(1, ({ web }) => [[['application', 'equals', web.id], isPassword]]),
    ),
    row(
      'E110',
      '(app equals) OR (grantType equals): runs',
      underRule(1, ({ web }) => [[['application', 'equals', web.id]], [['grantType', 'equals', 'refresh_token']]]),
    ),
    row(
      'E111',
      'grantType notEquals password: skipped',
      underRule(0, () => [[isNotPassword]]),
    ),
    row(
      'E112',
      'application notEquals this app: skipped',
      underRule(0, ({ web }) => [[['application', 'notEquals', web.id]]]),
    ),
    row(
      'E113',
      'app notEquals AND grantType notEquals: skipped',
      underRule(0, ({ web }) => [[['application', 'notEquals', web.id], isNotPassword]]),
    ),
    row(
      'E114',
      '(app equals `other_application`) OR (grantType equals authorization_code): skipped; unknown app id accepted at configuration',
      underRule(0, () => [
        [['application', 'equals', 'other_application']],
        [['grantType', 'equals', 'authorization_code']],
      ]),
    ),
    row('E115', 'hybrid /authorize, rule grantType equals anything: field value is `N/A`', async stage => {
      const client = await stage.addApplication({
        grantTypes: ['authorization_code'],
        hybridFlow: { enable: true, responseType: 'code id_token' },
      })
      const reached = async (...groups: Groups) => {
        await stage.configure(IDT, rule(...groups))
        stage.extension(IDT).reset()
        const { hash } = await stage.authorize(client, {
          response_type: 'code id_token',
          scope: 'openid',
          nonce: 'n-1',
        })
        assert(new URLSearchParams(hash.slice(1)).has('id_token'), hash)
        return called(stage).id
      }
      const options = await grantOptions(stage)
      assert(options.includes('authorization_code'))
      // A rule cannot name this value: every `equals` fails, every `notEquals` holds.
      assert.equal(await reached(...options.map(option => [['grantType', 'equals', option]] as Groups[number])), 0)
      assert.equal(await reached(options.slice(0, 5).map(option => ['grantType', 'notEquals', option])), 1)
    }),
    row(
      'E116',
      'create with field `invalid`: 400 ACTION-60013, `Rule validation failed: Field invalid is not supported`',
      async stage => {
        await stage.remove(AT)
        const refused = await stage.call('POST', '/api/server/v1/actions/preIssueAccessToken', {
          name: 'Under test',
          endpoint: { uri: stage.extension(AT).url, authentication: { type: 'NONE' } },
          ...rule([['invalid', 'equals', 'x']]),
        })
        assertRuleRefused(refused, 'Field invalid is not supported')
      },
    ),
    row(
      'E117',
      'PATCH with operator `invalid` on application: 400, `Rule validation failed: Operator invalid is not supported for field application`',
      async stage => {
        const refused = await patchRule(stage, [['application', 'invalid', 'x']])
        assertRuleRefused(refused, 'Operator invalid is not supported for field application')
      },
    ),
    row('E118', '6 expressions in one AND group: 400 with the message about the AND limit', async stage => {
      const text = 'Maximum number of expressions combined with AND exceeded. Maximum allowed: 5 Provided: 6'
      assertRuleRefused(await patchRule(stage, times(6, isPassword)), text)
      assert.equal((await patchRule(stage, times(5, isPassword))).status, 200)
    }),
    row('E119', '11 AND groups / 12 AND groups: accepted / rejected', async stage => {
      const accepted = await patchRule(stage, ...times(11, [isPassword]))
      assert.equal(accepted.status, 200)
      assert.equal(accepted.body.rule.rules.length, 11)
      const text = 'Maximum number of rules combined with OR exceeded. Maximum allowed: 10 Provided: 11'
      assertRuleRefused(await patchRule(stage, ...times(12, [isPassword])), text)
    }),
    row(
      'E120',
      'inactive rule: skipped',
      notApplicable('a rule is a member of its action and has no status of its own, in the API of the reference too'),
    ),
  ],
}
