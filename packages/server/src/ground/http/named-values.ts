import type { NamedValues } from '@preflow/contract'

/** The parameters of a request in the form of events. */
export function namedValues(values: Record<string, unknown>): NamedValues[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: Array.isArray(value) ? value.map(String) : [String(value)] }],
  )
}
