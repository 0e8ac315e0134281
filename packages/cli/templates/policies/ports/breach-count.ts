import { type BreachCounter, createPwnedPasswords } from '@preflow/policies'
import { createHttpGet } from '@preflow/policies/http-get'
import type { Opening } from '../opening.ts'

export type Port = BreachCounter

/** How often a password was seen in breaches, from the range API of Pwned Passwords. */
export function open(_settings: object, { onClose }: Opening): Port {
  const get = createHttpGet()
  onClose(() => get.close())
  return createPwnedPasswords({}, { get })
}
