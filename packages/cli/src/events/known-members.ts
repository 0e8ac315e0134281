import { type ActionType, platforms } from '@preflow/contract'
import { didYouMean } from '../nearest.ts'
import { scenariosOf } from './scenarios.ts'

/**
 * A hint for each path of `--set` with a member that no event of the type has. It is probably misspelt, and no
 * extension would read it.
 *
 * @param paths As on the command line, with or without a leading `event.`.
 * @param own The event that is sent. Its members count as known.
 */
export function unknownMembers(type: ActionType, paths: readonly string[], own: object): string[] {
  const events = [own, ...scenariosOf(type).map(scenario => scenario.event(platforms.preflow))]
  return paths.flatMap(path => unknownMember(type, path.replace(/^event\./, ''), events) ?? [])
}

function unknownMember(type: ActionType, path: string, events: readonly object[]): string | undefined {
  let at: unknown[] = [...events]
  const above: string[] = []
  for (const segment of path.split(/[.[]/)) {
    const objects = at.filter(isObject)
    // Entries of lists are addressed by name or index, and plain values have no members.
    if (objects.length === 0 || at.some(Array.isArray)) return undefined
    const known = new Set(objects.flatMap(Object.keys))
    if (!known.has(segment) && !ENVELOPE.has(path.split('.', 1)[0] ?? '')) {
      const place = [...above, segment].join('.')
      return `--set ${place}: no ${type} event has this member.${didYouMean(segment, known)} It is sent anyway.`
    }
    at = objects.map(object => object[segment]).filter(value => value !== undefined)
    above.push(segment)
  }
  return undefined
}

/** Members of the request beside the event. */
const ENVELOPE: ReadonlySet<string> = new Set(['actionType', 'requestId', 'flowId', 'allowedOperations'])

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
