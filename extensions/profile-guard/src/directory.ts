import { createAnswers, fetchGet, foldText, type HttpGet } from '@preflow/policies'

/** How a directory is asked whether a value exists. */
export interface DirectoryOptions {
  /**
   * An http or https URL with `{value}`, `{userId}` or both; each is URL-encoded.
   * `https://directory.example/departments/{value}`
   */
  url: string
  /** Sent with every look-up, for example `authorization: Bearer …`. */
  header?: { name: string; value: string }
  /** Statuses that mean: there is one. Default 200. */
  foundStatuses?: readonly number[]
  /** Statuses that mean: there is none. Default 404. Any other status means that the directory does not know. */
  absentStatuses?: readonly number[]
  /**
   * JSON pointer (RFC 6901) into the answer. What it points at must equal the value, or be a list that contains it.
   * Default: the status alone decides.
   */
  pointer?: string
  /** Milliseconds for one look-up, from connecting to the last byte. Default 1500. */
  timeoutMs?: number
  /** Seconds that an answer is reused; that there is none, 30 at most. Default 300. */
  cacheSeconds?: number
}

/** `unavailable`: the directory could not be asked, or did not say. */
export type DirectoryAnswer = 'known' | 'unknown' | 'unavailable'

export interface Directory {
  /**
   * Whether every one of the values exists. Never rejects.
   *
   * @param call.remainingMs Milliseconds after which this caller waits no more; a look-up that others wait for goes on.
   */
  knows(values: readonly string[], userId: string | undefined, call: { remainingMs: number }): Promise<DirectoryAnswer>
}

/** What a directory said about one URL. `texts` is what the pointer leads to, when there is a pointer. */
type Finding = { isFound: false } | { isFound: true; texts?: readonly string[] }

/** Longer is no answer about one value. */
const MAX_ANSWER_BYTES = 1_048_576
const MAX_CACHED_ANSWERS = 10_000
const MAX_ABSENT_SECONDS = 30
/** A longer value is unknown without asking, and so is a longer list: each value is a request. */
const MAX_VALUE_LENGTH = 256
const MAX_VALUES = 20

/**
 * Prepares look-ups over HTTP. Answers are cached, and callers who wait for the same one share one request. Redirects are
 * not followed: they would carry the value and the header elsewhere.
 *
 * @param ports.get Default: over `fetch`.
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
        // Whatever went wrong (connection, time, status, text that is no JSON), the directory did not say. What it said
        // instead is not reported: an error page may repeat the value.
        (): DirectoryAnswer => 'unavailable',
      )
      const { promise: late, resolve } = Promise.withResolvers<DirectoryAnswer>()
      const timer = setTimeout(resolve, remainingMs, 'unavailable')
      return Promise.race([asked, late]).finally(() => clearTimeout(timer))
    },
  }
}

/** What is wrong with a URL template; undefined when nothing is. */
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
 * The URL of one look-up; undefined when none can be about this value: it is empty, too long, no Unicode text, or `.` or
 * `..`, which mean another resource however they are encoded.
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

/** The texts and numbers a JSON pointer leads to; none when it leads nowhere. */
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
