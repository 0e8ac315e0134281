import type { ActionType } from '@preflow/contract'
import { actionTypeGuides } from '@preflow/contract/guides'
import type { Outcome } from '@preflow/engine'

/**
 * What the client would see, as the end of a sentence: `400 access_denied "Not from here."`
 *
 * @returns Undefined if the extension is not called at all. The client does not notice that.
 */
export function clientView(type: ActionType, outcome: Outcome): string | undefined {
  const { client } = actionTypeGuides[type]
  switch (outcome.status) {
    case 'success': {
      const applied = outcome.operations.filter(({ verdict }) => verdict === 'applied').length
      return client.success({ applied, data: outcome.data })
    }
    case 'failed':
      return client.failed(outcome.reason, outcome.description)
    case 'incomplete':
      return client.incomplete?.(outcome.redirectUrl) ?? client.error
    case 'error':
      return client.error
    case 'skipped':
    case 'continued':
      return undefined
    default:
      return outcome satisfies never
  }
}
