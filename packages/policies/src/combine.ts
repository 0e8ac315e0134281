import type { Events } from '@preflow/contract'
import { allow, type DecisionFor, type Edit, type EditFor, fail, type Handler } from '@preflow/extension'

/**
 * Makes one handler of several policies.
 *
 * They are asked in order, so put the cheap ones first. The first that does not allow decides, and the ones after it are
 * not asked. When all allow, all their edits are made; of several lifetimes the shortest wins, whatever the order. All
 * share the budget of the extension: when it is spent, nobody is asked any more. As long as no policy has to wait, the
 * decision is made at once.
 */
export function combine<T extends keyof Events>(...policies: readonly Handler<T>[]): Handler<T> {
  return (event, context) => {
    const edits: EditFor<T>[] = []
    const reasons: string[] = []

    /** Takes note of a decision; gives it back when it is final. */
    function weigh(decision: DecisionFor<T>): DecisionFor<T> | undefined {
      if (decision.why !== undefined) reasons.push(decision.why)
      if (decision.decision !== 'allow') return { ...decision, why: reasons.join('; ') }
      edits.push(...decision.edits)
      return undefined
    }

    function askFrom(index: number): DecisionFor<T> | Promise<DecisionFor<T>> {
      for (let next = index; next < policies.length; next++) {
        // A timer may fire within the last millisecond: the signal says so before the clock does.
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

/** Lifetimes are set before they are shortened, and the longest is set first: so the shortest is what remains. */
function inLifetimeOrder<E extends Edit>(edits: readonly E[]): E[] {
  if (edits.length < 2) return [...edits]
  const rank = (edit: Edit) => (edit.edit === 'setExpiresIn' || edit.edit === 'setRefreshExpiresIn' ? 0 : 1)
  const seconds = (edit: Edit) => ('seconds' in edit && rank(edit) === 0 ? edit.seconds : 0)
  return [...edits].sort((a, b) => rank(a) - rank(b) || seconds(b) - seconds(a))
}
