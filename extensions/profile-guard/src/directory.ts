import { createAnswers, fetchGet, foldText, type HttpGet } from '@preflow/policies'

/** How to look up a value in a directory. */
export interface DirectoryOptions {
  /**
   * An http or https URL with `{value}`, `{userId}` or both. Each is URL-encoded.
   * `https://directory.example/departments/{value}`
   */
  url: string
  /** Sent with every lookup, for example `authorization: Bearer …`. */
  header?: { name: string; value: string }
  /** Statuses that mean: the value exists. Default 200. */
  foundStatuses?: readonly number[]
  /**
   * Statuses that mean: the value does not exist. Default 404. Any other status means: the directory is unavailable.
   */
  absentStatuses?: readonly number[]
  /**
   * JSON pointer (RFC 6901) into the response. It must point to the value, or to a list that contains it. Default: only
   * the status decides.
   */
  pointer?: string
  /** Milliseconds for one lookup, from connecting to the last byte. Default 1500. */
  timeoutMs?: number
  /** Seconds for which a response is cached. A negative response is cached for at most 30. Default 300. */
  cacheSeconds?: number
}

/** `unavailable`: the directory could not be reached, or its response was invalid. */
export type DirectoryAnswer = 'known' | 'unknown' | 'unavailable'

export interface Directory {
  /**
   * Whether all of the values exist. Never rejects.
   *
   * @param call.remainingMs Milliseconds after which this caller no longer waits. The lookup continues for other
   *   callers.
   */
  knows(values: readonly string[], userId: string | undefined, call: { remainingMs: number }): Promise<DirectoryAnswer>
}

/** The response of a directory for one URL. `texts` are the values at the pointer, if there is a pointer. */
type Finding = { isFound: false } | { isFound: true; texts?: readonly string[] }

/** A longer response is not about one value. */
const MAX_ANSWER_BYTES = 1_048_576
const MAX_CACHED_ANSWERS = 10_000
const MAX_ABSENT_SECONDS = 30
/** A longer value is unknown without a lookup, and so is a longer list, because each value is a request. */
const MAX_VALUE_LENGTH = 256
const MAX_VALUES = 20

/**
 * Creates lookups over HTTP. Responses are cached, and concurrent callers share one request. Redirects are not
 * followed, because the value and the header would go elsewhere.
 *
 * @param ports.get Default: with `fetch`.
 */
export function createDirectory(
  options: DirectoryOptions,
  ports: { get?: HttpGet; now?: () => number } = {},
): Directory {
  const { url, header, pointer, timeoutMs = 1500, cacheSeconds = 300 } = options
  const { foundStatuses = [200], absentStatuses = [404] } = options
  const { get = fetchGet, now = Date.now } = ports

  const findings = createAnswers(lookUp, {
    // A department that was created a minute ago must not stay unknown for long.
    keepMs: ({ isFound }) => (isFound ? cacheSeconds : Math.min(cacheSeconds, MAX_ABSENT_SECONDS)) * 1000,
    maxSize: MAX_CACHED_ANSWERS,
    now,
  })

  async function lookUp(address: string): Promise<Finding> {
    const answer = await get(address, {
      headers: { accept: 'application/json', ...(header && { [header.name]: header.value }) },
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
    })
    if (answer.kind === 'failure') throw new Error(answer.why)
    if (absentStatuses.includes(answer.status)) return { isFound: false }
    if (!foundStatuses.includes(answer.status)) throw new Error(`status ${answer.status}`)
    if (pointer === undefined) return { isFound: true }
    return { isFound: true, texts: textsAt(pointer, JSON.parse(answer.body)) }
  }

  async function knowsOne(value: string, userId: string | undefined): Promise<boolean> {
    const address = addressOf(url, value, userId)
    if (address === undefined) return false
    const finding = await findings.ask(address)
    if (!finding.isFound) return false
    return finding.texts === undefined || finding.texts.some(text => foldText(text) === foldText(value))
  }

  return {
    async knows(values, userId, { remainingMs }) {
      if (values.length > MAX_VALUES) return 'unknown'
      const asked = Promise.all(values.map(value => knowsOne(value, userId))).then(
        (answers): DirectoryAnswer => (answers.every(isKnown => isKnown) ? 'known' : 'unknown'),
        // After any failure (connection, time, status, invalid JSON) the directory is unavailable. The response is not
        // reported, because an error page may contain the value.
        (): DirectoryAnswer => 'unavailable',
      )
      const { promise: late, resolve } = Promise.withResolvers<DirectoryAnswer>()
      const timer = setTimeout(resolve, remainingMs, 'unavailable')
      return Promise.race([asked, late]).finally(() => clearTimeout(timer))
    },
  }
}

/** What is wrong with a URL template; undefined if it is valid. */
export function checkDirectoryUrl(template: string): string | undefined {
  const [one, other] = ['a', 'b'].map(text => template.replaceAll(PLACEHOLDER, text))
  if (!URL.canParse(one as string))
    return 'must be an absolute URL, for example https://directory.example/departments/{value}'
  const [first, second] = [new URL(one as string), new URL(other as string)]
  if (!/^https?:$/.test(first.protocol)) return 'must be an http or https URL'
  if (first.origin !== second.origin || first.username !== '' || first.password !== '') {
    return 'must have its placeholders after the host, and credentials in the header setting'
  }
  if (first.href === second.href) return 'must contain {value} or {userId}'
  return undefined
}

const PLACEHOLDER = /\{(?:value|userId)\}/g

/**
 * The URL of one lookup. Undefined if this value cannot have one: it is empty, too long, no Unicode text, or `.` or
 * `..`, which address another resource in every encoding.
 */
function addressOf(template: string, value: string, userId: string | undefined): string | undefined {
  const parts: Record<string, string | undefined> = { '{value}': value, '{userId}': userId }
  const named = template.match(PLACEHOLDER) ?? []
  const isAddressable = (text: string | undefined) =>
    text !== undefined &&
    text !== '' &&
    text.length <= MAX_VALUE_LENGTH &&
    text.isWellFormed() &&
    !/^\.{1,2}$/.test(text)
  if (!named.every(name => isAddressable(parts[name]))) return undefined
  return template.replaceAll(PLACEHOLDER, name => encodeURIComponent(parts[name] as string))
}

/** The strings and numbers at a JSON pointer; empty if it points nowhere. */
function textsAt(pointer: string, document: unknown): string[] {
  let at = document
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return []
    at = (at as Record<string, unknown>)[key]
  }
  return (Array.isArray(at) ? at : [at])
    .filter(item => typeof item === 'string' || typeof item === 'number')
    .map(String)
}
