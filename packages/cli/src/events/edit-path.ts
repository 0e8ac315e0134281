/**
 * Sets a value at a path of a request, as `--set` writes it: `event.request.grantType` or `requestId`. A path that does
 * not start with a member of the request starts at the event: `request.grantType`.
 *
 * An entry of a named list is addressed by its name, and missing parts are created: `accessToken.claims.expires_in`,
 * `request.additionalHeaders.x-client-source-ip`. A name with dots is written in brackets:
 * `user.claims[http://wso2.org/claims/country]`. Entries of other lists are addressed by index.
 *
 * @param document The request. It is not changed.
 * @throws {TypeError} With a message, if the path leads into a value that is neither an object nor a list.
 */
export function withPath(document: Readonly<Record<string, unknown>>, path: string, value: unknown): object {
  const segments = segmentsOf(path)
  const [first] = segments
  if (first === undefined) throw new TypeError(`${path}: is not a path. Write it like event.request.grantType.`)
  const full = ENVELOPE.has(first) ? segments : ['event', ...segments]
  return put(document, full, value, []) as object
}

/** Splits `path=value`. The value is parsed as JSON if possible, and is a string otherwise. */
export function readAssignment(assignment: string): { path: string; value: unknown } | undefined {
  const [, path, text] = /^((?:[^=[\]]|\[[^\]]*\])+)=(.*)$/s.exec(assignment) ?? []
  if (path === undefined || text === undefined) return undefined
  try {
    return { path, value: JSON.parse(text) }
  } catch {
    return { path, value: text }
  }
}

const ENVELOPE: ReadonlySet<string> = new Set(['actionType', 'flowId', 'event', 'allowedOperations', 'requestId'])
/** Lists whose entries have a list of values each. */
const MULTI_VALUED: ReadonlySet<string> = new Set(['additionalHeaders', 'additionalParams'])

function segmentsOf(path: string): string[] {
  return [...path.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(([, bracketed, plain]) => bracketed ?? plain ?? '')
}

function put(at: unknown, [segment, ...rest]: string[], value: unknown, above: string[]): unknown {
  if (segment === undefined) return value
  if (Array.isArray(at)) return putInList(at, segment, rest, value, above)
  if (at === undefined)
    return isNamedList(above)
      ? put([], [segment, ...rest], value, above)
      : { [segment]: put(undefined, rest, value, [...above, segment]) }
  if (typeof at !== 'object' || at === null) {
    throw new TypeError(
      `${above.join('.')}: is ${at === null ? 'null' : `a ${typeof at}`} and has no member ${segment}.`,
    )
  }
  const object = at as Record<string, unknown>
  return { ...object, [segment]: put(object[segment], rest, value, [...above, segment]) }
}

function putInList(list: unknown[], segment: string, rest: string[], value: unknown, above: string[]): unknown[] {
  const within = [...above, segment]
  if (/^\d+$/.test(segment)) {
    const copy = [...list]
    copy[Math.min(Number(segment), list.length)] = put(list[Number(segment)], rest, value, within)
    return copy
  }
  const at = list.findIndex(item => nameOf(item) === segment)
  const known = list[at] as Record<string, unknown> | undefined
  const element = known ?? { [segment.includes('://') ? 'uri' : 'name']: segment }
  const given = MULTI_VALUED.has(above.at(-1) ?? '') && !Array.isArray(value) ? [String(value)] : value
  const changed = put(element, rest.length > 0 ? rest : ['value'], given, within)
  return at < 0 ? [...list, changed] : list.with(at, changed)
}

function nameOf(item: unknown): unknown {
  const { name, uri } = (item ?? {}) as { name?: unknown; uri?: unknown }
  return name ?? uri
}

/** Lists that are created when a value is set in them. */
function isNamedList(path: string[]): boolean {
  const last = path.at(-1) ?? ''
  return last === 'claims' || MULTI_VALUED.has(last)
}
