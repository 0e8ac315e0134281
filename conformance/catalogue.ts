import type { Suite } from './row.ts'
import { event } from './rows/token-event.ts'
import { triggering } from './rows/token-triggering.ts'

/** Every specification whose rows are run. */
export const suites: readonly Suite[] = [
  { title: 'Token actions', letter: 'T', count: 66, sections: [triggering, event] },
]
