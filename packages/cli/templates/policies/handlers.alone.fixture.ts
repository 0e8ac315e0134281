import type { Handlers } from '@preflow/extension'
import { createHandlers } from './decisions.alone.ts'

/** The decisions of this project. */
export function handlersWith(): Handlers {
  return createHandlers()
}

export const noon = (): number => Date.parse('2026-03-02T12:00:00Z')
