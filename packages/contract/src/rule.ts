import type { ActionTypeDescriptor } from './action-types/descriptor.ts'
import type { Issue } from './issue.ts'

/** One comparison: `grantType equals client_credentials`. */
export interface Expression {
  field: string
  operator: RuleOperator
  value: string
}

/** Operators that action rules may use. */
export type RuleOperator = 'equals' | 'notEquals'

/** The operators as `GET /rules/metadata` names them. */
export const ruleOperators: Readonly<Record<RuleOperator, { displayName: string }>> = {
  equals: { displayName: 'equals' },
  notEquals: { displayName: 'not equals' },
}

/**
 * When an action runs: if any of the groups matches. A group matches if every expression does. The shape is that of the
 * management API.
 */
export interface Rule {
  condition: 'OR'
  rules: { condition: 'AND'; expressions: Expression[] }[]
}

/** Limits of the reference: five expressions per group, and eleven groups although its message states ten. */
export const MAX_EXPRESSIONS = 5
export const MAX_GROUPS = 11

/**
 * Checks a rule against the fields of an action type, in the order and with the messages of the reference's rule
 * builder. The first error is reported. Values that refer to something (an application, a claim) are not looked up.
 *
 * @returns The error, whose message is the whole `description` of error ACTION-60013; nothing if the rule is valid.
 * @example
 * validateRule(rule, actionTypes.PRE_ISSUE_ACCESS_TOKEN)?.message // 'Rule validation failed: Field country is not
 * supported'
 */
export function validateRule(rule: Rule, descriptor: Pick<ActionTypeDescriptor, 'ruleFields'>): Issue | undefined {
  const fault = (path: Issue['path'], message: string): Issue => ({
    path,
    message: `Rule validation failed: ${message}`,
  })
  for (const [g, group] of rule.rules.entries()) {
    if (g === MAX_GROUPS) {
      return fault(
        ['rules'],
        `Maximum number of rules combined with OR exceeded. Maximum allowed: ${MAX_GROUPS - 1} Provided: ${g}`,
      )
    }
    for (const [e, { field, operator, value }] of group.expressions.entries()) {
      const at = (key: keyof Expression) => ['rules', g, 'expressions', e, key]
      const known = descriptor.ruleFields.find(({ name }) => name === field)
      if (!known) return fault(at('field'), `Field ${field} is not supported`)
      if (!Object.hasOwn(ruleOperators, operator)) {
        return fault(at('operator'), `Operator ${operator} is not supported for field ${field}`)
      }
      if (known.value.kind === 'options' && !known.value.values.includes(value)) {
        return fault(at('value'), `Value ${value} is not supported for field ${field}`)
      }
      if (e === MAX_EXPRESSIONS) {
        return fault(
          ['rules', g, 'expressions'],
          `Maximum number of expressions combined with AND exceeded. Maximum allowed: ${MAX_EXPRESSIONS} Provided: ${e + 1}`,
        )
      }
    }
  }
  return undefined
}
