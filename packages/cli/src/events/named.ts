/** What words on the command line name: action types and platforms. */
import { type ActionType, actionTypes, type Platform, type PlatformName, platforms } from '@preflow/contract'
import { UsageError } from '../command.ts'
import { didYouMean } from '../nearest.ts'
import { readActionType } from './scenarios.ts'

/** The action types by the names that users write. */
export const typeNames: readonly string[] = Object.values(actionTypes).map(({ path }) => path)

/** @throws {UsageError} With the types there are. */
export function actionTypeNamed(word: string): ActionType {
  const type = readActionType(word)
  if (type) return type
  throw new UsageError(`${word}: is no action type.${didYouMean(word, typeNames)} There are ${typeNames.join(', ')}.`)
}

/**
 * @param timeout `--timeout`: milliseconds for an answer instead of the platform's own.
 * @throws {UsageError} With the platforms there are, or when the timeout is no number of milliseconds.
 */
export function platformNamed(name: string, timeout: string | undefined): Platform {
  if (!Object.hasOwn(platforms, name)) {
    const known = Object.keys(platforms)
    throw new UsageError(`${name}: is no platform.${didYouMean(name, known)} There are ${known.join(', ')}.`)
  }
  const platform = platforms[name as PlatformName]
  if (timeout === undefined) return platform
  const readTimeoutMs = Number(timeout)
  if (!Number.isInteger(readTimeoutMs) || readTimeoutMs < 1) {
    throw new UsageError('--timeout: must be a whole number of milliseconds.')
  }
  return { ...platform, calling: { ...platform.calling, readTimeoutMs } }
}
