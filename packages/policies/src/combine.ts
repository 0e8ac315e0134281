import type { Events } from '@preflow/contract'
import { allow, type Edit, type EditFor, fail, type Handler } from '@preflow/extension'

/**
 * Makes one handler of several policies.
 *
 * They are asked in order, so put the cheap ones first. The first that does not allow decides, and the ones after it are
 * not asked. When all allow, all their edits are made; of several lifetimes the shortest wins, whatever the order. All
 * share the budget of the extension: when it is spent, nobody is asked any more.
 */
export function combine<T extends keyof Events>(...policies: readonly Handler<T>[]): Handler<T> {
  return async (event, context) => {
    const edits: EditFor<T>[] = []
    const reasons: string[] = []
    for (const policy of policies) {
      if (context.remainingMs() === 0) return fail('server_error', 'The policies did not decide in time.')
      const decided = policy(event, context)
      const decision = decided instanceof Promise ? await decided : decided
      if (decision.why !== undefined) reasons.push(decision.why)
      if (decision.decision !== 'allow') return { ...decision, why: reasons.join('; ') }
      edits.push(...decision.edits)
    }
    return allow(inLifetimeOrder(edits), { why: reasons.join('; ') })
  }
}

/** Lifetimes are set before they are shortened, and the longest is set first: so the shortest is what remains. */
function inLifetimeOrder<E extends Edit>(edits: readonly E[]): E[] {
  const rank = (edit: Edit) => (edit.edit === 'setExpiresIn' || edit.edit === 'setRefreshExpiresIn' ? 0 : 1)
  const seconds = (edit: Edit) => ('seconds' in edit && rank(edit) === 0 ? edit.seconds : 0)
  return [...edits].sort((a, b) => rank(a) - rank(b) || seconds(b) - seconds(a))
}
