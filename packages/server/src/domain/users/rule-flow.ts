import type { ActionTypeDescriptor, InitiatorType } from '@preflow/contract'

const INITIATORS: Record<InitiatorType, string> = { ADMIN: 'admin', APPLICATION: 'application', USER: 'user' }

/**
 * The value of the rule field `flow`, such as `adminInitiatedPasswordReset`. Undefined if no rule of the type can name the
 * combination. Evaluating a rule fails then, as in the reference.
 */
export function flowOf<Event extends object>(
  { ruleFields }: ActionTypeDescriptor<Event>,
  initiator: InitiatorType,
  what: string,
): string | undefined {
  const flow = `${INITIATORS[initiator]}Initiated${what}`
  const isNamed = ruleFields.some(
    ({ name, value }) => name === 'flow' && value.kind === 'options' && value.values.includes(flow),
  )
  return isNamed ? flow : undefined
}
