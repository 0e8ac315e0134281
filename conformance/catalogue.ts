import type { Suite } from './row.ts'
import { engineSuite } from './rows/engine-suite.ts'
import { tokenSuite } from './rows/token-suite.ts'

/** Every specification whose rows are run. */
export const suites: readonly Suite[] = [tokenSuite, engineSuite]
