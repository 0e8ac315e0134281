import { openCommonPasswords } from '@preflow/corpus'
import type { Port } from './common-passwords.ts'

/** The real list, because it needs no network. */
export const port: Port = await openCommonPasswords()
