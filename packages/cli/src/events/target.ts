import { ENDPOINT_AUTHENTICATION_PROPERTIES, type EndpointAuthentication } from '@preflow/contract'
import { UsageError } from '../command.ts'
import type { Target } from './action-call.ts'

/** The options and variables that name an extension and the credentials of the platform. */
export interface TargetOptions {
  url: string | undefined
  auth?: string | undefined
  sign?: readonly string[] | undefined
}

/**
 * Reads the options and variables. An option takes precedence over its variable.
 *
 * @throws {UsageError} If one is invalid. The message does not repeat a secret.
 */
export function readTarget(words: TargetOptions, env: Readonly<Record<string, string | undefined>>): Target {
  const { url, sign } = words
  if (url === undefined) throw new UsageError('The address of the extension is missing.')
  const parsed = URL.parse(url)
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new UsageError(`${url}: is not an absolute http or https URL. Write it like http://127.0.0.1:8080/hook.`)
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new UsageError('No platform sends credentials that are part of a URL. Use --auth instead.')
  }
  const auth = words.auth ?? (env['PREFLOW_AUTH'] || undefined)
  const signingSecrets = sign ?? (env['PREFLOW_SIGN'] ? env['PREFLOW_SIGN'].split(',') : [])
  if (!signingSecrets.every(secret => /^whsec_[A-Za-z0-9+/]{16,}={0,2}$/.test(secret))) {
    throw new UsageError('A signing secret is whsec_ followed by base64 of 24 to 64 random bytes.')
  }
  return {
    url,
    authentication: auth === undefined ? { type: 'NONE' } : readAuthentication(auth),
    signingSecrets,
  }
}

/** Removes the credentials, in case an extension repeated them. */
export function withoutSecrets(text: string, { authentication, signingSecrets }: Target): string {
  const { properties = {} } = authentication as { properties?: Record<string, string> }
  const secrets = [
    ...signingSecrets,
    ...Object.entries(properties).flatMap(([name, value]) => (PUBLIC_PROPERTIES.has(name) ? [] : value)),
  ]
  return secrets
    .flatMap(secret => (secret.length < LONG ? secret : [secret, secret.slice(0, -1)]))
    .reduce(
      (shown, secret) => shown.replaceAll(secret, HIDDEN).replaceAll(JSON.stringify(secret).slice(1, -1), HIDDEN),
      text,
    )
}

/** A document as JSON, without the credentials in its strings. It stays valid JSON with any credential. */
export function jsonWithoutSecrets(document: object, target: Target): string {
  const hide = (_: string, value: unknown) => (typeof value === 'string' ? withoutSecrets(value, target) : value)
  return `${JSON.stringify(document, hide, 2)}\n`
}

const PUBLIC_PROPERTIES: ReadonlySet<string> = new Set(
  Object.values(ENDPOINT_AUTHENTICATION_PROPERTIES).flatMap(({ shown }) => shown),
)
const HIDDEN = '<credential>'
/**
 * For secrets of at least this length, a prefix without the last character is hidden as well: the verifier sends wrong
 * credentials that differ only there.
 */
const LONG = 8

const readers: Readonly<Record<string, (rest: string) => EndpointAuthentication | undefined>> = {
  none: () => ({ type: 'NONE' }),
  basic: rest => {
    const [, username, password] = /^([^:]+):(.+)$/s.exec(rest) ?? []
    return username && password ? { type: 'BASIC', properties: { username, password } } : undefined
  },
  bearer: accessToken => (accessToken ? { type: 'BEARER', properties: { accessToken } } : undefined),
  'api-key': rest => {
    const [, header, value] = /^([\w-]+)=(.+)$/s.exec(rest) ?? []
    return header && value ? { type: 'API_KEY', properties: { header, value } } : undefined
  },
}

function readAuthentication(word: string): EndpointAuthentication {
  const [, scheme = '', rest = ''] = /^([a-z-]+):?(.*)$/s.exec(word) ?? []
  const read = Object.hasOwn(readers, scheme) ? readers[scheme]?.(rest) : undefined
  if (!read) {
    throw new UsageError(
      'The credentials must be basic:USER:PASSWORD, bearer:TOKEN or api-key:HEADER=VALUE (in --auth or PREFLOW_AUTH).',
    )
  }
  return read
}
