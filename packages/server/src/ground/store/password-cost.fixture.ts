import type { PasswordCost } from './passwords.ts'

/** A low cost for tests. The real one takes a quarter of a second per password. */
export const TEST_PASSWORD_COST: PasswordCost = { cost: 16, blockSize: 1, parallelization: 1 }
