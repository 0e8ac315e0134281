/**
 * Puts a value at a path of a request, as `--set` names it: `event.request.grantType`, `requestId`, and without the first
 * word what is in the event: `request.grantType`.
 *
 * A list of named things is entered by name, and what is not there is made: `accessToken.claims.expires_in`,
 * `request.additionalHeaders.x-client-source-ip`; a name with dots goes into brackets,
 * `user.claims[http://wso2.org/claims/country]`. Other lists are entered by index.
 *
 * @param document The request; it is not changed.
 * @throws {TypeError} With a sentence, when the path leads into something that is neither object nor list.
 */
export function withPath(document: Readonly<Record<string, unknown>>, path: string, value: unknown): object {
  const segments = segmentsOf(path)
  const [first] = segments
  if (first === undefined) throw new TypeError(`${path}: is no path. Write it like event.request.grantType.`)
  const full = ENVELOPE.has(first) ? segments : ['event', ...segments]
  return put(document, full, value, []) as object
}

/** Takes `path=value` apart. The value is JSON where it reads as JSON, and otherwise text. */
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
/** Lists whose elements have a list of values each. */
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
      `${above.join('.')}: is ${at === null ? 'null' : `a ${typeof at}`}, so there is no ${segment} in it.`,
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

/** Lists that are made when something is put into them. */
function isNamedList(path: string[]): boolean {
  const last = path.at(-1) ?? ''
  return last === 'claims' || MULTI_VALUED.has(last)
}
