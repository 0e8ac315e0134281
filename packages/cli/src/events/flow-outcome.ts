import type { ActionType } from '@preflow/contract'
import { actionTypeGuides } from '@preflow/contract/guides'
import type { Outcome } from '@preflow/engine'

/**
 * The outcome of a call in its flow. The engine checks the contract, but only the server knows whether the flow can use
 * a SUCCESS. For example, a sign-in without a user ends with an error.
 *
 * @param event As it was sent.
 */
export function flowOutcome(type: ActionType, event: object, outcome: Outcome): Outcome {
  if (outcome.status !== 'success') return outcome
  const why = actionTypeGuides[type].client.unusable?.({ event, data: outcome.data })
  if (why === undefined) return outcome
  return { status: 'error', error: { code: 'not_supported', message: why }, trace: outcome.trace }
}
