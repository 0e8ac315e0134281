/** Reads the names of action types and platforms on the command line. */
import { type ActionType, actionTypes, type Platform, type PlatformName, platforms } from '@preflow/contract'
import { UsageError } from '../command.ts'
import { didYouMean } from '../nearest.ts'
import { readActionType } from './scenarios.ts'

/** The names of the action types on the command line. */
export const typeNames: readonly string[] = Object.values(actionTypes).map(({ path }) => path)

/** @throws {UsageError} With the valid types. */
export function actionTypeNamed(word: string): ActionType {
  const type = readActionType(word)
  if (type) return type
  throw new UsageError(
    `${word}: unknown action type.${didYouMean(word, typeNames)} Use one of ${typeNames.join(', ')}.`,
  )
}

/**
 * @param timeout `--timeout`: milliseconds for an answer, instead of the limit of the platform.
 * @throws {UsageError} With the valid platforms, or if the timeout is not a number of milliseconds.
 */
export function platformNamed(name: string, timeout: string | undefined): Platform {
  if (!Object.hasOwn(platforms, name)) {
    const known = Object.keys(platforms)
    throw new UsageError(`${name}: unknown platform.${didYouMean(name, known)} Use one of ${known.join(', ')}.`)
  }
  const platform = platforms[name as PlatformName]
  if (timeout === undefined) return platform
  const readTimeoutMs = Number(timeout)
  if (!Number.isInteger(readTimeoutMs) || readTimeoutMs < 1) {
    throw new UsageError('--timeout: must be a whole number of milliseconds.')
  }
  return { ...platform, calling: { ...platform.calling, readTimeoutMs } }
}
