import type { ActionType, TokenClaim } from '@preflow/contract'
import type { Outcome } from '@preflow/engine'
import { chooseScenario } from '../../events/scenarios.ts'
import { type Check, createProblems, notChecked } from '../check.ts'

/** Where an event has the claims of its token, by the types whose tokens are refreshed. */
const tokens: Partial<Record<ActionType, string>> = {
  PRE_ISSUE_ACCESS_TOKEN: 'accessToken',
  PRE_ISSUE_ID_TOKEN: 'idToken',
}

type TokenEvent = Record<string, { claims?: TokenClaim[]; scopes?: string[] } | undefined>

export const refreshChecks: readonly Check[] = [
  {
    id: 'operation.refresh',
    title: 'What it did when the token was issued also works when it is refreshed',
    why: 'A refresh starts from the token as the extension left it. A claim that is added again is rejected and keeps its old value for ever.',
    mend: 'Replace the claim when its path is offered, and add it only when the token does not have it.',
    level: 'must',
    scope: 'type',
    types: Object.keys(tokens) as ActionType[],
    async run({ session, type, told }) {
      const issue = chooseScenario(type, { grant: 'authorization_code' })
      const refresh = chooseScenario(type, { grant: 'refresh_token' })
      const member = tokens[type]
      if (!issue || !refresh || !member) return notChecked('Nothing of this type is refreshed.')
      // The newest contract comes first.
      const issued = told.find(({ label }) => label === issue.name)?.judgements[0]
      if (issued?.outcome.status !== 'success') return notChecked('It refuses the token that would be refreshed.')
      if (issued.outcome.operations.length === 0) return notChecked('It changes nothing when a token is issued.')
      const left = (issued.outcome.event as TokenEvent)[member]
      const atFirst = rejectedBy(issued.outcome)
      const problems = createProblems()
      const [exchange] = await session.tell(
        type,
        {
          ...refresh,
          event: platform => {
            const event = refresh.event(platform) as TokenEvent
            return { ...event, [member]: { ...event[member], ...left } }
          },
        },
        { isOnce: true, isPrivate: true, variant: 'of what it left' },
      )
      for (const { outcome } of exchange?.judgements ?? []) {
        for (const { op, path, reason } of rejectedBy(outcome)) {
          // What was rejected at once is told by operation.applied.
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
