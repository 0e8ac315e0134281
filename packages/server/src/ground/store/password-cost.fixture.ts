import type { PasswordCost } from './database.ts'

/** Cheap enough for tests; the real one takes a quarter of a second a password. */
export const TEST_PASSWORD_COST: PasswordCost = { cost: 16, blockSize: 1, parallelization: 1 }
