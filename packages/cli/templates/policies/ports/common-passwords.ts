import { type Corpus, openCommonPasswords } from '@preflow/corpus'
import type { Opening } from '../opening.ts'

export type Port = Corpus

/** The common passwords of @preflow/corpus. */
export function open(_settings: object, _opening: Opening): Promise<Port> {
  return openCommonPasswords()
}
