import { decisionOf } from '../answer.ts'
import { type Check, createProblems, notChecked, passed } from '../check.ts'
import { toNonsense, toNothing } from '../variants.ts'

export const profileChecks: readonly Check[] = [
  {
    id: 'event.refuses-profiles',
    title: 'It refuses nonsense or empty values in a profile',
    why: 'The most common defect is a check that never runs: an attribute with the wrong name, a condition that is always false.',
    fix: 'If the extension should refuse updates, find out why it did not. If it only observes them, ignore this advice.',
    level: 'should',
    scope: 'type',
    types: ['PRE_UPDATE_PROFILE'],
    async run({ session, type, usual, eventExchanges }) {
      // A rule applied already, so the check runs.
      if (eventExchanges.some(exchange => decisionOf(exchange).status === 'FAILED')) return passed()
      const problems = createProblems()
      for (const [variant, rewrite] of [
        ['all set to nonsense', toNonsense],
        ['all removed', toNothing],
      ] as const) {
        const [exchange] = await session.sendScenario(type, usual, { variant, rewrite })
        if (!exchange || decisionOf(exchange).status === 'unusable') return notChecked('The answer is unreadable.')
        if (decisionOf(exchange).status !== 'SUCCESS') return passed()
        problems.add('It allows every update.', exchange)
      }
      return problems.finding()
    },
  },
]
