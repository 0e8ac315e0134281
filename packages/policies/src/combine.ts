import type { Events } from '@preflow/contract'
import { allow, type DecisionFor, type Edit, type EditFor, fail, type Handler } from '@preflow/extension'

/**
 * Combines several policies into one handler.
 *
 * They are called in order, so put the cheap ones first. The first that does not allow decides, and the later ones are
 * not called. If all allow, all their edits are made, and the shortest lifetime wins in any order. All share the budget
 * of the extension: when it is used up, no further policy is called. If no policy has to wait, the decision is
 * synchronous.
 */
export function combine<T extends keyof Events>(...policies: readonly Handler<T>[]): Handler<T> {
  return (event, context) => {
    const edits: EditFor<T>[] = []
    const reasons: string[] = []

    /** Records a decision. Returns it if it is final. */
    function weigh(decision: DecisionFor<T>): DecisionFor<T> | undefined {
      if (decision.why !== undefined) reasons.push(decision.why)
      if (decision.decision !== 'allow') return { ...decision, why: reasons.join('; ') }
      edits.push(...decision.edits)
      return undefined
    }

    function askFrom(index: number): DecisionFor<T> | Promise<DecisionFor<T>> {
      for (let next = index; next < policies.length; next++) {
        // A timer may fire within the last millisecond, so the signal may abort before the clock shows it.
        if (context.signal.aborted || context.remainingMs() === 0)
          return fail('server_error', 'The policies did not decide in time.')
        const decided = (policies[next] as Handler<T>)(event, context)
        if (decided instanceof Promise) return decided.then(later => weigh(later) ?? askFrom(next + 1))
        const final = weigh(decided)
        if (final) return final
      }
      return allow(inLifetimeOrder(edits), { why: reasons.join('; ') })
    }

    return askFrom(0)
  }
}

/** Lifetimes are set before they are shortened, the longest first. So the shortest remains. */
function inLifetimeOrder<E extends Edit>(edits: readonly E[]): E[] {
  if (edits.length < 2) return [...edits]
  const rank = (edit: Edit) => (edit.edit === 'setExpiresIn' || edit.edit === 'setRefreshExpiresIn' ? 0 : 1)
  const seconds = (edit: Edit) => ('seconds' in edit && rank(edit) === 0 ? edit.seconds : 0)
  return [...edits].sort((a, b) => rank(a) - rank(b) || seconds(b) - seconds(a))
}
