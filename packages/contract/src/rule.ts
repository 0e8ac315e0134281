/** One comparison: `grantType equals client_credentials`. */
export interface Expression {
  field: string
  operator: RuleOperator
  value: string
}

/** Operators that action rules may use. */
export type RuleOperator = 'equals' | 'notEquals'

/** When an action runs: any of the groups holds, and in a group every expression. Shape of the management API. */
export interface Rule {
  condition: 'OR'
  rules: { condition: 'AND'; expressions: Expression[] }[]
}

/** Limits of the reference: five expressions a group, and eleven groups although its message says ten. */
export const MAX_EXPRESSIONS = 5
export const MAX_GROUPS = 11
