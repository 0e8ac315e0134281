import { decisionOf, isDecided } from '../answer.ts'
import { type Check, createProblems, notChecked } from '../check.ts'

export const signInChecks: readonly Check[] = [
  {
    id: 'event.asks-before-signing-in',
    title: 'Nobody is signed in before proving anything',
    why: 'SUCCESS to the very first call of a flow signs in whoever has opened the page.',
    mend: 'Answer INCOMPLETE with a redirect to your page, and SUCCESS only for a flow that was completed there.',
    level: 'should',
    scope: 'type',
    types: ['AUTHENTICATION'],
    run({ told }) {
      const decided = told.filter(exchange => isDecided(decisionOf(exchange)))
      if (decided.length === 0) return notChecked('No call was decided.')
      const problems = createProblems()
      // Each occasion is a flow of its own, which the extension has never seen.
      for (const exchange of decided) {
        if (decisionOf(exchange).status === 'SUCCESS') {
          problems.add('It answers SUCCESS to the first call of a flow.', exchange)
        }
      }
      return problems.finding()
    },
  },
]
