import type { Expression, Rule, RuleOperator } from '@preflow/contract'
import { failure, type Result } from './call-error.ts'

type Fact = string | readonly string[]

/** A field with several values, such as the changing claims, equals each value that it contains. */
const operators: Record<RuleOperator, (fact: Fact, value: string) => boolean> = {
  equals: (fact, value) => (typeof fact === 'string' ? fact === value : fact.includes(value)),
  notEquals: (fact, value) => !operators.equals(fact, value),
}

/**
 * Whether an action runs: one group must hold, with every expression. Evaluation is lazy, as in the reference, so a
 * missing fact matters only if the evaluation reaches it.
 *
 * @returns The result and the expressions that decided it: those of the group that held, or the first false one of each
 *   group. A missing fact or an unknown operator is an error of code `rule`.
 */
export function evaluateRule(
  rule: Rule,
  facts: Readonly<Record<string, Fact | undefined>>,
): Result<{ outcome: boolean; decidedBy: string }> {
  const failing: string[] = []
  for (const { expressions } of rule.rules) {
    let isMet = true
    for (const expression of expressions) {
      const { field, operator, value } = expression
      const fact = Object.hasOwn(facts, field) ? facts[field] : undefined
      if (fact === undefined) return failure('rule', `Field value not found for the field: ${field}`)
      if (!Object.hasOwn(operators, operator)) return failure('rule', `Unsupported operator: ${operator}`)
      if (operators[operator](fact, value)) continue
      failing.push(describe(expression))
      isMet = false
      break
    }
    if (isMet) return { ok: true, value: { outcome: true, decidedBy: expressions.map(describe).join(' and ') } }
  }
  return { ok: true, value: { outcome: false, decidedBy: failing.join('; ') } }
}

function describe({ field, operator, value }: Expression): string {
  return `${field} ${operator} ${value}`
}
