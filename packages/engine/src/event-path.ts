/** What an event has at the path of an operation: `/accessToken/scopes/`. Leading and trailing slashes are ignored. */
export function valueAt(event: object, path: string): unknown {
  let at: unknown = event
  for (const segment of segmentsOf(path)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, segment)) return undefined
    at = (at as Record<string, unknown>)[segment]
  }
  return at
}

/**
 * A copy of the event with another value at the path; undefined removes the member. The copy shares everything beside
 * the path with the original. A missing object on the path is created, unless the value is undefined.
 */
export function withValueAt<Event extends object>(event: Event, path: string, value: unknown): Event {
  const put = (at: unknown, [segment, ...rest]: string[]): unknown => {
    if (segment === undefined) return value
    const object = (typeof at === 'object' && at !== null ? at : {}) as Record<string, unknown>
    const next = put(object[segment], rest)
    if (next !== undefined) return { ...object, [segment]: next }
    if (!Object.hasOwn(object, segment)) return at
    const { [segment]: _, ...others } = object
    return others
  }
  return put(event, segmentsOf(path)) as Event
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter(segment => segment !== '')
}
