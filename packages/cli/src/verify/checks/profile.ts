import { decisionOf } from '../answer.ts'
import { type Check, createProblems, notChecked, passed } from '../check.ts'
import { toNonsense, toNothing } from '../variants.ts'

export const profileChecks: readonly Check[] = [
  {
    id: 'event.refuses-profiles',
    title: 'It refuses a profile of nonsense, or of nothing at all',
    why: 'The commonest defect of all is a check that never runs: an attribute read by the wrong name, a condition that is always false.',
    mend: 'If it is there to refuse updates, find out why it did not; if it only watches them, this advice is not for you.',
    level: 'should',
    scope: 'type',
    types: ['PRE_UPDATE_PROFILE'],
    async run({ session, type, usual, told }) {
      // Some rule applied already: it is known to run.
      if (told.some(exchange => decisionOf(exchange).status === 'FAILED')) return passed()
      const problems = createProblems()
      for (const [variant, rewrite] of [
        ['all to nonsense', toNonsense],
        ['all taken away', toNothing],
      ] as const) {
        const [exchange] = await session.tell(type, usual, { variant, rewrite })
        if (!exchange || decisionOf(exchange).status === 'unusable') return notChecked('The answer cannot be read.')
        if (decisionOf(exchange).status !== 'SUCCESS') return passed()
        problems.add('It lets every update through.', exchange)
      }
      return problems.finding()
    },
  },
]
