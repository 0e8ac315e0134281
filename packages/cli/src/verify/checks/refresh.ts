import type { ActionType, TokenClaim } from '@preflow/contract'
import type { Outcome } from '@preflow/engine'
import { chooseScenario } from '../../events/scenarios.ts'
import { type Check, createProblems, notChecked } from '../check.ts'

/** The path of the claims of a token in an event, for the types whose tokens are refreshed. */
const tokens: Partial<Record<ActionType, string>> = {
  PRE_ISSUE_ACCESS_TOKEN: 'accessToken',
  PRE_ISSUE_ID_TOKEN: 'idToken',
}

type TokenEvent = Record<string, { claims?: TokenClaim[]; scopes?: string[] } | undefined>

export const refreshChecks: readonly Check[] = [
  {
    id: 'operation.refresh',
    title: 'The changes to an issued token also work when the token is refreshed',
    why: 'A refresh starts from the changed token. If a claim is added again, the operation is rejected and the old value stays.',
    fix: 'Replace the claim if its path is offered, and add it only if the token does not have it.',
    level: 'must',
    scope: 'type',
    types: Object.keys(tokens) as ActionType[],
    async run({ session, type, eventExchanges }) {
      const issue = chooseScenario(type, { grant: 'authorization_code' })
      const refresh = chooseScenario(type, { grant: 'refresh_token' })
      const member = tokens[type]
      if (!issue || !refresh || !member) return notChecked('This type has no refresh.')
      // The newest contract comes first.
      const issued = eventExchanges.find(({ label }) => label === issue.name)?.judgements[0]
      if (issued?.outcome.status !== 'success') return notChecked('It refuses the token that would be refreshed.')
      if (issued.outcome.operations.length === 0) return notChecked('It changes nothing when a token is issued.')
      const left = (issued.outcome.event as TokenEvent)[member]
      const atFirst = rejectedBy(issued.outcome)
      const problems = createProblems()
      const [exchange] = await session.sendScenario(
        type,
        {
          ...refresh,
          event: platform => {
            const event = refresh.event(platform) as TokenEvent
            return { ...event, [member]: { ...event[member], ...left } }
          },
        },
        { isOnce: true, isPrivate: true, variant: 'after its own changes' },
      )
      for (const { outcome } of exchange?.judgements ?? []) {
        for (const { op, path, reason } of rejectedBy(outcome)) {
          // operation.applied reports what was rejected at once.
          if (atFirst.some(verdict => verdict.op === op && verdict.path === path)) continue
          problems.add(`${op} ${path ?? ''} is rejected: ${reason}`, exchange ?? refresh.name)
        }
      }
      return problems.finding()
    },
  },
]

function rejectedBy(outcome: Outcome) {
  return outcome.status === 'success' ? outcome.operations.filter(({ verdict }) => verdict === 'rejected') : []
}
