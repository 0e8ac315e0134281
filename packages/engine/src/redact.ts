import type { ActionTypeDescriptor, EditablePlace, InClear } from '@preflow/contract'

const NOTHING: Readonly<Record<string, InClear>> = {}
const NAME: InClear = { name: true }
const NAME_AND_VALUE: InClear = { name: true, value: true }

/** Headers whose values a trace may show, in both directions. The others keep only their names. */
const SHOWN_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'retry-after',
  'server',
  'transfer-encoding',
  'webhook-id',
  'webhook-timestamp',
  'x-wso2-api-version',
])

/** A URL without the parts that may be secret: the query (function keys) and user information. */
export function shownUrl(uri: string): string {
  const url = URL.parse(uri)
  if (!url) return '<invalid url>'
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?<query>'}`
}

export function shownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const name in headers) shown[name] = SHOWN_HEADERS.has(name.toLowerCase()) ? (headers[name] ?? '') : '<redacted>'
  return shown
}

/** The request as it was sent. Everything that the descriptor does not show is replaced by its JSON type. */
export function shownRequest(body: object, descriptor: Pick<ActionTypeDescriptor, 'inClear'>): unknown {
  return show(body, {
    actionType: true,
    flowId: true,
    event: descriptor.inClear,
    allowedOperations: true,
    requestId: true,
  })
}

/**
 * An answer without values: status, reasons and paths stay, claim values and user data are replaced by their JSON type.
 * Scopes, audiences and lifetimes are no secrets and stay.
 */
export function shownAnswer(body: unknown, places: readonly EditablePlace[]): unknown {
  const shown = show(body, {
    actionStatus: true,
    failureReason: true,
    failureDescription: true,
    errorMessage: true,
    errorDescription: true,
  })
  const { operations } = (body ?? {}) as { operations?: unknown }
  if (!isRecord(shown) || !Array.isArray(operations)) return shown
  return { ...shown, operations: operations.map(operation => shownOperation(operation, places)) }
}

/** Replaces a body that is not JSON. It may contain anything, so only its type and size are shown. */
export function describeBody(contentType: string | undefined, bytes: number): string {
  return `<${contentType ?? 'no content type'}, ${bytes} bytes>`
}

function shownOperation(operation: unknown, places: readonly EditablePlace[]): unknown {
  if (!isRecord(operation)) return show(operation, NOTHING)
  const { path, url } = operation
  const place = typeof path === 'string' ? places.find(candidate => path.startsWith(candidate.path)) : undefined
  const isPublic = place !== undefined && place.kind !== 'claims' && place.kind !== 'responseParameters'
  return {
    ...(show(operation, { op: true, path: true, value: isPublic ? true : NAME }) as object),
    ...(typeof url === 'string' ? { url: shownUrl(url) } : {}),
  }
}

function show(value: unknown, shape: InClear): unknown {
  if (shape === true) return value
  if (Array.isArray(value)) {
    if ('claimsNamed' in shape) return value.map(claim => showClaim(claim, shape.claimsNamed as readonly string[]))
    const each: InClear = Array.isArray(shape) ? (shape[0] as InClear) : NOTHING
    return value.map(item => show(item, each))
  }
  if (isRecord(value)) {
    const members = Array.isArray(shape) ? NOTHING : (shape as Readonly<Record<string, InClear>>)
    const shown: Record<string, unknown> = {}
    for (const name in value) {
      shown[name] = show(value[name], (Object.hasOwn(members, name) && members[name]) || NOTHING)
    }
    return shown
  }
  return value === null ? null : `<${typeof value}>`
}

function showClaim(claim: unknown, named: readonly string[]): unknown {
  return show(claim, isRecord(claim) && named.includes(String(claim['name'])) ? NAME_AND_VALUE : NAME)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
